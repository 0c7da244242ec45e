"""Scorer of probabilities: how likely a model takes held-out items to be."""

from __future__ import annotations

from functools import partial
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from .._compat import Interval, StrOptions
from .._kernels.entries import rows_of_entries
from .._scores import scores_of_rows
from ._held_out import ROUTED
from ._scorer import RankingScorer

__all__ = ["LikelihoodScorer"]


class LikelihoodScorer(BaseEstimator):
    r"""Score a recommender by the probability it gives to held-out items.

    Goes wherever scikit-learn takes ``scoring``, for estimators with ``predict_proba``.

    Parameters
    ----------
    metric : {"log_loss", "perplexity"}, default="log_loss"
        Both are negated, so that higher is better.
    holdout : float in (0, 1), "last" or "auto", default="auto"
        What to hide of each row when there is no y; see :class:`RankingScorer`.
    relevance_threshold : float, default=None
        Held-out entries count from this rating on. None: if their rating is > 0.
    temperature : float, default=None
        Goes to ``predict_proba``: below 1 for more certain probabilities, above 1 for less certain
        ones. None: what the estimator does by itself.
    n_given : int, default=None
        Leave so many entries of each row and hide the rest; see :class:`RankingScorer`.
    random_state : int, RandomState instance or None, default=0
        Seed of what is hidden; see :class:`RankingScorer`.

    See Also
    --------
    RankingScorer : Looks at the order of items only.

    Notes
    -----
    With the N relevant held-out items of all users,

    .. math::

        \text{log loss} = -\frac{1}{N} \sum_{(u, i)} \ln p_{ui}, \quad
        \text{perplexity} = e^{\text{log loss}}

    in nats. Guessing evenly among m items has a perplexity of m. Probabilities below the smallest
    normal number of their type, 0 among them, count as that, so that one item that a model rules
    out costs 87 nats in float32 and 708 in float64, and not everything.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import AttentionRecommender
    >>> from skattnrec.metrics import LikelihoodScorer
    >>> X = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 0, 5, 4], [1, 0, 4, 5]])
    >>> model = AttentionRecommender(regularization=1).fit(X)
    >>> history = np.array([[5, 0, 0, 0], [0, 0, 5, 0]])
    >>> held_out = np.array([[0, 4, 0, 0], [0, 0, 0, 5]])
    >>> score = LikelihoodScorer("perplexity")(model, history, held_out)
    >>> -3 < score < -1  # better than guessing one of the three unseen items
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "metric": [StrOptions({"log_loss", "perplexity"})],
        "holdout": RankingScorer._parameter_constraints["holdout"],
        "relevance_threshold": RankingScorer._parameter_constraints["relevance_threshold"],
        "temperature": [Interval(Real, 0, None, closed="neither"), None],
        "n_given": RankingScorer._parameter_constraints["n_given"],
        "random_state": ["random_state"],
    }

    __metadata_request__score: ClassVar[dict[str, Any]] = ROUTED

    def __init__(
        self,
        metric: str = "log_loss",
        holdout: float | str = "auto",
        relevance_threshold: float | None = None,
        temperature: float | None = None,
        n_given: int | None = None,
        random_state: Any = 0,
    ):
        self.metric = metric
        self.holdout = holdout
        self.relevance_threshold = relevance_threshold
        self.temperature = temperature
        self.n_given = n_given
        self.random_state = random_state

    def __call__(
        self,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        timestamps: Any = None,
        user_features: Any = None,
    ) -> float:
        """Score a fitted recommender.

        Parameters
        ----------
        estimator : object
            Fitted; its ``predict_proba`` gives probabilities of all items, (n_users, n_items).
        X : {array-like, sparse matrix} of shape (n_users, n_items)
            Histories.
        y : {array-like, sparse matrix} of shape (n_users, n_items), default=None
            Held-out items; then all of ``X`` is history. None: hide a part of ``X``.
        timestamps : {array-like, sparse matrix} of shape (n_users, n_items), default=None
            The time of every entry of ``X``.
        user_features : {array-like, sparse matrix} of shape (n_users, d), default=None
            What is known of each user; passed on to the estimator.

        Returns
        -------
        float
            Minus the log loss in nats, or minus the perplexity.

        Raises
        ------
        TypeError
            If the estimator has no ``predict_proba``.
        ValueError
            If nothing relevant is held out, if shapes differ, if there are no timestamps although
            they are needed (see :class:`RankingScorer`), or if a probability is NaN.
        """
        self._validate_params()
        hide = RankingScorer(
            holdout=self.holdout,
            relevance_threshold=self.relevance_threshold,
            n_given=self.n_given,
            random_state=self.random_state,
        )
        hide.check_holdout()
        if y is None:
            hide.check_times(estimator, timestamps)
        history, held_out, context = hide.hold_out(X, y, timestamps, user_features)
        held_out = hide.relevant(held_out)
        if not held_out.nnz:
            raise ValueError(
                "no row has a held-out item that is relevant. Score rows with more entries, or "
                "lower relevance_threshold."
            )
        probabilities = partial(_probabilities_of, held_out.indptr, held_out.indices)
        options = {} if self.temperature is None else {"temperature": self.temperature}
        parts = scores_of_rows(
            estimator, X, history, context, probabilities, "predict_proba", **options
        )
        likelihood = np.concatenate(list(parts))
        if np.isnan(likelihood).any():
            raise ValueError(f"predict_proba of {type(estimator).__name__} gives NaN.")
        smallest = np.finfo(likelihood.dtype).tiny
        log_loss = -float(np.mean(np.log(np.maximum(likelihood, smallest)), dtype=np.float64))
        return -log_loss if self.metric == "log_loss" else -float(np.exp(log_loss))

    def score(
        self,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        timestamps: Any = None,
        user_features: Any = None,
    ) -> float:
        """Do the same as calling the scorer; metadata routing looks for this name."""
        return self(estimator, X, y, timestamps=timestamps, user_features=user_features)


def _probabilities_of(
    indptr: np.ndarray, indices: np.ndarray, probabilities: np.ndarray, start: int
) -> np.ndarray:
    """Pick the held-out items of a block of rows."""
    stop = start + len(probabilities)
    rows = rows_of_entries(indptr[start : stop + 1])
    return probabilities[rows, indices[indptr[start] : indptr[stop]]]
