import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import StackingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.utils.estimator_checks import parametrize_with_checks

import skattnrec
from skattnrec import (
    ALSFactorizer,
    AttentionRatingPredictor,
    BaselinePredictor,
    BayesianFactorizer,
    ItemItemCF,
    PopularityRecommender,
    RatingRegressor,
    UserUserCF,
)


def make_pairs(n=600, n_users=40, n_items=25, seed=0):
    rng = np.random.default_rng(seed)
    chosen = rng.choice(n_users * n_items, n, replace=False)
    users, items = np.divmod(chosen, n_items)
    ratings = 3 + rng.normal(0, 0.5, n_users)[users] + rng.normal(0, 0.8, n_items)[items]
    ratings = np.clip(ratings + 0.3 * rng.normal(size=n), 1, 5)
    return pd.DataFrame({"who": [f"u{u:02}" for u in users], "what": items}), ratings


PAIRS, RATINGS = make_pairs()
MODELS = [
    ALSFactorizer(4, random_state=0),
    AttentionRatingPredictor(regularization=5),
    BaselinePredictor(),
    BayesianFactorizer(4, random_state=0),
    ItemItemCF(),
    AttentionRatingPredictor(2, regularization=5),
    UserUserCF(),
]


@parametrize_with_checks([RatingRegressor(BaselinePredictor()), RatingRegressor()])
def test_sklearn_check(estimator, check):
    check(estimator)


def test_is_exported():
    assert skattnrec.RatingRegressor is RatingRegressor


@pytest.mark.parametrize("recommender", MODELS, ids=lambda model: type(model).__name__)
def test_cross_validate(recommender):
    """Every rating-capable recommender, with its default feedback, and cold users in the folds."""
    found = cross_validate(
        RatingRegressor(recommender),
        PAIRS,
        RATINGS,
        scoring="neg_root_mean_squared_error",
        cv=KFold(5, shuffle=True, random_state=0),
        error_score="raise",
    )
    assert -found["test_score"].mean() < 0.75 * RATINGS.std()
    given = recommender.get_params()  # left alone
    assert given.get("feedback", "implicit") == "implicit"


@pytest.mark.parametrize("recommender", MODELS, ids=lambda model: type(model).__name__)
def test_predicts_what_the_recommender_does(recommender):
    model = RatingRegressor(recommender, clip=False).fit(PAIRS, RATINGS)
    asked = PAIRS.sample(frac=1, random_state=0)
    table = model.recommender_.predict(model.interactions_)
    users = np.searchsorted(model.encoder_.user_ids_, asked["who"])
    items = np.searchsorted(model.encoder_.item_ids_, asked["what"])
    np.testing.assert_allclose(model.predict(asked), table[users, items])


@pytest.mark.parametrize("recommender", MODELS, ids=lambda model: type(model).__name__)
def test_dense_ratings_of_either_sign(recommender):
    """Jokes, rated from -10 to 10 and most of them: nothing depends on where 0 is."""
    pairs, ratings = make_pairs(900, 40, 25, seed=1)
    jokes = np.round(5 * (ratings - 3), 1)
    jokes[:20] = 0  # a rating, too
    rest = slice(100, None)
    model = RatingRegressor(recommender).fit(pairs[rest], jokes[rest])
    found = model.predict(pairs[:100])
    assert model.interactions_.nnz == 800
    assert np.sqrt(np.mean((found - jokes[:100]) ** 2)) < 0.85 * jokes.std()
    shifted = RatingRegressor(recommender).fit(pairs[rest], jokes[rest] + 100)
    np.testing.assert_allclose(shifted.predict(pairs[:100]), found + 100, atol=1e-6)


@pytest.mark.parametrize("recommender", MODELS, ids=lambda model: type(model).__name__)
def test_half_stars(recommender):
    stars = np.round(2 * RATINGS - 1) / 2  # 0.5 to 4.5
    rest = slice(100, None)
    model = RatingRegressor(recommender).fit(PAIRS[rest], stars[rest])
    found = model.predict(PAIRS[:100])
    assert model.rating_range_ == (stars[rest].min(), stars[rest].max())
    assert found.min() >= 0.5
    assert np.sqrt(np.mean((found - stars[:100]) ** 2)) < 0.85 * stars.std()


