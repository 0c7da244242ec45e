"""What holds for both neighbourhood models, beyond the laws of every recommender."""

from itertools import product

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.metrics.pairwise import cosine_similarity

from skattnrec._context import Context
from skattnrec.exceptions import IneffectiveParameterWarning
from skattnrec.neighbors import ItemItemCF, UserUserCF
from skattnrec.neighbors._search import SIMILARITIES

MODELS = [
    Model(feedback=feedback, center=center)
    for Model in (ItemItemCF, UserUserCF)
    for feedback, centers in (
        ("implicit", [None]),
        ("explicit", ["zero", "user", "item", "baseline"]),
    )
    for center in centers
]
EXPLICIT = [model for model in MODELS if model.feedback == "explicit"]
every_model = pytest.mark.parametrize("model", MODELS, ids=repr)


def ratings(seed=0, shape=(25, 14), dtype=float):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(shape) < 0.4, rng.integers(1, 11, shape) / 2, 0).astype(dtype)


@every_model
@pytest.mark.parametrize("similarity", sorted(SIMILARITIES))
def test_contributions_and_baseline_are_the_score(model, similarity):
    model = clone(model).set_params(n_neighbors=4, similarity=similarity).fit(ratings())
    items = np.array([3, 0, 7, 13])
    for row in ratings(1)[:5]:
        explanation = model.explain(row[None], items)
        total = explanation.baseline + explanation.contributions.sum(axis=1)
        np.testing.assert_allclose(total, model.predict(row[None])[0, items], atol=1e-12)
        assert explanation.source == ("item" if isinstance(model, ItemItemCF) else "user")


def test_sources_of_items_are_the_history_and_those_of_users_the_neighbours():
    X = ratings()
    row = ratings(1)[:1]
    items = ItemItemCF().fit(X).explain(row)
    np.testing.assert_array_equal(items.sources, np.flatnonzero(row))
    model = UserUserCF(n_neighbors=3).fit(X)
    users = model.explain(row)
    np.testing.assert_array_equal(users.sources, np.sort(model.similar_users(row, k=3)[0][0]))
    silent = X[users.sources][:, users.items].T == 0
    assert (users.contributions[silent] == 0).all()
    assert (users.contributions[~silent] > 0).all()


@every_model
def test_single_precision_stays_single(model):
    X = ratings(dtype=np.float32)
    model = clone(model).fit(X)
    scores = model.predict(X)
    assert scores.dtype == np.float32
    assert model.recommend(X, k=3)[1].dtype == np.float32
    assert model.similar_items([0], k=3)[1].dtype == np.float32
    explanation = model.explain(X[:1], [0, 5])
    assert explanation.baseline.dtype == explanation.contributions.dtype == np.float32
    np.testing.assert_allclose(scores, clone(model).fit(ratings()).predict(X), rtol=1e-4)


@pytest.mark.parametrize("similarity", sorted(SIMILARITIES))
def test_no_item_is_its_own_neighbour(similarity):
    model = ItemItemCF(100, similarity=similarity, min_similarity=-2, shrinkage=0)
    for X in (ratings(), np.ones((3, 5)) + np.eye(3, 5)):
        assert not model.fit(X).similarity_.diagonal().any()


@pytest.mark.parametrize("similarity", sorted(SIMILARITIES))
@pytest.mark.parametrize("feedback", ["implicit", "explicit"])
def test_no_user_is_their_own_neighbour(similarity, feedback):
    X = ratings()
    model = UserUserCF(similarity=similarity, feedback=feedback, min_similarity=-2).fit(X)
    users, _ = model.similar_users(X, k=len(X))
    assert not (users == np.arange(len(X))[:, None]).any()


def test_whoever_has_the_same_history_is_the_same_user():
    X = np.array([[1.0, 2, 0, 0], [1, 2, 0, 0], [1, 2, 0, 1], [1, 1, 0, 1]])
    model = UserUserCF().fit(X)
    users, _ = model.similar_users(X, k=4)
    assert [set(row[row >= 0]) for row in users] == [{2, 3}, {2, 3}, {0, 1, 3}, {0, 1, 2}]
    # 3 is the exact cosine twin of nobody: one more entry or another rating is another user
    users, _ = model.similar_users([[1.0, 2, 1, 0], [1, 1, 0, 0]], k=4)
    assert [set(row[row >= 0]) for row in users] == [{0, 1, 2, 3}] * 2


def test_a_user_is_recognised_in_another_precision_and_order():
    X = ratings() * 0.1
    model = UserUserCF().fit(X)
    expected = model.similar_users(X, k=3)[0]
    single = X[::-1].astype(np.float32)
    np.testing.assert_array_equal(model.similar_users(single, k=3)[0], expected[::-1])


@pytest.mark.parametrize("Model", [ItemItemCF, UserUserCF])
def test_one_neighbour_more_than_there_are_is_all(Model):
    X = ratings()
    everybody = Model(n_neighbors=len(X) + 50).fit(X).predict(X)
    np.testing.assert_array_equal(Model(n_neighbors=10**9).fit(X).predict(X), everybody)
    assert not np.allclose(Model(n_neighbors=1).fit(X).predict(X), everybody)


