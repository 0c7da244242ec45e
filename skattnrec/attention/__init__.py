"""Attention: as pure functions, and as recommenders that learn in closed form."""

from ._multi_head import MultiHeadAttentionRecommender
from ._rating import AttentionRatingPredictor
from ._sequence import SequentialAttentionRecommender
from ._set import AttentionRecommender
from .functional import causal_mask, multi_head_attention, scaled_dot_product_attention

__all__ = [
    "AttentionRatingPredictor",
    "AttentionRecommender",
    "MultiHeadAttentionRecommender",
    "SequentialAttentionRecommender",
    "causal_mask",
    "multi_head_attention",
    "scaled_dot_product_attention",
]
