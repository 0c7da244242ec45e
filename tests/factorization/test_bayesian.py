import numpy as np
import pytest
import scipy.sparse as sp

from skattnrec import ALSFactorizer, BaselinePredictor, BayesianFactorizer
from skattnrec.factorization._presence import Presence, presence_rows


def make_ratings(n_users=80, n_items=40, density=0.35, noise=0.4, seed=0):
    rng = np.random.default_rng(seed)
    biases = rng.normal(0, 0.4, (n_users, 1)) + rng.normal(0, 0.5, n_items)
    taste = rng.normal(0, 0.8, (n_users, 2)) @ rng.normal(0, 0.8, (2, n_items))
    ratings = 3.5 + biases + taste + noise * rng.normal(size=taste.shape)
    known = rng.random(ratings.shape) < density
    return sp.csr_array(np.where(known, ratings, 0)), ratings, known


X, RATINGS, KNOWN = make_ratings()


def bayesian(**settings):
    return BayesianFactorizer(
        **{"n_components": 4, "prior_strength": 5.0, "random_state": 0, **settings}
    )


# -- learning ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("presence", "seed"), [(None, 0), (0.5, 1), (5.0, 0)])
def test_loss_never_rises(presence, seed):
    model = bayesian(presence_regularization=presence, max_iter=25, tol=0, random_state=seed)
    model.fit(X)
    assert model.n_iter_ == len(model.loss_curve_)
    assert np.diff(model.loss_curve_).max() <= 1e-10


def test_tol_stops():
    assert bayesian(max_iter=500, tol=1e-2).fit(X).n_iter_ < 40


def test_more_accurate_than_points_and_baseline():
    """Data of the kind that it assumes, of which it is told neither noise nor rank."""

    def error(model):
        return np.sqrt(np.mean((model.fit(X).predict(X) - RATINGS)[~KNOWN] ** 2))

    ours = error(bayesian(n_components=8, max_iter=60))
    points = [
        error(ALSFactorizer(8, feedback="explicit", regularization=penalty, random_state=0))
        for penalty in (1, 2, 4, 8)
    ]
    assert ours < 0.97 * min(points)
    assert ours < 0.8 * error(BaselinePredictor())


def test_noise_is_found():
    X, *_ = make_ratings(200, 120, noise=0.4)
    model = bayesian(max_iter=80).fit(X)
    assert model.noise_ == pytest.approx(0.16, rel=0.1)


