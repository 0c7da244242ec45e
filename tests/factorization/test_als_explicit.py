"""ALSFactorizer on explicit feedback."""

import numpy as np
import pytest
import scipy.sparse as sp

from skattnrec.factorization import ALSFactorizer


def make_ratings(n_users=40, n_items=25, density=0.4, seed=0, rank=2, noise=0.1):
    """Ratings of rank 2 plus biases, some of them known; of either sign if asked for."""
    rng = np.random.default_rng(seed)
    biases = rng.normal(0, 0.5, (n_users, 1)) + rng.normal(0, 0.5, n_items)
    taste = rng.normal(size=(n_users, rank)) @ rng.normal(size=(rank, n_items))
    ratings = 3 + biases + taste + noise * rng.normal(size=taste.shape)
    known = rng.random(ratings.shape) < density
    return sp.csr_array(np.where(known, ratings, 0)), ratings, known


X, RATINGS, KNOWN = make_ratings()


def explicit(**settings):
    if settings.get("weighted_regularization"):
        settings = {"regularization": 0.2, **settings}
    return ALSFactorizer(
        **{
            "n_components": 3,
            "feedback": "explicit",
            "regularization": 2.5,
            "random_state": 0,
            **settings,
        }
    )


def loss_by_definition(model, ratings, known, users, items):
    """Squared errors and penalties of (biases, factors) of users and items."""
    (user_biases, x), (item_biases, y) = users, items
    errors = (ratings - model.mean_ - user_biases[:, None] - item_biases - x @ y.T)[known]
    sizes = known.sum(axis=1), known.sum(axis=0)
    if not model.weighted_regularization:
        sizes = np.ones(len(known)), np.ones(known.shape[1])
    unit = np.sqrt(model.rating_spread_)
    squares = [(np.c_[b, unit * f] ** 2).sum(axis=1) for b, f in (users, items)]
    penalty = sum(size @ square for size, square in zip(sizes, squares))
    return (errors**2).sum() + model.penalty_ * penalty


def units(model, Z):
    """Factors are penalised in units of the spread, a bias as it is."""
    return np.diag([1.0, *[model.rating_spread_] * (Z.shape[1] - 1)])


def learned(model):
    return (model.user_biases_, model.user_factors_), (model.item_biases_, model.item_factors_)


# -- the loss ---------------------------------------------------------------------------------


def test_penalty_by_hand():
    """7 ratings of 2 users and 4 items: 7 / 3 of a user or item on average."""
    ratings = np.array([[1.0, 2, 3, 0], [4, 3, 2, 1]])
    assert explicit(regularization=None).fit(ratings).penalty_ == pytest.approx(7 / 12)
    assert explicit(regularization=None).fit(np.ones((80, 80))).penalty_ == 12
    assert explicit(regularization=0.5).fit(ratings).penalty_ == 0.5
    weighted = explicit(regularization=None, weighted_regularization=True).fit(ratings)
    assert weighted.penalty_ == 0.1


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("solver", ["als", "sgd"])
@pytest.mark.parametrize("bias", [False, True])
def test_loss_is_that_of_the_definition_and_never_rises(solver, weighted, bias):
    model = explicit(solver=solver, weighted_regularization=weighted, bias=bias, max_iter=30, tol=0)
    model.fit(X)
    assert len(model.loss_curve_) == model.n_iter_
    assert np.all(np.diff(model.loss_curve_) <= 0)
    by_definition = loss_by_definition(model, RATINGS, KNOWN, *learned(model))
    assert model.loss_curve_[-1] == pytest.approx(by_definition)


@pytest.mark.parametrize("weighted", [False, True])
def test_als_and_sgd_find_the_same_minimum(weighted):
    settings = {"n_components": 1, "weighted_regularization": weighted, "tol": 0, "max_iter": 400}
    als = explicit(**settings).fit(X)
    sgd = explicit(solver="sgd", **settings).fit(X)
    assert sgd.loss_curve_[-1] == pytest.approx(als.loss_curve_[-1], rel=2e-3)
    assert sgd.loss_curve_[-1] >= als.loss_curve_[-1] * (1 - 1e-9)


def test_float32_loss_never_rises():
    model = explicit(n_components=8, max_iter=200, tol=0).fit(X.astype(np.float32))
    assert np.all(np.diff(model.loss_curve_) <= 0)


def test_too_long_a_step_is_shortened():
    model = explicit(solver="sgd", learning_rate=2.0, max_iter=60, tol=0).fit(X)
    assert np.all(np.diff(model.loss_curve_) <= 0)
    assert model.loss_curve_[-1] < 0.5 * model.loss_curve_[0]
    assert np.isfinite(model.predict(X)).all()


