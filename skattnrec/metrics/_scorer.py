"""Scorers for scikit-learn's model selection that hide a part of each history and look for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator

from .._blocks import take_entries
from .._compat import Interval, StrOptions
from .._context import Context
from .._scores import model_of, scores_of_rows
from .._user_features import check_same_users
from .._validation import as_interactions, check_item_indices
from ._held_out import ROUTED, check_held_out, check_same_labels, hide_entries, unseen
from ._judged import average_users, judge
from ._ranking import METRICS, rank_items, user_values

__all__ = ["RankingScorer", "make_ranking_scorer"]

_CUTOFF = 10


class RankingScorer(BaseEstimator):
    """Score a recommender by the ranks it gives to held-out items.

    An instance goes wherever scikit-learn takes ``scoring``: cross-validation, learning curves,
    searches. It calls the estimator's ``predict`` on blocks of histories, leaves out the items
    of each history, and compares the best of the rest with what was held out.

    Parameters
    ----------
    metric : str, callable or list of these, default="ndcg"
        "ndcg", "precision", "recall", "map", "mrr" or "hit_rate", optionally with a cutoff of
        its own as in "ndcg@20". A function is called as
        ``metric(recommended, relevant, k=k, average=False)``, see :func:`ndcg_at_k`, and returns
        one value per user. With a list the scorer returns a dict like
        ``{"ndcg@10": ..., "recall@20": ...}``, all from one prediction.
    k : int, default=None
        Cutoff of the metrics that do not name one; None: 10. Cutoffs above the number of items
        mean all items.
    holdout : float in (0, 1), "last" or "auto", default="auto"
        What to hide when the scorer gets no ``y``: this share of each history (rounded, at least
        one entry), chosen at random, or the latest entry. "auto": the latest entry if there are
        timestamps, otherwise a share of 0.2. Rows with fewer than two entries keep their history
        and are not scored.
    relevance_threshold : float, default=None
        Held-out entries are relevant from this rating on. None: if their rating is > 0.
    gain : {"binary", "linear", "exp2"}, default="binary"
        What NDCG makes of the rating of a relevant item; see :func:`ndcg_at_k`. Refused where
        NDCG is not among the metrics.
    n_given : int, default=None
        Leave so many entries of each history and hide the rest, in the place of ``holdout``: the
        earliest ones are left if there are timestamps, otherwise random ones. 0 leaves nothing, so
        that all users are cold. Rows with no more entries are not scored.
    items : array-like of int, default=None
        Columns of the items that are ranked, and looked for: cold items, for one. None means all.
    random_state : int, RandomState instance or None, default=0
        What a random holdout is drawn with, and which of the latest entries is hidden where
        several have the same time. For a given integer, it depends on nothing but the set of
        items in the history: not on the ratings, the other rows or their order, nor on which
        items have low columns.

    See Also
    --------
    skattnrec.model_selection.split_interactions : The same holdouts, as matrices.
    skattnrec.model_selection.compare_recommenders : Compare models on the same holdouts.

    Notes
    -----
    With metadata routing enabled, ``timestamps`` and ``user_features`` given to ``fit`` of a search
    or to ``cross_validate(params=...)`` reach the scorer without any request. Without routing they
    reach ``fit`` alone: then ``holdout="last"`` and "auto", models that need timestamps, and models
    that were fitted with user features raise an error.

    ``cross_val_score`` and ``cross_validate`` refuse a sparse ``y``; searches and
    ``compare_recommenders`` take one.

    Items of the history are never recommended, so they are no targets either, should ``y`` hold
    some of them.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from skattnrec.baseline import PopularityRecommender
    >>> from skattnrec.metrics import RankingScorer
    >>> X = np.tril(np.ones((20, 8)))
    >>> scorer = RankingScorer("recall@1", holdout=0.2)
    >>> cross_val_score(PopularityRecommender(), X, scoring=scorer, cv=2).shape
    (2,)
    >>> model = PopularityRecommender().fit(X)
    >>> sorted(RankingScorer(["ndcg", "recall@2"])(model, X))
    ['ndcg@10', 'recall@2']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "metric": [str, callable, list],
        "k": [Interval(Integral, 1, None, closed="left"), None],
        "holdout": [Interval(Real, 0, 1, closed="neither"), StrOptions({"last", "auto"})],
        "relevance_threshold": [Real, None],
        "gain": [StrOptions({"binary", "linear", "exp2"})],
        "n_given": [Interval(Integral, 0, None, closed="left"), None],
        "items": ["array-like", None],
        "random_state": ["random_state"],
    }

    __metadata_request__score: ClassVar[dict[str, Any]] = ROUTED

    def __init__(
        self,
        metric: Any = "ndcg",
        k: int | None = None,
        holdout: float | str = "auto",
        relevance_threshold: float | None = None,
        gain: str = "binary",
        n_given: int | None = None,
        items: Any = None,
        random_state: Any = 0,
    ):
        self.metric = metric
        self.k = k
        self.holdout = holdout
        self.relevance_threshold = relevance_threshold
        self.gain = gain
        self.n_given = n_given
        self.items = items
        self.random_state = random_state

    def __call__(
        self,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        timestamps: Any = None,
        user_features: Any = None,
    ) -> float | dict[str, float]:
        """Score a fitted recommender.

        Parameters
        ----------
        estimator : object
            Fitted; its ``predict`` scores all items, shape (n_users, n_items).
        X : {array-like, sparse matrix} of shape (n_users, n_items)
            Histories.
        y : {array-like, sparse matrix} of shape (n_users, n_items), default=None
            Held-out ratings; then all of ``X`` is history. None: hide a part of ``X``.
        timestamps : {array-like, sparse matrix} of shape (n_users, n_items), default=None
            The time of every entry of ``X``. If given, those of the history are passed on to
            ``predict``.
        user_features : {array-like, sparse matrix} of shape (n_users, d), default=None
            What is known of each user; passed on to the estimator.

        Returns
        -------
        float, or dict of str to float if ``metric`` is a list
            Mean over the users with relevant held-out items.

        Raises
        ------
        ValueError
            If no user has a relevant held-out item, if shapes differ, if there are no timestamps
            although ``holdout="last"``, the estimator needs some, or it was fitted with some and
            ``holdout="auto"``, if two metrics have the same name, if ``k``, ``gain``, ``holdout``
            or ``n_given`` have no effect, or if the estimator's scores are NaN or of a wrong shape.
        """
        context = {"timestamps": timestamps, "user_features": user_features}
        values = self.score_users(estimator, X, y, **context)
        among = "" if self.items is None else f" among the {np.size(self.items)} of items"
        undefined = f"no row has a relevant held-out item{among}. Score rows with more entries"
        if self.relevance_threshold is not None:
            undefined += f", or lower relevance_threshold={self.relevance_threshold}"
        scores = {n: average_users(value, n, f"{undefined}.") for n, value in values.items()}
        return scores if isinstance(self.metric, list) else next(iter(scores.values()))

    def score(
        self,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        timestamps: Any = None,
        user_features: Any = None,
    ) -> float | dict[str, float]:
        """Do the same as calling the scorer; metadata routing looks for this name."""
        return self(estimator, X, y, timestamps=timestamps, user_features=user_features)

    def score_users(
        self,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        timestamps: Any = None,
        user_features: Any = None,
    ) -> dict[str, np.ndarray]:
        """Score a fitted recommender for each user.

        Parameters
        ----------
        estimator, X, y, timestamps, user_features
            As for calling the scorer.

        Returns
        -------
        dict of str to ndarray of shape (n_users,)
            Values by name of the metric, like "ndcg@10"; NaN for users without relevant
            held-out items.
        """
        self._validate_params()
        metrics = self._metrics()
        self.check_holdout()
        if y is None:
            self.check_times(estimator, timestamps)
        history, held_out, context = self.hold_out(X, y, timestamps, user_features)
        n_items = history.shape[1]
        longest = min(max(k for _, _, k in metrics), n_items)
        others = self._others(n_items)
        rank = partial(_rank_block, history, longest, others)
        recommended = np.concatenate(list(scores_of_rows(estimator, X, history, context, rank)))
        relevant = self.relevant(held_out)
        if others is not None:
            relevant = take_entries(relevant, ~others[relevant.indices])
        judged = judge(recommended, relevant, self.gain)
        values = {}
        for name, metric, k in metrics:
            k = min(k, n_items)
            if callable(metric):
                values[name] = np.asarray(metric(recommended, relevant, k=k, average=False))
            else:
                values[name] = user_values(judged, metric, k)
        return values

    def _others(self, n_items: int) -> np.ndarray | None:
        """Mark what is not ranked, (n_items,); None where everything is."""
        if self.items is None:
            return None
        others = np.ones(n_items, bool)
        others[check_item_indices(self.items, n_items)] = False
        return others

    def _metrics(self) -> list[tuple[str, str | Callable[..., Any], int]]:
        """List the metrics: name of the value, metric, cutoff."""
        metrics = self.metric if isinstance(self.metric, list) else [self.metric]
        if not metrics:
            raise ValueError("metric must not be an empty list.")
        parsed = [_parse(metric, self.k) for metric in metrics]
        names = [name for name, _, _ in parsed]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(
                f"metric lists {twice!r} twice: the values of one would be lost. Name a function "
                "by its attribute __name__."
            )
        if self.k is not None and all(isinstance(m, str) and "@" in m for m in metrics):
            raise ValueError(f"k={self.k} has no effect: every metric names its cutoff.")
        if self.gain != "binary" and all(metric != "ndcg" for _, metric, _ in parsed):
            raise ValueError(f"gain={self.gain!r} has no effect: NDCG is not among the metrics.")
        return parsed

    def check_holdout(self) -> None:
        """Refuse two ways to hide entries at once."""
        if self.n_given is not None and self.holdout != "auto":
            raise ValueError(
                f"holdout={self.holdout!r} has no effect beside n_given={self.n_given}: leave one "
                "of them out."
            )

    def check_times(self, estimator: Any, timestamps: Any) -> None:
        """Refuse to hide entries at random because timestamps got lost on the way.

        Raises
        ------
        ValueError
            If ``holdout="auto"``, there are no timestamps, and the estimator was fitted with some.
        """
        if self.holdout == "auto" and timestamps is None:
            model = model_of(estimator)
            # one that needs timestamps will say so itself
            if getattr(model, "_saw_times", False) and not model._needs_times():
                raise ValueError(
                    f"{type(model).__name__} was fitted with timestamps, the scorer got none. Give "
                    "them to it: searches and cross-validation do after "
                    "sklearn.set_config(enable_metadata_routing=True)."
                    + (
                        " To hide entries whatever their time, set holdout, for example to 0.2."
                        if self.n_given is None
                        else ""
                    )
                )

    def hold_out(
        self, X: Any, y: Any = None, timestamps: Any = None, user_features: Any = None
    ) -> tuple[sp.csr_array, sp.csr_array, Context]:
        """Hide what the scorer hides.

        Parameters
        ----------
        X, y, timestamps, user_features
            As for calling the scorer.

        Returns
        -------
        history, held_out : csr_array of shape (n_users, n_items)
            Two parts of ``X``; or ``X``, and what of ``y`` is not in it.
        context : Context
            What is known of the history beside it.
        """
        known = as_interactions(X)
        for name, other in (("y", y), ("timestamps", timestamps)):
            check_same_labels(name, other, X)
        check_same_users(user_features, X)
        context = Context.of(known, timestamps, user_features)
        if y is not None:
            if self.n_given is not None:
                raise ValueError(
                    f"n_given={self.n_given} has no effect: y says what is held out. Leave one of "
                    "them out."
                )
            return known, unseen(check_held_out(y, known), known), context
        hidden = hide_entries(known, context.times, self.holdout, self.n_given, self.random_state)
        history, held_out = take_entries(known, ~hidden), take_entries(known, hidden)
        return history, held_out, context.of_entries(~hidden)

    def relevant(self, held_out: sp.csr_array) -> sp.csr_array:
        """Keep the relevant entries of what ``hold_out`` held out."""
        if self.relevance_threshold is None:
            return take_entries(held_out, held_out.data > 0)
        relevant = take_entries(held_out, held_out.data >= self.relevance_threshold)
        if self.gain == "binary":  # a threshold may be negative, a grade may not
            relevant.data = np.ones_like(relevant.data)
        return relevant


