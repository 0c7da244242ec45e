"""What has an index is read by label, not by position; what cannot be read so is refused."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.feature_selection import VarianceThreshold
from sklearn.pipeline import make_pipeline

from skattnrec import AttentionRecommender, ItemItemCF
from skattnrec.datasets import make_interactions
from skattnrec.inspection import (
    AttentionDisplay,
    AttentionTimelineDisplay,
    FeatureSimilarityDisplay,
    aggregate_attention,
    attention_outliers,
    deletion_curve,
    explain,
    stability,
)

X = make_interactions(40, 12, n_interactions=240, min_interactions=4, random_state=0).X
NAMES = [f"film {letter}" for letter in "abcdefghijkl"]
USERS = [f"user {number}" for number in range(100, 140)]
FRAME = pd.DataFrame(X.toarray().astype(float), columns=NAMES, index=USERS)
ORDER = np.random.default_rng(0).permutation(12)


@pytest.fixture(scope="module")
def model():
    return AttentionRecommender(regularization=5).fit(FRAME)


def test_groups_of_items_and_users(model):
    genres = pd.Series(["sea", "sky", "sea", "sky"] * 3, index=NAMES)
    expected = aggregate_attention(model, FRAME, genres.to_numpy())
    pd.testing.assert_frame_equal(aggregate_attention(model, FRAME, genres.iloc[ORDER]), expected)
    features = pd.DataFrame({"long": np.arange(12.0), "new": 1.0}, index=NAMES)
    expected = aggregate_attention(model, FRAME, features.to_numpy(), names=["long", "new"])
    pd.testing.assert_frame_equal(aggregate_attention(model, FRAME, features.iloc[ORDER]), expected)
    ages = pd.Series(np.where(np.arange(40) < 9, "young", "old"), index=USERS)
    expected = aggregate_attention(model, FRAME, genres, user_groups=ages.to_numpy())
    table = aggregate_attention(model, FRAME, genres, user_groups=ages.sample(frac=1))
    pd.testing.assert_frame_equal(table, expected)


def test_groups_without_a_place_are_refused(model):
    genres = pd.Series(["sea", "sky"] * 6, index=NAMES)
    plain = AttentionRecommender().fit(X)
    with pytest.raises(ValueError, match="by has an index, from 'film a' on"):
        aggregate_attention(plain, X, genres)
    with pytest.raises(ValueError, match="'film a' is not in it"):
        aggregate_attention(model, FRAME, genres.iloc[1:])
    ages = pd.Series(np.arange(40) % 2, index=USERS[::-1])
    with pytest.raises(ValueError, match="user_groups has an index, from 'user 139' on"):
        aggregate_attention(plain, X, ["sea", "sky"] * 6, user_groups=ages)


def test_titles_by_identifier():
    numbered = FRAME.set_axis(range(500, 512), axis=1)
    model = ItemItemCF().fit(numbered.to_numpy())
    titles = pd.Series(NAMES, index=numbered.columns).iloc[ORDER]
    history = numbered.iloc[[3]]
    assert explain(model, history, [4], item_names=titles).item_labels == ["film e"]
    with pytest.raises(ValueError, match="may be columns or names"):
        explain(model, history, [504])
    with pytest.raises(ValueError, match="may be columns or names"):
        deletion_curve(model, numbered, np.full(40, 4))
    twice = ["the same"] * 2 + NAMES[2:]
    with pytest.raises(ValueError, match="'the same' is there 2 times"):
        explain(model, X[[3]], "the same", item_names=twice)


def test_results_name_rows_and_columns(model):
    curve = deletion_curve(model, FRAME.iloc[5:9], n_steps=2)
    assert curve.users.tolist() == USERS[5:9]
    assert set(curve.item) <= set(NAMES)
    table = stability(model, FRAME.iloc[5:9], n_repeats=1)
    assert table.index.tolist() == USERS[5:9]
    assert table["item"].tolist() == curve.item.tolist()
    outliers = attention_outliers(ItemItemCF(), FRAME, cv=3)
    for row in outliers.head(20).itertuples():
        assert FRAME.loc[row.user, row.item] == row.rating


def test_items_of_users_by_index(model):
    wanted = pd.Series(NAMES[:6], index=USERS[:6])
    curve = deletion_curve(model, FRAME.iloc[:6], wanted.iloc[::-1], n_steps=1)
    assert curve.item.tolist() == NAMES[:6]
    assert_allclose(curve.scores[:, 0], np.diag(model.predict(FRAME.iloc[:6])[:, :6]), rtol=1e-5)


def test_displays_take_labels():
    weights = pd.Series([0.2, 0.5, 0.3], index=["c", "a", "b"])
    stars = pd.Series([1.0, 2.0, 3.0], index=["a", "b", "c"])
    display = AttentionDisplay.from_predictions(weights, ratings=stars)
    assert display.entries_ == ["a\xa0\xa01★", "b\xa0\xa02★", "c\xa0\xa03★"]
    timeline = AttentionTimelineDisplay.from_predictions(weights, stars)
    assert timeline.item_names == ["a", "b", "c"]
    assert_allclose(timeline.weights, [[0.5, 0.3, 0.2]])
    keys = pd.DataFrame([[1.0, 0.0], [0.0, 1.0]], index=["a", "b"], columns=["sea", "sky"])
    query = pd.Series([0.0, 1.0], index=["sky", "sea"])
    similarity = FeatureSimilarityDisplay.from_predictions(query, keys)
    assert (similarity.item_names, similarity.feature_names) == (["a", "b"], ["sea", "sky"])
    assert_array_equal(similarity.similarity[0], [[1, 1], [0, 0]])
    with pytest.raises(ValueError, match="feature_names holds 3 names for 2 features"):
        FeatureSimilarityDisplay.from_predictions([0, 1], keys, feature_names=list("xyz"))
    with pytest.raises(ValueError, match=r"ratings has shape \(2,\) for 3 weights"):
        AttentionDisplay.from_predictions(weights, ratings=[1, 2])
    with pytest.raises(ValueError, match="must be given of each of the 1 heads"):
        AttentionDisplay.from_predictions(weights, temperatures=[1, 2])


def test_pipelines_that_change_the_columns_are_refused():
    sold = X.toarray().astype(float)
    sold[:, 3] = 0
    model = make_pipeline(VarianceThreshold(), AttentionRecommender()).fit(sold)
    for ask in (explain, AttentionDisplay.from_estimator):
        with pytest.raises(ValueError, match="make 11 columns of 12 items"):
            ask(model, sold[[0]])
