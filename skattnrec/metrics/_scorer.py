"""Scorers for scikit-learn's model selection that hide a part of each history and look for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from .._blocks import take_entries
from .._compat import Interval, StrOptions
from .._context import Context
from .._kernels.entries import count_share, hash_keys, largest_in_row
from .._scores import model_of, scores_of_rows
from .._validation import as_interactions
from ._held_out import ROUTED, check_held_out, check_same_labels, unseen
from ._judged import average_users, judge
from ._ranking import METRICS, rank_items, user_values

__all__ = ["RankingScorer", "make_ranking_scorer"]

_SHARE = 0.2  # of each history, hidden where nothing tells the order of its entries
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
        random_state: Any = 0,
    ):
        self.metric = metric
        self.k = k
        self.holdout = holdout
        self.relevance_threshold = relevance_threshold
        self.gain = gain
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
            ``holdout="auto"``, if two metrics have the same name, if ``k`` or ``gain`` have no
            effect, or if the estimator's scores are NaN or of a wrong shape.
        """
        context = {"timestamps": timestamps, "user_features": user_features}
        values = self.score_users(estimator, X, y, **context)
        undefined = "no row has a relevant held-out item. Score rows with more entries"
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
        if y is None:
            self.check_times(estimator, timestamps)
        history, held_out, context = self.hold_out(X, y, timestamps, user_features)
        n_items = history.shape[1]
        longest = min(max(k for _, _, k in metrics), n_items)
        rank = partial(_rank_block, history, longest)
        recommended = np.concatenate(list(scores_of_rows(estimator, X, history, context, rank)))
        relevant = self.relevant(held_out)
        judged = judge(recommended, relevant, self.gain)
        values = {}
        for name, metric, k in metrics:
            k = min(k, n_items)
            if callable(metric):
                values[name] = np.asarray(metric(recommended, relevant, k=k, average=False))
            else:
                values[name] = user_values(judged, metric, k)
        return values

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
                    "sklearn.set_config(enable_metadata_routing=True). To hide entries whatever "
                    "their time, set holdout, for example to 0.2."
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
        given = {"y": y, "timestamps": timestamps, "user_features": user_features}
        for name, other in given.items():
            check_same_labels(name, other, X)
        context = Context.of(known, timestamps, user_features)
        if y is not None:
            return known, unseen(check_held_out(y, known), known), context
        times = context.times
        lengths = np.diff(known.indptr)
        seed = check_random_state(self.random_state).randint(2**32, dtype=np.uint64)
        drawn = hash_keys(known.indptr, known.indices, seed)
        if self.holdout == "last" or (self.holdout == "auto" and times is not None):
            if times is None:
                raise ValueError(
                    "holdout='last' needs timestamps. Give them to the scorer, or enable "
                    "scikit-learn's metadata routing and pass timestamps to fit of a search or "
                    "as params of cross_validate."
                )
            hidden = largest_in_row(known.indptr, times, (lengths > 1).astype(np.int64), drawn)
        else:
            share = _SHARE if isinstance(self.holdout, str) else self.holdout
            hidden = largest_in_row(known.indptr, drawn, count_share(lengths, share))
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


def _rank_block(history: sp.csr_array, k: int, scores: np.ndarray, start: int) -> np.ndarray:
    """Rank the unseen items of a block of rows."""
    return rank_items(scores, history[start : start + len(scores)], k=k)