def test_tol_stops():
    assert explicit(max_iter=200, tol=1e-2).fit(X).n_iter_ < 30


# -- half-steps -------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_components", [2, 30])
def test_fold_in_solves_the_normal_equations(n_components, weighted):
    model = explicit(n_components=n_components, weighted_regularization=weighted).fit(X)
    Z = np.c_[np.ones(25), model.item_factors_]
    for row in (0, 7):
        own = KNOWN[row]
        penalty = model.penalty_ * (own.sum() if weighted else 1)
        targets = (RATINGS[row] - model.mean_ - model.item_biases_)[own]
        expected = np.linalg.solve(
            Z[own].T @ Z[own] + penalty * units(model, Z), Z[own].T @ targets
        )
        np.testing.assert_allclose(model.transform(X[[row]])[0], expected[1:], atol=1e-5)
        scores = model.mean_ + model.item_biases_ + Z @ expected
        np.testing.assert_allclose(model.predict(X[[row]])[0], scores, atol=1e-5)


def test_items_solve_their_normal_equations():
    """The last half-step: the items, given the users as they are reported."""
    model = explicit().fit(X)
    Z = np.c_[np.ones(40), model.user_factors_]
    for item in (0, 11):
        own = KNOWN[:, item]
        targets = (RATINGS[:, item] - model.mean_ - model.user_biases_)[own]
        system = Z[own].T @ Z[own] + model.penalty_ * units(model, Z)
        expected = np.linalg.solve(system, Z[own].T @ targets)
        found = np.r_[model.item_biases_[item], model.item_factors_[item]]
        np.testing.assert_allclose(found, expected, atol=1e-8)


def test_fold_in_reproduces_training_rows_at_convergence():
    model = explicit(max_iter=2000, tol=0).fit(X)
    np.testing.assert_allclose(model.transform(X), model.user_factors_, atol=1e-5)


def test_bias_alone_is_the_damped_baseline():
    """Penalised factors vanish where the penalty is large, and so do the biases."""
    model = explicit(regularization=1e6).fit(X)
    np.testing.assert_allclose(model.predict(X), model.mean_, atol=1e-3)
    assert model.mean_ == pytest.approx(RATINGS[KNOWN].mean())


def test_without_bias_nothing_is_added():
    model = explicit(bias=False).fit(X)
    assert model.mean_ == 0
    assert not model.user_biases_.any()
    assert not model.item_biases_.any()
    expected = model.transform(X) @ model.item_factors_.T
    np.testing.assert_allclose(model.predict(X), expected)


# -- it learns --------------------------------------------------------------------------------


@pytest.mark.parametrize("init", ["svd", "random"])
@pytest.mark.parametrize("solver", ["als", "sgd"])
def test_unknown_ratings_are_recovered(solver, init):
    X, ratings, known = make_ratings(150, 80, density=0.5)
    settings = {"regularization": 0.5, "max_iter": 60}
    if solver == "sgd":
        settings["learning_rate"] = 0.05
    model = explicit(n_components=2, solver=solver, init=init, **settings).fit(X)
    errors = (model.predict(X) - ratings)[~known]
    assert np.sqrt((errors**2).mean()) < 0.3
    assert ratings[~known].std() > 1.4


def test_negative_and_half_star_ratings():
    """Jokes rated from -10 to 10, most of them; and half stars: shifting shifts predictions."""
    jokes, *_ = make_ratings(60, 30, density=0.7, noise=0.5)
    jokes.data = np.clip(np.round(4 * (jokes.data - 3), 2), -10, 10)
    jokes.data[:3] = 0  # a stored 0 is a rating
    model = explicit().fit(jokes)
    shifted = jokes.copy()
    shifted.data += 11
    np.testing.assert_allclose(
        explicit().fit(shifted).predict(shifted), model.predict(jokes) + 11, atol=1e-8
    )
    stars = jokes.copy()
    stars.data = np.clip(np.round(jokes.data / 4 + 3) * 0.5 + 1, 0.5, 5)
    assert np.sqrt(np.mean((explicit().fit(stars).predict(stars)[stars.nonzero()] - 2.5) ** 2)) < 1


def test_svd_start_finds_the_singular_vectors():
    from skattnrec.factorization._start import first_factors

    big, *_ = make_ratings(120, 90, density=1.0)
    start = first_factors(big, 3, "svd", np.random.RandomState(0))
    _, values, Vt = np.linalg.svd(big.toarray())
    expected = Vt[:3].T * np.sqrt(values[:3])
    signs = np.sign((start * expected).sum(axis=0))
    np.testing.assert_allclose(start * signs, expected, atol=1e-3)
    wide = first_factors(X[:2], 5, "svd", np.random.RandomState(0))
    assert np.linalg.matrix_rank(wide) == 2


