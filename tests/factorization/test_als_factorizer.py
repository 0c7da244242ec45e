import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import implicit.utils
import numba
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_info, threadpool_limits

import skattnrec.factorization._implicit as module
from skattnrec.factorization import ALSFactorizer
from skattnrec.factorization._start import sketch


def random_ratings(n_users=40, n_items=25, density=0.3, seed=0):
    rng = np.random.default_rng(seed)
    known = rng.random((n_users, n_items)) < density
    return sp.csr_array(np.where(known, rng.integers(1, 6, known.shape), 0).astype(float))


def confidences(model, X):
    """How much entries weigh: 1 plus 3, or what is asked for, for a typical rating."""
    confidence = 3.0 if model.confidence is None else model.confidence
    return 1 + confidence * np.minimum(X / model.typical_rating_, 2)


def fold_in_by_definition(model, history):
    """(Y'CY + lambda I)^-1 Y'Cp of one dense row, as Hu et al. write it."""
    Y = model.item_factors_
    C = np.diag(confidences(model, history))
    p = (history > 0).astype(float)
    return np.linalg.solve(Y.T @ C @ Y + model.penalty_ * np.eye(Y.shape[1]), Y.T @ C @ p)


def objective(model, X, users):
    """The weighted squared error over all entries plus the penalty."""
    C, P = confidences(model, X), (X > 0).astype(float)
    items = model.item_factors_
    error = (C * (P - users @ items.T) ** 2).sum()
    return error + model.penalty_ * ((users**2).sum() + (items**2).sum())


X = random_ratings()


@pytest.fixture(scope="module")
def model():
    return ALSFactorizer(n_components=6, confidence=2.0, random_state=0).fit(X)


# -- the model --------------------------------------------------------------------------------


def test_penalty_by_hand():
    """Amounts 1 / 2, 1 and 2, so weights 1.25, 1.5 and 2 of 2 users and 3 items."""
    ratings = np.array([[1.0, 2, 0], [0, 5, 0]])
    model = ALSFactorizer(n_components=2, regularization=0.5, confidence=0.5).fit(ratings)
    assert model.typical_rating_ == 2
    assert model.penalty_ == pytest.approx(0.5 * 4.75 / 5)


def test_fold_in_is_the_exact_half_step(model):
    histories = np.vstack([X[:5].toarray(), np.eye(25)[:2], np.full((1, 25), 5.0)])
    expected = np.array([fold_in_by_definition(model, history) for history in histories])
    np.testing.assert_allclose(model.transform(histories), expected, rtol=1e-9, atol=1e-12)
    scores = expected @ model.item_factors_.T
    np.testing.assert_allclose(model.predict(histories), scores, rtol=1e-9, atol=1e-12)


def test_more_components_than_entries():
    """Histories shorter than ``n_components`` take the dual form."""
    model = ALSFactorizer(n_components=30, random_state=0).fit(X)
    expected = np.array([fold_in_by_definition(model, row) for row in X.toarray()])
    np.testing.assert_allclose(model.transform(X), expected, rtol=1e-8, atol=1e-10)