def test_equal_items_give_way_to_lower_columns():
    X = np.repeat(ratings()[:, :1] + 1, 6, axis=1)
    similarity = ItemItemCF(2).fit(X).similarity_
    np.testing.assert_array_equal(
        similarity.indices.reshape(6, 2)[:4], [[1, 2], [0, 2], [0, 1], [0, 1]]
    )


def test_equal_users_give_way_to_lower_rows():
    X = np.ones((6, 3)) * np.arange(1, 7)[:, None]  # all of the same direction
    model = UserUserCF(feedback="explicit", center="zero").fit(X)
    users, values = model.similar_users([[7.0, 7, 7]], k=3)
    np.testing.assert_array_equal(users, [[0, 1, 2]])
    np.testing.assert_allclose(values, 1)


def test_similarity_is_canonical_and_short():
    similarity = ItemItemCF(3).fit(ratings()).similarity_
    assert similarity.format == "csr"
    assert similarity.has_canonical_format
    assert similarity.indices.dtype == np.int32
    assert np.diff(similarity.indptr).max() == 3


@every_model
@pytest.mark.parametrize(
    "X",
    [
        np.array([[1.0]]),
        np.array([[5.0, 0, 3]]),
        np.array([[2.0], [3.0], [0.0]]),
        sp.csr_array((4, 3)),
        sp.csr_array(([0.0, 0.0], ([0, 1], [0, 0])), shape=(2, 3)),
        np.zeros((3, 4)) + np.eye(3, 4),
    ],
    ids=["one entry", "one user", "one item", "all empty", "known zeros", "nothing in common"],
)
def test_little_data(model, X):
    model = clone(model).fit(X)
    scores = model.predict(X)
    assert scores.shape == X.shape
    assert np.isfinite(scores).all()
    some = model.predict(np.ones((1, X.shape[1])))
    assert np.isfinite(some).all()


@pytest.mark.parametrize(
    ("similarity", "weighting"),
    [
        *product(["cosine", "jaccard", "conditional_probability"], ["uniform", "tfidf", "bm25"]),
        ("adjusted_cosine", None),
        ("pearson", None),
    ],
)
@pytest.mark.parametrize("Model", [ItemItemCF, UserUserCF])
def test_nothing_known(Model, similarity, weighting):
    X = sp.csr_array((3, 4))
    model = Model(similarity=similarity, weighting=weighting, shrinkage=1).fit(X)
    assert not model.predict(X).any()
    assert not model.predict(np.ones((1, 4))).any()
    assert not model.similar_items([0], k=3)[1].any()


@pytest.mark.parametrize("model", EXPLICIT, ids=repr)
def test_ratings_of_any_sign(model):
    R = ratings()
    X = sp.csr_array(np.where(R != 0, R - 3, 0))
    assert X.data.min() < 0
    scores = clone(model).fit(X).predict(X)
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(clone(model).fit(-2 * X).predict(-2 * X), -2 * scores, atol=1e-12)


@pytest.mark.parametrize("Model", [ItemItemCF, UserUserCF])
def test_implicit_feedback_is_not_negative(Model):
    with pytest.raises(ValueError, match=r"Negative values in data passed to \w+CF.*X\[0, 1\]"):
        Model().fit([[1.0, -1.0]])
    Model(feedback="explicit").fit([[1.0, -1.0]])


def test_ratings_are_on_the_scale_of_the_ratings():
    rng = np.random.default_rng(0)
    X = np.where(rng.random((200, 30)) < 0.3, rng.integers(80, 101, (200, 30)), 0.0)
    for Model in (ItemItemCF, UserUserCF):
        scores = Model(feedback="explicit").fit(X).predict(X)
        assert 70 < scores.min() < scores.max() < 110


def test_similar_items_of_users_are_the_cosine_of_columns():
    X = ratings()
    model = UserUserCF().fit(X)
    expected = cosine_similarity(np.minimum(X.T / np.median(X[X > 0]), 2))
    np.fill_diagonal(expected, -1)
    indices, values = model.similar_items([2, 5], k=4)
    np.testing.assert_allclose(values, np.sort(expected[[2, 5]])[:, :-5:-1])
    np.testing.assert_allclose(expected[[[2], [5]], indices], values)


def test_similar_items_of_items_are_their_neighbours():
    model = ItemItemCF(5).fit(ratings())
    indices, values = model.similar_items([2], k=5)
    np.testing.assert_allclose(values[0], np.sort(model.similarity_[[2]].data)[::-1])
    np.testing.assert_allclose(model.similarity_.toarray()[2, indices[0]], values[0])


