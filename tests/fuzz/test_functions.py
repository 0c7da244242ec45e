"""Attention as functions, and inspection: a sound answer to anything, or a clear error."""

import numpy as np
from answers import ask, assert_scores, may_refuse
from hypothesis import given
from hypothesis import strategies as st
from strategies import fit_times, fresh, fuzz, matrices, modes, seeds, times_of

from skattnrec.attention import causal_mask, multi_head_attention, scaled_dot_product_attention
from skattnrec.inspection import (
    aggregate_attention,
    aggregate_explanations,
    attention_entropy,
    attention_outliers,
    counterfactual,
    effective_number,
    explain,
    faithfulness,
    insertion_curve,
    stability,
    why_not,
)

sizes = st.integers(1, 12)
scales = st.sampled_from([1.0, 0.0, 1e-30, 1e6, 3e38, 1e300])
moderate = st.sampled_from([1.0, 0.0, 1e-30, 1e30])
temperatures = st.sampled_from([1e-30, 1e-3, 1.0, 1e6, np.inf])
masks = st.sampled_from(["none", "causal", "all hidden", "random"])
ordinary = ("ones", "stars", "halves", "counts", "one outlier", "huge")


def array(rng, shape, scale, dtype):
    """Random numbers of a size and type."""
    with np.errstate(over="ignore"):
        limit = np.finfo(dtype).max
        return np.clip(rng.normal(size=shape) * scale, -limit, limit).astype(dtype)


@st.composite
def problems(draw):
    """Queries, keys, values and options of attention."""
    n_queries, n_keys, d, d_values = (draw(sizes) for _ in range(4))
    rng = np.random.default_rng(draw(seeds))
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    flat = draw(st.booleans())
    query = array(rng, d if flat else (n_queries, d), draw(scales), dtype)
    keys = array(rng, (n_keys, d), draw(scales), dtype)
    values = array(rng, (n_keys, d_values), draw(moderate), dtype)
    n = 1 if flat else n_queries
    mask = {
        "none": None,
        "causal": "causal",
        "all hidden": np.zeros((n, n_keys), bool),
        "random": rng.random((n, n_keys)) < 0.5,
    }[draw(masks)]
    return (query, keys, values), {"mask": mask, "temperature": draw(temperatures)}, rng


def assert_attention(weights, outputs, values):
    """Weights are shares of one, or all 0 where everything is hidden; outputs are finite."""
    weights, outputs = np.asarray(weights), np.asarray(outputs)
    assert np.isfinite(weights).all()
    assert (weights >= 0).all()
    sums = weights.sum(axis=-1)
    assert (np.isclose(sums, 1, atol=1e-4) | (sums == 0)).all()
    assert np.isfinite(outputs).all()
    assert np.abs(outputs).max(initial=0) <= np.abs(values).max() * (1 + 1e-4)


@fuzz
@given(problem=problems())
@may_refuse
def test_scaled_dot_product_attention(problem):
    arrays, options, _ = problem
    weights, outputs = ask(scaled_dot_product_attention, *arrays, **options)
    assert_attention(weights, outputs, arrays[2])


@fuzz
@given(problem=problems(), n_heads=st.integers(1, 4), d_head=sizes)
@may_refuse
def test_multi_head_attention(problem, n_heads, d_head):
    arrays, options, rng = problem
    projections = rng.normal(size=(n_heads, arrays[1].shape[1], d_head))
    weights, outputs = ask(multi_head_attention, *arrays, projections, **options)
    assert len(weights) == len(outputs) == n_heads
    assert_attention(weights, outputs, arrays[2])


@fuzz
@given(n_queries=st.integers(-1, 12), n_keys=st.one_of(st.none(), st.integers(-1, 12)))
@may_refuse
def test_causal_mask(n_queries, n_keys):
    mask = ask(causal_mask, n_queries, n_keys)
    width = n_queries if n_keys is None else n_keys
    assert mask.dtype == bool
    assert mask.shape == (max(n_queries, 0), max(width, 0))


def one_history(X, routed, rng):
    """Draw a row of a matrix, and times for its entries where the model needs them."""
    row = [rng.integers(X.n_users)]
    one = np.where(X.pattern(), X.dense(), 0).astype(float)[row]
    if not routed:
        return one, {}
    dense = np.zeros(X.pattern().shape)
    dense[X.pattern()] = 1 + rng.permutation(int(X.pattern().sum()))
    return one, {"timestamps": dense[row]}


