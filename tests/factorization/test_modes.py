"""Every parameter of ALSFactorizer acts in the mode it is in, or is refused."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

from skattnrec import ALSFactorizer, BayesianFactorizer
from skattnrec._context import Context

MODES = {
    "implicit": {},
    "explicit": {"feedback": "explicit"},
    "sgd": {"feedback": "explicit", "solver": "sgd"},
}
OTHERS = {
    "n_components": 5,
    "regularization": 0.9,
    "confidence": 7.0,
    "weighted_regularization": True,
    "bias": False,
    "solver": "sgd",
    "learning_rate": 0.005,
    "init": "svd",
    "max_iter": 2,
    "tol": 0.2,
    "validation_fraction": 0.3,
    "random_state": 3,
}
FOREIGN = {
    "implicit": {
        "weighted_regularization", "bias", "solver", "learning_rate", "tol", "validation_fraction",
    },
    "explicit": {"confidence", "learning_rate"},
    "sgd": {"confidence"},
}  # fmt: skip


def ratings(seed=0):
    rng = np.random.default_rng(seed)
    known = rng.random((30, 20)) < 0.5
    return sp.csr_array(np.where(known, rng.integers(1, 6, known.shape), 0).astype(float))


X = ratings()


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("mode", MODES)
def test_every_parameter_acts_or_is_refused(mode, name):
    given = {"n_components": 3, "random_state": 0, **MODES[mode]}
    default = ALSFactorizer(**given).fit(X)
    if (mode, name) == ("sgd", "solver"):
        pytest.skip("it is what makes the mode")
    other = clone(default).set_params(**{name: OTHERS[name]})
    if name in FOREIGN[mode]:
        with pytest.raises(ValueError, match=f"^{name}=.* has no effect on ALSFactorizer with "):
            other.fit(X)
    else:
        assert np.abs(other.fit(X).predict(X) - default.predict(X)).max() > 1e-6


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        ({"learning_rate": 0.1}, 'feedback="implicit"'),
        ({"bias": True}, 'feedback="implicit"'),
        ({"learning_rate": 0.1, "feedback": "explicit"}, 'solver="als"'),
        ({"confidence": 1.0, "feedback": "explicit"}, 'feedback="explicit"'),
    ],
)
def test_the_message_names_parameter_and_mode(given, mode):
    with pytest.raises(ValueError, match=f"{next(iter(given))}=.* with {mode}"):
        ALSFactorizer(**given).fit(X)


def test_a_refit_in_another_mode_leaves_nothing_behind():
    own = {
        "implicit": {"typical_rating_"},
        "explicit": {"mean_", "rating_spread_", "user_biases_", "item_biases_", "loss_curve_"},
    }
    model = ALSFactorizer(3, random_state=0)
    for feedback in ("implicit", "explicit", "implicit"):
        model.set_params(feedback=feedback).fit(X)
        fresh = ALSFactorizer(3, random_state=0, feedback=feedback).fit(X)
        assert vars(model).keys() >= own[feedback]
        assert vars(model).keys() == vars(fresh).keys()
        np.testing.assert_array_equal(model.predict(X), fresh.predict(X))


@pytest.mark.parametrize(
    "model",
    [ALSFactorizer(3, random_state=0, **given) for given in (*MODES.values(), {"init": "svd"})]
    + [BayesianFactorizer(3, random_state=0)],
    ids=repr,
)
def test_scores_of_pairs_are_those_of_all_items(model):
    model = clone(model).fit(X)
    new = ratings(1)
    rows, items = np.divmod(np.random.default_rng(0).permutation(30 * 20)[:90], 20)
    scores = model._score_pairs(new, Context(), rows, items)
    np.testing.assert_allclose(scores, model._score(new, Context())[rows, items], atol=1e-12)


def test_parameters_set_after_a_fit_wait_for_the_next():
    model = ALSFactorizer(3, random_state=0).fit(X)
    expected = model.predict(X)
    model.set_params(feedback="explicit", confidence=3.0)
    np.testing.assert_array_equal(model.predict(X), expected)
    with pytest.raises(ValueError, match="Negative values"):
        model.predict(-X)