def test_similar_users_pads_short_lists():
    X = np.array([[1.0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 1]])
    users, values = UserUserCF().fit(X).similar_users([[0, 1, 0, 0], [0, 0, 0, 0]], k=2)
    np.testing.assert_array_equal(users, [[0, -1], [-1, -1]])
    assert np.isnan(values[0, 1])
    assert np.isnan(values[1]).all()
    longer, _ = UserUserCF().fit(X).similar_users([[0, 1, 0, 0]], k=5)
    np.testing.assert_array_equal(longer, [[0, -1, -1, -1, -1]])


@pytest.mark.parametrize(("k", "error"), [(0, ValueError), (-1, ValueError), (1.0, TypeError)])
def test_similar_users_checks_the_length_of_lists(k, error):
    model = UserUserCF().fit(np.eye(3))
    with pytest.raises(error, match="k"):
        model.similar_users(np.eye(3), k=k)


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_neighbors": 0}, {"similarity": "euclid"}, {"weighting": "idf"}, {"shrinkage": -1},
        {"center": "mean"}, {"feedback": "both"}, {"popularity_exponent": -0.1},
        {"min_similarity": None},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("Model", [ItemItemCF, UserUserCF])
def test_parameters_are_checked(Model, wrong):
    with pytest.raises(
        ValueError, match=f"The '{next(iter(wrong))}' parameter of {Model.__name__}"
    ):
        Model(**wrong).fit(np.eye(3))


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        ({"weighting": "bm25", "feedback": "explicit"}, 'feedback="explicit"'),
        ({"weighting": "uniform", "similarity": "pearson"}, 'similarity="pearson"'),
        ({"weighting": "tfidf", "similarity": "adjusted_cosine"}, 'similarity="adjusted_cosine"'),
        ({"center": "user"}, 'feedback="implicit"'),
        ({"damping": 0.0}, 'feedback="implicit"'),
        ({"popularity_exponent": 0.5}, 'similarity="cosine"'),
        ({"popularity_exponent": 1, "feedback": "explicit"}, 'similarity="cosine"'),
    ],
    ids=str,
)
@pytest.mark.parametrize("Model", [ItemItemCF, UserUserCF])
def test_a_parameter_of_another_mode_is_refused(Model, given, mode):
    name = next(iter(given))
    with pytest.raises(
        ValueError, match=f"{name}=.* has no effect on {Model.__name__} with {mode}"
    ):
        Model(**given).fit(ratings())


OTHERS = {
    "n_neighbors": 2, "weighting": "bm25", "shrinkage": 7.0, "min_similarity": 0.3,
    "popularity_exponent": 0.9, "center": "zero", "damping": 0.5,
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("similarity", sorted(SIMILARITIES))
@pytest.mark.parametrize("feedback", ["implicit", "explicit"])
@pytest.mark.parametrize("Model", [ItemItemCF, UserUserCF])
def test_every_parameter_acts_or_is_refused(Model, feedback, similarity, name):
    X = ratings()
    few = 4 if name == "popularity_exponent" else 20  # it decides who is kept
    default = Model(few, feedback=feedback, similarity=similarity).fit(X)
    other = clone(default).set_params(**{name: OTHERS[name]})
    try:
        other.fit(X)
    except ValueError as error:
        assert f"{name}=" in str(error)  # noqa: PT017
    else:
        assert not np.allclose(other.predict(X), default.predict(X))


@pytest.mark.parametrize("similarity", sorted(SIMILARITIES))
@every_model
def test_scores_of_pairs_are_those_of_all_items(model, similarity):
    model = clone(model).set_params(similarity=similarity, min_similarity=-2).fit(ratings())
    new = sp.csr_array(ratings(1))
    rows, items = np.divmod(np.random.default_rng(0).permutation(25 * 14)[:90], 14)
    scores = model._score_pairs(new, Context(), rows, items)
    np.testing.assert_allclose(scores, model._score(new, Context())[rows, items], atol=1e-12)


@pytest.mark.parametrize("Model", [ItemItemCF, UserUserCF])
def test_parameters_set_after_a_fit_wait_for_the_next(Model):
    X = ratings()
    model = Model().fit(X)
    expected = model.predict(X), model.similar_items([0], k=3)[1]
    model.set_params(feedback="explicit", similarity="conditional_probability", damping=3.0)
    np.testing.assert_array_equal(model.predict(X), expected[0])
    np.testing.assert_array_equal(model.similar_items([0], k=3)[1], expected[1])
    with pytest.raises(ValueError, match="Negative values"):
        model.predict(-X)
    fresh = clone(model).fit(X)
    np.testing.assert_array_equal(model.fit(X).predict(-X), fresh.predict(-X))
    assert vars(model).keys() == vars(fresh).keys()


@pytest.mark.parametrize("similarity", ["adjusted_cosine", "pearson"])
@pytest.mark.parametrize("Model", [ItemItemCF, UserUserCF])
def test_nothing_to_compare_is_said(Model, similarity):
    for X in (np.ones((3, 5)), np.full((3, 5), 0.1)):
        for feedback in ("implicit", "explicit"):
            with pytest.warns(IneffectiveParameterWarning, match=f'"{similarity}" compares how'):
                Model(similarity=similarity, feedback=feedback).fit(X)
        Model().fit(X)
