"""SwitchingRecommender: one recommender for short histories, another one for long ones."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from .._context import Context
from .._members import explain_member, explanation_fields
from ._base import RecommenderEnsemble

__all__ = ["SwitchingRecommender"]


class SwitchingRecommender(RecommenderEnsemble):
    """Send each history to the recommender for its length.

    What serves somebody who has rated three items need not be what serves somebody who has rated
    three hundred. All members learn from all users; a history is answered by one of them.

    Parameters
    ----------
    estimators : list of (str, estimator)
        Names and recommenders, pipelines that end in one, or searches over either. They are cloned
        and fitted; a fitted one is used as it is inside of ``sklearn.frozen.FrozenEstimator``. A
        member may be switched off by "drop": then the one before it goes on.
    min_lengths : array-like of int, shape (n_estimators,)
        The number of entries from which on each member answers: 0 first, and rising.

    Attributes
    ----------
    estimators_ : list of estimator objects
        The fitted members, without those that are dropped.
    named_estimators_ : Bunch
        The same by name.
    min_lengths_ : ndarray of shape (n_members,)
        The lengths from which on they answer.
    prior_ : ndarray of shape (n_features_in_,)
        Scores of an empty history, by the first member.
    n_features_in_ : int
        Number of items.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Item names, when ``fit`` got a DataFrame with string column names.

    See Also
    --------
    VotingRecommender : All of them together.

    Notes
    -----
    Scores of rows that different members answer have different scales; they compare within a row.
    If all members predict ratings, so does this one.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import ItemItemCF, PopularityRecommender, SwitchingRecommender
    >>> X = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 1, 5, 4], [1, 0, 4, 0]])
    >>> members = [("few", PopularityRecommender()), ("many", ItemItemCF())]
    >>> model = SwitchingRecommender(members, min_lengths=[0, 2]).fit(X)
    >>> model.recommend([[0, 0, 0, 5], [0, 2, 0, 5]], k=1)[0].ravel()
    array([0, 2])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **RecommenderEnsemble._parameter_constraints,
        "min_lengths": ["array-like"],
    }

    def __init__(self, estimators: Any, min_lengths: Any):
        self.estimators = estimators
        self.min_lengths = min_lengths

    def _fit(self, X: sp.csr_array, context: Context) -> None:
        members, used = self._members()
        self.min_lengths_ = self._check_lengths(used)
        self._keep(members, self._fit_members(members, X, context))
        nothing = sp.csr_array((1, X.shape[1]), dtype=X.dtype)
        self.prior_ = self._score(nothing, Context())[0]

    def _check_lengths(self, used: np.ndarray) -> np.ndarray:
        """Lengths from which on those members answer that are used."""
        lengths = np.asarray(self.min_lengths)
        if lengths.shape != used.shape or lengths.dtype.kind not in "iu":
            raise ValueError(
                f"min_lengths must hold an integer for each of the {len(used)} estimators, got "
                f"{lengths.dtype} of shape {lengths.shape}."
            )
        if lengths[0] != 0 or (np.diff(lengths) <= 0).any():
            raise ValueError(
                "min_lengths must begin with 0, for those who have rated nothing, and rise; got "
                f"{self.min_lengths!r}."
            )
        if not used[0]:
            raise ValueError(
                "The first of the estimators answers histories of no length, and cannot be dropped."
            )
        return lengths[used].astype(np.int64)

    def _choose(self, X: sp.csr_array) -> np.ndarray:
        """Find the member that answers each row."""
        return np.searchsorted(self.min_lengths_, np.diff(X.indptr), side="right") - 1

    def _score(self, X: sp.csr_array, context: Context) -> np.ndarray:
        scores = np.empty(X.shape, X.dtype)
        chosen = self._choose(X)
        for position in np.unique(chosen):
            rows = np.flatnonzero(chosen == position)
            scores[rows] = self._score_by(int(position), *context.of_rows(X, rows))
        return scores

    def _explain(
        self, X: sp.csr_array, context: Context, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Give the explanation of the member that answers."""
        parts = explain_member(self.estimators_[self._choose(X)[0]], X, context, items)
        return parts.baseline, parts.sources, parts.contributions, explanation_fields(parts)

    def _predicts_ratings(self) -> bool:
        return all(self._ask_members("_predicts_ratings", default=False))
