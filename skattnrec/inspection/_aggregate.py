"""What attention goes to, and what scores are made of, by genre, group of users, time or age."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.utils.validation import check_array

from .._kernels.entries import later_entries, time_order
from .._names import aligned, label_items, labels_of, name_all, name_items
from .._times import CALENDAR, label_times
from ._follow import follow, split_score
from ._histories import Histories, attention_model, attention_shares, unwrap
from ._parameters import checked

__all__ = ["aggregate_attention", "aggregate_explanations"]


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
    {entry_groups}
    {times}

    Returns
    -------
    DataFrame
        A row for each head, group of users (with ``user_groups``) and group of entries:
        ``head``, ``user_group``, ``group``; ``attention``, the share of attention that the group
        gets; ``history``, its share of the entries, which it would get if all had the same
        weight; ``lift``, the first divided by the second. Shares are means over users, and
        add up to 1 within a head and group of users. ``attrs["groups"]`` has the groups in their
        order.

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
    model, seen = attention_model(estimator, histories)
    groups = _Groups.of(by, names, user_groups, X, histories, model)
    tables = []
    for head, shares in enumerate(attention_shares(model, seen)):
        table = groups.table("attention", groups.sums(shares.data))
        table.insert(0, "head", head)
        tables.append(table[table["history"] > 0])  # groups without an entry are left out
    table = pd.concat(tables, ignore_index=True)
    table["lift"] = table["attention"] / table["history"]
    table.attrs["groups"] = groups.entries
    return table


@checked()
def aggregate_explanations(
    estimator: Any,
    X: Any,
    by: Any,
    *,
    names: Sequence[str] | None = None,
    user_groups: Any = None,
    timestamps: Any = None,
    user_features: Any = None,
) -> pd.DataFrame:
    r"""Sum up what entries add to the best recommendation, and average it over users.

    Parameters
    ----------
    estimator : object
        A fitted recommender, pipeline or search.
    X : {array-like, sparse matrix} of shape (n_users, n_items)
        Histories; empty ones are left out. Each of them is explained by a call of its own: pass a
        sample of a few hundred.
    {entry_groups}
    {times}

    Returns
    -------
    DataFrame
        A row for each group of users (with ``user_groups``) and each group: ``user_group``,
        ``group``; ``kind``: "entries" for groups of entries, "feature" for a user feature;
        ``contribution``: the share that the group has in the score of the best recommendation,
        its sum of contributions divided by that of the absolute contributions of all entries and
        features, negative where it speaks against; ``history``: its share of the entries, 0 for
        features. Both are means over users. ``attrs["groups"]`` has the groups in their order.

    Raises
    ------
    ValueError
        If the shapes do not match, features are negative, timestamps are missing, or a history
        holds all items.

    See Also
    --------
    aggregate_attention : What the attention goes to.
    skattnrec.inspection.explain : The contributions of one history.

    Notes
    -----
    Models that explain by other users, or not at all, are asked what the score loses without each
    entry.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import ItemItemCF
    >>> from skattnrec.inspection import aggregate_explanations
    >>> X = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 0, 5, 4], [1, 0, 4, 5]])
    >>> model = ItemItemCF(shrinkage=0).fit(X)
    >>> aggregate_explanations(model, X[:2], ["sea", "sky", "sea", "sky"]).round(2)
      group     kind  contribution  history
    0   sea  entries          0.83     0.58
    1   sky  entries          0.17     0.42
    """
    histories = Histories.of(X, timestamps, user_features)
    model, _ = unwrap(estimator, histories)
    groups = _Groups.of(by, names, user_groups, X, histories, model)
    followed = follow(estimator, X, None, timestamps, user_features, min_entries=1)
    shares = np.zeros(histories.X.nnz)
    of_features = np.zeros((histories.X.shape[0], getattr(model, "n_user_features_in_", 0)))
    for row, item in zip(groups.users, followed.items, strict=True):
        place = slice(histories.X.indptr[row], histories.X.indptr[row + 1])
        parts, features = split_score(estimator, histories.rows([row]), item)
        size = np.abs(parts).sum() + np.abs(features).sum()
        if size > 0:
            shares[place] = parts / size
            of_features[row, : len(features)] = features / size
    table = groups.table("contribution", groups.sums(shares))
    table = table[table["history"] > 0]
    table.insert(len(table.columns) - 2, "kind", "entries")
    order = groups.entries
    if of_features.shape[1]:
        features = groups.of_features(of_features, model)
        table = pd.concat([table, features])
        order = [*order, *features["group"].unique()]
    table = table.reset_index(drop=True)
    table.attrs["groups"] = order
    return table


class _Groups(NamedTuple):
    """Groups of entries and of users, and what averages over them."""

    entries: list[Any]
    users_in: list[Any]  # groups of users
    has_users: bool  # whether groups of users were given
    users: np.ndarray  # rows with entries
    sharing: sp.csr_array  # the share of every entry in each group, (nnz, n_groups)
    averaging: sp.csr_array  # the weight of each user in each group of users, (g, n_users)
    owners: sp.csr_array  # whose entry each is, (n_users, nnz)

    @classmethod
    def of(
        cls, by: Any, names: Any, user_groups: Any, X: Any, histories: Histories, model: Any
    ) -> _Groups:
        lengths = np.diff(histories.X.indptr)
        if not lengths.any():
            raise ValueError("All histories are empty: there is nothing to aggregate.")
        entries, sharing = _group_entries(by, names, histories, name_items(None, X, model))
        given = aligned(user_groups, labels_of(X, axis=0), "user_groups")
        users_in, averaging = _group_users(given, lengths)
        ones = np.ones(histories.X.nnz), np.arange(histories.X.nnz), histories.X.indptr
        owners = sp.csr_array(ones, shape=(len(lengths), histories.X.nnz))
        users = np.flatnonzero(lengths)
        return cls(entries, users_in, given is not None, users, sharing, averaging, owners)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum up values of entries by group, and average over users; (g, n_groups)."""
        return ((self.averaging @ self.owners).multiply(values) @ self.sharing).toarray()

    def table(self, what: str, values: np.ndarray) -> pd.DataFrame:
        """Lay out averages, (g, n_groups), beside the shares that groups have of the entries."""
        lengths = np.diff(self.owners.indptr)
        history = self.sums(np.repeat(1 / np.maximum(lengths, 1), lengths))
        return self._lay_out(self.entries, {what: values, "history": history})

    def of_features(self, values: np.ndarray, model: Any) -> pd.DataFrame:
        """Lay out averages of the shares of user features, (n_users, d)."""
        columns = np.arange(values.shape[1])
        labels = label_items(columns, getattr(model, "user_feature_names_in_", None), "feature")
        means = self.averaging @ values
        table = self._lay_out(labels, {"contribution": means, "history": np.zeros_like(means)})
        table.insert(len(table.columns) - 2, "kind", "feature")
        has_users = np.diff(self.averaging.indptr) > 0
        return table[np.repeat(has_users, len(labels))]

    def _lay_out(self, groups: list[Any], columns: dict[str, np.ndarray]) -> pd.DataFrame:
        table = pd.DataFrame({name: values.ravel() for name, values in columns.items()})
        table.insert(0, "group", groups * len(self.users_in))
        if self.has_users:
            table.insert(0, "user_group", [name for name in self.users_in for _ in groups])
        return table


