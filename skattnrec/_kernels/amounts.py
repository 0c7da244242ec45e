r"""Ratings of any unit as bounded amounts: how much, compared with what is typical.

.. math:: a = \min(r / m, \, 2)

with m the median of the positive ratings. So neither the unit of the ratings nor a few very large
ones matter: counts, stars and scales of 0 to 100 are fine alike.
"""

from __future__ import annotations

import numpy as np

__all__ = ["amounts", "typical_value"]

_MOST = 2.0  # of a typical rating


def typical_value(ratings: np.ndarray) -> float:
    """Median of the positive ratings; 1 without any."""
    positive = ratings[ratings > 0]
    return float(np.median(positive.astype(np.float64))) if positive.size else 1.0


def amounts(ratings: np.ndarray, typical: float) -> np.ndarray:
    """Non-negative ratings in units of a typical one, (n,), in their dtype."""
    with np.errstate(over="ignore"):
        relative = ratings.astype(np.float64) / typical
    return np.minimum(relative, _MOST).astype(ratings.dtype)
