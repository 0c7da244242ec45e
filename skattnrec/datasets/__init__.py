"""Data sets: a toy, a generator, and MovieLens."""

from ._books import load_books
from ._generate import make_interactions
from ._movielens import fetch_movielens

__all__ = ["fetch_movielens", "load_books", "make_interactions"]
