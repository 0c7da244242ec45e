"""Several recommenders that answer as one: how they are named, checked, fitted and asked."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import MetaEstimatorMixin
from sklearn.utils import Bunch

from .._compat import BaseComposition
from .._context import Context
from .._members import asks, fit_member, score_member
from ..base import BaseRecommender

__all__ = ["RecommenderEnsemble"]


class RecommenderEnsemble(BaseComposition, MetaEstimatorMixin, BaseRecommender):
    """Base class of recommenders made of others, which are ``estimators``, named."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"estimators": [list]}

    estimators: Any
    estimators_: list[Any]
    named_estimators_: Bunch

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters, and with ``deep`` those of the members.

        Parameters
        ----------
        deep : bool, default=True

        Returns
        -------
        dict of str to object
            Those of members by names such as ``name__temperature``, and members by their names.
        """
        return self._get_params("estimators", deep=deep)

    def set_params(self, **params: Any) -> RecommenderEnsemble:
        """Set parameters, also those of members, or replace members by their names.

        Parameters
        ----------
        **params
            By the names of :meth:`get_params`. A member that is replaced by "drop" has no part.

        Returns
        -------
        self : object
            The estimator.
        """
        self._set_params("estimators", **params)
        return self

    def _members(self) -> tuple[list[tuple[str, Any]], np.ndarray]:
        """Check the members: those that are not dropped, and which of all these are."""
        pairs = self.estimators
        if not pairs or not all(isinstance(p, (tuple, list)) and len(p) == 2 for p in pairs):
            raise ValueError(
                f"estimators must be a list of pairs (name, recommender), at least one; got "
                f"{pairs!r}."
            )
        self._validate_names([name for name, _ in pairs])
        used = np.array([not (isinstance(model, str) and model == "drop") for _, model in pairs])
        if not used.any():
            raise ValueError("All estimators are dropped: at least one is needed.")
        members = [pair for pair, is_used in zip(pairs, used, strict=True) if is_used]
        for name, model in members:
            if not (hasattr(model, "fit") and hasattr(model, "predict")):
                raise ValueError(
                    f"estimators[{name!r}] must be a recommender or 'drop', got {model!r}."
                )
        return members, used

    def _fit_members(
        self, members: list[tuple[str, Any]], X: sp.csr_array, context: Context
    ) -> list[Any]:
        labels = getattr(self, "feature_names_in_", None)
        return [fit_member(model, name, X, context, labels) for name, model in members]

    def _keep(self, members: list[tuple[str, Any]], fitted: list[Any]) -> None:
        self.estimators_ = fitted
        names = [name for name, _ in members]
        self.named_estimators_ = Bunch(**dict(zip(names, fitted, strict=True)))

    def _score_by(self, position: int, X: sp.csr_array, context: Context) -> np.ndarray:
        """Scores of one member, (n_rows, n_items)."""
        name = list(self.named_estimators_)[position]
        return score_member(self.estimators_[position], name, X, context, X.dtype)

    # -- hooks ----------------------------------------------------------------------------------

    def _ask_members(self, hook: str, *args: Any, default: Any) -> list[Any]:
        pairs = self.estimators if isinstance(self.estimators, list) else []
        models = [pair[1] for pair in pairs if isinstance(pair, (tuple, list)) and len(pair) == 2]
        return [asks(model, hook, *args, default=default) for model in models]

    def _accepts_negative(self) -> bool:
        return all(self._ask_members("_accepts_negative", default=True))

    def _needs_times(self) -> bool:
        return any(self._ask_members("_needs_times", default=False))

    def _reads_user_features(self) -> bool:
        return any(self._ask_members("_reads_user_features", default=False))

    def _score_empty(self, X: sp.csr_array, context: Context) -> np.ndarray:
        return self._score(X, context)

    def _largest_rating(self, dtype: Any) -> float:
        usual = super()._largest_rating(dtype)
        return min([usual, *self._ask_members("_largest_rating", dtype, default=usual)])
