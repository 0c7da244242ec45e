"""Questions for new users: those that tell most, one after the other."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from skattnrec import (
    AttentionRecommender,
    ItemItemCF,
    MultiHeadAttentionRecommender,
    SequentialAttentionRecommender,
    onboarding_items,
)

N_ITEMS = 30


def community(seed=0, n_users=400):
    """Everybody knows item 0; of the others, one group knows the even ones, one the odd ones."""
    rng = np.random.default_rng(seed)
    group = rng.integers(2, size=n_users)
    known = rng.random((n_users, N_ITEMS)) < np.where(
        np.arange(N_ITEMS) % 2 == group[:, None], 0.5, 0.1
    )
    known[:, 0] = True
    known[:, 1] = rng.random(n_users) < 0.9  # popular, and says nothing
    return sp.csr_array(known * rng.integers(1, 6, N_ITEMS) * 1.0), np.eye(2)[group]


def fitted(cls=AttentionRecommender, **settings):
    X, _ = community()
    return cls(rating_center=3, rating_spread=1, **settings).fit(X)


def dense_covariance(model):
    """By numpy: attention, divided by the mean grades of items."""
    X = community()[0].toarray()
    weights = model.attention_weights(X)[0].toarray().astype(float)
    grades = np.where(X, np.exp((X - 3) / 3), 0).sum(axis=0) / (X > 0).sum(axis=0)
    gram = (weights / grades).T @ (weights / grades)
    total = max(np.trace(gram) / (X > 0).mean(axis=0).sum(), np.diagonal(gram).max())
    p = np.diagonal(gram) / total
    values, vectors = np.linalg.eigh(gram / total - np.outer(p, p))
    return (vectors * np.maximum(values, 0)) @ vectors.T


@pytest.mark.parametrize("answer", [0.0, 4.0])
def test_questions_are_those_of_the_formula(answer):
    model = fitted(prior_weight=3)
    X = np.zeros((1, N_ITEMS))
    X[0, 6] = answer
    asked = np.zeros((1, N_ITEMS))
    asked[0, [6, 9]] = 1
    items, gains = onboarding_items(model, 3, answers=X, asked=asked)
    S = dense_covariance(model)
    noise = 2 * np.maximum(np.diagonal(S), 1e-6 * np.diagonal(S).max())
    expected, done = model.predict(X)[0], {6, 9}
    for place in (6, 9):
        S = S - np.outer(S[place], S[place]) / (S[place, place] + noise[place])
    for item, gain in zip(items[0], gains[0], strict=True):
        others = (S**2).sum(axis=0) - np.diagonal(S) ** 2
        worth = expected * np.sqrt(others / (np.maximum(np.diagonal(S), 0) + noise))
        worth[list(done)] = -1
        assert item == np.argmax(worth)
        assert_allclose(gain, worth[item], rtol=1e-3)
        done.add(int(item))
        S = S - np.outer(S[item], S[item]) / (S[item, item] + noise[item])


def test_what_everybody_knows_is_not_asked_first():
    model = fitted()
    assert_array_equal(np.argsort(-model.statistics_.item_counts)[:2], [0, 1])
    items, gains = onboarding_items(model, 6)
    assert not {0, 1} & set(items[0].tolist())
    assert (np.diff(gains[0]) <= 0).all()


def test_answers_lead_to_what_the_user_may_know():
    model = fitted()
    answers = np.zeros((2, N_ITEMS))
    answers[0, [2, 4]] = answers[1, [3, 5]] = 5
    items, _ = onboarding_items(model, 3, answers=answers)
    assert (items[0] % 2 == 0).all()
    assert (items[1] % 2 == 1).all()


def test_user_features_count_before_any_answer():
    X, F = community()
    model = AttentionRecommender().fit(X, user_features=F)
    items, _ = onboarding_items(model, 3, user_features=np.eye(2))
    assert items.shape == (2, 3)
    assert (items[0] % 2 == 0).all()
    assert (items[1] % 2 == 1).all()


@pytest.mark.parametrize(
    "model",
    [
        fitted(MultiHeadAttentionRecommender),
        fitted(solver="sparse", n_neighbors=5),
        fitted(relevance_threshold=3),
    ],
    ids=str,
)
def test_nothing_is_asked_twice_and_lists_end(model):
    asked = np.zeros((1, N_ITEMS), bool)
    order = []
    for _ in range(N_ITEMS):
        items, gains = onboarding_items(model, 1, asked=asked)
        assert np.isfinite(gains).all()
        order.append(items[0, 0])
        asked[0, items[0, 0]] = True
    assert sorted(order) == list(range(N_ITEMS))
    items, gains = onboarding_items(model, 2, asked=asked)
    assert_array_equal(items, -1)
    assert np.isnan(gains).all()
    items, _ = onboarding_items(model, 9, n_candidates=4)
    assert (items[0, :4] >= 0).all()
    assert (items[0, 4:] == -1).all()


def test_sequences_answer_with_times():
    X, _ = community()
    T = sp.csr_array((np.arange(X.nnz) + 1.0, X.indices, X.indptr), shape=X.shape)
    model = SequentialAttentionRecommender().fit(X, timestamps=T)
    assert onboarding_items(model, 2)[0].shape == (1, 2)
    answer = np.zeros((1, N_ITEMS))
    answer[0, 4] = 5
    assert 4 not in onboarding_items(model, 5, answers=answer, timestamps=answer)[0]
    with pytest.raises(ValueError, match="needs timestamps"):
        onboarding_items(model, 5, answers=answer)


def test_what_is_refused():
    X, _ = community()
    with pytest.raises(TypeError, match="ItemItemCF keeps no sums over users"):
        onboarding_items(ItemItemCF().fit(X))
    with pytest.raises(ValueError, match="were dropped"):
        onboarding_items(fitted().drop_statistics())
    with pytest.raises(ValueError, match="answers has 3 columns, the model knows 30"):
        onboarding_items(fitted(), answers=np.ones((1, 3)))
    with pytest.raises(ValueError, match="they must agree"):
        onboarding_items(fitted(), answers=np.ones((1, 30)), asked=np.ones((2, 30)))
    with pytest.raises(ValueError, match="'n_candidates'"):
        onboarding_items(fitted(), n_candidates=0)
    model = AttentionRecommender().fit(X, user_features=np.ones((X.shape[0], 1)))
    with pytest.raises(ValueError, match="fitted with 1 user_features"):
        onboarding_items(model)
