"""RerankedRecommender: a recommender and rules for its lists, which is a recommender again."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import MetaEstimatorMixin, clone

from .._compat import BaseComposition, HasMethods, Interval
from .._context import Context
from .._kernels.rerank import deal_scores
from .._kernels.topk import mask_entries, top_k
from .._members import asks, explain_member, explanation_fields, fit_member, score_member
from .._scores import unwrap
from ..base import BaseRecommender
from ._diversify import Diversify
from ._rule import ListRule

__all__ = ["RerankedRecommender"]


class RerankedRecommender(BaseComposition, MetaEstimatorMixin, BaseRecommender):
    r"""Apply rules to the lists of a recommender.

    The rules bring the best items of each history into another order, one rule after the other,
    and ``predict`` tells of that order: so metrics, searches and cross-validation see what the
    rules cost.

    Parameters
    ----------
    estimator : estimator object
        A recommender, a pipeline that ends in one, or a search over either. It is cloned and
        fitted; a fitted one is used as it is inside of ``sklearn.frozen.FrozenEstimator``.
    rules : list of (str, rule) or None, default=None
        Names and rules: :class:`Diversify`, :class:`LimitPerGroup`, :class:`Promote` or others
        derived from :class:`ListRule`. Later ones may undo what earlier ones did, so that the
        strictest goes last. A rule may be switched off by "drop". None means ``Diversify()``.
    n_candidates : int, default=100
        How many items of each row the rules see, from the best on, history left out. The others
        come after them, in the order of the recommender.

    Attributes
    ----------
    estimator_ : estimator object
        The fitted recommender.
    rules_ : list of (str, rule)
        The fitted rules.
    named_rules_ : dict of str to rule
        The same by name.
    prior_ : ndarray of shape (n_features_in_,)
        Scores of an empty history.
    n_features_in_ : int
        Number of items.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Item names, when ``fit`` got a DataFrame with string column names.

    See Also
    --------
    diversify, limit_per_group, promote : The rules as functions of lists.

    Notes
    -----
    The item that the rules put at place r of a row gets the r-th best score of that row's
    candidates, so that scores stay on the scale of the recommender; where that would leave two
    items in a wrong order because their scores are equal, the later one gets the next lower
    number. Scores rank items, also where those of the recommender are ratings.

    Rules look at what the recommender would list of all items. With ``items`` or ``exclude``,
    ``recommend`` lists what is left of this order, and a rule such as "one of each group" may not
    hold any more among the items that are left. Where candidates differ from one request to the
    next, apply the functions to lists of these candidates, as in the example.

    The explanation of an item is that of the recommender. What the rules add to its score is part
    of the baseline, and ``moves`` tells from which place to which one they brought it.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import AttentionRecommender, RerankedRecommender
    >>> from skattnrec.reranking import LimitPerGroup, limit_per_group
    >>> X = np.array([[5, 4, 0, 2, 0], [4, 5, 1, 0, 3], [0, 1, 5, 4, 0], [1, 0, 4, 5, 2]])
    >>> genres = ["crime", "crime", "comedy", "comedy", "drama"]
    >>> rules = [("genres", LimitPerGroup(genres))]
    >>> model = RerankedRecommender(AttentionRecommender(), rules).fit(X)
    >>> model.recommend([[5, 0, 0, 0, 0]], k=3)[0]
    array([[1, 3, 4]])

    Rules for candidates that are known when the list is asked for:

    >>> lists = model.estimator_.recommend([[5, 0, 0, 0, 0]], k=4, items=[1, 2, 3])
    >>> limit_per_group(*lists, genres, k=2)[0]
    array([[1, 3]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict"])],
        "rules": [list, None],
        "n_candidates": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, estimator: Any, rules: Any = None, *, n_candidates: int = 100):
        self.estimator = estimator
        self.rules = rules
        self.n_candidates = n_candidates

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters, and with ``deep`` those of the recommender and of the rules.

        Parameters
        ----------
        deep : bool, default=True

        Returns
        -------
        dict of str to object
            As ``estimator__temperature``, and by the name of a rule as ``genres__max_per_group``.
        """
        return self._get_params("rules", deep=deep)

    def set_params(self, **params: Any) -> RerankedRecommender:
        """Set parameters, also those of the recommender and of the rules, or replace rules.

        Parameters
        ----------
        **params
            By the names of :meth:`get_params`.

        Returns
        -------
        self : object
            The estimator.
        """
        self._set_params("rules", **params)
        return self

    def _fit(self, X: sp.csr_array, context: Context) -> None:
        rules = self._check_rules()
        labels = getattr(self, "feature_names_in_", None)
        self.estimator_ = fit_member(self.estimator, "estimator", X, context, labels)
        model, seen = unwrap(self.estimator_, X)
        self.rules_ = [(name, clone(rule).fit(seen, model)) for name, rule in rules]
        self.named_rules_ = dict(self.rules_)
        nothing = sp.csr_array((1, X.shape[1]), dtype=X.dtype)
        self.prior_ = self._score(nothing, Context())[0]

    def _check_rules(self) -> list[tuple[str, ListRule]]:
        """Check names and kinds of the rules, and leave out those that are dropped."""
        if self.rules is None:
            return [("diversify", Diversify())]
        if not all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in self.rules):
            raise ValueError(f"rules must be a list of pairs (name, rule), got {self.rules!r}.")
        self._validate_names([name for name, _ in self.rules])
        rules = [(name, rule) for name, rule in self.rules if not isinstance(rule, str)]
        words = [rule for _, rule in self.rules if isinstance(rule, str) and rule != "drop"]
        others = words + [rule for _, rule in rules if not isinstance(rule, ListRule)]
        if others:
            raise ValueError(
                f"rules must be 'drop' or objects such as Diversify(), got {others[0]!r}. Derive "
                "rules of your own from skattnrec.reranking.ListRule."
            )
        return rules

    def _score(self, X: sp.csr_array, context: Context) -> np.ndarray:
        dtype = X.dtype
        return self._reorder(X, score_member(self.estimator_, "estimator", X, context, dtype))

    def _score_empty(self, X: sp.csr_array, context: Context) -> np.ndarray:
        return self._score(X, context)

    def _reorder(self, X: sp.csr_array, scores: np.ndarray) -> np.ndarray:
        """Give the best items of each row the scores that fit the order of the rules."""
        before, after = self._lists(X, scores)
        deal_scores(scores, before, after)
        return scores

    def _lists(self, X: sp.csr_array, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Best items of each row, (n_rows, n_candidates), and the same after all rules."""
        masked = scores.copy()
        mask_entries(masked, X.indptr, X.indices)
        before, values = top_k(masked, None, min(int(self.n_candidates), X.shape[1]))
        lists = before
        for name, rule in self.rules_:
            lists = self._check_reordered(name, rule.reorder(lists, values, X), before)
            values = np.take_along_axis(scores, np.maximum(lists, 0), axis=1)
            values[lists < 0] = np.nan
        return before, lists

    @staticmethod
    def _check_reordered(name: str, lists: Any, before: np.ndarray) -> np.ndarray:
        """Check what a rule returns, before compiled code reads it."""
        lists = np.asarray(lists)
        fits = lists.shape == before.shape and lists.dtype.kind in "iu"
        if not fits or not np.array_equal(lists >= 0, before >= 0):
            raise ValueError(
                f"The rule {name!r} must return item columns of shape {before.shape}, as many in "
                f"each row as it was given; got {lists.dtype} of shape {lists.shape}."
            )
        return np.ascontiguousarray(lists, dtype=np.intp)

    def _explain(
        self, X: sp.csr_array, context: Context, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Give the explanation of the recommender; what rules add goes to the baseline."""
        parts = explain_member(self.estimator_, X, context, items)
        scores = score_member(self.estimator_, "estimator", X, context, X.dtype)
        lists = self._lists(X, scores)
        added = self._reorder(X, scores)[0, items] - parts.scores
        moves = np.stack([_places(items, listed[0]) for listed in lists], axis=1)
        fields = explanation_fields(parts) | {"moves": moves}
        return parts.baseline + added, parts.sources, parts.contributions, fields

    def _item_similarity(self, items: np.ndarray) -> np.ndarray:
        """Scores of all items for histories of one item, before any rule."""
        model, _ = unwrap(self.estimator_, sp.csr_array((1, self.n_features_in_)))
        if isinstance(model, BaseRecommender):
            return np.array(model._fitted()._item_similarity(items), self.prior_.dtype)
        return super()._item_similarity(items)

    def _accepts_negative(self) -> bool:
        return asks(self.estimator, "_accepts_negative", default=True)

    def _needs_times(self) -> bool:
        return asks(self.estimator, "_needs_times", default=False)

    def _reads_user_features(self) -> bool:
        return asks(self.estimator, "_reads_user_features", default=False)

    def _largest_rating(self, dtype: Any) -> float:
        return asks(
            self.estimator, "_largest_rating", dtype, default=super()._largest_rating(dtype)
        )


def _places(items: np.ndarray, listed: np.ndarray) -> np.ndarray:
    """Places of items in a list, -1 for those that are not in it."""
    is_there = items[:, None] == listed
    return np.where(is_there.any(axis=1), is_there.argmax(axis=1), -1)
