"""Scores of histories by any estimator, block by block, so that memory stays small."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from .. import _scores
from ._histories import Histories

__all__ = ["scores_of_pairs", "scores_of_rows"]


def scores_of_rows(
    estimator: Any,
    histories: Histories,
    reduce: Callable[[np.ndarray, int], np.ndarray] = lambda scores, start: scores,
) -> np.ndarray:
    """Score all items, and keep what ``reduce`` makes of scores and the first row of a block."""
    form = pd.DataFrame(columns=histories.columns) if histories.columns is not None else None
    parts = _scores.scores_of_rows(estimator, form, histories.X, histories.times, reduce)
    return np.concatenate(list(parts))


def scores_of_pairs(
    estimator: Any, histories: Histories, rows: np.ndarray, items: np.ndarray
) -> np.ndarray:
    """Score item ``items[n]`` by the history in row ``rows[n]``, rows ascending."""

    def pick(scores: np.ndarray, start: int) -> np.ndarray:
        first, last = np.searchsorted(rows, [start, start + len(scores)])
        return scores[rows[first:last] - start, items[first:last]]

    return scores_of_rows(estimator, histories, pick)
