"""Numbers of any unit as distances from their centre in spreads, which odd ones do not move."""

from __future__ import annotations

import numpy as np

__all__ = ["in_spreads", "spread_of"]

_TAIL = 0.05  # of the numbers at either end, which count as the innermost of them in the spread


def spread_of(numbers: np.ndarray) -> tuple[float, float]:
    """Find the centre and the spread of numbers, which one odd number does not move.

    Parameters
    ----------
    numbers : ndarray of shape (n,)
        Finite.

    Returns
    -------
    center : float
        Their median; 0 where there are none.
    spread : float
        Standard deviation of the numbers, the lowest and the highest 5 % of them moved to where
        the others end; where that is 0, their mean absolute distance from the centre; and 1 where
        all numbers are equal.
    """
    if not len(numbers):
        return 0.0, 1.0
    unit = 2.0 ** np.frexp(np.abs(numbers).max())[1].clip(-1000, 1000)
    scaled = numbers.astype(np.float64) / unit  # nothing overflows below, and nothing is rounded
    low, center, high = np.quantile(scaled, [_TAIL, 0.5, 1 - _TAIL])
    spread = float(np.std(np.clip(scaled, low, high)))
    if not spread > 0 or low == high:
        spread = float(np.mean(np.abs(scaled - center)))
    return float(center * unit), float(spread * unit) if spread > 0 else 1.0


def in_spreads(numbers: np.ndarray, center: float, spread: float, farthest: float) -> np.ndarray:
    """Give numbers as distances from the centre in spreads, in float64, none farther than some."""
    half = max(spread / 2, np.nextafter(0.0, 1.0))  # of the smallest number there is, 0
    with np.errstate(over="ignore"):  # infinite is far
        distances = (numbers.astype(np.float64) / 2 - center / 2) / half
    return distances.clip(-farthest, farthest, out=distances)