@fuzz
@given(mode=modes(), X=matrices(values=ordinary), times=times_of(), seed=seeds)
@may_refuse
def test_explain_function(mode, X, times, seed):
    model = fresh(mode, X.n_items)
    routed = fit_times(model, X, times)
    ask(model.fit, X.make(), **routed)
    rng = np.random.default_rng(seed)
    one, routed = one_history(X, routed, rng)
    for method in ("auto", "leave_one_out"):
        parts = ask(explain, model, one, [rng.integers(X.n_items)], method=method, **routed)
        assert_scores(parts.scores, (1,))
        assert np.isfinite(parts.contributions).all()
        assert isinstance(parts.to_text()[0], str)


@fuzz
@given(mode=modes(), X=matrices(values=ordinary), times=times_of(), seed=seeds, k=st.integers(0, 5))
@may_refuse
def test_why_not(mode, X, times, seed, k):
    model = fresh(mode, X.n_items)
    routed = fit_times(model, X, times)
    ask(model.fit, X.make(), **routed)
    rng = np.random.default_rng(seed)
    one, routed = one_history(X, routed, rng)
    rules = {"items": rng.choice(X.n_items, X.n_items // 2 + 1, replace=False)}
    rules["exclude"] = rng.random((1, X.n_items)) < 0.1
    item = rng.integers(X.n_items)
    why = ask(why_not, model, one, item, k=k, **rules, **routed)
    assert why.is_listed == (item in model.recommend(one, k, **rules, **routed)[0])
    assert isinstance(why.to_text(), str)
    if why.rival >= 0:
        assert np.isfinite(why.to_frame()[["item", "rival", "shortfall"]]).all(axis=None)


@fuzz
@given(mode=modes(), X=matrices(values=ordinary), times=times_of(), seed=seeds, k=st.integers(1, 5))
@may_refuse
def test_counterfactual(mode, X, times, seed, k):
    model = fresh(mode, X.n_items)
    routed = fit_times(model, X, times)
    ask(model.fit, X.make(), **routed)
    rng = np.random.default_rng(seed)
    one, routed = one_history(X, routed, rng)
    item = rng.integers(X.n_items)
    found = ask(counterfactual, model, one, item, k=k, ratings=[1, 3], budget=50, **routed)
    listed = model.recommend(one, k, **routed)[0]
    assert found.is_listed == (item in listed)
    assert found.entries is None or (item in found.after) != found.is_listed
    assert 1 <= found.lower_bound <= one.size + 1
    assert isinstance(found.to_text(), str)


@fuzz
@given(mode=modes("attention_weights"), X=matrices(values=ordinary), times=times_of(), seed=seeds)
@may_refuse
def test_attention_tables(mode, X, times, seed):
    model = fresh(mode, X.n_items)
    routed = fit_times(model, X, times)
    ask(model.fit, X.make(), **routed)
    groups = np.random.default_rng(seed).choice(["a", "b"], X.n_items)
    table = ask(aggregate_attention, model, X.make(), groups, **routed)
    assert (table["attention"].dropna() >= 0).all()
    for head in ask(model.attention_weights, X.make(), **routed):
        entropy, number = ask(attention_entropy, head), ask(effective_number, head)
        assert not np.isinf(entropy).any()
        assert not np.isinf(number).any()


@fuzz
@given(mode=modes(), X=matrices(values=ordinary), times=times_of())
@may_refuse
def test_outliers_and_stability(mode, X, times):
    model = fresh(mode, X.n_items)
    routed = fit_times(model, X, times)
    ask(model.fit, X.make(), **routed)
    table = ask(attention_outliers, model, X.make(), **routed)
    assert np.isfinite(table["outlierness"]).all()
    ask(stability, model, X.make(), **routed)


@fuzz
@given(mode=modes(), X=matrices(values=ordinary), times=times_of(), seed=seeds)
@may_refuse
def test_faithfulness_and_explanations_by_group(mode, X, times, seed):
    model = fresh(mode, X.n_items)
    routed = fit_times(model, X, times)
    ask(model.fit, X.make(), **routed)
    rng = np.random.default_rng(seed)
    groups = rng.choice(["a", "b"], X.n_items)
    table = ask(aggregate_explanations, model, X.make(), groups, **routed)
    assert (table["contribution"].abs() <= 1 + 1e-6).all()
    matrix = rng.normal(size=(X.n_items, X.n_items))
    curve = ask(insertion_curve, model, X.make(), order=matrix, n_steps=2, **routed)
    assert np.isfinite(curve.shares).all()
    options = {"n_steps": 2, "n_repeats": 1, "k": 3}
    table = ask(faithfulness, model, X.make(), **options, **routed)
    measures = table[["pos@3", "neg@3", "cndcg"]]
    assert ((measures >= 0) & (measures <= 1)).all(axis=None)
