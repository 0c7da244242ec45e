"""What a model can be asked and told, whatever it is: every method that takes histories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["answers", "verbs"]

_QUESTIONS = (
    "predict", "recommend", "score", "explain", "transform", "predict_proba", "attention_weights",
    "similar_users",
)  # fmt: skip
_LESSONS = ("partial_fit", "forget")


def verbs(model: Any) -> dict[str, Callable[..., Any]]:
    """Collect the methods of a fitted model that take histories; ``explain`` gets the first one.

    They raise ``NotImplementedError`` where they are there in name only.
    """
    found = {name: getattr(model, name) for name in _QUESTIONS + _LESSONS if hasattr(model, name)}
    explain = found.pop("explain", None)
    if explain is not None:
        found["explain"] = lambda X: explain(X if X.shape[0] == 1 else X[:1], [0])
    if hasattr(model, "sample"):
        found["sample"] = lambda X: model.sample(X, 0)
    return found


def answers(model: Any, X: Any, **metadata: Any) -> tuple[np.ndarray, ...]:
    """Ask a model what every model can answer, to compare the answers bit for bit."""
    lists = model.recommend(X, 5, **metadata)
    return (np.array(model.predict(X, **metadata)), *lists, *model.similar_items([0, 1, 2], 3))
