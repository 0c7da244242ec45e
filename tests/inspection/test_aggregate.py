"""Attention by groups of entries and users: worked by hand, and adding up to one."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose

from skattnrec import (
    AttentionRecommender,
    ItemItemCF,
    MultiHeadAttentionRecommender,
    SequentialAttentionRecommender,
)
from skattnrec.checks import all_modes
from skattnrec.datasets import make_interactions
from skattnrec.inspection import GroupsDisplay, aggregate_attention, aggregate_explanations

DATA = make_interactions(70, 40, n_interactions=900, n_components=4, random_state=0)
X, T = DATA.X, DATA.timestamps
HAND = np.array([[5.0, 4.0, 1.0, 0.0], [0.0, 2.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0]])


@pytest.fixture(scope="module")
def model():
    return MultiHeadAttentionRecommender(2, temperature=1).fit(X)


@pytest.fixture(scope="module")
def simple():
    # logits are the ratings, but for a constant
    return AttentionRecommender(1.0, rating_center=3, rating_spread=1).fit(HAND)


def softmax(values):
    values = np.exp(np.asarray(values, float))
    return values / values.sum()


def test_features_by_hand(simple):
    genres = pd.DataFrame([[1, 0], [1, 1], [0, 0], [0, 1]], columns=["war", "love"])
    table = aggregate_attention(simple, HAND, genres).set_index("group")
    a, b = softmax([5, 4, 1]), softmax([2, 3])  # the empty history is left out
    expected = {
        "war": (a[0] + a[1] / 2 + b[0] / 2) / 2,
        "love": (a[1] / 2 + b[0] / 2) / 2,
        "(none)": (a[2] + b[1]) / 2,
    }
    history = {"war": (1.5 / 3 + 0.5 / 2) / 2, "love": (0.5 / 3 + 0.25) / 2}
    for group, attention in expected.items():
        assert table.loc[group, "attention"] == pytest.approx(attention)
    for group, share in history.items():
        assert table.loc[group, "history"] == pytest.approx(share)
    assert_allclose(table["lift"], table["attention"] / table["history"])
    same = aggregate_attention(simple, HAND, sp.csr_array(genres), names=["war", "love"])
    assert_allclose(same["attention"], table["attention"])


def test_users_of_one_entry_count(simple):
    one = np.array([[5.0, 4.0, 1.0, 0.0], [0.0, 0.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    table = aggregate_attention(simple, one, ["cheap", "dear", "cheap", "unseen"])
    a = aggregate_attention(simple, one[:1], ["cheap", "dear", "cheap", "unseen"])
    assert_allclose(table["attention"], (a["attention"] + [1, 0]) / 2, rtol=1e-6)
    assert_allclose(table["history"], [(2 / 3 + 1) / 2, (1 / 3) / 2])
    apart = aggregate_attention(simple, one, ["x", "y", "x", "z"], user_groups=[1, 2, 3])
    assert apart["user_group"].tolist() == [1, 1, 2]  # the third has nothing
    assert apart["attention"].iloc[2] == 1


def test_labels_by_hand(simple):
    table = aggregate_attention(simple, HAND, ["cheap", "dear", "cheap", "unseen"])
    a, b = softmax([5, 4, 1]), softmax([2, 3])
    assert table["group"].tolist() == ["cheap", "dear"]  # nobody has the unseen one
    assert_allclose(table["attention"], [(a[0] + a[2] + b[1]) / 2, (a[1] + b[0]) / 2])


def test_numbers_make_bands(simple):
    prices = np.array([3.0, 40.0, 9.0, 25.0])
    bands = pd.cut(prices, [0, 10, 30, 50], labels=["low", "middle", "high"])
    table = aggregate_attention(simple, HAND, bands)
    a, b = softmax([5, 4, 1]), softmax([2, 3])
    assert table["group"].tolist() == ["low", "high"]  # in the order of the bands
    assert_allclose(table["attention"], [(a[0] + a[2] + b[1]) / 2, (a[1] + b[0]) / 2])
    some = aggregate_attention(simple, HAND, pd.cut(prices, [5, 50]))  # no band for the first
    assert some["group"].tolist() == [pd.Interval(5, 50), "(none)"]
    assert_allclose(some["attention"].iloc[1], a[0] / 2)
    ages = pd.Series(pd.cut([17, 60, 40], [0, 18, 65], labels=["minor", "adult"]))
    by_age = aggregate_attention(simple, HAND, bands, user_groups=ages)
    assert by_age["user_group"].tolist() == ["minor", "minor", "adult", "adult"]
    assert_allclose(by_age["attention"], [a[0] + a[2], a[1], b[1], b[0]])


def test_times_make_parts_of_the_day(simple):
    times = 3600.0 * np.array([[7, 25, 23, 0]])  # 1 o'clock of the next day

    def part(t):
        return pd.cut(t / 3600 % 24, [0, 6, 22, 24], right=False, labels=["night", "day", "late"])

    table = aggregate_attention(simple, HAND[:1], part, timestamps=times)
    a = softmax([5, 4, 1])
    assert table["group"].tolist() == ["night", "day", "late"]
    assert_allclose(table["attention"], [a[1], a[0], a[2]])


def test_ages_by_hand(simple):
    times = np.array([[3.0, 1.0, 2.0, 0.0], [0.0, 8.0, 9.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    table = aggregate_attention(simple, HAND, "age", timestamps=times)
    a, b = softmax([5, 4, 1]), softmax([2, 3])
    assert table["group"].tolist() == ["0", "1", "2-3"]
    assert_allclose(table["attention"], [(a[0] + b[1]) / 2, (a[2] + b[0]) / 2, a[1] / 2])


def test_ages_run_in_octaves(model):
    table = aggregate_attention(model, X, "age", timestamps=T)
    longest = np.diff(X.indptr).max()
    first = table[table["head"] == 0]
    expected = ["0", "1", "2-3", "4-7", "8-15", "16-31", "32-63"]
    assert first["group"].tolist() == expected[: len(first)]
    assert 2 ** (len(first) - 2) <= longest - 1 < 2 ** (len(first) - 1)
    assert first["history"].iloc[0] == pytest.approx(np.mean(1 / np.diff(X.indptr)))


@pytest.mark.parametrize("by", ["hour", "weekday", "month", "season", "age"])
def test_shares_add_up(model, by):
    groups = np.arange(70) % 3
    table = aggregate_attention(model, X, by, timestamps=T, user_groups=groups)
    sums = table.groupby(["head", "user_group"])[["attention", "history"]].sum()
    assert len(sums) == 6
    assert_allclose(sums, 1)


def test_calendar_by_hand(simple):
    stamps = pd.to_datetime(["2024-01-01 13:00", "2024-07-04 02:00", "2024-12-24 13:30"], utc=True)
    times = np.zeros((1, 4))
    times[0, :3] = stamps.tz_localize(None).astype("datetime64[s]").astype(np.int64)
    a = softmax([5, 4, 1])
    expected = {
        "hour": {2: a[1], 13: a[0] + a[2]},
        "weekday": {"Monday": a[0], "Tuesday": a[2], "Thursday": a[1]},
        "month": {"Jan": a[0], "Jul": a[1], "Dec": a[2]},
        "season": {"winter": a[0] + a[2], "summer": a[1]},
    }
    for by, shares in expected.items():
        table = aggregate_attention(simple, HAND[:1], by, timestamps=times)
        assert dict(zip(table["group"], table["attention"])) == pytest.approx(shares)
    by_function = aggregate_attention(
        simple, HAND[:1], lambda t: np.where(t > times.min(), "late", "early"), timestamps=times
    )
    assert "late" in set(by_function["group"])


def test_groups_of_users_are_averaged_apart(model):
    groups = np.where(np.arange(70) < 30, "young", "old")
    table = aggregate_attention(model, X, DATA.item_features, user_groups=groups)
    young = aggregate_attention(model, X[:30], DATA.item_features)
    part = table[table["user_group"] == "young"]
    assert part["group"].tolist() == young["group"].tolist()
    assert_allclose(part["attention"], young["attention"])
    assert "user_group" not in young


def test_order_shows_in_ages():
    model = SequentialAttentionRecommender(1, half_life=1.0, temperature=np.inf)
    table = aggregate_attention(model.fit(X, timestamps=T), X, "age", timestamps=T)
    lift = table["lift"].to_numpy()
    assert (np.diff(lift) < 0).all()  # the later, the louder
    per_user = [0.5 ** np.arange(n) for n in np.diff(X.indptr)]
    latest = np.mean([decay[0] / decay.sum() for decay in per_user])
    assert table["attention"][0] == pytest.approx(latest, rel=1e-4)


def test_uniform_attention_lifts_nothing():
    flat = AttentionRecommender(np.inf).fit(X)
    assert_allclose(aggregate_attention(flat, X, DATA.item_features)["lift"], 1, rtol=1e-5)


def test_errors(model):
    with pytest.raises(TypeError, match="ItemItemCF has no attention weights"):
        aggregate_attention(ItemItemCF().fit(X), X, DATA.item_features)
    with pytest.raises(ValueError, match="by='age' needs timestamps"):
        aggregate_attention(model, X, "age")
    with pytest.raises(ValueError, match="by must be 'age' or one of"):
        aggregate_attention(model, X, "moon", timestamps=T)
    with pytest.raises(ValueError, match="by holds 3 labels, X has 40 items"):
        aggregate_attention(model, X, ["a", "b", "c"])
    with pytest.raises(ValueError, match="by has 3 rows, X has 40 items"):
        aggregate_attention(model, X, np.ones((3, 2)))
    with pytest.raises(ValueError, match="by must not be negative"):
        aggregate_attention(model, X, -np.ones((40, 2)))
    with pytest.raises(ValueError, match="names holds 1 names for 2 features"):
        aggregate_attention(model, X, np.ones((40, 2)), names=["a"])
    with pytest.raises(ValueError, match="user_groups must hold a label for each of the 70 users"):
        aggregate_attention(model, X, DATA.item_features, user_groups=[1, 2])
    with pytest.raises(ValueError, match="All histories are empty"):
        aggregate_attention(model, np.zeros((2, 40)), DATA.item_features)
    with pytest.raises(ValueError, match=r"by returned \(2,\) labels for \(900,\) times"):
        aggregate_attention(model, X, lambda t: t[:2], timestamps=T)


# -- groups of users by features, and explanations --------------------------------------------


def test_users_are_grouped_by_features(model):
    features = np.zeros((70, 2))
    features[:30, 0] = features[20:60, 1] = 1  # some are of both kinds, some of none
    frame = pd.DataFrame(features, columns=["phone", "abroad"])
    genres = np.arange(40) % 3
    table = aggregate_attention(model, X, genres, user_groups=frame)
    assert table["user_group"].unique().tolist() == ["phone", "abroad", "(none)"]
    sums = table.groupby(["head", "user_group"])["attention"].sum()
    assert_allclose(sums, 1)
    weights = np.zeros(70)
    weights[:20], weights[20:30] = 1, 0.5
    alone = pd.concat(
        aggregate_attention(model, X[[u]], genres).assign(weight=weights[u]) for u in range(30)
    )
    alone["attention"] *= alone["weight"] / weights.sum()
    expected = alone[alone["head"] == 0].groupby("group")["attention"].sum()
    found = table[(table["head"] == 0) & (table["user_group"] == "phone")].set_index("group")
    assert_allclose(found["attention"], expected[found.index])
    sparse = aggregate_attention(model, X, genres, user_groups=sp.csr_array(features))
    assert_allclose(sparse["attention"], table["attention"])
    with pytest.raises(ValueError, match="user_groups has 3 rows, X has 70 users"):
        aggregate_attention(model, X, genres, user_groups=np.eye(3))
    with pytest.raises(ValueError, match="user_groups must not be negative"):
        aggregate_attention(model, X, genres, user_groups=-features)


def test_explanations_by_hand():
    ratings = ItemItemCF(shrinkage=0).fit(X)
    kinds = np.where(np.arange(40) < 20, "a", "b")
    table = aggregate_explanations(ratings, X[:5], kinds).set_index("group")
    shares = []
    for user in range(5):
        parts = ratings.explain(X[[user]]).only(0)
        own = parts.contributions[0] / np.abs(parts.contributions[0]).sum()
        shares.append([own[parts.sources < 20].sum(), own[parts.sources >= 20].sum()])
    assert_allclose(table["contribution"], np.mean(shares, axis=0), rtol=1e-5)
    assert table["history"].sum() == pytest.approx(1)
    assert set(table["kind"]) == {"entries"}


@pytest.mark.parametrize("mode", all_modes(), ids=str)
def test_law_parts_of_scores_are_shares(mode):
    known = mode.fit(X, timestamps=T)
    groups = np.array(["old", "young"])[np.arange(4) % 2]
    table = aggregate_explanations(
        known, X[:4], np.arange(40) % 2, user_groups=groups, timestamps=T[:4]
    )
    assert table["user_group"].unique().tolist() == ["old", "young"]
    assert (table.groupby("user_group")["contribution"].sum().abs() <= 1 + 1e-9).all()
    assert_allclose(table.groupby("user_group")["history"].sum(), 1)


def test_user_features_have_parts_of_their_own():
    is_old = X[:, :20].count_nonzero(axis=1) > X[:, 20:].count_nonzero(axis=1)
    ages = pd.DataFrame(np.eye(2)[is_old.astype(int)], columns=["young", "old"])
    known = AttentionRecommender().fit(X, user_features=ages)
    table = aggregate_explanations(
        known, X[:6], np.zeros(40), user_features=ages[:6], user_groups=ages[:6]
    )
    features = table[table["kind"] == "feature"].set_index(["user_group", "group"])
    assert features.index.get_level_values("group").unique().tolist() == ["young", "old"]
    assert features.loc[("young", "old"), "contribution"] == 0  # nobody is both
    assert features.loc[("young", "young"), "contribution"] != 0
    assert table["user_group"].unique().tolist() == ["young", "old"]  # "(none)" has no users
    display = GroupsDisplay(table).plot()
    assert display.values.index.tolist() == ["0.0", "young", "old"]


def test_display_of_groups(model):
    table = aggregate_attention(
        model, X, "hour", timestamps=T, user_groups=np.arange(70) % 2, names=None
    )
    display = GroupsDisplay(table).plot()
    assert display.values.columns.tolist() == [f"head {h}, {g}" for h in (1, 2) for g in (0, 1)]
    hours = [int(hour) for hour in display.values.index]
    assert hours == sorted(hours)
    first = table.iloc[0]
    assert display.values.loc[str(table["group"][0]), "head 1, 0"] == first["attention"]
    assert_allclose(display.image_.get_array(), display.values.to_numpy())
    few = display.plot(max_groups=3)
    largest = display.values.max(axis=1).nlargest(3)
    assert set(few.shown_.index) == set(largest.index)
    assert few.ax_.get_title(loc="left") == f"3 of {len(display.values)} groups"
    lift = GroupsDisplay.from_estimator(model, X, np.arange(40) % 2, value="lift")
    assert lift.image_.get_clim()[0] + lift.image_.get_clim()[1] == pytest.approx(2)
    shares = GroupsDisplay.from_estimator(model, X[:3], np.arange(40) % 2, of="contribution")
    assert shares.value == "contribution"
    with pytest.raises(ValueError, match="of must be 'attention' or 'contribution'"):
        GroupsDisplay.from_estimator(model, X, "age", of="votes")
    with pytest.raises(ValueError, match="value must be among"):
        GroupsDisplay(table, value="contribution")
    with pytest.raises(ValueError, match="table must be what aggregate_attention"):
        GroupsDisplay(pd.DataFrame({"a": [1]}))
