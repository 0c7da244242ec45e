r"""The votes of cold items: learned from the features of the items that are known.

Items are as like as their features, in any mix of tags t (rows of length 1) and numbers z (in
spreads, m of them):

.. math::

    K_{ij} = \exp\left(t_i^\top t_j - 1 - \tfrac{3}{m} \|z_i - z_j\|^2\right)

A ridge regression on these features of items, of any order, finds what a cold item's votes follow
from those of the warm items W,

.. math::

    V_{jc} = \sum_{w \in W} \left(V_{jw} + \tfrac{1}{10} \delta_{jw}\right) S_{wc},
    \qquad S = (K_{WW} + \rho D^{-1})^{-1} K_{WC}

where the votes of an item count by the square root of its number of ratings (D, of mean 1), as
those of rarely rated items are noisy. How much features tell is learned: with b the slope of the
regression of cosines between the votes for two warm items on the likeness of the two, over all
pairs, :math:`\rho = (1 - b) / (3 b)`, in [0.5, 50]; with fewer than 8 warm items it is 0.5.

A ridge shrinks what it predicts towards what all items have in common: cold items would be too
alike to be listed among others. With the mean likeness to each warm item :math:`\bar k` and
:math:`\bar s = (K_{WW} + \rho D^{-1})^{-1} \bar k`, the columns of S become

.. math::

    \bar s + \varphi \, (S_c - \bar s), \qquad
    \varphi = \frac{1 - \operatorname{mean} K_{WW}}
        {\operatorname{mean}_c \, (K_{Wc} - \bar k)^\top (S_c - \bar s)}

with one :math:`\varphi` in [1, 3] for all, so that cold items differ from each other as much as the
likeness of warm ones says; their order among themselves stays.

A tenth of a vote for themselves, which warm items never cast, is lent with the others: who has the
lender is a little likelier to want what is like it. A cold item's score is a mixture of scores of
warm items, on one scale with them.

Monteil et al., MARec: metadata alignment for cold-start recommendation, RecSys 2024, aligns
likeness by metadata with co-occurrence in closed form; Pahikkala et al., A two-step learning
approach for solving full and almost full cold start problems in dyadic prediction, ECML 2014, has
the kernel regression.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from .._features import FeatureScaling, unit_rows
from .._kernels._blas import blas_threads_for

__all__ = ["Lending", "Likeness", "learn_ridge", "lend_votes", "own_votes"]

_TAGS = 1.0  # how fast likeness falls with what tags do not share; chosen on validation data
_NUMBERS = 3.0  # likewise with the mean squared distance of numbers
_RIDGES = 0.5, 50.0  # the range of rho
_CAUTION = 1 / 3  # factor of rho; chosen on validation data, flat between .2 and 1
_FEWEST = 8  # warm items that tell a slope; of fewer, what features say is believed
_COMPARED = 1500  # warm items, at most, whose votes and features are compared
_SPREADS = 1.0, 3.0  # the range of phi
_OWN = 0.1  # vote of an item for itself, of all heads together
MOST_LENDERS = 16_000  # warm items that the regression learns from, the most rated ones


@dataclass(frozen=True)
class Likeness:
    """How like items are.

    Attributes
    ----------
    tags : csr_array of shape (n_items, d)
        Rows of length 1, or empty.
    numbers : ndarray of shape (n_items, m)
        Scaled so that squared distances are means over the columns.
    """

    tags: sp.csr_array
    numbers: np.ndarray

    @classmethod
    def of(cls, features: sp.csr_array, scaling: FeatureScaling) -> Likeness:
        """Set up likeness from scaled features, (n_items, d)."""
        table = sp.csc_array(features)
        is_number = scaling.is_number & (scaling.sizes > 0)
        tags = unit_rows(sp.csr_array(table[:, np.flatnonzero(~is_number)]))
        numbers = table[:, np.flatnonzero(is_number & (np.diff(table.indptr) > 0))].toarray()
        return cls(tags, numbers / np.sqrt(max(numbers.shape[1], 1)))

    def between(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Likeness K of items, (len(rows), len(columns)), in (0, 1]."""
        exponent = np.zeros((len(rows), len(columns)))
        if self.tags.nnz:
            exponent += (self.tags[rows] @ self.tags[columns].T).toarray()
            exponent -= 1
            exponent *= _TAGS
        if self.numbers.shape[1]:
            a, b = self.numbers[rows], self.numbers[columns]
            squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * (a @ b.T)
            exponent -= _NUMBERS * np.maximum(squares, 0)
        return np.exp(exponent, out=exponent)


