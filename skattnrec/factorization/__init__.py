"""Recommenders that describe users and items by a few numbers each."""

from ._als import ALSFactorizer

__all__ = ["ALSFactorizer"]
