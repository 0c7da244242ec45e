"""``why_not``: the reasons, known by construction, and a shortfall that adds up in every mode."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from skattnrec import AttentionRecommender, ItemItemCF, PopularityRecommender, recommend
from skattnrec.checks import all_modes
from skattnrec.datasets import make_interactions
from skattnrec.inspection import ContributionDisplay, why_not

DATA = make_interactions(80, 30, n_interactions=640, min_interactions=3, random_state=0)
X, TIMES = DATA.X, DATA.timestamps
FILMS = ["Alien", "Dune", "Amelie", "Chocolat"]
SMALL = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 0, 5, 4], [1, 0, 4, 5]])


class Fixed(BaseEstimator):
    """The same scores whatever the history; it does not explain them."""

    def __init__(self, scores=()):
        self.scores = scores

    def predict(self, X):
        return np.tile(np.asarray(self.scores, float), (X.shape[0], 1))


@pytest.mark.parametrize("mode", all_modes(), ids=str)
def test_law_the_parts_add_up_to_the_shortfall(mode):
    model = clone(mode).fit(X, timestamps=TIMES)
    history, when = X[[3]], TIMES[[3]]
    listed = model.recommend(history, 10, timestamps=when)[0][0]
    scores = model.predict(history, timestamps=when)[0].astype(float)
    candidates = np.setdiff1d(np.arange(30), history.indices)
    for item in range(0, 30, 3):
        why = why_not(model, history, item, timestamps=when)
        assert why.is_listed == (item in listed)
        assert ("seen" in why.reasons) == (item in history.indices)
        assert set(why.reasons) <= {"seen", "outranked"}
        assert why.score == pytest.approx(scores[item], rel=1e-5)
        others = np.setdiff1d(candidates, [item])
        assert why.rival_score == pytest.approx(np.sort(scores[others])[-10], rel=1e-4)
        parts = why.difference
        assert_array_equal(parts.remainder, 0)
        total = parts.baseline[0] + parts.contributions.sum()
        both = why.explanation
        size = float(np.abs(both.contributions).sum() + np.abs(both.baseline).sum())
        assert total == pytest.approx(why.shortfall, abs=1e-4 * size)
        table = why.to_frame(max_sources=2)
        for column, expected in (("item", why.score), ("rival", why.rival_score)):
            assert table[column].sum() == pytest.approx(expected, abs=1e-4 * size)


def test_shortfall_by_hand():
    model = ItemItemCF(shrinkage=0).fit(SMALL)
    why = why_not(model, [[4, 0, 5, 0]], 1, k=1)
    scores = model.predict([[4, 0, 5, 0]])[0]
    assert (why.rank, why.rival, why.reasons) == (2, 3, ("outranked",))
    assert why.shortfall == pytest.approx(scores[3] - scores[1])
    both = model.explain([[4, 0, 5, 0]], [1, 3]).contributions
    assert_allclose(why.difference.contributions, [both[1] - both[0]], rtol=1e-6)
    assert (
        repr(why) == "<WhyNot: item 1 is number 2, and 1 is shown: item 2 5 speaks more for item 3>"
    )


def test_every_reason():
    model = Fixed([4, 3, 2, 1, 0, 0])
    history = sp.csr_array([[5.0, 0, 0, 0, 0, 0]])
    hidden = np.array([[0, 1, 0, 0, 0, 0]], bool)
    reasons = {
        item: why_not(model, history, item, k=2, exclude=hidden, items=[0, 1, 2, 3, 5]).reasons
        for item in range(6)
    }
    assert reasons == {
        0: ("seen",),
        1: ("excluded",),
        2: (),
        3: (),
        4: ("not a candidate", "outranked"),  # ties go to the lower column, but for 2 and 3
        5: ("outranked",),
    }
    assert why_not(model, history, 4, k=4).is_listed
    tied = why_not(model, history, 5, k=4)
    assert (
        tied.to_text()
        == "item 5 is number 5, and 4 are shown: item 4 has the same score and comes first"
    )
    told = why_not(model, history, 3, k=2)
    assert (
        told.to_text() == "item 3 is number 3, and 2 are shown: its score is 1 below that of item 2"
    )
    assert told.explanation is None
    assert told.difference is None
    with pytest.raises(ValueError, match="does not split its scores"):
        told.to_frame()
    assert why_not(model, history, 0, k=2).to_text() == (
        "item 0 is left out: you know it already (rated 5)"
    )
    few = why_not(model, history, 0, k=20)
    assert (few.rival, few.rank, few.rival_label) == (-1, 1, "")
    assert np.isnan(few.shortfall)
    with pytest.raises(ValueError, match="there is no rival"):
        few.to_frame()


def test_a_list_that_does_not_follow_the_scores():
    class Contrary(PopularityRecommender):
        def recommend(self, X, k=10, **options):
            indices, scores = super().recommend(X, X.shape[1], **options)
            return indices[:, ::-1][:, :k], scores[:, ::-1][:, :k]

    model = Contrary().fit(np.triu(np.ones((5, 5))))
    why = why_not(model, np.zeros((1, 5)), 4, k=2)
    assert why.reasons == ("passed over",)
    assert why.to_text() == "item 4 would be number 1 by its score, but other items were preferred"


def test_cold_items_are_told():
    ratings = np.hstack([SMALL, np.zeros((4, 1))])
    why = why_not(ItemItemCF().fit(ratings), ratings[:1], 4, k=1)
    assert why.reasons == ("cold", "outranked")
    assert "is new: nobody has rated it yet; it is number" in why.to_text()
    features = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1], [0.2, 1]])
    known = AttentionRecommender(item_features=features).fit(ratings)
    hidden = why_not(known, ratings[:1], 4, exclude=np.arange(5)[None] == 4)
    assert hidden.reasons == ("excluded", "cold")
    assert hidden.to_text() == (
        "item 4 is left out: it is excluded; it is new: nobody has rated it yet, only its features "
        "tell of it"
    )
    learned = AttentionRecommender().fit(ratings)
    assert "cold" in why_not(learned, ratings[:1], 4, k=1).reasons
    learned.partial_fit([[1, 0, 0, 0, 4]])
    assert "cold" not in why_not(learned, ratings[:1], 4, k=1).reasons
    learned.forget([[1, 0, 0, 0, 4]])
    assert "cold" in why_not(learned, ratings[:1], 4, k=1).reasons


def test_pipelines_and_searches():
    frame = pd.DataFrame(SMALL.astype(float), columns=FILMS)
    inner = make_pipeline(MaxAbsScaler(), ItemItemCF(shrinkage=0))
    search = GridSearchCV(inner, {"itemitemcf__n_neighbors": [2]}, cv=2)
    for model in (inner, search):
        model.fit(frame)
        history = frame[:1]
        why = why_not(model, history, "Chocolat", k=1)
        assert recommend(model, history, 1)[0][0, 0] == why.rival
        assert why.rival_label == "Amelie"
        assert_array_equal(why.difference.remainder, 0)
        assert why.to_text().startswith("Chocolat is number 2, and 1 is shown:")


def test_features_of_the_user_have_their_part():
    is_old = X[:, :15].count_nonzero(axis=1) > X[:, 15:].count_nonzero(axis=1)
    ages = pd.DataFrame(np.eye(2)[is_old.astype(int)], columns=["young", "old"])
    model = AttentionRecommender().fit(X, user_features=ages)
    for history in (X[[3]], sp.csr_array((1, 30))):
        last = model.recommend(history, 30, user_features=ages[3:4])[0][0]
        item = last[last >= 0][-1]
        why = why_not(model, history, item, user_features=ages[3:4])
        assert why.reasons == ("outranked",)
        assert_array_equal(why.difference.remainder, 0)
        table = why.to_frame(max_sources=1)
        assert table["shortfall"].sum() == pytest.approx(why.shortfall, rel=1e-3)
        assert table["item"].sum() == pytest.approx(why.score, rel=1e-3)
        label = ages.columns[int(is_old[3])]
        assert table["source"][table["kind"] == "feature"].tolist() == [label]
    lead = why.difference.feature_contributions[0, 0]
    expected = f"{label} speaks more for" if lead > 0 else "its score is"
    assert expected in why.to_text()


def test_the_shortfall_as_a_waterfall():
    why = why_not(ItemItemCF(shrinkage=0).fit(SMALL), [[4, 0, 5, 0]], 1, k=1, item_names=FILMS)
    display = ContributionDisplay.from_predictions(why)
    assert display.labels[-1] == "shortfall"
    assert_allclose(display.contributions.sum(), why.shortfall, rtol=1e-5)
    assert display.text == why.to_text()
    assert display.ax_.get_xlabel() == "what Dune lacks to Chocolat"
    untold = why_not(Fixed([3, 2, 1, 0]), np.zeros((1, 4)), 3, k=1)
    with pytest.raises(ValueError, match="no parts of the shortfall to draw: <WhyNot: item 3 is"):
        ContributionDisplay.from_predictions(untold)


def test_names_may_be_there_twice():
    why = why_not(ItemItemCF().fit(SMALL), [[4, 0, 5, 0]], 1, k=1, item_names=["a", "b", "a", "d"])
    table = why.to_frame()
    assert table["source"].tolist() == ["a", "a"]
    assert table["item"].sum() == pytest.approx(why.score)


def test_empty_histories_have_the_prior():
    why = why_not(ItemItemCF().fit(SMALL), np.zeros((1, 4)), 3, k=1)
    assert why.shortfall == 1
    assert why.to_frame()["kind"].tolist() == ["baseline"]


def test_errors():
    model = ItemItemCF().fit(SMALL)
    with pytest.raises(ValueError, match="why_not takes one history, X has 2 rows"):
        why_not(model, SMALL[:2], 1)
    with pytest.raises(ValueError, match="why_not takes one item"):
        why_not(model, SMALL[:1], [1, 2])
    with pytest.raises(ValueError, match="must be columns in"):
        why_not(model, SMALL[:1], 4)
    with pytest.raises(ValueError, match="k"):
        why_not(model, SMALL[:1], 1, k=0)
    with pytest.raises(ValueError, match="max_sources must be at least 1"):
        why_not(model, SMALL[:1], 3, k=1).to_text(0)
