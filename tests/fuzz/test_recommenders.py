"""Recommenders of every mode answer anything with a sound answer or a clear error."""

import numpy as np
import pytest
import scipy.sparse as sp
from answers import Refused, ask, assert_lists, assert_refused, assert_scores, may_refuse
from hypothesis import given
from hypothesis import strategies as st
from strategies import (
    Matrix,
    Times,
    all_modes,
    fit_times,
    fresh,
    fuzz,
    matrices,
    modes,
    seeds,
    times_of,
)

import skattnrec

ordinary = ("ones", "stars", "halves", "counts", "equal")


@st.composite
def fitted(draw, verb="fit", values=None):
    """A mode, what to fit it on, and histories of the same width."""
    options = {} if values is None else {"values": values}
    X = draw(matrices(**options))
    return (
        draw(modes(verb)),
        X,
        draw(matrices(n_items=X.n_items, **options)),
        draw(times_of()),
    )


def learn(drawn):
    """Fit a drawn mode; return the model, its histories, and the arguments that pass times."""
    mode, X, histories, times = drawn
    model = fresh(mode, X.n_items)
    ask(model.fit, X.make(), **fit_times(model, X, times))
    return model, histories, fit_times(model, histories, times)


@fuzz
@given(drawn=fitted())
@may_refuse
def test_fit(drawn):
    mode, X, _, times = drawn
    model = fresh(mode, X.n_items)
    ask(model.fit, X.make(), **fit_times(model, X, times))
    assert model.n_features_in_ == X.n_items
    assert_scores(model.prior_, (X.n_items,))
    assert_scores(ask(model.predict, X.make(), **fit_times(model, X, times)), X.pattern().shape)


@fuzz
@given(drawn=fitted())
@may_refuse
def test_predict(drawn):
    model, histories, times = learn(drawn)
    assert_scores(ask(model.predict, histories.make(), **times), histories.pattern().shape)


@fuzz
@given(drawn=fitted(values=ordinary), other=matrices(values=ordinary))
@may_refuse
def test_other_widths_are_refused(drawn, other):
    model, histories, _ = learn(drawn)
    if other.n_items == histories.n_items:
        return
    times = fit_times(model, other, drawn[-1])
    one = other.make()
    verbs = ["predict", "recommend", "partial_fit", "forget", "transform", "predict_proba"]
    verbs += ["sample", "attention_weights", "similar_users", "score"]
    for verb in verbs:
        if hasattr(model, verb):
            options = times if verb not in ("transform", "similar_users") else {}
            is_named = "named frame" in (drawn[1].layout, other.layout)  # then names are missed
            words = () if is_named else (other.n_items, histories.n_items)
            assert_refused(getattr(model, verb), one, words=words, **options)


@fuzz
@given(
    drawn=fitted(),
    k=st.integers(1, 50),
    exclude_seen=st.booleans(),
    items=st.sampled_from(["all", "list", "mask", "sparse"]),
    exclude=st.sampled_from(["none", "mask", "sparse"]),
    seed=seeds,
)
@may_refuse
def test_recommend(drawn, k, exclude_seen, items, exclude, seed):
    model, histories, times = learn(drawn)
    rng = np.random.default_rng(seed)
    known = histories.stored()
    candidates = ~known if exclude_seen else np.ones_like(known)
    options = {"exclude_seen": exclude_seen}
    if items == "list":
        columns = rng.permutation(known.shape[1])[: rng.integers(1, known.shape[1] + 1)]
        options["items"] = columns
        candidates = candidates & np.isin(np.arange(known.shape[1]), columns)
    elif items != "all":
        allowed = rng.random(known.shape) < 0.5
        options["items"] = allowed if items == "mask" else sp.csr_array(allowed)
        candidates = candidates & allowed
    if exclude != "none":
        banned = rng.random(known.shape) < 0.3
        options["exclude"] = banned if exclude == "mask" else sp.csr_array(banned)
        candidates = candidates & ~banned
    assert_lists(ask(model.recommend, histories.make(), k, **options, **times), k, candidates)
    lists = ask(skattnrec.recommend, model, histories.make(), k, **options, **times)
    assert_lists(lists, k, candidates)


@fuzz
@given(drawn=fitted(), seed=seeds)
@may_refuse
def test_explain(drawn, seed):
    model, histories, times = learn(drawn)
    one = sp.csr_array(ask(sp.csr_array, histories.make()))[[0]]
    if times:
        times = {"timestamps": sp.csr_array(times["timestamps"])[[0]]}
    rng = np.random.default_rng(seed)
    items = rng.permutation(one.shape[1])[: rng.integers(1, one.shape[1] + 1)]
    parts = ask(model.explain, one, items, **times)
    scores = ask(model.predict, one, **times)[0, items]
    total = parts.baseline + parts.contributions.sum(axis=1)
    if getattr(model, "clip", False):  # what is cut off is the remainder
        total = total.clip(*model.rating_range_)
    size = np.abs(parts.contributions).sum(axis=1) + np.abs(parts.baseline)
    assert_scores(total, items.shape)
    assert (np.abs(total - scores) <= 1e-3 * size + 1e-6).all(), "parts do not add up to scores."
    ask(parts.to_text)
    ask(parts.to_frame)


