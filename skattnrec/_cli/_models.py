"""The recommenders by the names that the command line gives them."""

from __future__ import annotations

from ..attention import (
    AttentionRecommender,
    MultiHeadAttentionRecommender,
    SequentialAttentionRecommender,
)
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
    "sequential": SequentialAttentionRecommender,
}


def make_model(name: str, random_state: int) -> BaseRecommender:
    """Make a recommender with its defaults, seeded if it draws.

    Examples
    --------
    >>> from skattnrec._cli._models import make_model
    >>> make_model("als", random_state=0)
    ALSFactorizer(random_state=0)
    """
    model = MODELS[name]()
    return model.set_params(random_state=random_state) if _draws(model) else model


def _draws(model: BaseRecommender) -> bool:
    return "random_state" in model.get_params()
