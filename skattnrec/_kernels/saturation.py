r"""Counts of any unit as bounded amounts: how much, compared with what is typical.

.. math:: x = \frac{3 r}{r + 2 m}

with m the median of the positive ratings. A typical rating becomes 1, half of it .6, and none more
than 3: neither the unit of the ratings nor a few very large ones matter. The curve is that of BM25
(S. Robertson, H. Zaragoza, "The probabilistic relevance framework: BM25 and beyond", 2009).
"""

from __future__ import annotations

import numpy as np

__all__ = ["saturate", "typical_value"]

_HALFWAY = 2.0  # the rating, in typical ones, that counts half of what any can count at most


def typical_value(ratings: np.ndarray) -> float:
    """Median of the positive ratings; 1 without any."""
    positive = ratings[ratings > 0]
    return float(np.median(positive.astype(np.float64))) if positive.size else 1.0


def saturate(ratings: np.ndarray, typical: float) -> np.ndarray:
    """Bounded amounts of non-negative ratings, (n,), in their dtype."""
    relative = ratings.astype(np.float64) / typical
    with np.errstate(over="ignore", divide="ignore"):
        amounts = (1 + _HALFWAY) / (1 + _HALFWAY / relative)
    return amounts.astype(ratings.dtype)
