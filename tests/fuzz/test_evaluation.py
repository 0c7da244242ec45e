"""Scorers, metrics, splits and comparisons of anything: a sound answer or a clear error."""

import numpy as np
import pandas as pd
from answers import ask, assert_refused, may_refuse
from hypothesis import given
from hypothesis import strategies as st
from strategies import fit_times, fresh, fuzz, matrices, modes, seeds, times_of

from skattnrec import (
    ItemItemCF,
    PopularityRecommender,
    RankingScorer,
    compare_recommenders,
    split_interactions,
)
from skattnrec.metrics import (
    LikelihoodScorer,
    average_precision_at_k,
    coverage_at_k,
    diversity_at_k,
    hit_rate_at_k,
    ndcg_at_k,
    novelty_at_k,
    precision_at_k,
    rank_items,
    recall_at_k,
    reciprocal_rank_at_k,
)

JUDGES = [
    average_precision_at_k,
    hit_rate_at_k,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
    reciprocal_rank_at_k,
]
scorers = st.builds(
    RankingScorer,
    st.sampled_from(["ndcg", "recall@3", "map@50", "mrr@1", ["precision@2", "hit_rate@5"]]),
    holdout=st.sampled_from(["auto", "last", 0.01, 0.5, 0.99]),
    relevance_threshold=st.sampled_from([None, -1, 0, 4, 1e6]),
    gain=st.sampled_from(["binary", "linear", "exp2"]),
    random_state=st.integers(0, 5),
)


def known_entries(X):
    """The entries of a description as a set of pairs."""
    return set(zip(*map(list, np.nonzero(X.pattern())), strict=True))


@fuzz
@given(mode=modes(), X=matrices(), times=times_of(), scorer=scorers, with_times=st.booleans())
@may_refuse
def test_ranking_scorer(mode, X, times, scorer, with_times):
    model = fresh(mode, X.n_items)
    routed = {"timestamps": times.make(X)} if with_times else fit_times(model, X, times)
    ask(model.fit, X.make(), **routed)
    result = ask(scorer, model, X.make(), **routed)
    for value in result.values() if isinstance(result, dict) else [result]:
        assert 0 <= value <= 1


@fuzz
@given(mode=modes("predict_proba"), X=matrices(), times=times_of())
@may_refuse
def test_likelihood_scorer(mode, X, times):
    model = fresh(mode, X.n_items)
    routed = {"timestamps": times.make(X)}
    ask(model.fit, X.make(), **routed)
    assert np.isfinite(ask(LikelihoodScorer(), model, X.make(), **routed))


@fuzz
@given(X=matrices(), k=st.integers(1, 50), judge=st.sampled_from(JUDGES), seed=seeds)
@may_refuse
def test_metrics(X, k, judge, seed):
    rng = np.random.default_rng(seed)
    shape = X.pattern().shape
    scores = rng.integers(0, 4, shape).astype(float)
    lists = ask(rank_items, scores, X.make() if seed % 2 else None, k=min(k, shape[1]))
    assert lists.shape == (shape[0], min(k, shape[1]))
    assert 0 <= ask(judge, lists, X.make(), k=min(k, shape[1])) <= 1
    assert_refused(judge, lists[:-1], X.make(), k=1)


@fuzz
@given(X=matrices(), k=st.integers(1, 50), seed=seeds)
@may_refuse
def test_metrics_of_lists(X, k, seed):
    n_users, n_items = X.pattern().shape
    rng = np.random.default_rng(seed)
    k = min(k, n_items)
    lists = np.argsort(rng.random((n_users, n_items)), axis=1)[:, :k]
    lists[rng.random(lists.shape) < 0.1] = -1
    assert 0 <= ask(coverage_at_k, lists, n_items, k=k) <= 1
    assert ask(novelty_at_k, lists, X.make(), k=k) >= 0
    assert -1e-6 <= ask(diversity_at_k, lists, rng.normal(size=(n_items, 3)), k=k) <= 2 + 1e-6


@fuzz
@given(
    X=matrices(),
    times=times_of(),
    method=st.sampled_from(["random", "leave_k_out", "temporal", "cutoff"]),
    size=st.sampled_from([0.01, 0.3, 0.99]),
    k=st.integers(1, 45),
    with_times=st.booleans(),
)
@may_refuse
def test_split(X, times, method, size, k, with_times):
    options = {"timestamps": times.make(X)} if with_times else {}
    if method == "cutoff":
        method, options["cutoff"] = "temporal", 2.0
    options[{"leave_k_out": "k"}.get(method, "test_size")] = k if method == "leave_k_out" else size
    if "cutoff" in options:
        del options["test_size"]
    history, held_out = ask(split_interactions, X.make(), method=method, **options)
    assert history.shape == held_out.shape == X.pattern().shape
    kept, hidden = (
        set(zip(*map(list, part.nonzero()), strict=True)) for part in (history, held_out)
    )
    stored = history.nnz + held_out.nnz
    assert not kept & hidden
    assert kept | hidden <= known_entries(X)
    assert "repeated" in X.layout or stored == len(known_entries(X))
    if method != "temporal" or "cutoff" not in options:
        lengths = np.diff(history.indptr) + np.diff(held_out.indptr)
        assert (np.diff(history.indptr) >= np.minimum(lengths, 1)).all()


@fuzz
@given(X=matrices(), scorer=scorers, mode=modes(), times=times_of())
@may_refuse
def test_compare(X, scorer, mode, times):
    model = fresh(mode, X.n_items)
    routed = {"timestamps": times.make(X)} if X.seed % 2 else fit_times(model, X, times)
    models = {"popularity": PopularityRecommender(), "items": ItemItemCF(), "drawn": model}
    board = ask(compare_recommenders, models, X.make(), scoring=scorer, cv=2, **routed)
    assert set(board.index) == set(models)
    numbers = board.select_dtypes("number")
    metrics = [name for name in numbers if "@" in name and "_" not in name.split("@")[1]]
    assert np.isfinite(numbers[metrics]).all().all()
    assert isinstance(board, pd.DataFrame)
