"""Content-based recommendation: the formula in dense numpy, cold items, stated preferences."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import OneHotEncoder

from skattnrec import ContentRecommender
from skattnrec._features import FeatureScaling
from skattnrec.checks import _data as laws_data
from skattnrec.checks import parametrize_with_laws
from skattnrec.checks._user_features import LAWS as USER_FEATURE_LAWS
from skattnrec.datasets import load_books

N_USERS, N_ITEMS, N_TAGS = 30, 24, 9


def tagged(seed=0, n_items=N_ITEMS, n_tags=N_TAGS):
    """Tags of which no item has most and every item has one."""
    rng = np.random.default_rng(seed)
    tags = (rng.random((n_items, n_tags)) < 0.25) * 1.0
    tags[np.arange(n_items), rng.integers(0, n_tags, n_items)] = 1
    return tags


def rated(seed=1, shape=(N_USERS, N_ITEMS)):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(shape) < 0.3, rng.integers(1, 6, shape), 0) * 1.0


TAGS, X = tagged(), rated()


def profiles(features, weights=None):
    """Unit profiles of items, of features that scaling leaves as they are."""
    n = len(features)
    if weights is None:
        weights = np.log((1 + n) / (1 + (features != 0).sum(axis=0)))
    weighted = features * weights
    lengths = np.linalg.norm(weighted, axis=1, keepdims=True)
    return weighted / np.where(lengths > 0, lengths, 1)


def reference(P, R, model, stated=None):
    """Scores by the formula of the documentation."""
    scores = np.tile((R != 0).sum(axis=0) * 1.0, (len(R), 1))  # not the prior of a fit on others
    for row, ratings in enumerate(R):
        taste = np.zeros(P.shape[1])
        for item in np.flatnonzero(ratings):
            z = (ratings[item] - model.rating_center_) / model.rating_spread_
            weight = 1 + model.rating_weight * np.clip(z, -2.5, 2.5)
            taste += weight * (P[item] - P.mean(axis=0))
        if stated is not None and stated[row].any():
            taste += (model.preference_weight or 5) * stated[row] / np.linalg.norm(stated[row])
        scores[row] = P @ taste / np.linalg.norm(taste)
    return scores


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array, sp.csc_matrix, pd.DataFrame])
@pytest.mark.parametrize("rating_weight", [0.0, 0.5, 2.0])
def test_scores_are_those_of_the_formula(make, rating_weight):
    model = ContentRecommender(make(TAGS), rating_weight=rating_weight).fit(X)
    known = X[X != 0]
    assert model.rating_center_ == np.median(known)
    rows = X[(X != 0).any(axis=1)]
    assert_allclose(model.predict(rows), reference(profiles(TAGS), rows, model), atol=1e-12)


def test_uniform_weighting():
    model = ContentRecommender(TAGS, weighting="uniform").fit(X)
    assert_array_equal(model.feature_weights_, 1)
    rows = X[(X != 0).any(axis=1)]
    P = profiles(TAGS, np.ones(N_TAGS))
    assert_allclose(model.predict(rows), reference(P, rows, model), atol=1e-12)


def test_idf_weighs_rare_features_more_and_numbers_one():
    numbers = np.random.default_rng(0).normal(size=(N_ITEMS, 1))
    model = ContentRecommender(np.hstack([TAGS, numbers])).fit(X)
    counts = TAGS.sum(axis=0)
    assert_allclose(model.feature_weights_[:-1], np.log((1 + N_ITEMS) / (1 + counts)))
    assert model.feature_weights_[-1] == 1


def test_without_features_items_are_described_by_who_knows_them():
    model = ContentRecommender().fit(X)
    rows = X[(X != 0).any(axis=1)]
    P = profiles((X != 0).T * 1.0)
    assert_allclose(model.predict(rows), reference(P, rows, model), atol=1e-12)


def test_an_item_nobody_knows_is_recommended_for_its_features():
    features = np.repeat(np.eye(3), 4, axis=0)  # three groups of four items
    R = np.zeros((6, 12))
    R[:3, :3] = 5  # nobody knows the last item of a group
    R[3:, 4:7] = 5
    indices, _ = ContentRecommender(features).fit(R).recommend([[5, 5, 0] + [0] * 9], k=2)
    assert_array_equal(indices, [[2, 3]])


def test_what_is_rated_low_counts_against_its_like():
    features = np.repeat(np.eye(3), 4, axis=0)
    model = ContentRecommender(features, rating_center=3, rating_spread=1, rating_weight=1.0)
    model.fit(np.tile([5.0, 0, 0, 1, 3, 0], (4, 2)))
    liked, disliked = np.zeros((2, 1, 12))
    liked[0, 0], disliked[0, 0] = 5, 1
    assert model.predict(liked)[0, 1] > 0.5
    assert model.predict(disliked)[0, 1] < -0.5
    usual = ContentRecommender(features, rating_weight=0).fit(np.tile([5.0, 0, 0, 1, 3, 0], (4, 2)))
    assert_allclose(usual.predict(liked), usual.predict(disliked))


def test_similar_items_are_those_of_near_profiles():
    model = ContentRecommender(TAGS).fit(X)
    indices, scores = model.similar_items([3], k=5)
    cosines = profiles(TAGS) @ profiles(TAGS)[3]
    assert_allclose(scores[0], cosines[indices[0]])
    assert_allclose(np.sort(np.delete(cosines, 3))[::-1][:5], scores[0])


# -- items and users without anything to go by ----------------------------------------------------


def test_users_without_a_profile_get_the_prior():
    features = np.vstack([TAGS, np.zeros((2, N_TAGS))])
    R = np.hstack([X, np.zeros((N_USERS, 2))])
    R[0, -2] = 4
    model = ContentRecommender(features).fit(R)
    nothing, unknown, mixed = np.zeros((3, 1, N_ITEMS + 2))
    unknown[0, -2], mixed[0, [0, -2]] = 5, 5
    assert_array_equal(model.predict(nothing)[0], model.prior_)
    assert_array_equal(model.predict(unknown)[0], model.prior_)
    scores = model.predict(mixed)[0]
    alone = np.where(np.arange(N_ITEMS + 2) == 0, mixed[0], 0)
    assert_allclose(scores, model.predict(alone[None])[0])  # of what is not described, nothing
    assert_array_equal(scores[-2:], 0)


def test_items_that_are_all_alike_say_nothing():
    for features in (np.ones((N_ITEMS, 2)), np.zeros((N_ITEMS, 2)), np.full((N_ITEMS, 1), 7.0)):
        for weighting in ("idf", "uniform"):
            model = ContentRecommender(features, weighting=weighting).fit(X)
            assert_array_equal(model.predict(X), np.tile(model.prior_, (N_USERS, 1)))


def test_ratings_that_cancel_each_other_leave_no_profile():
    features = np.repeat(np.eye(3), 8, axis=0) + np.repeat(np.eye(3)[[1, 2, 0]], 8, axis=0) / 3
    model = ContentRecommender(features, rating_weight=1.0, rating_center=3.0, rating_spread=1.0)
    model.fit(X)
    history = np.zeros((1, N_ITEMS))
    history[0, [1, 2, 3]] = 3.1, 0.85, 2.05  # two alike weigh as much as one counts against them
    assert_array_equal(model.predict(history)[0], model.prior_)


def test_constant_features_and_zeros_change_nothing():
    more = np.hstack([TAGS, np.full((N_ITEMS, 1), 3.5), np.zeros((N_ITEMS, 1))])
    assert_allclose(
        ContentRecommender(more).fit(X).predict(X), ContentRecommender(TAGS).fit(X).predict(X)
    )


@pytest.mark.parametrize("unit", [1e-12, 1e12])
def test_the_unit_of_numbers_does_not_matter(unit):
    numbers = np.random.default_rng(0).normal(size=(N_ITEMS, 3)) + 5
    scores = [
        ContentRecommender(np.hstack([TAGS, numbers * scale])).fit(X).predict(X)
        for scale in (1.0, unit)
    ]
    assert_allclose(*scores, atol=1e-8)


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_features_of_any_size_give_finite_scores(size):
    rng = np.random.default_rng(0)
    for features in (TAGS * size, rng.normal(size=(N_ITEMS, 3)) * size):
        assert np.isfinite(ContentRecommender(features).fit(X).predict(X)).all()


def test_fifty_thousand_sparse_features_stay_sparse():
    n_items, d = 400, 50_000
    features = sp.random_array((n_items, d), density=3e-4, rng=np.random.default_rng(0))
    R = sp.random_array((60, n_items), density=0.05, rng=np.random.default_rng(1), format="csr")
    R.data[:] = 1
    model = ContentRecommender(features).fit(R)
    assert sp.issparse(model.item_profiles_)
    assert model.item_profiles_.nnz <= features.nnz
    few = np.unique(features.tocoo().coords[1])
    dense = ContentRecommender(features.tocsc()[:, few].toarray()).fit(R)
    assert_allclose(model.predict(R), dense.predict(R), atol=1e-12)


def test_sparse_and_dense_profiles_agree():
    rng = np.random.default_rng(0)
    features = np.where(rng.random((N_ITEMS, 12)) < 0.4, rng.normal(size=(N_ITEMS, 12)), 0)
    model = ContentRecommender(features).fit(X)
    assert isinstance(model.item_profiles_, np.ndarray)
    padded = np.hstack([features, np.zeros((N_ITEMS, 60))])
    other = ContentRecommender(padded).fit(X)
    assert sp.issparse(other.item_profiles_)
    assert_allclose(model.predict(X), other.predict(X), atol=1e-12)
    assert_allclose(model.similar_items([2], 5)[1], other.similar_items([2], 5)[1])


def test_tables_of_mixed_columns():
    table = pd.DataFrame(
        {
            "kind": ["tea", "jam", "tea", "cake"],
            "text": ["green leaf", "sweet berry", "black leaf", "sweet lemon"],
            "price": [3.0, 4.5, 2.0, 12.0],
        }
    )
    columns = ColumnTransformer(
        [
            ("kind", OneHotEncoder(), ["kind"]),
            ("text", TfidfVectorizer(), "text"),
            ("price", "passthrough", ["price"]),
        ]
    )
    R = np.array([[5, 0, 0, 0], [0, 5, 0, 4], [4, 0, 0, 0], [0, 3, 0, 0]])
    model = ContentRecommender(columns.fit_transform(table)).fit(R)
    assert model.recommend([[5, 0, 0, 0]], k=1)[0][0, 0] == 2


# -- stated preferences ---------------------------------------------------------------------------


@pytest.mark.parametrize("preference_weight", [None, 1.0, 12.0])
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array, pd.DataFrame])
def test_preferences_beside_histories(make, preference_weight):
    model = ContentRecommender(TAGS, preference_weight=preference_weight).fit(X)
    stated = np.random.default_rng(3).normal(size=(N_USERS, N_TAGS))
    stated[::3] = 0
    kept = (X != 0).any(axis=1)
    expected = reference(profiles(TAGS), X[kept], model, (stated * model.feature_weights_)[kept])
    actual = model.predict(X[kept], user_features=make(stated[kept]))
    assert_allclose(actual, expected, atol=1e-12)


def test_preferences_alone_are_a_query():
    model = ContentRecommender(TAGS).fit(X)
    stated = np.zeros((2, N_TAGS))
    stated[0, [2, 4]] = 1, 3
    nobody = np.zeros((2, N_ITEMS))
    scores = model.predict(nobody, user_features=stated)
    query = stated[0] * model.feature_weights_
    assert_allclose(scores[0], profiles(TAGS) @ query / np.linalg.norm(query), atol=1e-12)
    assert_array_equal(scores[1], model.prior_)  # who says nothing either
    assert_allclose(model.predict(nobody, user_features=stated * 1000), scores)
    lists = model.recommend(nobody, k=3, user_features=stated)[0]
    assert_array_equal(lists[0], np.argsort(-scores[0], kind="stable")[:3])
    ignored = ContentRecommender(TAGS, preference_weight=0).fit(X)
    assert_array_equal(ignored.predict(nobody, user_features=stated)[0], ignored.prior_)


def test_the_reader_who_likes_magic_and_adventure():
    books = load_books(as_frame=True)
    model = ContentRecommender(books.features).fit(np.eye(5))
    likes = model.encode_preferences(["magic", "adventure"])
    indices, _ = model.recommend(np.zeros((1, 5)), k=2, user_features=likes)
    assert {books.item_names[i] for i in indices[0]} == {"Harry Potter", "Lord of the Rings"}
    rather = model.encode_preferences({"romance": 1, "adventure": -0.5})
    indices, _ = model.recommend(np.zeros((1, 5)), k=2, user_features=rather)
    assert {books.item_names[i] for i in indices[0]} == {"Twilight", "Romeo and Juliet"}


def test_preferences_by_name():
    names = [f"tag {t}" for t in range(N_TAGS)]
    model = ContentRecommender(pd.DataFrame(TAGS, columns=names)).fit(X)
    assert_array_equal(model.item_feature_names_, names)
    rows = model.encode_preferences([["tag 1"], {"tag 0": 2, "tag 8": -1}])
    expected = np.zeros((2, N_TAGS))
    expected[0, 1], expected[1, [0, 8]] = 1, (2, -1)
    assert_array_equal(rows.toarray(), expected)
    assert_array_equal(model.encode_preferences({"tag 1": 1}).toarray(), expected[:1])


@pytest.mark.parametrize(
    ("preferences", "message"),
    [
        (["tag 11"], "'tag 11' is none of the 9 features: did you mean 'tag 1'"),
        (["love"], "'love' is none of the 9 features."),
        ({"tag 1": np.nan}, "weight of 'tag 1' must be a finite number, got nan"),
        ({"tag 1": "much"}, "weight of 'tag 1' must be a finite number, got 'much'"),
        ({"tag 1": 0}, "nothing is said"),
        ({}, "nothing is said"),
        ([], "a mapping of names to weights or a list of names"),
        (["tag 1", {"tag 2": 1}], "a mapping of names to weights or a list of names"),
        (3, "a mapping of names to weights or a list of names"),
    ],
)
def test_preferences_that_make_no_sense(preferences, message):
    frame = pd.DataFrame(TAGS, columns=[f"tag {t}" for t in range(N_TAGS)])
    model = ContentRecommender(frame).fit(X)
    with pytest.raises(ValueError, match=message):
        model.encode_preferences(preferences)


def test_names_that_are_missing_or_double():
    with pytest.raises(ValueError, match="The features have no names: fit with item_features as"):
        ContentRecommender(TAGS).fit(X).encode_preferences(["tag 1"])
    twice = pd.DataFrame(TAGS, columns=["same"] * N_TAGS)
    with pytest.raises(ValueError, match=r"same"):
        ContentRecommender(twice).fit(X)


def test_preferences_over_other_features_are_refused():
    names = [f"tag {t}" for t in range(N_TAGS)]
    model = ContentRecommender(pd.DataFrame(TAGS, columns=names))
    with pytest.raises(ValueError, match="user_features has 4 columns, there are 9 item features"):
        model.fit(X, user_features=np.ones((N_USERS, 4)))
    model.fit(X)
    with pytest.raises(ValueError, match="user_features has 4 columns, there are 9 item features"):
        model.predict(X, user_features=np.ones((N_USERS, 4)))
    stated = pd.DataFrame(np.ones((N_USERS, N_TAGS)), columns=names[::-1])
    with pytest.raises(ValueError, match="Column 0 of user_features is 'tag 8'"):
        model.predict(X, user_features=stated)


def test_preferences_need_no_fit_with_them():
    stated = np.ones((N_USERS, N_TAGS))
    one = ContentRecommender(TAGS).fit(X)
    other = ContentRecommender(TAGS).fit(X, user_features=stated)
    assert_array_equal(one.predict(X), other.predict(X))
    assert_array_equal(one.predict(X, user_features=stated), other.predict(X, user_features=stated))


# -- explanations ---------------------------------------------------------------------------------


def test_contributions_of_items_add_up():
    model = ContentRecommender(TAGS).fit(X)
    parts = model.explain(X[:1], items=np.arange(N_ITEMS))
    assert_array_equal(parts.remainder, 0)
    assert_array_equal(parts.baseline, 0)
    assert_allclose(parts.contributions.sum(axis=1), model.predict(X[:1])[0], atol=1e-12)
    less = X[:1].copy()
    less[0, parts.sources[0]] = 0
    P = profiles(TAGS)
    j = parts.sources[0]
    ratio = parts.contributions[:, 0] / parts.weights[:, 0]
    assert_allclose(ratio, P @ (P[j] - P.mean(axis=0)), atol=1e-12)


def test_contributions_of_preferences_add_up():
    names = [f"tag {t}" for t in range(N_TAGS)]
    model = ContentRecommender(pd.DataFrame(TAGS, columns=names)).fit(X)
    stated = model.encode_preferences({"tag 2": 3, "tag 5": -1})
    for history in (X[:1], np.zeros((1, N_ITEMS))):
        parts = model.explain(history, np.arange(N_ITEMS), user_features=stated)
        assert_array_equal(parts.features, [2, 5])
        assert_array_equal(parts.feature_values, [3, -1])
        assert_array_equal(parts.remainder, 0)
        total = parts.contributions.sum(axis=1) + parts.feature_contributions.sum(axis=1)
        assert_allclose(total, model.predict(history, user_features=stated)[0], atol=1e-12)
    liked = np.flatnonzero(TAGS[:, 2])[0]
    reason = model.explain(np.zeros((1, N_ITEMS)), [liked], user_features=stated).to_text()[0]
    assert "because of tag 2 3" in reason


@pytest.mark.parametrize("features", [TAGS, np.random.default_rng(0).normal(size=(N_ITEMS, 5))])
def test_scores_are_split_by_item_features(features):
    names = [f"feature {f}" for f in range(features.shape[1])]
    model = ContentRecommender(pd.DataFrame(features, columns=names)).fit(X)
    stated = model.encode_preferences(names[:2])
    nothing = np.zeros((1, N_ITEMS))
    for history, said in ((X[:1], None), (X[:1], stated), (nothing, stated)):
        parts = model.explain_features(history, np.arange(N_ITEMS), user_features=said)
        scores = model.predict(history, user_features=said)[0]
        assert_allclose(parts.scores, scores)
        assert_allclose(parts.feature_contributions.sum(axis=1), scores, atol=1e-12)
        assert_array_equal(parts.remainder, 0)
        assert set(parts.to_frame()["kind"]) == {"feature"}
    P, item = model.item_profiles_, 7
    P = P.toarray() if sp.issparse(P) else P
    taste = sum(
        (1 + 0.5 * np.clip((r - model.rating_center_) / model.rating_spread_, -2.5, 2.5))
        * (P[j] - P.mean(axis=0))
        for j, r in enumerate(X[0])
        if r
    )
    parts = model.explain_features(X[:1], [item])
    expected = taste * P[item] / np.linalg.norm(taste)
    assert_allclose(parts.feature_contributions[0], expected[parts.features], atol=1e-12)
    prior = model.explain_features(nothing, [3])
    assert_array_equal(prior.baseline, model.prior_[[3]])
    assert_array_equal(prior.feature_contributions.sum(), 0)


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"item_features": TAGS[:-1]}, "one row for each of the 24 items"),
        ({"item_features": np.full_like(TAGS, np.nan)}, "item_features contains NaN"),
        ({"item_features": pd.DataFrame({"kind": ["tea"] * N_ITEMS})}, "OneHotEncoder"),
        ({"preference_weight": 2.0}, "preference_weight=2.0 has no effect"),
        ({"rating_weight": 0.0, "rating_center": 3.0}, "rating_center=3.0 has no effect"),
        ({"rating_weight": 0.0, "rating_spread": 3.0}, "rating_spread=3.0 has no effect"),
        ({"weighting": "bm25"}, "'weighting' parameter"),
        ({"rating_weight": -1.0}, "'rating_weight' parameter"),
    ],
)
def test_refusals(parameters, message):
    model = ContentRecommender(TAGS).fit(X)
    before = model.predict(X)
    model.set_params(**{"item_features": None, **parameters})
    with pytest.raises(ValueError, match=message):
        model.fit(X)
    assert_array_equal(model.predict(X), before)


# -- laws of dense features -----------------------------------------------------------------------


class DescribedByLengths(ContentRecommender):
    """Items described by how many users of longer and shorter histories know them: numbers."""

    def _features(self, X):
        known = sp.csr_array((np.ones(X.nnz), X.indices, X.indptr), shape=X.shape).toarray()
        lengths = known.sum(axis=1)
        groups = [known[lengths % 5 == group].sum(axis=0) for group in range(5)]
        features = sp.csr_array(np.column_stack([known.sum(axis=0), *groups]))
        scaling = FeatureScaling.learn(features)
        return scaling.scale(features), scaling.is_number, None


def broken_by_design(estimator):
    return {
        "check_checkerboard_is_recovered": "numbers that tell nothing of taste",
        "check_every_parameter_acts_or_is_refused": "item_features are made up",
    }


@parametrize_with_laws(
    [DescribedByLengths(), DescribedByLengths(rating_weight=1.0)], expected_failed=broken_by_design
)
def test_laws_of_dense_features(estimator, check):
    check(estimator)


@pytest.mark.parametrize("law", USER_FEATURE_LAWS, ids=lambda law: law.__name__)
def test_laws_of_stated_preferences(law):
    """Those of user features, over five item features; they need not be those of fit."""
    features = np.random.default_rng(1).normal(size=(laws_data.N_ITEMS, 5))
    if law.__name__ == "check_user_features_are_those_of_fit":
        with pytest.raises(AssertionError, match="no user features, which fit had"):
            law(ContentRecommender(features))
    else:
        law(ContentRecommender(features))
