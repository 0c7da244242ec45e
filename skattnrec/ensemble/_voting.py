"""VotingRecommender: a weighted sum of what several recommenders say."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_random_state

from .._blocks import row_blocks
from .._compat import Interval, StrOptions
from .._context import Context
from .._ineffective import refuse_ineffective
from .._kernels.moments import row_moments, standardised_rows
from .._kernels.rerank import hash_sets
from .._members import explain_member
from ..metrics import RankingScorer
from ._base import RecommenderEnsemble
from ._weights import choices_of_block, find_weights

__all__ = ["VotingRecommender"]

_JUDGED = 0.2  # share of the users that weights are found on
_MOST_JUDGED = 4000


class VotingRecommender(RecommenderEnsemble):
    r"""Rank items by a weighted sum of the scores of several recommenders.

    Scores are standardised in each row first, so that recommenders of any kind, also those of
    ratings, add up.

    Parameters
    ----------
    estimators : list of (str, estimator)
        Names and recommenders, pipelines that end in one, or searches over either. They are cloned
        and fitted; a fitted one is used as it is inside of ``sklearn.frozen.FrozenEstimator``. A
        member may be switched off by "drop".
    weights : array-like of shape (n_estimators,), "auto" or None, default=None
        How much each member counts: numbers that are not negative, of which only ratios matter.
        "auto": found on held-out entries, see the notes. None: all the same.
    holdout : float in (0, 1), "last", "auto" or None, default=None
        ``weights="auto"`` only: what is hidden of a history to find the weights by, as in
        :class:`~skattnrec.metrics.RankingScorer`. None means "auto": the latest entry if there are
        timestamps, else a share of 0.2.
    relevance_threshold : float or None, default=None
        ``weights="auto"`` only: hidden entries should be listed if their rating is at least this.
        None: if it is above 0.
    random_state : int, RandomState instance or None, default=0
        Which entries and users weights are found on, where there is a choice.

    Attributes
    ----------
    estimators_ : list of estimator objects
        The fitted members, without those that are dropped.
    named_estimators_ : Bunch
        The same by name.
    weights_ : ndarray of shape (n_members,)
        Their weights; the sum is 1.
    prior_ : ndarray of shape (n_features_in_,)
        Scores of an empty history: the sum of what members give one.
    n_features_in_ : int
        Number of items.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Item names, when ``fit`` got a DataFrame with string column names.

    See Also
    --------
    SwitchingRecommender : One recommender or another, by the length of the history.

    Notes
    -----
    With :math:`s^m` the scores of member m,

    .. math::
        s_{ui} = \sum_m w_m \frac{s^m_{ui} - \bar s^m_u}{\sigma^m_u}, \qquad \sum_m w_m = 1

    with the mean :math:`\bar s^m_u` and the standard deviation :math:`\sigma^m_u` over all items.
    A member that gives a row equal scores adds nothing there. Scores rank items of a row, also
    where those of members are ratings.

    ``weights="auto"`` fits the members on four fifths of the users, or more: at most 4,000 of them
    are drawn to judge by. A part of what those have rated is hidden, and weights on a grid are
    judged by NDCG@10. ``weights_`` is the mean of those that are not worse than the best ones by
    more than a standard error. Then the members are fitted on everything. A frozen member is not
    fitted again: if it has learned from the users that are drawn, it looks better or worse than it
    is, and weights should be given.

    Explanations add up: what an entry of the history contributes to a score is the weighted sum of
    what it contributes to the scores of the members, divided by their spread. Members must explain
    by the same kind of sources, entries of the history or other users.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import AttentionRecommender, ItemItemCF, VotingRecommender
    >>> X = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 1, 5, 4], [1, 0, 4, 5]])
    >>> members = [("attention", AttentionRecommender()), ("items", ItemItemCF())]
    >>> model = VotingRecommender(members, weights=[3, 1]).fit(X)
    >>> model.weights_
    array([0.75, 0.25])
    >>> model.recommend([[0, 5, 0, 0], [0, 0, 0, 5]], k=1)[0].ravel()
    array([0, 2])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **RecommenderEnsemble._parameter_constraints,
        "weights": ["array-like", StrOptions({"auto"}), None],
        "holdout": [
            Interval(Real, 0, 1, closed="neither"),
            StrOptions({"last", "auto"}),
            None,
        ],
        "relevance_threshold": [Real, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimators: Any,
        *,
        weights: Any = None,
        holdout: Any = None,
        relevance_threshold: float | None = None,
        random_state: Any = 0,
    ):
        self.estimators = estimators
        self.weights = weights
        self.holdout = holdout
        self.relevance_threshold = relevance_threshold
        self.random_state = random_state

    def _fit(self, X: sp.csr_array, context: Context) -> None:
        members, used = self._members()
        if isinstance(self.weights, str):
            self.weights_ = self._find_weights(members, X, context)
        else:
            refuse_ineffective(self, "weights that are given", "holdout", "relevance_threshold")
            self.weights_ = self._check_weights(used)
        self._keep(members, self._fit_members(members, X, context))
        nothing = sp.csr_array((1, X.shape[1]), dtype=X.dtype)
        self.prior_ = self._score(nothing, Context())[0]

    def _check_weights(self, used: np.ndarray) -> np.ndarray:
        """Weights of the members that are used, of sum 1."""
        if self.weights is None:
            return np.full(used.sum(), 1 / used.sum())
        weights = np.asarray(self.weights, dtype=np.float64)
        if weights.shape != used.shape:
            raise ValueError(
                f"weights must hold a number for each of the {len(used)} estimators, got an array "
                f"of shape {weights.shape}."
            )
        if not (np.isfinite(weights).all() and (weights >= 0).all() and weights[used].any()):
            raise ValueError(
                "weights must be finite and not negative, and not all of them 0 but for what is "
                f"dropped; got {self.weights!r}."
            )
        largest = weights[used].max()  # sums of large ones overflow
        return weights[used] / largest / (weights[used] / largest).sum()

    def _find_weights(
        self, members: list[tuple[str, Any]], X: sp.csr_array, context: Context
    ) -> np.ndarray:
        """Find weights on users that the members do not know, by what is hidden of them."""
        history, entries, held_out, judged = self._hide(X, context)
        others = np.setdiff1d(np.arange(X.shape[0]), judged)
        draft = self._draft()
        draft._keep(members, self._fit_members(members, *context.of_rows(X, others)))
        parts = []
        asked = entries.of_rows(history, judged)
        for start, scores in draft._standardised_blocks(*asked):
            rows = slice(start, start + len(scores[0]))
            parts.append(choices_of_block(scores, asked[0][rows], held_out[judged][rows]))
        return find_weights(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def _hide(
        self, X: sp.csr_array, context: Context
    ) -> tuple[sp.csr_array, Context, sp.csr_array, np.ndarray]:
        """Hide entries, and draw users to judge members by.

        Returns
        -------
        history : csr_array of shape (n_users, n_items)
            What is not hidden of X.
        context : Context
            What is known of that.
        held_out : csr_array of shape (n_users, n_items)
            What is hidden.
        judged : ndarray of int
            The users drawn, ascending. Something is hidden of each.
        """
        holdout = "auto" if self.holdout is None else self.holdout
        scorer = RankingScorer(
            holdout=holdout,
            relevance_threshold=self.relevance_threshold,
            random_state=self.random_state,
        )
        history, held_out, entries = scorer.hold_out(X, **context.as_metadata(X))
        held_out = scorer.relevant(held_out)
        judged = np.flatnonzero(np.diff(held_out.indptr))
        n_judged = min(_MOST_JUDGED, max(1, round(_JUDGED * X.shape[0])), X.shape[0] - 1)
        if min(n_judged, len(judged)) == 0:
            raise ValueError(
                "weights='auto' hides a part of some users with at least two entries, of which X "
                f"with n_samples={X.shape[0]} and n_features={X.shape[1]} has too few. Give "
                "weights."
            )
        seed = check_random_state(self.random_state).randint(2**63, dtype=np.uint64)
        drawn = hash_sets(X.indptr, X.indices)[judged] ^ seed
        judged = np.sort(judged[np.argsort(drawn, kind="stable")[:n_judged]])
        return history, entries, held_out, judged

    def _score(self, X: sp.csr_array, context: Context) -> np.ndarray:
        total = np.zeros(X.shape)
        for position, weight in enumerate(self.weights_):
            total += weight * standardised_rows(self._score_by(position, X, context))
        return total.astype(X.dtype)

    def _standardised_blocks(
        self, X: sp.csr_array, context: Context
    ) -> Iterator[tuple[int, list[np.ndarray]]]:
        """Standardised scores of all members, a block of rows at a time, and its first row."""
        start = 0
        for block, block_context in row_blocks(X, context):
            scores = (self._score_by(n, block, block_context) for n in range(len(self.estimators_)))
            yield start, [standardised_rows(own) for own in scores]
            start += block.shape[0]

    def _explain(
        self, X: sp.csr_array, context: Context, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Add up the contributions to the scores of members, in their spreads."""
        parts = [explain_member(model, X, context, items) for model in self.estimators_]
        kinds = {part.source for part in parts if len(part.sources)} or {"item"}
        if len(kinds) > 1:
            raise NotImplementedError(
                "Members explain by different kinds of sources, which do not add up: "
                f"{sorted(kinds)}. Ask each of named_estimators_."
            )
        shares, baseline = [], np.zeros(len(items))
        for position, (weight, part) in enumerate(zip(self.weights_, parts, strict=True)):
            means, spreads = row_moments(self._score_by(position, X, context))
            shares.append(weight / spreads[0])
            baseline += (part.baseline - means[0]) * shares[-1]
        dtype = X.dtype
        given: list[tuple[Any, Any]] = [(part.sources, part.contributions) for part in parts]
        sources, contributions = _add_up(given, shares, len(items))
        fields: dict[str, Any] = {"source": kinds.pop()}
        if any(part.features is not None for part in parts):
            assert context.features is not None
            given = [(part.features, part.feature_contributions) for part in parts]
            columns, added = _add_up(given, shares, len(items))
            values = context.features.toarray()[0, columns]
            fields |= {"features": columns, "feature_values": values}
            fields |= {"feature_contributions": added.astype(dtype)}
        return baseline.astype(dtype), sources, contributions.astype(dtype), fields


def _add_up(
    parts: list[tuple[Any, Any]], shares: list[np.ndarray], n_items: int
) -> tuple[np.ndarray, np.ndarray]:
    """Add up the contributions (n_items, n_sources) of members, times shares, source by source."""
    known = [(s, c, w) for (s, c), w in zip(parts, shares, strict=True) if s is not None]
    sources = np.unique(np.concatenate([part_sources for part_sources, _, _ in known]))
    total = np.zeros((n_items, len(sources)))
    for part_sources, contributions, share in known:
        total[:, np.searchsorted(sources, part_sources)] += contributions * share
    return sources.astype(np.intp), total
