"""``aggregate_attention``: what attention goes to, by genre, by group of users, by time, by age."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.utils.validation import check_array

from .._kernels.entries import later_entries, rows_of_entries, time_order
from ._attended import attention_model, attention_shares
from ._documented import documented
from ._histories import Histories
from ._names import aligned, labels_of, name_all, name_items

__all__ = ["aggregate_attention"]

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SEASONS = ("winter", "spring", "summer", "autumn")
_CALENDAR = ("hour", "weekday", "month", "season")


@documented
def aggregate_attention(
    estimator: Any,
    X: Any,
    by: Any,
    *,
    names: Sequence[str] | None = None,
    user_groups: Any = None,
    timestamps: Any = None,
) -> pd.DataFrame:
    r"""Sum up attention over groups of history entries, and average it over users.

    Parameters
    ----------
    {attention_estimator}
    X : {array-like, sparse matrix} of shape (n_users, n_items)
        Histories; empty ones are left out.
    by : array-like, sparse matrix, str or callable
        How entries are grouped.

        - Features of shape (n_items, d), not negative: a group for each feature. An entry is
          shared out among the features of its item in proportion; "(none)" takes entries whose
          item has none.
        - Labels of shape (n_items,): a group for each label, in the order of the categories of
          a categorical; "(none)" takes missing ones. ``pandas.qcut(prices, 5)`` makes labels of
          numbers: five price bands.
        - "age": by how many entries of the user came later: 0, 1, 2-3, 4-7 and so on.
        - "hour", "weekday", "month" or "season": by the time of an entry, in seconds since
          1970-01-01 UTC. Seasons are those of the north, from December, March, June, September.
        - A function that takes the times, shape (n_entries,), and returns as many labels, such
          as ``lambda t: pandas.cut(t / 3600 % 24, [0, 6, 12, 18, 24], right=False)``.

        All but the first two need ``timestamps``. A DataFrame or Series with an index is read by
        the names of the items there, those of the columns of ``X`` or of the model.
    names : sequence of str of length d, default=None
        Names of the features; None takes the columns of a DataFrame.
    user_groups : array-like of shape (n_users,), default=None
        A label for each user, such as ``pandas.cut(ages, [0, 25, 50, 100])``. Averages are then
        made for each group of users. A Series with an index is read by the index of ``X``.
    {times}

    Returns
    -------
    DataFrame
        A row for each head, group of users (with ``user_groups``) and group of entries:
        ``head``, ``user_group``, ``group``; ``attention``, the share of attention that the group
        gets; ``history``, its share of the entries, which it would get if all had the same
        weight; ``lift``, the first divided by the second. Shares are means over users, and
        add up to 1 within a head and group of users.

    Raises
    ------
    TypeError
        If the model has no attention.
    ValueError
        If the shapes do not match, features are negative, or timestamps are missing.

    Notes
    -----
    With shares of attention :math:`a_{uj}` that sum to 1 for each user u, and the share
    :math:`m_{jg}` of entry j in group g, attention is

    .. math:: \frac{1}{n} \sum_u \sum_{j \in H(u)} a_{uj} m_{jg}.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import AttentionRecommender
    >>> from skattnrec.inspection import aggregate_attention
    >>> X = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 0, 5, 4], [1, 0, 4, 5]])
    >>> model = AttentionRecommender(1.0, smoothing=1).fit(X)
    >>> aggregate_attention(model, X[:1], ["sea", "sky", "sea", "sky"]).round(2)
       head group  attention  history  lift
    0     0   sea       0.73      0.5  1.46
    1     0   sky       0.27      0.5  0.54
    """
    histories = Histories.of(X, timestamps)
    if not histories.X.nnz:
        raise ValueError("All histories are empty: there is no attention to aggregate.")
    model, seen = attention_model(estimator, histories)
    if not (isinstance(by, str) or callable(by)):
        by = aligned(by, name_items(None, X, model), "by")
    share_out, labels = _grouping(by, names, histories)
    lengths = np.diff(histories.X.indptr)
    history = share_out(np.repeat(1 / np.maximum(lengths, 1), lengths))  # (n_users, n_groups)
    users = _users_of_groups(aligned(user_groups, labels_of(X, axis=0), "user_groups"), lengths)
    tables = [
        _table(head, group, rows, share_out(share.data), history, labels)
        for head, share in enumerate(attention_shares(model, seen))
        for group, rows in users
    ]
    table = pd.concat(tables, ignore_index=True)
    return table if user_groups is not None else table.drop(columns="user_group")


def _table(
    head: int,
    user_group: Any,
    rows: np.ndarray,
    attention: np.ndarray,
    history: np.ndarray,
    labels: list[Any],
) -> pd.DataFrame:
    """Means over users; groups without an entry are left out."""
    table = pd.DataFrame({"head": head, "user_group": user_group, "group": labels})
    table["attention"] = attention[rows].mean(axis=0)
    table["history"] = history[rows].mean(axis=0)
    table = table[table["history"] > 0]
    return table.assign(lift=table["attention"] / table["history"])


def _users_of_groups(user_groups: Any, lengths: np.ndarray) -> list[tuple[Any, np.ndarray]]:
    """List the groups of users with the rows of those that have a history."""
    if user_groups is None:
        return [(None, np.flatnonzero(lengths))]
    if np.shape(user_groups) != lengths.shape:
        raise ValueError(
            f"user_groups must hold a label for each of the {len(lengths)} users, got shape "
            f"{np.shape(user_groups)}."
        )
    groups, codes = _categories(user_groups)
    listed = [(g, np.flatnonzero((codes == n) & (lengths > 0))) for n, g in enumerate(groups)]
    return [(group, rows) for group, rows in listed if len(rows)]


def _grouping(
    by: Any, names: Sequence[str] | None, histories: Histories
) -> tuple[Callable[[np.ndarray], np.ndarray], list[Any]]:
    """Return what sums entry values by user and group, and the labels of the groups."""
    X = histories.X
    if isinstance(by, str) or callable(by):
        if histories.times is None:
            raise ValueError(f"by={by!r} needs timestamps.")
        labels, codes = _label_entries(by, histories.times, X.indptr)
    elif not sp.issparse(by) and np.ndim(by) == 1:
        if len(by) != X.shape[1]:
            raise ValueError(f"by holds {len(by)} labels, X has {X.shape[1]} items.")
        labels, code_of_item = _categories(by)
        codes = code_of_item[X.indices]
    else:
        features, labels = _membership(by, names, X.shape[1])

        def by_feature(values: np.ndarray) -> np.ndarray:
            weights = sp.csr_array((values, X.indices, X.indptr), shape=X.shape)
            return (weights @ features).toarray()

        return by_feature, labels
    shape = X.shape[0], len(labels)
    cell = rows_of_entries(X.indptr) * shape[1] + codes

    def by_label(values: np.ndarray) -> np.ndarray:
        return np.bincount(cell, values, minlength=shape[0] * shape[1]).reshape(shape)

    return by_label, labels


def _membership(
    by: Any, names: Sequence[str] | None, n_items: int
) -> tuple[sp.csr_array, list[Any]]:
    """Share each item out among its features; the last column is for items without any."""
    if names is None and hasattr(by, "columns"):
        names = list(by.columns)
    features = sp.csr_array(check_array(by, accept_sparse="csr", dtype=np.float64, input_name="by"))
    if features.shape[0] != n_items:
        raise ValueError(f"by has {features.shape[0]} rows, X has {n_items} items.")
    if features.nnz and features.data.min() < 0:
        raise ValueError("by must not be negative: attention cannot be shared out by it.")
    labels = name_all(names, features.shape[1], "feature", "names")
    total = np.asarray(features.sum(axis=1)).ravel()
    none = sp.csr_array((total == 0).astype(np.float64)[:, None])
    scale = np.divide(1, total, out=np.zeros_like(total), where=total > 0)
    shared = sp.hstack([features * scale[:, None], none], format="csr")
    return sp.csr_array(shared), [*labels, "(none)"]


def _categories(labels: Any) -> tuple[list[Any], np.ndarray]:
    """List groups in their order, and the group of each label: "(none)" for missing ones."""
    known = pd.Categorical(labels)
    groups, codes = list(known.categories), known.codes.astype(np.intp)
    missing = codes < 0
    if missing.any():
        codes[missing] = len(groups)
        groups.append("(none)")
    return groups, codes


def _label_entries(by: Any, times: np.ndarray, indptr: np.ndarray) -> tuple[list[Any], np.ndarray]:
    """Labels of the groups in their natural order, and the group of every entry."""
    if callable(by):
        given = by(times)
        if np.shape(given) != times.shape:
            raise ValueError(f"by returned {np.shape(given)} labels for {times.shape} times.")
        return _categories(given)
    if by == "age":  # in octaves of how many entries of the user came later: 0, 1, 2-3, 4-7, ...
        codes = np.frexp(later_entries(indptr, time_order(indptr, times)))[1]
        octaves = [f"{2**e}-{2 ** (e + 1) - 1}" for e in range(1, int(codes.max()))]
        return ["0", "1", *octaves][: codes.max() + 1], codes
    if by not in _CALENDAR:
        raise ValueError(f"by must be 'age' or one of {_CALENDAR}, got {by!r}.")
    moments = pd.to_datetime(times, unit="s", utc=True)
    if by == "hour":
        return list(range(24)), moments.hour.to_numpy()
    if by == "weekday":
        return list(_WEEKDAYS), moments.day_of_week.to_numpy()
    if by == "month":
        return list(_MONTHS), moments.month.to_numpy() - 1
    return list(_SEASONS), moments.month.to_numpy() % 12 // 3
