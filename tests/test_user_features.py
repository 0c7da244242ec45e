"""User features: checked at the door, handed on with the rows they belong to."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn import config_context
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from skattnrec import recommend
from skattnrec._blocks import row_blocks
from skattnrec._context import Context
from skattnrec._user_features import check_user_features
from skattnrec.base import BaseRecommender
from skattnrec.inspection import explain
from skattnrec.metrics import RankingScorer
from skattnrec.model_selection import compare_recommenders

RNG = np.random.default_rng(0)
X = sp.csr_array(RNG.integers(0, 3, (12, 12)).astype(float))
FEATURES = RNG.normal(size=(12, 4))
VOTES = RNG.normal(size=(4, 12))


class ByFeatures(BaseRecommender):
    """Scores are a fixed function of the user features; remembers what fit got."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def _reads_user_features(self):
        return True

    def _fit(self, X, context):
        self.seen_ = None if context.features is None else context.features.toarray()

    def _score(self, X, context):
        return np.asarray(self.factor * (context.features @ VOTES))

    def _score_empty(self, X, context):
        return self._score(X, context)

    def _explain(self, X, context, items):
        scores = self._score(X, context)[0, items]
        return scores, np.empty(0, np.intp), np.empty((len(items), 0)), {}


def with_value(value):
    return np.where(np.arange(48).reshape(12, 4) == 9, value, FEATURES)


def fitted(features=FEATURES):
    return ByFeatures().fit(X, user_features=features)


@pytest.mark.parametrize("make", [sp.csr_array, sp.csc_array, sp.coo_array, list, pd.DataFrame])
def test_forms_become_one(make):
    checked = check_user_features(make(FEATURES), 12)
    assert isinstance(checked, sp.csr_array)
    assert checked.dtype == np.float64
    np.testing.assert_array_equal(checked.toarray(), FEATURES)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (FEATURES[:3], "one row for each of the 12 rows of X, it has 3"),
        (
            np.where(np.arange(48).reshape(12, 4) == 9, np.nan, FEATURES),
            "NaN: row 2, column 1.*Imputer",
        ),
        (with_value(np.nan), "NaN: row 2, column 1.*Imputer"),
        (with_value(np.inf), "infinity: row 2, column 1"),
        (pd.DataFrame({"age": range(12), "city": ["Rome"] * 12}), "'city'.*OneHotEncoder"),
        (FEATURES[:, 0], "2D array"),
    ],
)
def test_what_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        check_user_features(given, 12)


