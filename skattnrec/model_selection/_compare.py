"""Cross-validation of several recommenders on the same users and the same hidden entries."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import KFold, check_cv
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed

from .._compat import Interval, validate_params
from .._context import Context
from .._user_features import check_same_users
from .._validation import as_interactions
from ..metrics import RankingScorer
from ..metrics._held_out import check_held_out, check_same_labels
from ._significance import mean_interval, paired_tests

__all__ = ["compare_recommenders"]


@validate_params(
    {
        "estimators": [Mapping],
        "scoring": [RankingScorer, str, list, None],
        "random_state": ["random_state"],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "callback": [callable, None],
    },
    prefer_skip_nested_validation=True,
)
def compare_recommenders(
    estimators: Mapping[str, Any],
    X: Any,
    y: Any = None,
    *,
    scoring: Any = None,
    cv: Any = 5,
    timestamps: Any = None,
    user_features: Any = None,
    n_jobs: int | None = None,
    random_state: Any = 0,
    confidence_level: float = 0.95,
    callback: Callable[[int, int, str], Any] | None = None,
) -> pd.DataFrame:
    """Compare recommenders by cross-validation.

    The users are split into folds. Every model is fitted on the users outside a fold; from those
    inside it a part of each history is hidden, and the model is scored by where it ranks the
    hidden items. All models get the same folds and the same hidden entries, and all metrics come
    from one prediction.

    Parameters
    ----------
    estimators : dict of str to estimator
        The models by name; recommenders, pipelines that end in one, or searches over them. They
        are cloned.
    X : {array-like, sparse matrix} of shape (n_users, n_items)
        Ratings.
    y : {array-like, sparse matrix} of shape (n_users, n_items), default=None
        Held-out ratings; then nothing of ``X`` is hidden.
    scoring : RankingScorer, str or list of str, default=None
        What to measure, see :class:`~skattnrec.metrics.RankingScorer`; the first metric orders
        the result. None: NDCG@10 and recall@20. Unless a scorer says otherwise, the latest entry
        is hidden if there are ``timestamps``, else a fifth of each history.
    cv : int, splitter or iterable of (train, test), default=5
        An integer: that many folds of users, shuffled with ``random_state``.
    timestamps : {array-like, sparse matrix} of shape (n_users, n_items), default=None
        The time of every entry of ``X``. If given, it goes to ``fit``, to ``predict`` and to the
        scorer, through pipelines by metadata routing. Models that need them are compared on the
        same hidden entries as models that ignore them.
    user_features : {array-like, sparse matrix} of shape (n_users, d), default=None
        What is known of each user. It goes the same ways.
    n_jobs : int, default=None
        Number of processes. More than one make the seconds of the result less comparable.
    random_state : int, RandomState instance or None, default=0
        Shuffles the users, and draws the hidden entries unless ``scoring`` is a scorer.
    confidence_level : float in (0, 1), default=0.95
        Of the intervals.
    callback : callable, default=None
        Called as ``callback(n_done, n_total, name)`` when a model has been scored on a fold; for
        progress bars.

    Returns
    -------
    DataFrame with a row for each estimator, the best first
        For each metric, such as "ndcg@10": the column "ndcg@10" holds the mean over users,
        "ndcg@10_low" and "ndcg@10_high" its confidence interval, "ndcg@10_p" the p-value of the
        difference to the model that is best in this metric (1 for that model itself).
        "fit_seconds" and "recommend_seconds" (scoring and ranking the users of a fold) are
        medians over folds.

        ``attrs["pairs"]`` is a list of dicts, one for each metric and pair of models, with the
        keys of :func:`paired_tests` and "metric"; ``pd.DataFrame(result.attrs["pairs"])`` makes
        it a table. ``attrs["n_users"]`` counts the users with relevant hidden items.

    Raises
    ------
    ValueError
        If there are no estimators, no user has a relevant hidden item, or as the estimators and
        :class:`~skattnrec.metrics.RankingScorer` do.

    Notes
    -----
    The sample are the users. A user tested in several folds counts once, with the mean. The
    intervals are Student's t intervals of the mean over users. The p-values are those of paired
    t tests of each user's scores, adjusted by Holm's method over all pairs of models in each
    metric, so that finding the best model first needs no further correction.

    See Also
    --------
    paired_tests : The tests.
    sklearn.model_selection.cross_validate : Scores of one model, by fold.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec.baseline import PopularityRecommender
    >>> from skattnrec.model_selection import compare_recommenders
    >>> X = np.tril(np.full((40, 8), 2.0))
    >>> models = {"count": PopularityRecommender(), "sum": PopularityRecommender(popularity="sum")}
    >>> board = compare_recommenders(models, X, scoring="recall@2", cv=2)
    >>> board[["recall@2", "recall@2_p"]].round(2)
           recall@2  recall@2_p
    model
    count       1.0         1.0
    sum         1.0         1.0
    """
    if not estimators:
        raise ValueError("estimators must not be empty.")
    if not isinstance(random_state, Integral):
        random_state = check_random_state(random_state).randint(2**31 - 1)
    scorer = _fixed_scorer(scoring, random_state)
    known = as_interactions(X)
    for name, other in (("y", y), ("timestamps", timestamps)):
        check_same_labels(name, other, X)
    check_same_users(user_features, X)
    context = Context.of(known, timestamps, user_features)
    y = None if y is None else check_held_out(y, known)
    tasks = [(n, *fold) for fold in _folds(cv, known, random_state) for n in estimators]
    runs = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(_fit_and_score)(clone(estimators[name]), known, y, context, scorer, train, test)
        for name, train, test in tasks
    )
    seconds, scores = [], []
    for done, ((name, _, test), (fit, recommend, values)) in enumerate(zip(tasks, runs), 1):
        seconds.append((name, fit, recommend))
        scores.append(pd.DataFrame({"model": name, "user": test, **values}))
        if callback is not None:
            callback(done, len(tasks), name)
    board, attributes = _leaderboard(pd.concat(scores), list(estimators), confidence_level)
    columns = ["model", "fit_seconds", "recommend_seconds"]
    board = board.join(pd.DataFrame(seconds, columns=columns).groupby("model").median())
    board.attrs = attributes
    return board


def _fixed_scorer(scoring: Any, random_state: int) -> RankingScorer:
    """Make a scorer that hides the same entries from every model."""
    if not isinstance(scoring, RankingScorer):
        return RankingScorer(scoring or ["ndcg@10", "recall@20"], random_state=random_state)
    if isinstance(scoring.random_state, Integral):
        return scoring
    return clone(scoring).set_params(random_state=random_state)


def _folds(cv: Any, X: sp.csr_array, random_state: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """List the folds as pairs of row numbers."""
    if isinstance(cv, (int, np.integer)):
        if X.shape[0] < cv:
            raise ValueError(f"cv={cv} folds need as many users, X has {X.shape[0]}.")
        cv = KFold(cv, shuffle=True, random_state=random_state)
    rows = np.arange(X.shape[0])
    return [(rows[train], rows[test]) for train, test in check_cv(cv).split(X)]


def _fit_and_score(
    estimator: Any,
    X: sp.csr_array,
    y: sp.csr_array | None,
    context: Context,
    scorer: RankingScorer,
    train: np.ndarray,
    test: np.ndarray,
) -> tuple[float, float, dict[str, np.ndarray]]:
    """Measure one model on one fold: seconds to fit and to recommend, values of each user."""
    metadata = context.as_metadata(X)
    learned, judged = ({name: M[rows] for name, M in metadata.items()} for rows in (train, test))
    # routing carries it through pipelines and searches
    with config_context(enable_metadata_routing=True if metadata else None):
        start = time.perf_counter()
        estimator.fit(*_rows(train, X, y), **learned)
        fitted = time.perf_counter()
        values = scorer.score_users(estimator, *_rows(test, X, y), **judged)
        return fitted - start, time.perf_counter() - fitted, values


def _rows(rows: np.ndarray, X: sp.csr_array, y: sp.csr_array | None) -> tuple[sp.csr_array, ...]:
    return (X[rows],) if y is None else (X[rows], y[rows])


def _leaderboard(
    scores: pd.DataFrame, names: list[str], confidence_level: float
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Summarise the values of models and users: a row for each model, and the pairs."""
    scores = scores.groupby(["user", "model"]).mean()
    metrics = list(scores.columns)
    board = pd.DataFrame(index=pd.Index(names, name="model"))
    pairs: list[dict[Any, Any]] = []
    for metric in metrics:
        values = scores[metric].unstack("model")[names].dropna()
        if len(values) < 2:
            raise ValueError(
                f"{len(values)} users have relevant held-out items, a comparison needs at least "
                "two. Rows need two or more entries, and relevance_threshold must be in reach."
            )
        tests = paired_tests(values, confidence_level)
        against_best = tests[tests["better"] == values.mean().idxmax()].set_index("worse")
        summary = [mean_interval(values[name], confidence_level) for name in names]
        board[[metric, f"{metric}_low", f"{metric}_high"]] = np.array(summary)
        board[f"{metric}_p"] = against_best["p_value"].reindex(names, fill_value=1.0)
        pairs += [{"metric": metric, **pair} for pair in tests.to_dict("records")]
    board = board.sort_values(metrics[0], ascending=False, kind="stable")
    return board, {"n_users": len(values), "pairs": pairs}