@pytest.mark.parametrize("recommender", MODELS, ids=lambda model: type(model).__name__)
def test_pairs_in_any_order_and_number_are_predicted_alike(recommender):
    model = RatingRegressor(recommender).fit(PAIRS, RATINGS)
    asked = pd.concat([PAIRS, pd.DataFrame({"who": ["new"], "what": [3]})], ignore_index=True)
    expected = model.predict(asked)
    order = np.random.default_rng(0).permutation(len(asked))
    np.testing.assert_allclose(model.predict(asked.iloc[order]), expected[order], atol=1e-12)
    one = np.concatenate([model.predict(asked[row : row + 1]) for row in (0, 17, 600)])
    np.testing.assert_allclose(one, expected[[0, 17, 600]], atol=1e-12)


@pytest.mark.parametrize(
    "recommender",
    [BaselinePredictor(), ItemItemCF(), UserUserCF(), BayesianFactorizer(4), ALSFactorizer(4)],
    ids=lambda model: type(model).__name__,
)
def test_no_more_items_are_scored_than_are_asked_for(recommender, monkeypatch):
    model = RatingRegressor(recommender).fit(PAIRS, RATINGS)

    def score(*_):
        raise AssertionError("all items are scored")

    monkeypatch.setattr(type(recommender), "_score", score)
    assert np.isfinite(model.predict(PAIRS[:3])).all()


def test_known_and_unknown_by_hand():
    """One rating each of 2 and 4: mu = 3, and b_u = -1 / (5 + 1)."""
    model = RatingRegressor(BaselinePredictor(max_iter=1), clip=False)
    model.fit([["a", "x"], ["b", "y"]], [2.0, 4.0])
    item = -1 / 6
    user = (-1 - item) / 6
    predicted = model.predict([["a", "x"], ["new", "x"], ["a", "new"], ["new", "new"]])
    np.testing.assert_allclose(predicted, [3 + user + item, 3 + item, 3 - 1 / 6, 3])


def test_nothing_but_unknown_ids():
    model = RatingRegressor(BaselinePredictor()).fit(PAIRS.to_numpy(), RATINGS)
    unknown = np.array([["x", 99], ["y", 98]], dtype=object)
    np.testing.assert_allclose(model.predict(unknown), RATINGS.mean())


def test_repeated_pairs_count_as_their_mean():
    model = RatingRegressor(BaselinePredictor())
    model.fit([["a", "x"], ["b", "x"], ["a", "x"]], [1, 2, 5])
    np.testing.assert_array_equal(model.interactions_.toarray(), [[3], [2]])
    assert model.rating_range_ == (2, 3)


def test_array_and_frame_agree():
    frame = RatingRegressor(BaselinePredictor()).fit(PAIRS, RATINGS)
    array = RatingRegressor(BaselinePredictor()).fit(PAIRS.to_numpy(), RATINGS)
    np.testing.assert_array_equal(frame.predict(PAIRS), array.predict(PAIRS.to_numpy()))
    assert list(frame.feature_names_in_) == ["who", "what"]
    codes = pd.DataFrame({"who": PAIRS["who"].factorize(sort=True)[0], "what": PAIRS["what"]})
    numbers = RatingRegressor(BaselinePredictor()).fit(codes.to_numpy(), RATINGS)
    np.testing.assert_array_equal(numbers.predict(codes.to_numpy()), frame.predict(PAIRS))


def test_columns_by_name_and_position():
    table = PAIRS.assign(when=np.arange(len(PAIRS)))[["when", "what", "who"]]
    expected = RatingRegressor(BaselinePredictor()).fit(PAIRS, RATINGS).predict(PAIRS)
    for columns in ({"user": "who", "item": "what"}, {"user": 2, "item": 1}, {"user": -1}):
        model = RatingRegressor(BaselinePredictor(), **columns).fit(table, RATINGS)
        np.testing.assert_array_equal(model.predict(table), expected)
    with pytest.raises(ValueError, match=r"user='nobody' is no column of X; its columns are"):
        RatingRegressor(user="nobody").fit(table, RATINGS)
    with pytest.raises(ValueError, match="X has no column names"):
        RatingRegressor(user="who").fit(PAIRS.to_numpy(), RATINGS)
    with pytest.raises(ValueError, match="item=3 is no column of X, which has 2"):
        RatingRegressor(item=3).fit(PAIRS, RATINGS)


