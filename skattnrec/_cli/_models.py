"""The recommenders by the names that the command line gives them."""

from __future__ import annotations

from typing import Any

from ..attention import AttentionRecommender, MultiHeadAttentionRecommender
from ..base import BaseRecommender
from ..baseline import PopularityRecommender
from ..factorization import ALSFactorizer
from ..neighbors import ItemItemCF, UserUserCF

__all__ = ["MODELS", "make_model"]

MODELS: dict[str, type[BaseRecommender]] = {
    "popularity": PopularityRecommender,
    "item-item": ItemItemCF,
    "user-user": UserUserCF,
    "als": ALSFactorizer,
    "attention": AttentionRecommender,
    "multi-head": MultiHeadAttentionRecommender,
}


def make_model(
    name: str, *, relevance_threshold: float | None = None, random_state: int = 0
) -> BaseRecommender:
    """Make a recommender with its defaults, told what counts as liked if it wants to know.

    Examples
    --------
    >>> from skattnrec._cli._models import make_model
    >>> make_model("attention", relevance_threshold=4)
    AttentionRecommender(relevance_threshold=4)
    """
    model = MODELS[name]()
    settings: dict[str, Any] = {
        "relevance_threshold": relevance_threshold,
        "random_state": random_state,
    }
    return model.set_params(**{n: settings[n] for n in settings if n in model.get_params()})
