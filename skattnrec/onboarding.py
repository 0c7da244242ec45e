r"""Onboarding: which questions to ask a new user, and which next, given the answers.

Let y say which items a user knows. Its covariance S follows from the sums over users that an
attention recommender keeps. An answer about item j changes a linear guess of the others by a mean
square of

.. math:: c_j = \frac{\sum_{i \neq j} S_{ij}^2}{S_{jj} + \epsilon_j},

which is the expected reduction of its squared error; an answer is a noisy one, of variance
:math:`\epsilon_j = 2 S_{jj}`. People can tell what they think only of items they know: with the
relevance :math:`\mu_j` that the model expects of item j, given the features of the user and the
answers so far, the next question is the one with the largest

.. math:: \mu_j \sqrt{c_j}.

After it, whatever the answer, no question asks for the same again, as

.. math:: S \leftarrow S - \frac{S_{\cdot j} S_{j \cdot}}{S_{jj} + \epsilon_j}.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp

from ._compat import Interval, validate_params
from ._scores import model_of
from ._structure import canonical_csr, check_structure
from ._validation import as_interactions, check_cutoff

__all__ = ["onboarding_items"]

_NOISE = 2.0  # variances of an item; chosen on validation users
_LEAST = 1e-9  # relevance that may be expected


@validate_params(
    {"n_candidates": [Interval(Integral, 1, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def onboarding_items(
    estimator: Any,
    k: int = 5,
    *,
    answers: Any = None,
    asked: Any = None,
    timestamps: Any = None,
    user_features: Any = None,
    n_candidates: int = 300,
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the items to ask new users about: those whose ratings tell most.

    Parameters
    ----------
    estimator : object
        A fitted attention recommender that ranks items, whose ``statistics_`` were not dropped; or
        a pipeline or search with one.
    k : int, default=5
        How many questions to ask now. Ask one at a time to have each follow from the answers.
    answers : {array-like, sparse matrix} of shape (n_rows, n_items), default=None
        Ratings that were given so far. None: one user who gave none.
    asked : {array-like, sparse matrix} of shape (n_rows, n_items), default=None
        Not 0 where a user was asked already, answered or not. Items with an answer need not be
        told.
    timestamps : {array-like, sparse matrix} of shape (n_rows, n_items), default=None
        The time of every answer, for models that need it.
    user_features : {array-like, sparse matrix} of shape (n_rows, d), default=None
        What is known of the users, if the model was fitted with it.
    n_candidates : int, default=300
        How many items to choose from, and to learn about: the best known.

    Returns
    -------
    items : ndarray of shape (n_rows, k), intp
        Item columns, in the order in which to ask; -1 where nothing is left to ask.
    gains : ndarray of shape (n_rows, k)
        How much each question is expected to tell: the root of the reduction of squared error,
        times the expected relevance; NaN where the item is -1.

    Raises
    ------
    TypeError
        If the model keeps no sums over users.
    ValueError
        If its sums were dropped, or the shapes do not fit.

    Notes
    -----
    The questions that most people can answer are not those that tell most: whoever knows what all
    know says little. The module has the formulas.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import AttentionRecommender, onboarding_items
    >>> rng = np.random.default_rng(0)
    >>> taste = rng.integers(2, size=200)  # of two kinds of users; all know item 0
    >>> known = rng.random((200, 9)) < np.where(np.arange(9) % 2 == taste[:, None], 0.6, 0.05)
    >>> known[:, 0] = True
    >>> model = AttentionRecommender().fit(known * 4.0)
    >>> items, _ = onboarding_items(model, k=2)
    >>> 0 in items
    False
    """
    model = model_of(estimator)
    k = check_cutoff(k)
    statistics = _statistics_of(model)
    answered, told = _asked_so_far(answers, asked, user_features, statistics.n_items)
    if timestamps is None and answered.nnz == 0 and model._needs_times():
        timestamps = answered
    X, context = model._validate(answered, timestamps, user_features, reset=False)
    n_rows = X.shape[0]
    known = np.argsort(-statistics.item_counts, kind="stable")[:n_candidates]
    columns = np.unique(np.concatenate([known, X.indices, told.indices]))
    covariance = _covariance(statistics, columns, model.relevance_threshold is None)
    variances = np.diagonal(covariance)
    noise = _NOISE * np.maximum(variances, 1e-6 * variances.max()) + np.finfo(float).tiny
    may_ask = np.isin(columns, known) & (statistics.item_counts[columns] > 0)
    items = np.full((n_rows, k), -1, np.intp)
    gains = np.full((n_rows, k), np.nan)
    for row in range(n_rows):
        user = context.of_rows(X, np.array([row]))
        expected = np.maximum(model._expect(*user)[0, columns], _LEAST)
        left = covariance.copy()
        is_open = may_ask.copy()
        for item in np.union1d(X.indices[_of_row(X, row)], told.indices[_of_row(told, row)]):
            place = int(np.searchsorted(columns, item))
            is_open[place] = False
            _take_away(left, place, noise)
        for turn in range(min(k, int(is_open.sum()))):
            worth = np.where(is_open, expected * _sizes(left, noise), -np.inf)
            place = int(np.argmax(worth))
            items[row, turn], gains[row, turn] = columns[place], worth[place]
            is_open[place] = False
            _take_away(left, place, noise)
    return items, gains


