"""Planted ratings stand out; every other account of an outlier holds too."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold

from skattnrec import AttentionRecommender, ItemItemCF
from skattnrec.datasets import make_interactions
from skattnrec.inspection import attention_outliers
from skattnrec.inspection._histories import Histories
from skattnrec.inspection._outliers import _compress, _leave_one_out, _without_means


def flipped(X, share=0.01, seed=0):
    """Turn some ratings round; their places are True."""
    rng = np.random.default_rng(seed)
    X = X.copy()
    chosen = rng.choice(np.flatnonzero(X.data != 3), int(share * X.nnz), replace=False)
    X.data[chosen] = 6 - X.data[chosen]
    fake = np.zeros(X.shape, bool)
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    fake[rows[chosen], X.indices[chosen]] = True
    return X, fake


def area(table, fake):
    return roc_auc_score(fake[table["user"], table["item"]], table["outlierness"])


@pytest.mark.parametrize("method", ["leave_one_out", "in_place"])
def test_planted_ratings_are_found(method):
    X = make_interactions(500, 150, n_interactions=15_000, random_state=0).X
    given, fake = flipped(X)
    model = AttentionRecommender(1.0, regularization=50)
    table = attention_outliers(model, given, cv=5, method=method)
    assert area(table, fake) >= 0.9
    assert table["outlierness"].is_monotonic_decreasing
    assert_allclose(table["surprise"], table["rating"] - table["expected"], atol=1e-9)
    up = table[fake[table["user"], table["item"]] & (table["rating"] == 5)]
    assert (up["surprise"] > 0).mean() > 0.9  # a one turned into a five is higher than expected


def test_planted_items_are_found_without_ratings():
    blocks = np.kron(np.eye(4), np.ones((60, 25)))
    rng = np.random.default_rng(0)
    X = blocks * (rng.random(blocks.shape) < 0.5)
    fake = np.zeros(X.shape, bool)
    users = rng.choice(240, 40, replace=False)
    for user in users:
        fake[user, rng.choice(np.flatnonzero(blocks[user] == 0))] = True
    table = attention_outliers(AttentionRecommender(regularization=20), X + fake, cv=4)
    assert area(table, fake) > 0.98
    assert_array_equal(table["expected"], 1)


def test_leave_one_out_leaves_out():
    X = make_interactions(30, 20, n_interactions=200, min_interactions=2, random_state=0).X
    model = AttentionRecommender(regularization=5).fit(X)
    votes = _leave_one_out(model, Histories.of(X))
    for place in (0, 17, 199):
        user = np.searchsorted(X.indptr, place, side="right") - 1
        history = X[[user]].toarray()
        history[0, X.indices[place]] = 0
        assert votes[place] == pytest.approx(model.predict(history)[0, X.indices[place]], rel=1e-5)


def test_in_place_is_the_same_for_a_sum_of_votes():
    X = make_interactions(60, 30, n_interactions=500, min_interactions=3, random_state=0).X
    model = ItemItemCF().fit(X)
    tables = [
        attention_outliers(model, X, method=method).sort_values(["user", "item"])
        for method in ("leave_one_out", "in_place")
    ]
    assert_allclose(tables[0]["votes"], tables[1]["votes"], rtol=1e-4)


@pytest.mark.parametrize("method", ["leave_one_out", "in_place"])
def test_frames_keep_their_names(method):
    X = make_interactions(30, 12, n_interactions=150, min_interactions=3, random_state=0).X
    frame = pd.DataFrame(X.toarray().astype(float), columns=list("abcdefghijkl"))
    named = attention_outliers(ItemItemCF().fit(frame), frame, method=method)
    plain = attention_outliers(ItemItemCF().fit(frame.to_numpy()), X, method=method)
    assert_allclose(named["votes"], plain["votes"], rtol=1e-5)
    assert len(attention_outliers(ItemItemCF(), frame, method=method, cv=2)) == 150


def test_users_are_judged_by_models_that_never_saw_them():
    X = make_interactions(60, 30, n_interactions=500, min_interactions=3, random_state=0).X
    folds = list(KFold(3).split(X))
    model = AttentionRecommender(regularization=5)
    table = attention_outliers(model, X, cv=folds, method="in_place")
    train, test = folds[1]
    scores = model.fit(X[train]).predict(X[test])
    rows = table[table["user"] == test[4]]
    assert_allclose(rows["votes"], scores[4, rows["item"]], rtol=1e-5)


def test_timestamps_follow_their_entries():
    class Judge:
        def predict(self, X, *, timestamps):
            assert_array_equal(timestamps.indices, X.indices)
            assert_array_equal(timestamps.data, X.data + 7)
            return np.ones(X.shape)

    X = sp.csr_array([[1.0, 0, 3], [2, 5, 0]])
    T = sp.csr_array((X.data + 7, X.indices, X.indptr), shape=X.shape)
    table = attention_outliers(Judge(), X, timestamps=T)
    assert_allclose(table["support"], np.arcsinh(1))


def test_supports_are_logarithmic_votes():
    votes = np.linspace(-10, 100, 111)
    unit = np.quantile(np.abs(votes), 0.05)
    assert_allclose(_compress(votes), np.arcsinh(votes / unit))
    large = votes > 30
    assert_allclose(_compress(votes)[large], np.log(2 * votes[large] / unit), atol=0.01)
    assert_array_equal(_compress(np.zeros(4)), 0)


def test_means_are_removed():
    users, items = np.repeat(np.arange(300), 40), np.tile(np.arange(40), 300)
    additive = 0.3 * (users % 7) + 0.1 * items
    rest = _without_means(additive, users, items, (300, 40))
    assert np.abs(rest).max() < 0.1 * np.ptp(additive)


def test_every_user_is_judged_once():
    X = make_interactions(30, 20, n_interactions=200, min_interactions=2, random_state=0).X
    folds = list(KFold(3).split(X))
    for some in (folds[:2], [*folds, folds[0]]):
        with pytest.raises(ValueError, match="each of the 30 users in one test part"):
            attention_outliers(ItemItemCF(), X, cv=some)


def test_parameters_of_the_judges_are_checked():
    with pytest.raises(ValueError, match="'n_neighbors' parameter"):
        attention_outliers(ItemItemCF(-3), np.eye(4), cv=2)


def test_errors():
    with pytest.raises(ValueError, match="All histories are empty"):
        attention_outliers(AttentionRecommender(), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="'method' parameter"):
        attention_outliers(AttentionRecommender(), np.eye(3), method="magic")
