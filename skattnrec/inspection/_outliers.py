"""``attention_outliers``: ratings that the rest of the history does not bear out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import KFold, check_cv

from .._kernels.entries import rows_of_entries
from .._kernels.means import damped_means
from .._names import labelled
from ._histories import Histories
from ._parameters import checked

__all__ = ["attention_outliers"]

_COPIED = 2**23  # numbers held at a time in copies of histories, each short of one entry
_DAMPING = 10  # a mean of n values is pulled to 0 as if by so many more
_ROUNDS = 5  # of removing means of users and items in turn
_SMALL = 0.05  # quantile of the votes below which their scale is linear


@checked(method={"leave_one_out", "in_place"})
def attention_outliers(
    estimator: Any,
    X: Any,
    *,
    method: str = "leave_one_out",
    cv: Any = None,
    timestamps: Any = None,
    user_features: Any = None,
) -> pd.DataFrame:
    r"""Rank ratings by how badly they fit the votes of the rest of their history.

    Every entry of a history is scored by the other entries. An item rated high that gets few
    votes, or rated low that gets many, does not fit: it may be a slip, a gift bought for somebody
    else, another person on the same account, or a fake.

    Parameters
    ----------
    estimator : object
        A recommender; fitted, unless ``cv`` is given.
    X : {array-like, sparse matrix} of shape (n_users, n_items)
        Histories.
    method : {"leave_one_out", "in_place"}, default="leave_one_out"
        How an entry is scored. "leave_one_out": by the history without it, for any model.
        "in_place": by the whole history, which takes a single prediction for each user; about the
        same where no item votes for itself, as in the attention recommenders and
        :class:`~skattnrec.ItemItemCF`.
    cv : int, splitter or iterable of (train, test), default=None
        Score each user by a model fitted on other users, in folds of users. A model fitted on the
        ratings it is to judge has learned some of the outliers. Each user has to be in one test
        part. None takes the estimator as it is.
    {times}

    Returns
    -------
    DataFrame with a row for each entry of X, the strongest outlier first
        ``user``, ``item``: row and column, or their labels in a DataFrame; ``rating``; ``votes``:
        the score that the rest of the history gives the item; ``support``: the same on a
        logarithmic scale; ``expected``: the rating to expect; ``surprise``: ``rating`` less
        ``expected``, of which ``outlierness`` is the absolute value. Where all ratings are the
        same there is no rating to expect: then ``outlierness`` is how much less support an entry
        has than others of the user and the item, and ``surprise`` its negative.

    Raises
    ------
    ValueError
        If there are no entries, some users are in no test part or in several, or as ``predict``
        does.

    Notes
    -----
    Votes s become supports :math:`p = \operatorname{arsinh}(s / s_0)`, with the 5 % quantile
    :math:`s_0` of their absolute values. Ratings r and supports are each reduced by damped means of
    users and items, which leaves :math:`\tilde r` and :math:`\tilde p`. The expected rating is r
    less the residual of a regression through the origin,

    .. math:: \tilde r_{uj} - \rho \, \tilde p_{uj}, \qquad
        \rho = \frac{\sum \tilde r \tilde p}{\sum \tilde p^2}.

    Examples
    --------
    >>> from skattnrec import AttentionRecommender
    >>> from skattnrec.datasets import make_interactions
    >>> from skattnrec.inspection import attention_outliers
    >>> X = make_interactions(200, 60, n_interactions=4000, random_state=0).X
    >>> first = X[0, X[[0]].indices[0]]
    >>> X[0, X[[0]].indices[0]] = 6 - first  # a slip of the first user
    >>> outliers = attention_outliers(AttentionRecommender(), X, cv=5)
    >>> outliers.columns.tolist()
    ['user', 'item', 'rating', 'votes', 'support', 'expected', 'surprise', 'outlierness']
    """
    histories = Histories.of(X, timestamps, user_features)
    known = histories.X
    if not known.nnz:
        raise ValueError("All histories are empty: there is nothing to judge.")
    users = rows_of_entries(known.indptr)
    votes = np.empty(known.nnz)
    for model, rows in _judges(estimator, histories, cv):
        part = histories.rows(rows)
        if method == "leave_one_out":
            judged = _leave_one_out(model, part)
        else:
            judged = part.scores(model, rows_of_entries(part.X.indptr), part.X.indices)
        votes[np.isin(users, rows)] = judged
    support = _compress(votes)
    p = _without_means(support, users, known.indices, known.shape)
    ratings = known.data.astype(np.float64)
    if np.ptp(ratings) == 0:
        surprise, outlierness = p, -p
        expected = ratings
    else:
        r = _without_means(ratings, users, known.indices, known.shape)
        slope = float(r @ p) / float(p @ p) if p.any() else 0.0
        surprise = r - slope * p
        expected, outlierness = ratings - surprise, np.abs(surprise)
    table = pd.DataFrame({"user": labelled(users, X, axis=0)})
    table["item"] = labelled(known.indices, X, axis=1)
    table["rating"], table["votes"], table["support"] = known.data, votes, support
    table["expected"], table["surprise"], table["outlierness"] = expected, surprise, outlierness
    return table.sort_values("outlierness", ascending=False, kind="stable", ignore_index=True)


def _judges(estimator: Any, histories: Histories, cv: Any) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield fitted models and the rows, ascending, that each is to judge."""
    rows = np.arange(histories.X.shape[0])
    if cv is None:
        yield estimator, rows
        return
    if isinstance(cv, (int, np.integer)):
        cv = KFold(cv, shuffle=True, random_state=0)
    folds = [(rows[train], rows[test]) for train, test in check_cv(cv).split(histories.X)]
    if not np.array_equal(np.sort(np.concatenate([test for _, test in folds])), rows):
        raise ValueError(f"cv={cv!r} must put each of the {len(rows)} users in one test part.")
    for train, test in folds:
        learned = histories.rows(train)
        with config_context(enable_metadata_routing=bool(learned.metadata) or None):
            model = clone(estimator).fit(learned.given, **learned.metadata)
        yield model, np.sort(test)


def _leave_one_out(model: Any, histories: Histories) -> np.ndarray:
    """Scores of the stored entries by the rest of their history."""
    X = histories.X
    lengths = np.diff(X.indptr).astype(np.int64)
    size = lengths if histories.columns is None else X.shape[1]  # of a copy in memory
    copied = np.cumsum(lengths * size) // _COPIED
    starts = np.flatnonzero(np.diff(copied, prepend=-1))
    votes = []
    for start, stop in zip(starts, [*starts[1:], X.shape[0]], strict=True):
        fewer = histories.rows(np.arange(start, stop)).without_each_entry()
        items = X.indices[X.indptr[start] : X.indptr[stop]]
        votes.append(fewer.scores(model, np.arange(len(items)), items))
    return np.concatenate(votes)


def _compress(votes: np.ndarray) -> np.ndarray:
    """Votes on a scale that is logarithmic but around 0, where the smallest of them lie."""
    unit = float(np.quantile(np.abs(votes), _SMALL)) or float(np.abs(votes).mean()) or 1.0
    return np.arcsinh(votes / unit)


def _without_means(
    values: np.ndarray, users: np.ndarray, items: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Remove the overall mean and damped means of items and users."""
    rest = values - values.mean()
    for _ in range(_ROUNDS):
        for groups, n_groups in ((items, shape[1]), (users, shape[0])):
            rest = rest - damped_means(groups, rest, n_groups, _DAMPING)[groups]
    return rest