def _take_away(covariance: np.ndarray, place: int, noise: np.ndarray) -> None:
    """Take what a question tells away from what is left to be told, in place."""
    column = covariance[:, place].copy()
    covariance -= np.outer(column, column / (max(column[place], 0.0) + noise[place]))


def _sizes(covariance: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Root of the reduction of squared error about the others by each answer, (n_columns,)."""
    variances = np.maximum(np.diagonal(covariance), 0)
    of_others = np.maximum(np.square(covariance).sum(axis=0) - variances**2, 0)
    return np.sqrt(of_others / (variances + noise))


def _asked_so_far(
    answers: Any, asked: Any, user_features: Any, n_items: int
) -> tuple[sp.csr_array, sp.csr_array]:
    """Check answers, and what was asked: two patterns of shape (n_rows, n_items)."""
    patterns = [_pattern(answers, n_items, "answers"), _pattern(asked, n_items, "asked")]
    shapes = [pattern.shape for pattern in patterns if pattern is not None]
    if len(set(shapes)) == 2:
        raise ValueError(f"answers has shape {shapes[0]}, asked has {shapes[1]}: they must agree.")
    n_rows = shapes[0][0] if shapes else 1 if user_features is None else _n_rows(user_features)
    nothing = sp.csr_array((n_rows, n_items))
    answered, told = (nothing if pattern is None else pattern for pattern in patterns)
    return answered, told


def _of_row(X: sp.csr_array, row: int) -> slice:
    return slice(X.indptr[row], X.indptr[row + 1])


def _n_rows(table: Any) -> int:
    return int(table.shape[0]) if hasattr(table, "shape") else len(table)


def _statistics_of(model: Any) -> Any:
    """Give the sums over users of a fitted model."""
    fitted = model._fitted() if hasattr(model, "_fitted") else model
    if hasattr(fitted, "statistics_"):
        return fitted.statistics_
    if hasattr(fitted, "drop_statistics"):
        raise ValueError(
            f"The statistics of this {type(model).__name__} were dropped, and questions follow "
            "from them. Use a copy from before drop_statistics()."
        )
    raise TypeError(
        f"{type(model).__name__} keeps no sums over users, from which questions follow: use "
        "AttentionRecommender, MultiHeadAttentionRecommender or SequentialAttentionRecommender."
    )


def _pattern(given: Any, n_items: int, name: str) -> sp.csr_array | None:
    if given is None:
        return None
    if not sp.issparse(given) and np.asarray(given).dtype == bool:
        given = np.asarray(given, dtype=float)
    pattern = canonical_csr(as_interactions(check_structure(given, name), name))
    if pattern.shape[1] != n_items:
        raise ValueError(f"{name} has {pattern.shape[1]} columns, the model knows {n_items} items.")
    return pattern


def _covariance(statistics: Any, columns: np.ndarray, is_graded: bool) -> np.ndarray:
    """Find the covariance of which of some items users know, long histories counting less each.

    Parameters
    ----------
    statistics : SufficientStatistics
        C'C holds ones for items that are known, times their grades, times how much a user counts.
    columns : ndarray of shape (n_columns,)
    is_graded : bool
        Whether relevance is the grade.

    Returns
    -------
    ndarray of shape (n_columns, n_columns)
    """
    grades = np.ones(len(columns))
    if is_graded:
        counts = np.maximum(statistics.item_counts[columns], 1)
        grades = np.maximum(statistics.relevance[columns] / counts, np.finfo(float).tiny)
    together = _gram_between(statistics, columns) / np.outer(grades, grades)
    shares = statistics.item_counts[columns] / max(len(statistics.rows), 1)
    means = np.diagonal(together)  # a one is its own square
    total = max(means.sum() / max(shares.sum(), 1e-9), means.max(), np.finfo(float).tiny)
    together, means = together / total, means / total
    eigenvalues, vectors = np.linalg.eigh(together - np.outer(means, means))
    return (vectors * np.maximum(eigenvalues, 0)) @ vectors.T  # the nearest that is a covariance


def _gram_between(statistics: Any, columns: np.ndarray) -> np.ndarray:
    """C'C of the first head between some items, (n_columns, n_columns), from its half."""
    indptr, indices, gram, _ = statistics.pairs
    place = np.full(statistics.n_items, -1)
    place[columns] = np.arange(len(columns))
    half = np.zeros((len(columns), len(columns)))
    for column in columns:
        part = slice(indptr[column], indptr[column + 1])
        met = place[indices[part]]
        half[place[column], met[met >= 0]] = gram[part, 0, 0][met >= 0]
    return (half + half.T) * statistics.units[0]