def _group_users(user_groups: Any, lengths: np.ndarray) -> tuple[list[Any], sp.csr_array]:
    """List groups of users, and the weight of each user in their means, (n_groups, n_users).

    Users without entries do not count.
    """
    n_users = len(lengths)
    if user_groups is None:
        user_groups = np.zeros(n_users)
    if np.ndim(user_groups) == 2 or sp.issparse(user_groups):
        groups, members = _share_out(user_groups, None, n_users, "user_groups", "users")
    else:
        if np.shape(user_groups) != lengths.shape:
            raise ValueError(
                f"user_groups must hold a label for each of the {n_users} users, got shape "
                f"{np.shape(user_groups)}."
            )
        groups, codes = _categories(user_groups)
        ones = np.ones(n_users), codes, np.arange(n_users + 1)
        members = sp.csr_array(ones, shape=(n_users, len(groups)))
    counted = sp.csr_array(members.multiply((lengths > 0)[:, None].astype(float)))
    total = np.asarray(counted.sum(axis=0)).ravel()
    scale = np.divide(1, total, out=np.zeros_like(total), where=total > 0)
    return groups, sp.csr_array((counted * scale).T)


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
            groups, features = _share_out(by, names, X.shape[1], "by", "items")
            return groups, features[X.indices]
        if len(by) != X.shape[1]:
            raise ValueError(f"by holds {len(by)} labels, X has {X.shape[1]} items.")
        groups, code_of_item = _categories(by)
        codes = code_of_item[X.indices]
    ones = np.ones(X.nnz), codes, np.arange(X.nnz + 1)
    return groups, sp.csr_array(ones, shape=(X.nnz, len(groups)))


def _share_out(
    given: Any, names: Sequence[str] | None, n_rows: int, parameter: str, rows: str
) -> tuple[list[Any], sp.csr_array]:
    """Share each row out among its features; the last column is for those without any."""
    names = labels_of(given, axis=1) if names is None else names
    numbers = check_array(given, accept_sparse="csr", dtype=np.float64, input_name=parameter)
    features = sp.csr_array(numbers)
    if features.shape[0] != n_rows:
        raise ValueError(f"{parameter} has {features.shape[0]} rows, X has {n_rows} {rows}.")
    if features.nnz and features.data.min() < 0:
        raise ValueError(f"{parameter} must not be negative: nothing can be shared out by it.")
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