def test_names_and_widths_are_those_of_fit():
    table = pd.DataFrame(FEATURES, columns=list("abcd"))
    model = fitted(table)
    assert model.n_user_features_in_ == 4
    assert list(model.user_feature_names_in_) == list("abcd")
    for wrong, message in [
        (table[list("abdc")], "Column 2 of user_features is 'd', in fit it was 'c'"),
        (FEATURES[:, :3], "has 3 columns, ByFeatures was fitted with 4"),
        (None, "was fitted with 4 user_features: pass as many"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.predict(X, user_features=wrong)
    with pytest.raises(ValueError, match="fitted without user_features"):
        ByFeatures().fit(X).predict(X, user_features=FEATURES)


def test_tables_of_other_users_are_refused():
    users = [f"u{row}" for row in range(12)]
    rated = pd.DataFrame(X.toarray(), index=users, columns=[f"i{item}" for item in range(12)])
    table = pd.DataFrame(FEATURES, index=users)
    model = ByFeatures().fit(rated, user_features=table)
    with pytest.raises(ValueError, match="index differs"):
        model.predict(rated, user_features=table[::-1])
    with pytest.raises(ValueError, match="index differ"):
        RankingScorer()(model, rated, user_features=table[::-1])


def test_context_of_blocks_rows_and_entries():
    T = sp.csr_array((np.arange(X.nnz) + 1.0, X.indices, X.indptr), X.shape)
    context = Context.of(X, T, FEATURES)
    parts = list(row_blocks(X, context, 5))
    assert [block.shape[0] for block, _ in parts] == [5, 5, 2]
    np.testing.assert_array_equal(np.concatenate([c.times for _, c in parts]), T.data)
    stacked = sp.vstack([c.features for _, c in parts]).toarray()
    np.testing.assert_array_equal(stacked, FEATURES)
    order = RNG.permutation(12)[:7]
    rows, taken = context.of_rows(X, order)
    metadata = taken.as_metadata(rows)
    np.testing.assert_array_equal(metadata["timestamps"].toarray(), T.toarray()[order])
    np.testing.assert_array_equal(metadata["user_features"].toarray(), FEATURES[order])
    kept = context.of_entries(T.data % 2 == 0)
    assert (kept.times % 2 == 0).all()
    assert kept.features is context.features
    assert Context.of(X).as_metadata(X) == {}


@pytest.mark.parametrize("search", [False, True])
def test_pipelines_and_searches_hand_them_on(search):
    with config_context(enable_metadata_routing=True):
        model = make_pipeline(MaxAbsScaler(), ByFeatures())
        if search:
            grid = {"byfeatures__factor": [1.0, -1.0]}
            model = GridSearchCV(model, grid, scoring=RankingScorer(), cv=3)
        model.fit(X, user_features=FEATURES)
        factor = model.best_params_["byfeatures__factor"] if search else 1.0
        # a search hands nothing on when it is asked
        asked = model.best_estimator_ if search else model
        scores = asked.predict(X, user_features=FEATURES)
        np.testing.assert_allclose(scores, factor * (FEATURES @ VOTES))
    lists, _ = recommend(model, X, 3, user_features=FEATURES)
    expected = np.where(X.toarray() != 0, -np.inf, factor * (FEATURES @ VOTES))
    best = np.argsort(-expected, axis=1)[:, :3]
    left = np.take_along_axis(expected, best, axis=1) > -np.inf
    np.testing.assert_array_equal(lists, np.where(left, best, -1))
    parts = explain(model, X[[1]], user_features=FEATURES[[1]])
    np.testing.assert_allclose(parts.baseline, parts.scores)


def test_cross_validation_slices_them_with_the_users():
    cv = [(np.arange(6), np.arange(6, 12)), (np.arange(6, 12), np.arange(6))]
    with config_context(enable_metadata_routing=True):
        found = cross_validate(
            ByFeatures(),
            X,
            params={"user_features": FEATURES},
            scoring=RankingScorer(),
            cv=cv,
            return_estimator=True,
        )
    for model, (train, test), score in zip(found["estimator"], cv, found["test_score"]):
        np.testing.assert_array_equal(model.seen_, FEATURES[train])
        assert score == RankingScorer()(model, X[test], user_features=FEATURES[test])
        assert score == model.score(X[test], user_features=FEATURES[test])


def test_scorer_without_them_says_what_is_missing():
    with pytest.raises(ValueError, match="fitted with 4 user_features"):
        RankingScorer()(fitted(), X)


def test_compare_gives_every_model_those_of_its_users():
    models = {"up": ByFeatures(), "down": ByFeatures(-1.0)}
    scorer = RankingScorer(random_state=0)
    board = compare_recommenders(models, X, scoring=scorer, cv=3, user_features=FEATURES)
    for name, factor in (("up", 1.0), ("down", -1.0)):
        model = ByFeatures(factor).fit(X, user_features=FEATURES)  # nothing is learned
        np.testing.assert_allclose(
            board.loc[name, "ndcg@10"], scorer(model, X, user_features=FEATURES)
        )


def test_empty_histories_are_scored_by_their_features():
    empty = sp.csr_array((2, 12))
    scores = fitted().predict(empty, user_features=FEATURES[:2])
    np.testing.assert_allclose(scores, FEATURES[:2] @ VOTES)
    parts = fitted().explain(empty[[0]], [3], user_features=FEATURES[[0]])
    np.testing.assert_allclose(parts.scores, FEATURES[0] @ VOTES[:, 3])
