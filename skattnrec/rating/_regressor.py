"""RatingRegressor: any model of ratings as a regressor over (user, item) pairs."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils import check_array, check_X_y
from sklearn.utils.validation import check_is_fitted, validate_data

from .._compat import HasMethods, fit_context
from .._kernels.baseline import DAMPING, row_offsets
from .._learning import LearnsAtOnce
from .._scores import scores_of_pairs
from ..base import BaseRecommender
from ..factorization import BayesianFactorizer
from ..preprocessing import InteractionEncoder
from ..preprocessing._columns import look_up

__all__ = ["RatingRegressor"]


class RatingRegressor(RegressorMixin, MetaEstimatorMixin, LearnsAtOnce, BaseEstimator):
    r"""Predict ratings of (user, item) pairs with a recommender.

    ``fit`` makes a matrix of users and items of the pairs and their ratings and has the
    recommender learn from it; ``predict`` gives it the histories of the users asked for. So
    recommenders work in all that scikit-learn has for regressors: ``cross_validate``,
    ``GridSearchCV``, ``StackingRegressor``.

    Parameters
    ----------
    recommender : estimator object or None, default=None
        A model of ratings. It is cloned, and the clone is asked for ratings where it has a choice:
        a parameter ``feedback`` is set to "explicit". None means
        ``BayesianFactorizer(random_state=0)``.
    user : int or str, default=0
        The column of ``X`` that holds the ids of users: its position or, in a DataFrame, its name.
    item : int or str, default=1
        The same for items. Other columns are not looked at: they may hold anything, missing values
        included.
    clip : bool, default=True
        Keep predictions between the lowest and the highest rating of ``fit``.

    Attributes
    ----------
    recommender_ : estimator object
        The fitted clone.
    encoder_ : InteractionEncoder
        Knows the ids: ``encoder_.user_ids_`` are the rows of ``interactions_``,
        ``encoder_.item_ids_`` the columns.
    interactions_ : csr_array of shape (n_users, n_items)
        The ratings of ``fit``. Of a pair that occurs more than once, the mean.
    mean_ : float
        Mean of ``interactions_``.
    user_offsets_ : ndarray of shape (n_users,)
        Damped mean of what the user's ratings differ from ``mean_`` by.
    rating_range_ : tuple of (float, float)
        The lowest and the highest rating.
    n_features_in_ : int
        Number of columns of ``X``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names, when ``fit`` got a DataFrame with string column names.

    See Also
    --------
    skattnrec.preprocessing.InteractionEncoder : Tables to matrices, for recommendations.

    Notes
    -----
    A user without ratings gets the recommender's answer to an empty history. For an item without
    ratings the prediction is :math:`\mu + b_u`, with the damped offset
    :math:`b_u = \sum_i (r_{ui} - \mu) / (5 + n_u)`.

    A pair that ``fit`` has seen is predicted from a history that holds its rating. Errors on such
    pairs say little; cross-validate.

    Ids are taken as they are, in the columns of a DataFrame each in its own type. In an array of
    one type integers beside floats are floats, which are refused from 2**53 on, where neighbouring
    ones are the same. Ids asked for must be of a type that ids of ``fit`` have: the text "3" is not
    the integer 3.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import BaselinePredictor, RatingRegressor
    >>> pairs = np.array([["ann", "tea"], ["ann", "jam"], ["bob", "tea"], ["bob", "bun"]])
    >>> model = RatingRegressor(BaselinePredictor()).fit(pairs, [5, 4, 4, 1])
    >>> model.predict([["bob", "jam"], ["cat", "tea"], ["cat", "fig"]]).round(2)
    array([3.27, 3.79, 3.5 ])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "recommender": [HasMethods(["fit", "predict"]), None],
        "user": [int, str],
        "item": [int, str],
        "clip": ["boolean"],
    }

    def __init__(
        self,
        recommender: Any = None,
        *,
        user: int | str = 0,
        item: int | str = 1,
        clip: bool = True,
    ):
        self.recommender = recommender
        self.user = user
        self.item = item
        self.clip = clip

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any) -> RatingRegressor:
        """Learn from the ratings of pairs.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_ratings, n_columns)
            Ids of users and items: numbers, text or whatever else is hashable, at least two
            columns.
        y : array-like of shape (n_ratings,)
            The ratings.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If ids are missing or rounded, ratings are not finite, a column is not there, or both
            are the same one.
        TypeError
            If the recommender does not predict ratings, or only with timestamps. Whatever is
            raised, an earlier fit stays as it was.
        """
        learned = self._blank()
        table = learned._table(X, reset=True)
        _, y = check_X_y(np.zeros((len(table), 1)), y, y_numeric=True, estimator=self)
        y = y if y.dtype == np.float32 else y.astype(np.float64)
        encoder = InteractionEncoder(duplicates="mean", unknown="ignore", dtype=y.dtype)
        R = encoder.fit_transform(table.assign(rating=y))
        learned.encoder_, learned.interactions_ = encoder, R
        learned.mean_ = float(R.data.mean(dtype=np.float64))
        means = np.full(R.shape[1], learned.mean_)
        learned.user_offsets_ = row_offsets(R.indptr, R.indices, R.data, means, DAMPING)
        learned.rating_range_ = float(R.data.min()), float(R.data.max())
        learned.recommender_ = self._make_recommender().fit(R)
        self._commit(learned)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict the ratings of pairs.

        Takes time in proportion to the pairs and their histories, whatever the number of items, if
        the recommender does.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_pairs, n_columns)
            Ids, known or not.

        Returns
        -------
        ndarray of shape (n_pairs,)
            Ratings.

        Raises
        ------
        ValueError
            If ids are missing or rounded, or ``X`` has other columns than that of ``fit``.
        TypeError
            If ids are of a type that no id of ``fit`` has.
        """
        check_is_fitted(self)
        users, items = self._places(self._table(X, reset=False))
        ratings = np.full(len(users), self.mean_, self.interactions_.dtype)
        ratings[users >= 0] += self.user_offsets_[users[users >= 0]].astype(ratings.dtype)
        known = np.flatnonzero(items >= 0)
        if len(known):
            rows, place = np.unique(users[known], return_inverse=True)
            ratings[known] = scores_of_pairs(
                self.recommender_, self._histories(rows), place, items[known]
            )
        return ratings.clip(*self.rating_range_) if self.clip else ratings

    def _histories(self, rows: np.ndarray) -> sp.csr_array:
        """Rows of ``interactions_``; an empty one for -1, which may only come first."""
        R = self.interactions_
        if rows[0] >= 0:
            return R[rows]
        chosen = R[rows[1:]]
        indptr = np.append(chosen.indptr[:1], chosen.indptr)
        return sp.csr_array((chosen.data, chosen.indices, indptr), shape=(len(rows), R.shape[1]))

    def _make_recommender(self) -> Any:
        """Clone the recommender, and ask it for ratings."""
        given = self.recommender
        model = BayesianFactorizer(random_state=0) if given is None else clone(given)
        if "feedback" in model.get_params(deep=False):
            model.set_params(feedback="explicit")
        if not isinstance(model, BaseRecommender) or not model._predicts_ratings():
            raise TypeError(
                f"recommender must predict ratings, {type(model).__name__} does not: its scores "
                "only rank items. Pass for example ALSFactorizer(), ItemItemCF() or "
                "BayesianFactorizer()."
            )
        if model._needs_times():
            raise TypeError(
                f"recommender must do without timestamps, {type(model).__name__} does not: pairs "
                "of user and item have none. Fit it on a matrix and timestamps instead."
            )
        return model

    def _table(self, X: Any, *, reset: bool) -> pd.DataFrame:
        """Take the ids of users and items out of a table, each column in its own type."""
        least = {"ensure_min_features": 2 if reset else 1, "estimator": self}
        if isinstance(X, pd.DataFrame):
            check_array(np.broadcast_to(0.0, X.shape), **least)
            values = X
        else:
            if isinstance(X, (list, tuple)):
                X = np.asarray(X, dtype=object)  # else integers beside text would become text
            values = pd.DataFrame(check_array(X, dtype=None, ensure_all_finite=False, **least))
        validate_data(self, X, reset=reset, skip_check_array=True)
        user, item = self._column("user"), self._column("item")
        if user % self.n_features_in_ == item % self.n_features_in_:
            raise ValueError(
                f"user={self.user!r} and item={self.item!r} are the same column of X: users and "
                "items need one each."
            )
        columns = {"user": values.iloc[:, user], "item": values.iloc[:, item]}
        table = pd.DataFrame({name: ids.array for name, ids in columns.items()}).infer_objects()
        for name in columns:
            missing = np.flatnonzero(table[name].isna())
            if len(missing):
                raise ValueError(
                    f"X has no {name} in row {missing[0]} (NaN or None; {len(missing)} such rows "
                    "in all, counted from 0). Drop these rows or give them an id."
                )
        return table

    def _column(self, parameter: str) -> int:
        """Position of the column that a parameter asks for."""
        column = getattr(self, parameter)
        if isinstance(column, str):
            names = list(getattr(self, "feature_names_in_", []))
            if column not in names:
                raise ValueError(
                    f"{parameter}={column!r} is no column of X; "
                    + (f"its columns are {names}." if names else "X has no column names.")
                )
            if names.count(column) > 1:
                raise ValueError(f"{parameter}={column!r} names several columns of X.")
            return names.index(column)
        if not -self.n_features_in_ <= column < self.n_features_in_:
            raise ValueError(
                f"{parameter}={column} is no column of X, which has {self.n_features_in_}."
            )
        return column

    def _places(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of ``interactions_`` for pairs; -1 for unknown ids."""
        found = []
        for name, ids in (("user", self.encoder_.user_ids_), ("item", self.encoder_.item_ids_)):
            found.append(look_up(table, name, ids, "the ids of fit", "ignore"))
        return found[0], found[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.regressor_tags.poor_score = True  # where X holds numbers that are no ids
        return tags
