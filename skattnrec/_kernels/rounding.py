"""What is left of a difference of two numbers of one size when they are equal: rounding.

Rounding must not be taken for taste: whatever is divided by its own length afterwards, as in a
cosine, would make a difference of 1e-17 as large as any other.
"""

from __future__ import annotations

import numpy as np

__all__ = ["negligible", "rounding", "without_rounding"]

_OPERATIONS = {4: 2.0**3, 8: 2.0**16}  # by item size; sums are made in float64


def rounding(dtype: np.typing.DTypeLike) -> float:
    """Size, relative to the numbers themselves, below which a difference of them is rounding.

    A value of float32 is known to 6e-8 of it and sums are made in float64, so a few such errors
    are all; float64 has the errors of the sums themselves, which grow with their length.
    """
    dtype = np.dtype(dtype)
    return float(_OPERATIONS[dtype.itemsize] * np.finfo(dtype).eps)


def negligible(dtype: np.typing.DTypeLike) -> float:
    """Size below which a cosine of vectors with elements of either sign is rounding."""
    return 10 * rounding(dtype)


def without_rounding(
    differences: np.ndarray, sizes: np.ndarray | float, dtype: np.typing.DTypeLike
) -> np.ndarray:
    """Set differences to exactly 0 that are rounding, in place.

    Parameters
    ----------
    differences : ndarray of shape (n,)
    sizes : ndarray of shape (n,) or float
        How large the numbers are that were subtracted.
    dtype : dtype
        What these numbers are known in: float32 or float64.

    Returns
    -------
    ndarray of shape (n,)
        ``differences``.
    """
    differences[np.abs(differences) <= rounding(dtype) * sizes] = 0
    return differences