def make_ranking_scorer(
    metric: Any = "ndcg", k: int | None = None, **options: Any
) -> RankingScorer:
    """Make a scorer from the name of a metric, a function or a list of these.

    Parameters
    ----------
    metric : str, callable or list of these, default="ndcg"
        See :class:`RankingScorer`.
    k : int, default=None
        Cutoff of the metrics that do not name one; None: 10.
    **options
        Other parameters of :class:`RankingScorer`.

    Returns
    -------
    RankingScorer
        To be passed as ``scoring``.

    Examples
    --------
    >>> from skattnrec.metrics import make_ranking_scorer
    >>> make_ranking_scorer("recall", k=20, holdout="last")
    RankingScorer(holdout='last', k=20, metric='recall')
    """
    return RankingScorer(metric, k, **options)


def _parse(
    metric: str | Callable[..., Any], k: int | None
) -> tuple[str, str | Callable[..., Any], int]:
    """Split "ndcg@20" into its name, the metric and the cutoff."""
    k = _CUTOFF if k is None else k
    if callable(metric):
        return f"{getattr(metric, '__name__', type(metric).__name__)}@{k}", metric, k
    base, at, cutoff = str(metric).partition("@")
    if base not in METRICS or (at and not (cutoff.isdecimal() and int(cutoff) > 0)):
        raise ValueError(
            f"metric must be one of {', '.join(METRICS)}, optionally with a cutoff as in "
            f"'ndcg@20', or a function; got {metric!r}."
        )
    k = int(cutoff) if at else k
    return f"{base}@{k}", base, k


def _rank_block(
    history: sp.csr_array, k: int, others: np.ndarray | None, scores: np.ndarray, start: int
) -> np.ndarray:
    """Rank the unseen items of a block of rows, but for some others."""
    if others is not None:
        scores = np.where(others, -np.inf, scores)
    return rank_items(scores, history[start : start + len(scores)], k=k)
