"""Look inside recommenders: explanations, attention, and pictures of both."""

from ._explain import explain

__all__ = ["explain"]