def test_spread_is_the_standard_deviation():
    assert explicit().fit(X).rating_spread_ == pytest.approx(RATINGS[KNOWN].std())
    assert explicit(bias=False).fit(X).rating_spread_ == pytest.approx(RATINGS[KNOWN].std())
    assert explicit().fit(np.full((3, 3), 4.0)).rating_spread_ == 4
    assert explicit().fit(sp.csr_array((2, 2))).rating_spread_ == 1


@pytest.mark.parametrize("solver", ["als", "sgd"])
def test_validation_keeps_the_best_factors(solver):
    """They are those of a fit that stops after the iteration with the lowest error."""
    settings = {
        "n_components": 15, "regularization": 1e-2, "tol": 0, "validation_fraction": 0.2,
        "solver": solver,
    }  # fmt: skip
    model = explicit(max_iter=60, **settings).fit(X)
    best = int(np.argmin(model.validation_curve_)) + 1
    assert best < model.n_iter_
    stopped = explicit(max_iter=best, **settings).fit(X)
    np.testing.assert_array_equal(model.item_factors_, stopped.item_factors_)
    np.testing.assert_array_equal(model.predict(X), stopped.predict(X))
    # the curve is the error on the ratings that were held out
    longer = explicit(max_iter=best + 1, **settings).fit(X)
    assert model.validation_curve_[: best + 1] == longer.validation_curve_[: best + 1]


def test_validation_keeps_the_best_iteration():
    model = explicit(
        n_components=15, regularization=1e-2, max_iter=40, tol=0, validation_fraction=0.2
    ).fit(X)
    assert 1 < model.n_iter_ < 40
    assert len(model.validation_curve_) == model.n_iter_
    assert model.validation_curve_[-1] > min(model.validation_curve_)
    assert explicit().fit(X).validation_curve_ == []
    with pytest.raises(ValueError, match=r"validation_fraction=0.001 holds out 0 of"):
        explicit(validation_fraction=0.001).fit(X)


# -- laws -------------------------------------------------------------------------------------


def test_twins_and_duplicated_users():
    """Two users with the same ratings get the same factors; so do two such items."""
    twice = sp.csr_array(sp.vstack([X, X[[4]]]))
    model = explicit().fit(twice)
    np.testing.assert_allclose(model.user_factors_[4], model.user_factors_[-1], atol=1e-12)
    columns = sp.csr_array(sp.hstack([X, X[:, [3]]]))
    model = explicit().fit(columns)
    np.testing.assert_allclose(model.item_factors_[3], model.item_factors_[-1], atol=1e-12)


def test_empty_rows_and_columns():
    ratings = X.toarray()
    ratings[3], ratings[:, 5] = 0, 0
    model = explicit().fit(ratings)
    assert not model.user_factors_[3].any()
    assert not model.item_factors_[5].any()
    assert model.item_biases_[5] == 0
    np.testing.assert_allclose(model.predict(ratings)[3], model.mean_ + model.item_biases_)
    np.testing.assert_array_equal(model.prior_, model.predict(ratings)[3])


@pytest.mark.parametrize("solver", ["als", "sgd"])
def test_one_rating(solver):
    model = explicit(solver=solver).fit([[0.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(model.predict([[0, 4.0]]), 4.0)
    np.testing.assert_allclose(model.predict([[0, 2.0]])[0, 0], model.predict([[0, 2.0]])[0, 1])


def test_contributions_split_the_rating():
    model = explicit().fit(X)
    parts = model.explain(X[[2]], [0, 5, 9])
    np.testing.assert_allclose(parts.baseline, model.mean_ + model.item_biases_[[0, 5, 9]])
    np.testing.assert_allclose(parts.baseline + parts.contributions.sum(axis=1), parts.scores)
    # raising a rating by d raises each score by d times its contribution per unit of the target
    row = X[[2]].copy()
    row.data[1] += 0.5
    target = X[[2]].data[1] - model.mean_ - model.item_biases_[row.indices[1]]
    change = model.predict(row)[0, [0, 5, 9]] - parts.scores
    np.testing.assert_allclose(change, parts.contributions[:, 1] * 0.5 / target, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", ["als", "sgd"])
def test_dtype(solver, dtype):
    model = explicit(solver=solver).fit(X.astype(dtype))
    for name in ("user_factors_", "item_factors_", "user_biases_", "item_biases_", "prior_"):
        assert getattr(model, name).dtype == dtype, name
    assert model.transform(X.astype(dtype)).dtype == model.predict(X.astype(dtype)).dtype == dtype