def test_clip():
    pairs = [[u, i] for u in "abc" for i in "xyz"]
    ratings = [5.0, 5, 1, 5, 4, 1, 1, 1, 1]
    free = RatingRegressor(BaselinePredictor(0, 0), clip=False).fit(pairs, ratings).predict(pairs)
    clipped = RatingRegressor(BaselinePredictor(0, 0)).fit(pairs, ratings).predict(pairs)
    assert free.min() < 1
    np.testing.assert_array_equal(clipped, free.clip(1, 5))


def test_models_of_rankings_are_refused():
    with pytest.raises(TypeError, match="must predict ratings, PopularityRecommender does not"):
        RatingRegressor(PopularityRecommender()).fit(PAIRS, RATINGS)
    with pytest.raises(TypeError, match="LinearRegression does not"):
        RatingRegressor(LinearRegression()).fit(PAIRS, RATINGS)


def test_models_of_sequences_are_refused():
    class InOrder(BaselinePredictor):
        def _needs_times(self):
            return True

    with pytest.raises(TypeError, match="must do without timestamps, InOrder does not"):
        RatingRegressor(InOrder()).fit(PAIRS, RATINGS)


def test_a_refused_fit_leaves_the_old_model():
    model = RatingRegressor(BaselinePredictor()).fit(PAIRS, RATINGS)
    before, attributes = model.predict(PAIRS), dict(vars(model))
    wide = PAIRS.assign(when=0)
    for X, y in (
        (wide.assign(who=None), RATINGS),
        (wide, np.where(RATINGS > 3, np.nan, 1)),
        (wide, RATINGS[:5]),
    ):
        with pytest.raises(ValueError, match=r"X has no user|NaN|inconsistent"):
            model.fit(X, y)
    model.set_params(recommender=PopularityRecommender())
    with pytest.raises(TypeError, match="must predict ratings"):
        model.fit(wide, RATINGS)
    model.set_params(recommender=attributes["recommender"])
    assert vars(model) == attributes
    np.testing.assert_array_equal(model.predict(PAIRS), before)


# -- ids --------------------------------------------------------------------------------------

FAR = 2**60  # neighbours are the same float


def far_pairs():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"user": FAR + rng.integers(0, 40, 600), "item": rng.integers(0, 30, 600)})
    return table, 3 + np.sin(table["user"] - FAR) + np.cos(table["item"])


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t,
        lambda t: t.assign(price=0.5),
        lambda t: t.assign(user=t["user"].astype("uint64")),
        lambda t: t.assign(user=t["user"].astype("uint64") + np.uint64(2**63)),
        lambda t: t.assign(user=t["user"].astype("Int64")),
        lambda t: t.assign(user=t["user"].astype("category")),
        lambda t: t.astype(str),
        lambda t: t.assign(user="u" + t["user"].astype(str)),
        lambda t: t.assign(user=[(u, "x") for u in t["user"]]),
        lambda t: t.assign(user=pd.to_datetime(t["user"])),
        lambda t: t.to_numpy(),
        lambda t: t.to_numpy().tolist(),
        lambda t: [[f"u{u}", i] for u, i in t.to_numpy().tolist()],
    ],
    ids=[
        "integers", "beside floats", "unsigned", "beyond 2**63", "nullable", "category", "text",
        "text and integers", "tuples", "dates", "array", "list", "mixed list",
    ],
)  # fmt: skip
def test_ids_are_taken_as_they_are(change):
    table, ratings = far_pairs()
    expected = RatingRegressor(BaselinePredictor()).fit(table, ratings)
    changed = change(table)
    model = RatingRegressor(BaselinePredictor()).fit(changed, ratings)
    assert model.encoder_.n_users_ == expected.encoder_.n_users_ == 40
    np.testing.assert_allclose(model.predict(changed), expected.predict(table), atol=1e-12)