@dataclass(frozen=True)
class Lending:
    """Who lends votes to whom.

    Attributes
    ----------
    cold, warm : ndarray of int
        Item columns: the items without votes of their own, and those that lend.
    shares : ndarray of shape (len(cold), len(warm))
        S', what each cold item is made of.
    """

    cold: np.ndarray
    warm: np.ndarray
    shares: np.ndarray

    def mix(self, values: np.ndarray, least: float = -np.inf) -> np.ndarray:
        """Give cold items their mixture of the warm items' values along the last axis: a copy."""
        mixed = values.copy()
        shares = self.shares.astype(values.dtype, copy=False)
        mixed[..., self.cold] = np.maximum(values[..., self.warm] @ shares.T, least)
        return mixed


def lend_votes(
    likeness: Likeness, item_counts: np.ndarray, cosines: Callable[[np.ndarray], np.ndarray]
) -> Lending | None:
    """Solve for S of the module docstring.

    Parameters
    ----------
    likeness : Likeness
    item_counts : ndarray of shape (n_items,)
        Number of known ratings of each item; the cold ones have none.
    cosines : callable
        Gives the cosines between the votes for some items, (n, n), by their columns.

    Returns
    -------
    Lending or None
        None where there is nothing to lend or to borrow.
    """
    cold = np.flatnonzero(item_counts == 0)
    warm = np.flatnonzero(item_counts > 0)
    if not warm.size or not cold.size:
        return None
    if len(warm) > MOST_LENDERS:
        most_rated = np.argsort(-item_counts[warm], kind="stable")[:MOST_LENDERS]
        warm = np.sort(warm[most_rated])
    some = warm[np.linspace(0, len(warm) - 1, min(len(warm), _COMPARED)).astype(np.intp)]
    ridge = learn_ridge(likeness.between(some, some), cosines(some))
    noise = 1 / np.sqrt(item_counts[warm])
    system = likeness.between(warm, warm)
    common = system.mean(axis=0)
    system.flat[:: len(warm) + 1] += ridge * noise / noise.mean()
    with blas_threads_for(len(warm)):
        factor = scipy.linalg.cho_factor(system, lower=True, overwrite_a=True, check_finite=False)
        between = np.column_stack([common, likeness.between(warm, cold)])
        solved = scipy.linalg.cho_solve(factor, between, check_finite=False)
    shares = spread_out(between, solved, float(1 - common.mean()))
    return Lending(cold, warm, np.ascontiguousarray(shares.T))


def spread_out(likeness: np.ndarray, shares: np.ndarray, variance: float) -> np.ndarray:
    """Move shares away from common ones, phi of the module docstring.

    Parameters
    ----------
    likeness, shares : ndarray of shape (n_warm, 1 + n_cold)
        Right and left of the system; the first columns are what all items have in common.
    variance : float
        How far items are from that.

    Returns
    -------
    ndarray of shape (n_warm, n_cold)
    """
    common, apart = shares[:, :1], shares[:, 1:] - shares[:, :1]
    explained = np.einsum("wc,wc->c", likeness[:, 1:] - likeness[:, :1], apart).mean()
    factor = np.clip(variance / explained, *_SPREADS) if explained > 0 else 1.0
    return common + factor * apart


def learn_ridge(likeness: np.ndarray, cosines: np.ndarray) -> float:
    """Learn rho of the module docstring from how alike items are in both ways, each (n, n).

    Haseman and Elston, The investigation of linkage between a quantitative trait and a marker
    locus, Behavior Genetics 2(1), 1972, have the regression over pairs.
    """
    pairs = np.tril_indices(len(likeness), -1)
    x, y = likeness[pairs], cosines[pairs].astype(np.float64)
    x = x - x.mean() if x.size else x
    variance, covariance = float(x @ x), float(x @ y)
    least, largest = _RIDGES
    if len(likeness) < _FEWEST:
        return least
    if variance <= 1e-12 * len(x) or covariance <= 0:
        return largest
    return float(np.clip(_CAUTION * (variance / covariance - 1), least, largest))


def own_votes(scale: np.ndarray, target_scale: np.ndarray) -> np.ndarray:
    """Votes of items for themselves, as they are lent, (n_heads, n_items).

    Parameters
    ----------
    scale : ndarray of shape (n_items, n_heads)
        What the columns of C are multiplied with.
    target_scale : ndarray of shape (n_items,)
        What the votes for each item are multiplied with.
    """
    return _OWN / scale.shape[1] * scale.T * target_scale
