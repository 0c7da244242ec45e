"""What acts, what is refused, what is said; documentation and caching of the attention models."""

import inspect
import re

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skattnrec import (
    AttentionRatingPredictor,
    AttentionRecommender,
    MultiHeadAttentionRecommender,
    SequentialAttentionRecommender,
)
from skattnrec.attention import _set
from skattnrec.datasets import make_interactions
from skattnrec.exceptions import IneffectiveParameterWarning

DATA = make_interactions(120, 40, n_interactions=2300, random_state=0)
X = sp.csr_array(DATA.X.astype(float))
T = DATA.timestamps
FEATURES = np.asarray(DATA.item_features, float)
CHANGES = {
    "n_heads": 3,
    "temperature": 1.0,
    "temperature_ratio": 5.0,
    "rating_center": 2.0,
    "rating_spread": 5.0,
    "item_features": FEATURES,
    "content_weight": 3.0,
    "learn_projections": True,
    "projections": np.random.default_rng(0).normal(size=(2, FEATURES.shape[1], 2)),
    "random_state": 1,
    "relevance_threshold": 4.0,
    "smoothing": 0.9,
    "dropout": 0.1,
    "regularization": 20.0,
    "key_popularity_exponent": 0.5,
    "popularity_exponent": 0.5,
    "solver": "sparse",
    "n_neighbors": 5,
    "prior_weight": 5.0,
    "half_life": 4.0,
    "half_life_ratio": 3.0,
    "age": "time",
    "lookahead": 0.8,
    "reverse_weight": 0.5,
}
EXEMPT = {"memory", "verbose"}
REFUSED = [  # where there are no features, and where the solver is dense
    {"content_weight", "learn_projections", "projections", "n_neighbors"},
    {"n_neighbors"},
]
MODELS = [
    (AttentionRecommender(), 0),
    (MultiHeadAttentionRecommender(), 0),
    (SequentialAttentionRecommender(temperature=2.5), 0),
    (AttentionRatingPredictor(2), 0),
    (AttentionRecommender(item_features=FEATURES[:, :3]), 1),
    (MultiHeadAttentionRecommender(item_features=FEATURES[:, ::-1] ** 2, random_state=0), 1),
    (SequentialAttentionRecommender(temperature=2.5, item_features=FEATURES[:, :3]), 1),
    (AttentionRecommender(solver="sparse", n_neighbors=8), None),
]


def answers(model):
    times = {"timestamps": T} if model._needs_times() else {}
    return model.fit(X, **times).predict(X, **times)


@pytest.mark.parametrize(("model", "mode"), MODELS, ids=lambda value: str(value)[:60])
def test_every_parameter_acts_or_is_refused(model, mode):
    before = answers(clone(model))
    refused = set() if mode is None else REFUSED[mode]
    if isinstance(model, AttentionRatingPredictor):
        refused = set()
    for name in model.get_params().keys() - EXEMPT:
        change = {name: CHANGES[name]}
        if mode is None and name == "solver":
            change = {"solver": "dense", "n_neighbors": None}
        if name == "random_state" and model.item_features is None:
            continue
        if mode is None and name in ("content_weight", "learn_projections"):
            continue
        changed = clone(model).set_params(**change)
        if name in refused:
            with pytest.raises(ValueError, match=f"{name}.* has no effect"):
                answers(changed)
        elif name in ("item_features",) and not model._needs_times() and mode is None:
            continue
        else:
            unlike = not np.array_equal(answers(changed), before)
            # without cold items, features act on content logits or learned projections only
            assert unlike or (name == "item_features" and model._needs_times()), name


def test_features_of_sequences_act_where_items_are_cold():
    rows = X.toarray()
    rows[:, 7] = 0
    rows, when = sp.csr_array(rows), sp.csr_array(np.where(rows, T.toarray(), 0))
    plain, informed = (
        SequentialAttentionRecommender(item_features=F).fit(rows, timestamps=when)
        for F in (None, FEATURES)
    )
    assert not plain.predict(rows, timestamps=when)[:, 7].any()
    assert informed.predict(rows, timestamps=when)[:, 7].any()


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (AttentionRecommender(np.inf, rating_center=3), "rating_center=3"),
        (AttentionRecommender(np.inf, rating_spread=3), "rating_spread=3"),
        (MultiHeadAttentionRecommender(1, temperature_ratio=3), "temperature_ratio=3"),
        (MultiHeadAttentionRecommender(2, temperature=np.inf), "n_heads=2"),
        (MultiHeadAttentionRecommender(2, temperature_ratio=1), "n_heads=2"),
        (SequentialAttentionRecommender(1, half_life_ratio=2), "half_life_ratio=2"),
        (SequentialAttentionRecommender(rating_center=2), "rating_center=2"),
        (SequentialAttentionRecommender(2, half_life=np.inf), "n_heads=2"),
    ],
)
def test_what_cannot_matter_is_said(model, name):
    with pytest.warns(IneffectiveParameterWarning, match=f"{name} has no effect"):
        answers(model)