@pytest.mark.parametrize(
    "column",
    [
        np.where(np.arange(600) % 7, 0.5, np.nan),
        np.where(np.arange(600) % 7, "x", None),
        pd.to_datetime(np.where(np.arange(600) % 7, "2020-01-01", None)),
        [[1]] * 600,
        np.full(600, np.inf),
    ],
    ids=["NaN", "None", "NaT", "lists", "inf"],
)
def test_columns_that_are_not_used_may_hold_anything(column):
    table, ratings = far_pairs()
    expected = RatingRegressor(BaselinePredictor()).fit(table, ratings).predict(table)
    for name, place in (("other", 0), ("more", 2)):
        wide = table.copy()
        wide.insert(place, name, column)
        model = RatingRegressor(BaselinePredictor(), user="user", item="item").fit(wide, ratings)
        np.testing.assert_array_equal(model.predict(wide), expected)


def test_ids_that_became_floats_are_refused():
    table, ratings = far_pairs()
    with pytest.raises(ValueError, match="does not tell neighbouring integers apart"):
        RatingRegressor(BaselinePredictor()).fit(table.assign(x=0.5).to_numpy(), ratings)


def test_ids_of_another_type_are_refused():
    pairs = pd.DataFrame({"user": [1, 2, 3], "item": [3, 4, 5]})
    model = RatingRegressor(BaselinePredictor()).fit(pairs, [1, 2, 3])
    with pytest.raises(TypeError, match=r"ids that are text \(such as '1'\), the ids of fit"):
        model.predict(pairs.astype(str))
    np.testing.assert_array_equal(model.predict(pairs.astype(float)), model.predict(pairs))
    text = RatingRegressor(BaselinePredictor()).fit(pairs.astype(str), [1, 2, 3])
    with pytest.raises(TypeError, match="ids that are numbers"):
        text.predict(pairs)
    mixed = RatingRegressor(BaselinePredictor()).fit([["a", 1], [2, 1], ["b", 3]], [1, 2, 3])
    assert mixed.predict([[2, 1], ["a", 3]]).shape == (2,)


def test_one_column_is_not_two():
    with pytest.raises(ValueError, match="user=1 and item=-1 are the same column"):
        RatingRegressor(BaselinePredictor(), user=1, item=-1).fit(PAIRS, RATINGS)


def test_predictions_scale_with_the_ratings():
    for factor in (0.1, 1 / 3, 10, 1e6):
        for model in (BaselinePredictor(), UserUserCF(), ItemItemCF()):
            expected = RatingRegressor(model).fit(PAIRS, RATINGS).predict(PAIRS)
            found = RatingRegressor(model).fit(PAIRS, RATINGS * factor).predict(PAIRS)
            np.testing.assert_allclose(found / factor, expected, atol=1e-9)


def test_missing_id():
    pairs = PAIRS.copy()
    pairs.loc[3, "who"] = None
    with pytest.raises(ValueError, match=r"X has no user in row 3"):
        RatingRegressor(BaselinePredictor()).fit(pairs, RATINGS)


def test_grid_search_and_stacking():
    grid = {"recommender__user_damping": [0.1, 5.0, 1e6]}
    search = GridSearchCV(RatingRegressor(BaselinePredictor()), grid, cv=3).fit(PAIRS, RATINGS)
    assert search.best_params_["recommender__user_damping"] < 1e6
    stack = StackingRegressor(
        [
            ("item", RatingRegressor(ItemItemCF())),
            ("baseline", RatingRegressor(BaselinePredictor())),
        ],
        LinearRegression(),
        cv=3,
    )
    assert stack.fit(PAIRS, RATINGS).score(PAIRS, RATINGS) > 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype(dtype):
    model = RatingRegressor(BaselinePredictor()).fit(PAIRS, RATINGS.astype(dtype))
    assert model.predict(PAIRS).dtype == dtype
