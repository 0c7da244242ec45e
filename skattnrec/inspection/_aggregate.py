"""``aggregate_attention``: what attention goes to, by genre, by group of users, by time, by age."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.utils.validation import check_array

from .._kernels.entries import later_entries, time_order
from .._names import aligned, labels_of, name_all, name_items
from .._times import CALENDAR, label_times
from ._histories import Histories, attention_model, attention_shares
from ._parameters import checked

__all__ = ["aggregate_attention"]


@checked()
def aggregate_attention(
    estimator: Any,
    X: Any,
    by: Any,
    *,
    names: Sequence[str] | None = None,
    user_groups: Any = None,
    timestamps: Any = None,
    user_features: Any = None,
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
    0     0   sea       0.66      0.5  1.33
    1     0   sky       0.34      0.5  0.67
    """
    histories = Histories.of(X, timestamps, user_features)
    lengths = np.diff(histories.X.indptr)
    if not lengths.any():
        raise ValueError("All histories are empty: there is no attention to aggregate.")
    model, seen = attention_model(estimator, histories)
    groups, sharing = _group_entries(by, names, histories, name_items(None, X, model))
    group_users = aligned(user_groups, labels_of(X, axis=0), "user_groups")
    user_groups, averaging = _group_users(group_users, lengths)

    def average(shares: np.ndarray) -> np.ndarray:
        return (averaging.multiply(shares) @ sharing).toarray().ravel()

    history = average(np.repeat(1 / np.maximum(lengths, 1), lengths))
    tables = []
    for head, shares in enumerate(attention_shares(model, seen)):
        table = pd.DataFrame({"head": head, "attention": average(shares.data), "history": history})
        table.insert(1, "user_group", [name for name in user_groups for _ in groups])
        table.insert(2, "group", groups * len(user_groups))
        tables.append(table[history > 0])  # groups without an entry are left out
    table = pd.concat(tables, ignore_index=True)
    table["lift"] = table["attention"] / table["history"]
    return table if group_users is not None else table.drop(columns="user_group")


def _group_users(user_groups: Any, lengths: np.ndarray) -> tuple[list[Any], sp.csr_array]:
    """List groups of users, and what averages entries over users: a row for each group.

    Users without entries do not count.
    """
    if user_groups is None:
        user_groups = np.zeros(len(lengths))
    if np.shape(user_groups) != lengths.shape:
        raise ValueError(
            f"user_groups must hold a label for each of the {len(lengths)} users, got shape "
            f"{np.shape(user_groups)}."
        )
    groups, codes = _categories(user_groups)
    group_of_entry = np.repeat(codes, lengths)
    n_users = np.bincount(codes[lengths > 0], minlength=len(groups))
    indptr = np.arange(len(group_of_entry) + 1)
    columns = 1 / n_users[group_of_entry], group_of_entry, indptr
    by_entry = sp.csr_array(columns, shape=(len(group_of_entry), len(groups)))
    return groups, sp.csr_array(by_entry.T)


def _group_entries(
    by: Any, names: Sequence[str] | None, histories: Histories, item_names: Any
) -> tuple[list[Any], sp.csr_array]:
    """List groups of entries, and the share of every entry in each, (nnz, n_groups)."""
    X = histories.X
    if isinstance(by, str) or callable(by):
        if histories.times is None:
            raise ValueError(f"by={by!r} needs timestamps.")
        groups, codes = _label_entries(by, histories.times, X.indptr)
    else:
        by = aligned(by, item_names, "by")
        if sp.issparse(by) or np.ndim(by) != 1:
            groups, features = _share_items(by, names, X.shape[1])
            return groups, features[X.indices]
        if len(by) != X.shape[1]:
            raise ValueError(f"by holds {len(by)} labels, X has {X.shape[1]} items.")
        groups, code_of_item = _categories(by)
        codes = code_of_item[X.indices]
    ones = np.ones(X.nnz), codes, np.arange(X.nnz + 1)
    return groups, sp.csr_array(ones, shape=(X.nnz, len(groups)))


def _share_items(
    by: Any, names: Sequence[str] | None, n_items: int
) -> tuple[list[Any], sp.csr_array]:
    """Share each item out among its features; the last column is for items without any."""
    names = labels_of(by, axis=1) if names is None else names
    features = sp.csr_array(check_array(by, accept_sparse="csr", dtype=np.float64, input_name="by"))
    if features.shape[0] != n_items:
        raise ValueError(f"by has {features.shape[0]} rows, X has {n_items} items.")
    if features.nnz and features.data.min() < 0:
        raise ValueError("by must not be negative: attention cannot be shared out by it.")
    groups = name_all(names, features.shape[1], "feature", "names")
    total = features.sum(axis=1)
    none = sp.csr_array(np.where(total == 0, 1.0, 0.0)[:, None])
    shared = features * (1 / np.where(total == 0, 1, total))[:, None]
    return [*groups, "(none)"], sp.csr_array(sp.hstack([shared, none], format="csr"))


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
    if by not in CALENDAR:
        raise ValueError(f"by must be 'age' or one of {CALENDAR}, got {by!r}.")
    return label_times(times, by)