def test_presence_tells():
    """Ratings depend on nothing but which half of the items a user has rated."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 200)
    own = (np.arange(40) // 20)[None] == kind[:, None]
    known = rng.random((200, 40)) < np.where(own, 0.3, 0.1)
    ratings = np.where(own, 4.0, 2.5) + rng.normal(size=own.shape)
    X = sp.csr_array(np.where(known, ratings, 0))
    errors = []
    for presence in (1.0, None):
        model = bayesian(presence_regularization=presence, max_iter=40).fit(X)
        errors.append(np.mean((model.predict(X) - ratings)[~known] ** 2))
    assert errors[0] < 0.8 * errors[1]


def test_scaling_and_shifting_ratings():
    """The unit of ratings does not matter."""
    model = bayesian().fit(X)
    other = X.copy()
    other.data = 4 * other.data - 20
    moved = bayesian().fit(other)
    np.testing.assert_allclose(moved.predict(other), 4 * model.predict(X) - 20, rtol=1e-6)
    assert moved.noise_ == pytest.approx(16 * model.noise_)


# -- histories --------------------------------------------------------------------------------


@pytest.mark.parametrize("presence", [None, 2.0])
def test_fold_in_by_definition(presence):
    model = bayesian(presence_regularization=presence).fit(X)
    k = 5
    spread = model.rating_spread_
    assert spread == pytest.approx(RATINGS[KNOWN].std())
    units = np.r_[spread, np.full(4, np.sqrt(spread))]  # in which the model calculates
    means = np.c_[model.item_biases_, model.item_factors_] / units
    noise = model.noise_ / spread**2
    extended = np.c_[np.ones(40), means]
    second = extended[:, :, None] * extended[:, None]
    second[:, 1:, 1:] += model.item_covariances_ / np.outer(units, units)
    z = [0, *range(2, k + 1)]
    for row in (0, 9):
        own = np.flatnonzero(KNOWN[row])
        prior = model._prior_mean.copy()
        if presence is not None:
            prior += model._presence[own].sum(axis=0) / np.sqrt(len(own))
        targets = (RATINGS[row, own] - model.mean_) / spread
        system = model._precision + second[own][:, z][:, :, z].sum(axis=0) / noise
        right = extended[own][:, z].T @ targets - second[own][:, z, 1].sum(axis=0)
        expected = np.linalg.solve(system, model._precision @ prior + right / noise)
        np.testing.assert_allclose(
            model.transform(X[[row]])[0], expected[1:] * units[1:], atol=1e-8
        )
        scores = model.mean_ + spread * extended @ np.r_[expected[0], 1, expected[1:]]
        np.testing.assert_allclose(model.predict(X[[row]])[0], scores, atol=1e-8)


def test_fold_in_reproduces_training_rows_at_convergence():
    model = bayesian(presence_regularization=None, max_iter=1500, tol=0).fit(X)
    np.testing.assert_allclose(model.transform(X), model.user_factors_, atol=1e-3)


def test_contributions_split_the_rating():
    model = bayesian().fit(X)
    parts = model.explain(X[[3]], [0, 8, 30])
    np.testing.assert_allclose(parts.baseline + parts.contributions.sum(axis=1), parts.scores)
    # a score is linear in each rating, and only its own contribution changes with it
    changed = X[[3]].copy()
    changed.data[2] += 1
    after = model.explain(changed, [0, 8, 30])
    np.testing.assert_allclose(after.baseline, parts.baseline)
    others = np.arange(changed.nnz) != 2
    np.testing.assert_allclose(after.contributions[:, others], parts.contributions[:, others])
    assert (np.abs(after.contributions - parts.contributions)[:, 2] > 1e-6).all()


def test_empty_rows_and_columns_get_the_prior():
    ratings = X.toarray()
    ratings[3], ratings[:, 5] = 0, 0
    model = bayesian().fit(ratings)
    np.testing.assert_allclose(model.predict(np.zeros((1, 40)))[0], model.prior_)
    np.testing.assert_allclose(model.predict(ratings)[3], model.prior_)
    assert np.isfinite(model.predict(ratings)[:, 5]).all()


@pytest.mark.parametrize("ratings", [[[0, 4.0], [0, 0]], [[3.0, 3.0], [3.0, 0]]])
def test_nothing_to_tell_apart(ratings):
    model = bayesian().fit(ratings)
    np.testing.assert_allclose(model.predict(ratings), np.max(ratings), atol=1e-6)


def test_nothing_known():
    model = bayesian().fit(np.zeros((2, 3)))
    np.testing.assert_array_equal(model.predict(np.zeros((1, 3))), 0)


def test_negative_ratings_and_half_stars():
    """Jokes between -10 and 10, a stored 0 among them; stars in halves."""
    jokes = X.copy()
    jokes.data = np.round(4 * (jokes.data - 3.5), 2).clip(-10, 10)
    jokes.data[0] = 0
    model = bayesian().fit(jokes)
    assert model.predict(jokes).min() < -3
    stars = X.copy()
    stars.data = (np.round(2 * stars.data) / 2).clip(0.5, 5)
    errors = bayesian(max_iter=40).fit(stars).predict(stars)[~KNOWN] - RATINGS[~KNOWN].clip(0.5, 5)
    assert np.sqrt(np.mean(errors**2)) < 0.85 * RATINGS[~KNOWN].std()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype(dtype):
    given = X.astype(dtype)
    model = bayesian().fit(given)
    arrays = [model.predict(given), model.transform(given), model.prior_]
    names = "user_factors_", "item_factors_", "user_biases_", "item_biases_", "item_covariances_"
    arrays += [getattr(model, name) for name in names]
    arrays += [model.similar_items([0], 3)[1], model.explain(given[[0]], [1]).contributions]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


def test_float32_agrees():
    exact = bayesian().fit(X).predict(X)
    np.testing.assert_allclose(bayesian().fit(X.astype(np.float32)).predict(X), exact, atol=2e-2)


def test_random_state():
    predictions = [bayesian(random_state=seed).fit(X).predict(X) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(predictions[0], predictions[1])
    assert np.abs(predictions[0] - predictions[2]).max() > 1e-6


# -- presence ---------------------------------------------------------------------------------


def test_presence_finds_the_ridge_solution():
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(80, 3))
    presence = Presence(X, 3, 0.7)
    presence.improve(targets, 60)
    D = KNOWN / np.sqrt(KNOWN.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(presence_rows(X).toarray(), D)
    expected = np.linalg.solve(D.T @ D + 0.7 * np.eye(40), D.T @ targets)
    np.testing.assert_allclose(presence.weights, expected, atol=1e-8)
    np.testing.assert_allclose(presence.predict(), D @ expected, atol=1e-8)


def test_no_step_raises_the_loss():
    rng = np.random.default_rng(1)
    targets = rng.normal(size=(80, 2))
    presence = Presence(X, 2, 1.0)
    losses = []
    for _ in range(12):
        error = ((targets - presence.predict()) ** 2).sum()
        losses.append(error + (presence.weights**2).sum())
        presence.improve(targets, 1)
    assert np.all(np.diff(losses) <= 1e-12)