def test_contributions_are_those_of_the_paper(model):
    """s_ij = y_i' W_u c_uj y_j with W_u = (Y'CY + lambda I)^-1."""
    row, Y = X[[3]], model.item_factors_
    history = row.toarray()[0]
    W = np.linalg.inv(
        Y.T @ np.diag(confidences(model, history)) @ Y + model.penalty_ * np.eye(Y.shape[1])
    )
    parts = model.explain(row, [0, 7, 11])
    assert parts.sources.tolist() == row.indices.tolist()
    expected = Y[[0, 7, 11]] @ W @ Y[row.indices].T * confidences(model, row.data)
    np.testing.assert_allclose(parts.contributions, expected, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(parts.contributions.sum(axis=1), parts.scores, rtol=1e-8)
    assert (parts.baseline == 0).all()


def test_converges_to_a_stationary_point_of_the_objective():
    model = ALSFactorizer(n_components=4, max_iter=1500, random_state=0).fit(X)
    dense, Y = X.toarray(), model.item_factors_
    users = model.transform(X)
    C, P = confidences(model, dense), (dense > 0).astype(float)
    gradient = (C * (users @ Y.T - P)).T @ users + model.penalty_ * Y
    assert np.abs(gradient).max() < 1e-4 * np.abs((C * P).T @ users).max()


def test_iterations_lower_the_objective():
    dense, losses = X.toarray(), []
    for max_iter in (1, 2, 5, 20):
        model = ALSFactorizer(n_components=6, max_iter=max_iter, random_state=0).fit(X)
        losses.append(objective(model, dense, model.transform(X)))
        assert model.n_iter_ == max_iter
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < objective(model, dense, np.zeros((40, 6)))


def test_equals_the_implicit_library():
    """Binary data: its alpha is 1 + confidence, its regularization our penalty."""
    binary = X.astype(bool).astype(np.float32)
    model = ALSFactorizer(n_components=5, confidence=3.0, random_state=1).fit(binary)
    with threadpool_limits(1, "blas"):
        theirs = AlternatingLeastSquares(5, model.penalty_, alpha=4.0, iterations=10)
        theirs.user_factors = np.zeros((40, 5), np.float32)
        theirs.item_factors = sketch(binary, 5, np.random.RandomState(1))
        theirs.fit(sp.csr_matrix(binary), show_progress=False)
        folded = theirs.recalculate_user(np.arange(40), sp.csr_matrix(binary))
    np.testing.assert_allclose(model.item_factors_, theirs.item_factors, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.user_factors_, theirs.user_factors, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.transform(binary), folded, rtol=1e-3, atol=1e-4)


def test_confidence_zero_weighs_all_entries_alike(model):
    model = ALSFactorizer(n_components=3, confidence=0, max_iter=500, random_state=0).fit(X)
    P = (X.toarray() > 0).astype(float)
    U, s, Vt = np.linalg.svd(P)
    kept = np.maximum(s[:3] - model.penalty_, 0)  # soft-thresholded singular values
    scores = model.transform(X) @ model.item_factors_.T
    np.testing.assert_allclose(scores, U[:, :3] * kept @ Vt[:3], atol=1e-3)


def test_stored_zero_counts_as_unknown_but_seen(model):
    history = sp.csr_array(([3.0, 0.0], ([0, 0], [4, 9])), shape=(1, 25))
    without = sp.csr_array(([3.0], ([0], [4])), shape=(1, 25))
    np.testing.assert_array_equal(model.predict(history), model.predict(without))
    assert 9 not in model.recommend(history, k=25)[0]
    with_zeros = X.copy()
    with_zeros.data[::7] = 0
    less = with_zeros.copy()
    less.eliminate_zeros()
    settings = {"n_components": 4, "random_state": 0}
    a, b = ALSFactorizer(**settings).fit(with_zeros), ALSFactorizer(**settings).fit(less)
    np.testing.assert_allclose(a.item_factors_, b.item_factors_)


def test_history_of_zeros_gets_the_prior(model):
    history = sp.csr_array(([0.0], ([0], [4])), shape=(1, 25))
    np.testing.assert_array_equal(model.predict(history)[0], model.prior_)
    parts = model.explain(history, [1, 2])
    np.testing.assert_array_equal(parts.baseline, model.prior_[[1, 2]])
    assert parts.contributions.shape == (2, 0)
    assert (model.transform(history) == 0).all()


def test_similar_items_by_cosine(model):
    Y = model.item_factors_
    cosines = Y @ Y.T / np.outer(np.linalg.norm(Y, axis=1), np.linalg.norm(Y, axis=1))
    indices, scores = model.similar_items([6], k=3)
    np.fill_diagonal(cosines, -np.inf)
    assert indices[0].tolist() == np.argsort(-cosines[6])[:3].tolist()
    np.testing.assert_allclose(scores[0], np.sort(cosines[6])[::-1][:3])


def test_item_without_ratings_is_like_none():
    ratings = X.toarray()
    ratings[:, 5] = 0
    model = ALSFactorizer(n_components=4, random_state=0).fit(ratings)
    assert (model.item_factors_[5] == 0).all()
    assert (model.similar_items(5, k=3)[1] == 0).all()
    assert (model.predict(X)[:, 5] == 0).all()


# -- the start --------------------------------------------------------------------------------


def test_start_sums_signed_groups_of_users():
    start = sketch(X, 4, np.random.RandomState(0))
    assert start.shape == (25, 4)
    assert np.sqrt((start**2).sum(axis=1).mean()) == pytest.approx(0.1)
    combination, *_ = np.linalg.lstsq(X.T.toarray(), start, rcond=None)
    np.testing.assert_allclose(X.T @ combination, start, atol=1e-12)


def test_start_does_not_depend_on_the_order_of_users_or_items():
    ratings = sp.csr_array(X.toarray() * np.random.default_rng(0).uniform(1, 2, X.shape))
    start = sketch(ratings, 4, np.random.RandomState(0))
    rows, columns = np.random.default_rng(1).permutation(40), np.arange(25)[::-1]
    moved = sketch(ratings[rows][:, columns], 4, np.random.RandomState(0))
    np.testing.assert_allclose(moved, start[columns], atol=1e-12)


def test_random_state():
    factors = [
        ALSFactorizer(n_components=4, random_state=seed).fit(X).item_factors_ for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(factors[0], factors[1])
    assert np.abs(factors[0] - factors[2]).max() > 1e-3
    ALSFactorizer(n_components=4).fit(X)


# -- a transformer ----------------------------------------------------------------------------


def test_transform_in_a_pipeline_and_with_pandas():
    names = [f"alsfactorizer{c}" for c in range(3)]
    model = ALSFactorizer(n_components=3, random_state=0).set_output(transform="pandas")
    frame = model.fit_transform(X)
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == list(model.get_feature_names_out()) == names
    assert frame.shape == (40, 3)
    clusters = make_pipeline(
        ALSFactorizer(n_components=3, random_state=0), KMeans(2, n_init=1, random_state=0)
    ).fit_predict(sp.csr_array(np.kron(np.eye(2), np.ones((6, 5)))))
    assert len(set(clusters[:6])) == len(set(clusters[6:])) == 1
    assert clusters[0] != clusters[6]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_of_factors(dtype):
    model = ALSFactorizer(n_components=3, random_state=0).fit(X.astype(dtype))
    for array in (model.user_factors_, model.item_factors_, model.transform(X.astype(dtype))):
        assert array.dtype == dtype


# -- threads and output -----------------------------------------------------------------------


def blas_threads():
    return [api["num_threads"] for api in threadpool_info() if api["user_api"] == "blas"]


def test_number_of_threads_does_not_change_the_answer(monkeypatch):
    monkeypatch.setattr(module, "_SMALL", 0)
    many = ALSFactorizer(n_components=8, random_state=0).fit(X)
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 1)
    one = ALSFactorizer(n_components=8, random_state=0).fit(X)
    np.testing.assert_array_equal(one.transform(X), many.transform(X))
    np.testing.assert_array_equal(one.item_factors_, many.item_factors_)


def test_blas_threads_are_restored_also_after_fits_at_once():
    before = blas_threads()
    ALSFactorizer(n_components=4).fit(X)
    assert blas_threads() == before
    ready = threading.Barrier(4)

    def fit(seed):
        ready.wait()
        return ALSFactorizer(n_components=4, random_state=0).fit(X).item_factors_

    with ThreadPoolExecutor(4) as pool:
        factors = list(pool.map(fit, range(4)))
    assert blas_threads() == before
    for other in factors[1:]:
        np.testing.assert_array_equal(other, factors[0])


def test_warning_of_the_engine_about_blas_does_not_reach_the_user(monkeypatch):
    monkeypatch.setattr(implicit.utils, "_checked_blas_config", False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ALSFactorizer(n_components=4).fit(X)


def test_the_engine_runs_with_one_blas_thread(monkeypatch):
    """Each of its threads calls BLAS, whose own threads would fight with them for processors."""
    found = []

    class Spy(AlternatingLeastSquares):
        def fit(self, *args, **kwargs):
            found.extend(blas_threads())
            super().fit(*args, **kwargs)

    monkeypatch.setattr(module, "AlternatingLeastSquares", Spy)
    with threadpool_limits(2, "blas"):
        expected = [1] * len(blas_threads())
        ALSFactorizer(n_components=4).fit(X)
        assert blas_threads() != expected
    assert expected
    assert found == expected


def test_the_fold_in_is_prepared_with_one_blas_thread(monkeypatch):
    found = []
    cholesky = np.linalg.cholesky

    def spy(matrix):
        found.extend(blas_threads())
        return cholesky(matrix)

    monkeypatch.setattr(np.linalg, "cholesky", spy)
    with threadpool_limits(2, "blas"):
        ALSFactorizer(n_components=4).fit(X)
    assert set(found) == {1}


def test_nothing_is_printed_unless_asked_for(capfd):
    ALSFactorizer(n_components=4).fit(X)
    assert capfd.readouterr() == ("", "")
    ALSFactorizer(n_components=4, max_iter=3, verbose=True).fit(X)
    assert "3/3" in capfd.readouterr().err
