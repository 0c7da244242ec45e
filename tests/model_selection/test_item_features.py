"""Item features stay whole where rows are split, also where there are as many users as items."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from skattnrec.checks import all_modes
from skattnrec.metrics import RankingScorer
from skattnrec.model_selection import compare_recommenders

N = 24  # users, and items
RNG = np.random.default_rng(0)
X = sp.csr_array((RNG.random((N, N)) < 0.4) * RNG.integers(1, 6, (N, N)).astype(float))
T = sp.csr_array((RNG.random(X.nnz), X.indices, X.indptr), shape=X.shape)
ITEM_FEATURES = np.eye(4)[RNG.integers(0, 4, N)] + RNG.normal(size=(N, 4)) / 10
USER_FEATURES = np.eye(4)[RNG.integers(0, 4, N)]
FOLDS = KFold(3)


def features_of(model):
    """Give item features to all parameters for them, those of inner estimators too."""
    names = [name for name in model.get_params() if name.split("__")[-1] == "item_features"]
    return dict.fromkeys(names, ITEM_FEATURES)


def takers():
    """Every mode of every estimator that takes item features, itself or inside, with some."""
    found = []
    for mode in all_modes():
        if features := features_of(mode):
            seeds = [n for n in mode.get_params() if n.split("__")[-1] == "random_state"]
            found.append(mode.set_params(**features, **dict.fromkeys(seeds, 0)))
    return found


def with_features(model, table):
    return clone(model).set_params(**dict.fromkeys(features_of(model), table))


TAKERS = takers()


def scorer_of(model, routing):
    """The latest entry where times get to the scorer, else a share."""
    return RankingScorer("recall@5", holdout="last" if routing else 0.3)


def by_hand(model, scorer, metadata):
    """Scores of the folds, without scikit-learn's tools: item features are never touched."""
    scores = []
    for train, test in FOLDS.split(X):
        seen, asked = ({n: m[rows] for n, m in metadata.items()} for rows in (train, test))
        scores.append(scorer(clone(model).fit(X[train], **seen), X[test], **asked))
    return scores


def metadata_of(model, routing):
    """What is routed along: times and user features; without routing nothing can be."""
    return {"timestamps": T, "user_features": USER_FEATURES} if routing else {}


def name_of(model):
    return type(model).__name__


CASES = [
    pytest.param(model, routing, id=f"{name_of(model)}{n}-{routing}")
    for n, model in enumerate(TAKERS)
    for routing in (False, True)
    if routing or not model._needs_times()
]


def test_there_are_estimators_to_be_tested():
    assert {type(model).__name__ for model in TAKERS} >= {
        "AttentionRecommender",
        "ContentRecommender",
        "MultiHeadAttentionRecommender",
        "RerankedRecommender",
        "SequentialAttentionRecommender",
        "SwitchingRecommender",
        "VotingRecommender",
    }


@pytest.mark.filterwarnings("ignore::skattnrec.exceptions.IneffectiveParameterWarning")
@pytest.mark.parametrize(("model", "routing"), CASES)
def test_cross_validation_and_search_give_the_scores_by_hand(model, routing):
    metadata, scorer = metadata_of(model, routing), scorer_of(model, routing)
    expected = by_hand(model, scorer, metadata)
    with sklearn.config_context(enable_metadata_routing=routing):
        options = {"params": metadata} if metadata else {}
        found = cross_validate(model, X, scoring=scorer, cv=FOLDS, **options)
        assert_allclose(found["test_score"], expected)
        grid = {name: [features] for name, features in features_of(model).items()}
        search = GridSearchCV(model, grid, scoring=scorer, cv=FOLDS, error_score="raise")
        search.fit(X, **metadata)
        results = [search.cv_results_[f"split{fold}_test_score"][0] for fold in range(3)]
        assert_allclose(results, expected)


@pytest.mark.filterwarnings("ignore::skattnrec.exceptions.IneffectiveParameterWarning")
@pytest.mark.parametrize("model", [m for m in TAKERS if not m._needs_times()], ids=name_of)
def test_pipelines_do_so_too(model):
    inside = make_pipeline(MaxAbsScaler(), model)
    scorer = RankingScorer("recall@5", holdout=0.3)
    found = cross_validate(inside, X, scoring=scorer, cv=FOLDS, error_score="raise")
    assert_allclose(found["test_score"], by_hand(inside, scorer, {}))


@pytest.mark.filterwarnings("ignore::skattnrec.exceptions.IneffectiveParameterWarning")
def test_comparisons_do_so_too():
    models = {type(model).__name__: model for model in TAKERS}  # one mode of each
    scorer = RankingScorer("recall@5", holdout="last")
    metadata = {"timestamps": T, "user_features": USER_FEATURES}
    board = compare_recommenders(models, X, scoring=scorer, cv=FOLDS, **metadata)
    for name, model in models.items():
        users = []
        for train, test in FOLDS.split(X):
            seen, asked = ({n: m[rows] for n, m in metadata.items()} for rows in (train, test))
            fitted = clone(model).fit(X[train], **seen)
            users.append(scorer.score_users(fitted, X[test], **asked)["recall@5"])
        assert board.loc[name, "recall@5"] == pytest.approx(np.nanmean(np.concatenate(users)))


def test_item_features_are_no_metadata():
    """Passed to fit, they would be sliced by rows: there is no such argument."""
    for model in TAKERS:
        with pytest.raises(TypeError, match="item_features"):
            clone(model).fit(X, item_features=ITEM_FEATURES)
        with pytest.raises((TypeError, ValueError), match="unexpected keyword argument 'item_feat"):
            cross_validate(model, X, cv=FOLDS, params={"item_features": ITEM_FEATURES})


@pytest.mark.filterwarnings("ignore::skattnrec.exceptions.IneffectiveParameterWarning")
@pytest.mark.parametrize("model", [m for m in TAKERS if not m._needs_times()], ids=name_of)
def test_features_of_items_in_another_order_are_refused(model):
    names = [f"item {i}" for i in range(N)]
    frame = pd.DataFrame(X.toarray(), columns=names)
    table = pd.DataFrame(ITEM_FEATURES, index=names)
    fitted = with_features(model, table).fit(frame)
    bare = clone(model).fit(X)
    assert_allclose(fitted.predict(frame), bare.predict(X))
    with pytest.raises(
        ValueError, match=r"Row 0 of .*item_features is 'item 23', column 0 of X is 'i"
    ):
        with_features(model, table[::-1]).fit(frame)
    numbered = table.reset_index(drop=True)  # rows by position, as an array has them
    with_features(model, numbered).fit(frame)
    with_features(model, table[::-1]).fit(X)  # nothing to compare with
