"""From tables of interactions to matrices of histories, and back."""

from ._interactions import InteractionEncoder

__all__ = ["InteractionEncoder"]