def test_equal_ratings_are_said_to_make_temperature_idle():
    ones = sp.csr_array((np.ones(X.nnz), X.indices, X.indptr), shape=X.shape)
    AttentionRecommender().fit(ones)
    AttentionRecommender(1.0, item_features=FEATURES).fit(ones)  # acts on features
    with pytest.warns(IneffectiveParameterWarning, match=r"temperature=1.0 has no effect"):
        AttentionRecommender(1.0).fit(ones)
    with pytest.warns(IneffectiveParameterWarning, match=r"n_heads=3 .* ratings are equal"):
        MultiHeadAttentionRecommender(3).fit(ones)
    with pytest.warns(IneffectiveParameterWarning, match=r"temperature=1.0 has no effect"):
        SequentialAttentionRecommender(temperature=1.0).fit(ones, timestamps=T)


@pytest.mark.parametrize("model", [AttentionRecommender(), MultiHeadAttentionRecommender()])
def test_times_are_checked_and_ignored_by_sets(model):
    plain, timed = clone(model).fit(X), clone(model).fit(X, timestamps=T)
    assert_array_equal(plain.predict(X), timed.predict(X, timestamps=T))
    assert_array_equal(plain.predict(X), timed.predict(X))
    with pytest.raises(ValueError, match="timestamps has shape"):
        model.fit(X, timestamps=T[:3])


@pytest.mark.parametrize("model", [model for model, _ in MODELS], ids=lambda model: str(model)[:60])
def test_every_parameter_is_documented_once_with_its_default(model):
    text = type(model).__doc__
    assert not re.search(r"(?m)^ *\{\w+\}$", text)
    for name, parameter in inspect.signature(type(model)).parameters.items():
        lines = [line for line in text.splitlines() if line.strip().startswith(f"{name} : ")]
        assert len(lines) == 1, name
        default = repr(parameter.default).replace("'", '"')
        assert lines[0].endswith(f"default={default}"), lines[0]


class Counter:
    """Counts calls of a function."""

    def __init__(self, function):
        self.function, self.n_calls = function, 0

    def __call__(self, *args):
        self.n_calls += 1
        return self.function(*args)


@pytest.mark.parametrize("kind", [AttentionRecommender, SequentialAttentionRecommender])
def test_memory_keeps_what_fits_share(kind, tmp_path):
    times = {"timestamps": T} if kind()._needs_times() else {}
    memory = joblib.Memory(tmp_path, verbose=0)
    for given in (memory, memory):
        for change in ({}, {"regularization": 9.0}, {"solver": "sparse"}, {"temperature": 1.0}):
            cached = kind(memory=given, **change).fit(X, **times)
            plain = kind(**change).fit(X, **times)
            assert_array_equal(cached.predict(X, **times), plain.predict(X, **times))
    assert len(list(tmp_path.rglob("output.pkl"))) == 2  # one for each temperature


def test_a_grid_sums_up_once(tmp_path, monkeypatch):
    counter = Counter(_set.set_statistics)
    monkeypatch.setattr(_set, "set_statistics", counter)
    grid = {"regularization": [10.0, 100.0], "dropout": [0.0, 0.5], "popularity_exponent": [0, 0.1]}
    model = AttentionRecommender(memory=str(tmp_path))
    GridSearchCV(model, grid, cv=3, refit=False).fit(X)
    assert counter.n_calls == 3


@pytest.mark.parametrize(
    "model", [model for model, _ in MODELS[:4]], ids=lambda model: str(model)[:60]
)
def test_refused_parameters_leave_the_old_model(model):
    times = {"timestamps": T} if model._needs_times() else {}
    learned = clone(model).fit(X, **times)
    before = learned.predict(X, **times)
    for wrong in ({"temperature": -1}, {"smoothing": 2}, {"rating_spread": 0}):
        old = {name: learned.get_params()[name] for name in wrong}
        with pytest.raises(ValueError, match=f"'{next(iter(wrong))}'"):
            learned.set_params(**wrong).fit(X, **times)
        learned.set_params(**old)
        assert_array_equal(learned.predict(X, **times), before)


@pytest.mark.parametrize(
    "extreme",
    [
        {"temperature": 5e-324},
        {"temperature": 1e300},
        {"rating_spread": 5e-324},
        {"rating_spread": 1e308},
        {"rating_center": -1e308},
        {"regularization": 1e30},
        {"dropout": 1 - 1e-9},
        {"key_popularity_exponent": 1e3, "regularization": 1e9},
        {"popularity_exponent": -1e3},
        {"n_heads": 3, "temperature_ratio": 1e200},
        {"n_heads": 3, "temperature_ratio": 1e-200},
        {"n_heads": 3, "half_life_ratio": 1e-200},
        {"n_heads": 3, "half_life_ratio": 1e200},
        {"half_life": 5e-324},
        {"lookahead": 1 - 1e-9},
        {"reverse_weight": 1e30},
        {"item_features": FEATURES, "content_weight": 1e300},
        {"item_features": FEATURES, "content_weight": -1e300},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.filterwarnings("ignore::skattnrec.exceptions.IneffectiveParameterWarning")
def test_extreme_parameters_give_finite_scores(extreme, dtype):
    for model in (
        AttentionRecommender(),
        MultiHeadAttentionRecommender(solver="sparse"),
        SequentialAttentionRecommender(temperature=2.5),
        AttentionRatingPredictor(2),
    ):
        if not extreme.keys() <= model.get_params().keys():
            continue
        times = {"timestamps": T} if model._needs_times() else {}
        rows = X.astype(dtype)
        found = clone(model).set_params(**extreme).fit(rows, **times).predict(rows, **times)
        assert np.isfinite(found).all()
