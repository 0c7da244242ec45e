"""``InteractionEncoder``: long tables of interactions to sparse matrices of histories, and back.

A table has one row per interaction: who, what, perhaps how much and when. The encoder learns which
ids there are; a matrix row is then one user of the table, a column one item seen in ``fit``.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import check_is_fitted

from .._compat import StrOptions, fit_context
from .._validation import as_interactions, check_timestamps
from ._assemble import assemble_csr, group, merge
from ._columns import (
    as_table,
    check_lists,
    check_merged,
    distinct_ids,
    factorize,
    finite_numbers,
    look_up,
    raise_duplicates,
    users_of_rows,
    warn_of_merged_times,
)
from ._times import column_times

__all__ = ["InteractionEncoder"]


class InteractionEncoder(TransformerMixin, BaseEstimator):
    """Encode a long table of interactions as a CSR matrix of users x items.

    ``fit`` learns the ids of the users and items. ``transform`` returns one row per user of the
    table it is given, known from ``fit`` or new, with the item columns of ``fit``: the histories
    that :meth:`BaseRecommender.predict` and ``recommend`` take. ``transform(table, users=ids)``
    gives rows in the order of ``ids`` instead; with ``users=encoder.user_ids_`` they are the rows
    of the training matrix, as a table of held-out interactions needs them.

    Parameters
    ----------
    user, item : hashable, default="user", "item"
        Names of the columns that hold the ids. Ids may be anything hashable: integers, strings,
        tuples, or a mixture. They are taken as they are: 1, "1" and "01" are three ids. Floats
        from 2**53 on are refused, as neighbouring integers are the same float there.
    rating : hashable or None, default="rating"
        Name of the column of ratings; None for interactions without ratings, which count 1 each.
    timestamp : hashable or None, default=None
        Name of the column of times: numbers in any unit, which stay as they are, or datetimes,
        dates and text in ISO 8601, which become seconds since 1970-01-01 UTC.
    duplicates : {"last", "sum", "mean", "max", "error"} or None, default=None
        What becomes of several rows with the same user and item. "last" keeps the latest, or
        without ``timestamp`` the lowest one in the table. The time of a merged entry is the latest,
        so that a split of the matrix by time takes what a user did before and again after it out of
        the history: split the table instead, with
        :func:`~skattnrec.model_selection.split_table`. None does as "last" does, and warns of that
        where rows are merged and times are asked for.
    items : array-like of shape (n_items,), default=None
        The catalogue: distinct ids that become the columns in this order, as the rows of a table
        of item features are, sold or not. None takes the items of the table given to ``fit``.
    unknown : {"error", "ignore"}, default="error"
        What ``transform`` does with items that ``fit`` has not seen, what ``fit`` does with those
        that are not in ``items``, and what ``transform`` does with users that are not in
        ``users`` where that is given: raise, or leave these rows of the table out. A user who
        loses all rows that way keeps an empty history. Ids of another type than those of ``fit``,
        such as text instead of numbers, are an error either way.
    dtype : {np.float32, np.float64}, default=np.float32
        Type of the matrix.

    Attributes
    ----------
    user_ids_ : ndarray of shape (n_users_,)
        The users of the table given to ``fit``: row ``u`` of ``fit_transform`` is
        ``user_ids_[u]``. Sorted, or in order of first appearance where ids cannot be compared.
    item_ids_ : ndarray of shape (n_items_,)
        The items: column ``i`` is ``item_ids_[i]``. Ordered likewise, or as ``items`` is.
    n_users_, n_items_ : int
        How many there are.

    See Also
    --------
    skattnrec.datasets.fetch_movielens : Ratings that are already encoded.

    Notes
    -----
    Tables are pandas DataFrames, mappings of column names to arrays, or two-dimensional arrays
    whose columns are the user, the item and, unless these are None, the rating and the timestamp.

    Examples
    --------
    >>> import pandas as pd
    >>> from skattnrec.preprocessing import InteractionEncoder
    >>> table = pd.DataFrame(
    ...     {"user": ["ann", "ann", "bob"], "item": ["tea", "jam", "tea"], "rating": [5, 3, 4]}
    ... )
    >>> encoder = InteractionEncoder()
    >>> encoder.fit_transform(table).toarray()
    array([[3., 5.],
           [0., 4.]], dtype=float32)
    >>> encoder.get_feature_names_out()
    array(['jam', 'tea'], dtype=object)
    >>> encoder.decode([[-1], [0]], [[float("nan")], [0.25]], users=encoder.user_ids_)
      user item  rank  score
    0  bob  jam     1   0.25
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "user": "no_validation",
        "item": "no_validation",
        "rating": "no_validation",
        "timestamp": "no_validation",
        "duplicates": [StrOptions({"last", "sum", "mean", "max", "error"}), None],
        "items": ["array-like", None],
        "unknown": [StrOptions({"error", "ignore"})],
        "dtype": "no_validation",
    }

    # these arguments are options of a call, not metadata that a pipeline could route
    __metadata_request__transform: ClassVar = {"users": UNUSED, "return_timestamps": UNUSED}
    __metadata_request__inverse_transform: ClassVar = {"users": UNUSED, "timestamps": UNUSED}

    def __init__(
        self,
        *,
        user: Any = "user",
        item: Any = "item",
        rating: Any = "rating",
        timestamp: Any = None,
        duplicates: str | None = None,
        items: Any = None,
        unknown: str = "error",
        dtype: Any = np.float32,
    ):
        self.user = user
        self.item = item
        self.rating = rating
        self.timestamp = timestamp
        self.duplicates = duplicates
        self.items = items
        self.unknown = unknown
        self.dtype = dtype

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> InteractionEncoder:
        """Learn the ids of users and items.

        Parameters
        ----------
        X : DataFrame, mapping of arrays, or array-like of shape (n_interactions, n_columns)
            The table.
        y : Ignored
            Accepted for scikit-learn's sake and never used.

        Returns
        -------
        self : object
            The fitted encoder.

        Raises
        ------
        ValueError
            If a column is missing, the table is empty, an id is missing, a float from 2**53 on or
            not in ``items``. The encoder then stays as it was.
        TypeError
            If an id is not hashable.
        """
        table = self._as_table(X)
        self._commit(factorize(table, self.user)[1], self._number_items(table)[1])
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None, *, return_timestamps: bool = False) -> Any:
        """Learn the ids and return the matrix of the same table, in one pass.

        Parameters
        ----------
        X, y
            As for ``fit``.
        return_timestamps : bool, default=False
            Also return the times; needs the parameter ``timestamp``.

        Returns
        -------
        X : csr_array of shape (n_users_, n_items_)
            Ratings, row ``u`` of user ``user_ids_[u]``.
        timestamps : csr_array of shape (n_users_, n_items_), float64
            With ``return_timestamps``: the time of every stored entry of ``X``.

        Raises
        ------
        ValueError, TypeError
            As ``fit`` and ``transform``. The encoder then stays as it was.
        """
        table = self._as_table(X)
        rows, user_ids = factorize(table, self.user)
        columns, item_ids = self._number_items(table)
        shape = len(user_ids), len(item_ids)
        encoded = self._encode(table, rows, columns, shape, return_timestamps)
        self._commit(user_ids, item_ids)
        return encoded

    def transform(self, X: Any, *, users: Any = None, return_timestamps: bool = False) -> Any:
        """Encode a table, of known users or new ones, in the item columns of ``fit``.

        Parameters
        ----------
        X : DataFrame, mapping of arrays, or array-like of shape (n_interactions, n_columns)
            The table.
        users : array-like of shape (n_rows,), default=None
            The distinct users that become rows, in this order; a user without interactions gets
            an empty row. None means the users of the table, as ``row_users`` lists them.
        return_timestamps : bool, default=False
            Also return the times; needs the parameter ``timestamp``.

        Returns
        -------
        X : csr_array of shape (n_rows, n_items_)
            Ratings. A rating of 0 is stored.
        timestamps : csr_array of shape (n_rows, n_items_), float64
            Only with ``return_timestamps``: the time of every stored entry of ``X``, zeros stored.

        Raises
        ------
        ValueError
            If a column is missing, an id is missing, a rating is not a finite number, a time not a
            time, the table is empty (allowed with ``users``), ids are unknown under
            ``unknown="error"``, or rows are repeated under ``duplicates="error"``.
        TypeError
            If ids are of another type than all those of ``fit``, or of ``users``.
        """
        check_is_fitted(self)
        table = self._as_table(X, may_be_empty=users is not None)
        if users is None:
            rows, row_ids = factorize(table, self.user)
        else:
            row_ids = distinct_ids(users, "users")
            rows = look_up(table, self.user, row_ids, "the list passed as users", self.unknown)
        columns = look_up(table, self.item, self.item_ids_, "the items of fit", self.unknown)
        shape = len(row_ids), self.n_items_
        return self._encode(table, rows, columns, shape, return_timestamps)

    def row_users(self, X: Any) -> np.ndarray:
        """List the users of a table, ``X``, in the order in which ``transform`` makes rows of them.

        An ndarray of shape (n_rows,), sorted, or in order of appearance where ids have none.
        """
        return factorize(self._as_table(X), self.user)[1]

    def inverse_transform(self, X: Any, *, users: Any, timestamps: Any = None) -> Any:
        """Turn a matrix back into a long table.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_items_)
            Ratings.
        users : array-like of shape (n_rows,)
            The user of each row: ``user_ids_`` for the rows of ``fit_transform``, ``row_users`` of
            a table for those that ``transform`` made of it.
        timestamps : {array-like, sparse matrix} of shape (n_rows, n_items_), default=None
            The time of every entry of ``X``.

        Returns
        -------
        DataFrame of shape (n_entries, 3 or 4)
            The columns named by the parameters ``user``, ``item``, ``rating`` ("rating" where that
            is None) and, given ``timestamps``, ``timestamp`` (likewise), row by row of ``X``.

        Raises
        ------
        ValueError
            If ``X`` has another number of columns, or rows than there are users, or
            ``timestamps`` does not have the entries of ``X``.
        """
        check_is_fitted(self)
        checked = as_interactions(X)
        n_columns = checked.shape[1]
        if n_columns != self.n_items_:
            raise ValueError(f"X has {n_columns} columns, the encoder has {self.n_items_} items.")
        times = check_timestamps(timestamps, checked)
        user_of_row = users_of_rows(users, checked.shape[0])
        rows = np.repeat(np.arange(checked.shape[0]), np.diff(checked.indptr))
        table = {
            self.user: user_of_row[rows],
            self.item: self.item_ids_[checked.indices],
            "rating" if self.rating is None else self.rating: checked.data.copy(),
        }
        if times is not None:
            table["timestamp" if self.timestamp is None else self.timestamp] = times
        return pd.DataFrame(table)

    def decode(self, indices: Any, scores: Any, *, users: Any) -> pd.DataFrame:
        """Turn recommendations into a long table of ids.

        Parameters
        ----------
        indices : array-like of shape (n_rows, k)
            Item columns as ``recommend`` returns them, best first, -1 where there is none.
        scores : array-like of shape (n_rows, k)
            Their scores.
        users : array-like of shape (n_rows,)
            The user of each row, as for ``inverse_transform``.

        Returns
        -------
        DataFrame with the columns ``user``, ``item`` (as these parameters name them), rank, score
            One row per recommendation; ranks start at 1, padding is left out.

        Raises
        ------
        ValueError
            If the shapes differ, an index is no item column, or rows and users differ in number.
        """
        check_is_fitted(self)
        indices, scores = check_lists(indices, scores, self.n_items_)
        user_of_row = users_of_rows(users, indices.shape[0])
        rows, ranks = np.nonzero(indices >= 0)
        return pd.DataFrame(
            {
                self.user: user_of_row[rows],
                self.item: self.item_ids_[indices[rows, ranks]],
                "rank": ranks + 1,
                "score": scores[rows, ranks],
            }
        )

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Give the names of the columns, the item ids as strings, (n_items_,), object."""
        check_is_fitted(self)
        return pd.Series(self.item_ids_).map(str).to_numpy(dtype=object)

    # -- steps ------------------------------------------------------------------------------

    def _commit(self, user_ids: np.ndarray, item_ids: np.ndarray) -> None:
        """Replace what an earlier fit has learned, all at once."""
        self.__dict__ |= {
            "user_ids_": user_ids,
            "item_ids_": item_ids,
            "n_users_": len(user_ids),
            "n_items_": len(item_ids),
        }

    def _number_items(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Column of the item of each row of the table, and the ids of all columns."""
        if self.items is None:
            return factorize(table, self.item)
        item_ids = distinct_ids(self.items, "items")
        return look_up(table, self.item, item_ids, "the parameter items", self.unknown), item_ids

    def _as_table(self, X: Any, *, may_be_empty: bool = False) -> pd.DataFrame:
        """Bring any accepted input into a DataFrame that has the columns asked for."""
        parameters = ("user", "item", "rating", "timestamp")
        wanted = {p: getattr(self, p) for p in parameters if getattr(self, p) is not None}
        return as_table(X, wanted, may_be_empty=may_be_empty)

    def _encode(
        self,
        table: pd.DataFrame,
        rows: np.ndarray,
        columns: np.ndarray,
        shape: tuple[int, int],
        return_timestamps: bool,
    ) -> Any:
        """Build the matrix from numbered ids, -1 leaves a row of the table out; times likewise."""
        if return_timestamps and self.timestamp is None:
            raise ValueError("return_timestamps=True needs the name of a column: set timestamp.")
        dtype = np.dtype(self.dtype)
        if dtype not in (np.float32, np.float64):
            raise ValueError(f"dtype must be float32 or float64, got {self.dtype!r}.")
        ratings = None if self.rating is None else finite_numbers(table, self.rating, dtype)
        times = None if self.timestamp is None else column_times(table, self.timestamp)
        places = rows.astype(np.int64) * shape[1] + columns
        places[(rows < 0) | (columns < 0)] = -1
        policy = self.duplicates or "last"
        order, starts = group(places, times if policy == "last" else None)
        if len(starts) < len(order) and policy == "error":
            raise_duplicates(table[[self.user, self.item]], order, starts)
        if len(starts) < len(order) and self.duplicates is None and return_timestamps:
            warn_of_merged_times(len(order) - len(starts))
        places = places[order[starts]]
        with np.errstate(over="ignore"):  # what is too large becomes inf
            data = merge(ratings, order, starts, policy).astype(dtype, copy=False)
        check_merged(data, table[[self.user, self.item]], order[starts])
        encoded = assemble_csr(places, data, shape)
        if not return_timestamps:
            return encoded
        return encoded, assemble_csr(places, merge(times, order, starts, "max"), shape)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags
