"""Data sets: a toy, a generator, and MovieLens."""

from ._books import load_books
from ._generate import make_interactions

__all__ = ["load_books", "make_interactions"]
