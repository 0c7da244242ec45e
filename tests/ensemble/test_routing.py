"""Timestamps and user features on their way to members, through searches and pipelines."""

import numpy as np
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from skattnrec import (
    AttentionRecommender,
    ItemItemCF,
    RerankedRecommender,
    SequentialAttentionRecommender,
    SwitchingRecommender,
    VotingRecommender,
)
from skattnrec.checks._data import checkerboard, ratings, times_of

X = ratings(n_users=60)
TIMES = times_of(X)
TASTES = checkerboard()  # two groups of 20 users with a taste each
FEATURES = np.eye(2)[np.arange(40) // 20]
SEQUENCE = make_pipeline(MaxAbsScaler(), SequentialAttentionRecommender())
MODELS = [
    RerankedRecommender(SEQUENCE),
    VotingRecommender([("a", SEQUENCE), ("b", ItemItemCF())], weights="auto"),
    SwitchingRecommender([("a", ItemItemCF()), ("b", SEQUENCE)], [0, 4]),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_times_come_through_a_search(model):
    with sklearn.config_context(enable_metadata_routing=True):
        scores = cross_val_score(model, X, cv=2, params={"timestamps": TIMES}, error_score="raise")
        assert np.isfinite(scores).all()
        grid = GridSearchCV(model, {}, cv=2, error_score="raise").fit(X, timestamps=TIMES)
        expected = grid.best_estimator_.predict(X, timestamps=TIMES)
    plain = model.fit(X, timestamps=TIMES)
    assert np.array_equal(plain.predict(X, timestamps=TIMES), expected)


@pytest.mark.parametrize("routing", [True, False])
def test_user_features_reach_members_that_read_them(routing):
    members = [("a", AttentionRecommender()), ("b", ItemItemCF())]
    nobody = np.zeros((2, 24))
    with sklearn.config_context(enable_metadata_routing=routing):
        for model in (
            RerankedRecommender(AttentionRecommender()),
            VotingRecommender(members),
            SwitchingRecommender(members, [0, 50]),
            RerankedRecommender(VotingRecommender(members)),
            VotingRecommender([("p", make_pipeline(AttentionRecommender())), members[1]]),
        ):
            model.fit(TASTES, user_features=FEATURES)
            scores = model.predict(nobody, user_features=np.eye(2))
            assert not np.allclose(scores[0], scores[1]), "groups differ where nothing is rated"
            assert np.allclose(model.predict(nobody, user_features=0 * np.eye(2)), model.prior_)
            with pytest.raises(ValueError, match="user_features"):
                model.predict(TASTES)
            assert model.similar_items([0], 3)[0].shape == (1, 3)