@fuzz
@given(drawn=fitted(), k=st.integers(1, 50), seed=seeds)
@may_refuse
def test_similar_items(drawn, k, seed):
    model, histories, _ = learn(drawn)
    n_items = histories.n_items
    rng = np.random.default_rng(seed)
    items = rng.permutation(n_items)[: rng.integers(1, n_items + 1)]
    others = np.arange(n_items) != items[:, None]
    assert_lists(ask(model.similar_items, items, k), k, others)


@fuzz
@given(drawn=fitted("similar_users"), k=st.integers(1, 50))
@may_refuse
def test_similar_users(drawn, k):
    model, histories, _ = learn(drawn)
    users, similarities = ask(model.similar_users, histories.make(), k)
    assert users.shape == similarities.shape == (histories.n_users, k)
    assert (users < drawn[1].n_users).all()
    assert np.isfinite(similarities[users >= 0]).all()


@fuzz
@given(drawn=fitted("transform"))
@may_refuse
def test_transform(drawn):
    model, histories, _ = learn(drawn)
    factors = ask(model.transform, histories.make())
    assert_scores(factors, (histories.n_users, factors.shape[1]))


@fuzz
@given(drawn=fitted("predict_proba"), temperature=st.sampled_from([1e-3, 0.5, 1.0, 1e6]))
@may_refuse
def test_probabilities(drawn, temperature):
    model, histories, times = learn(drawn)
    given_ = histories.make()
    p = ask(model.predict_proba, given_, temperature=temperature, **times)
    assert_scores(p, histories.pattern().shape)
    assert (p >= 0).all()
    sums = p.sum(axis=1)
    assert (np.isclose(sums, 1, atol=1e-3) | (sums == 0)).all()
    drawn_items = ask(model.sample, given_, random_state=0, temperature=temperature, **times)
    assert ((drawn_items >= -1) & (drawn_items < histories.n_items)).all()


@fuzz
@given(drawn=fitted("attention_weights"))
@may_refuse
def test_attention_weights(drawn):
    model, histories, times = learn(drawn)
    for head in ask(model.attention_weights, histories.make(), **times):
        assert head.shape == histories.pattern().shape
        assert np.isfinite(head.data).all()
        assert (head.data >= 0).all()


@fuzz
@given(drawn=fitted("partial_fit"))
@may_refuse
def test_partial_fit(drawn):
    model, more, times = learn(drawn)
    _, X, _, at = drawn
    own = fit_times(model, X, at)
    before = ask(model.predict, X.make(), **own)
    try:
        ask(model.partial_fit, more.make(), **times)
    except Refused:
        np.testing.assert_array_equal(model.predict(X.make(), **own), before)
        raise
    assert_scores(ask(model.predict, X.make(), **own), X.pattern().shape)
    assert_scores(ask(model.predict, more.make(), **times), more.pattern().shape)


@fuzz
@given(drawn=fitted("forget"), learned=st.booleans(), seed=seeds)
@may_refuse
def test_forget(drawn, learned, seed):
    model, others, times = learn(drawn)
    _, X, _, at = drawn
    own = fit_times(model, X, at)
    before = ask(model.predict, X.make(), **own)
    try:
        if learned:
            gone = np.random.default_rng(seed).random(X.n_users) < 0.5
            gone[0] = True
            rows = sp.csr_array(X.make())[gone]
            part = {name: sp.csr_array(T)[gone] for name, T in own.items()}
            ask(model.forget, rows, **part)
        else:
            ask(model.forget, others.make(), **times)
    except Refused:
        np.testing.assert_array_equal(model.predict(X.make(), **own), before)
        raise
    assert_scores(ask(model.predict, X.make(), **own), X.pattern().shape)


@fuzz
@given(drawn=fitted(), bad=st.sampled_from([np.nan, np.inf, -np.inf]), seed=seeds)
@may_refuse
def test_what_is_not_finite_is_refused(drawn, bad, seed):
    model, histories, times = learn(drawn)
    broken = np.where(histories.pattern(), histories.dense(), 0).astype(float)
    broken.flat[seed % broken.size] = bad
    for given_ in (broken, sp.csr_array(broken)):
        assert_refused(model.predict, given_, **times)
        assert_refused(fresh(drawn[0], histories.n_items).fit, given_, **times)


@fuzz
@given(drawn=fitted(values=ordinary), seed=seeds)
@may_refuse
def test_columns_out_of_range_are_refused(drawn, seed):
    model, histories, times = learn(drawn)
    broken = sp.csr_array(np.where(histories.pattern(), histories.dense(), 0).astype(float))
    if not broken.nnz:
        return
    wrong = [histories.n_items, 2**31 - 1, -1][seed % 3]
    broken.indices[seed % broken.nnz] = wrong
    assert_refused(model.predict, broken, **times)
    assert_refused(model.recommend, broken, **times)
    assert_refused(fresh(drawn[0], histories.n_items).fit, broken, **times)


@pytest.mark.parametrize("values", ordinary)
def test_ordinary_input_is_not_refused(values):
    """The properties above would hold for a package that refuses everything."""
    X = Matrix(30, 20, 0.5, values)
    refused = []
    for mode in all_modes():
        model = fresh(mode, X.n_items)
        times = fit_times(model, X, Times())
        try:
            ask(model.fit, X.make(), **times)
            ask(model.recommend, X.make(), **times)
        except Refused as refusal:
            refused.append(f"{mode!r}: {refusal}")
    assert not refused
