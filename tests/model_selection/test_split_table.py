"""Splits of tables: every row in one part, repeats in both, ties in no order of ids."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skattnrec.model_selection import split_table
from skattnrec.preprocessing import InteractionEncoder

METHODS = [
    {"method": "random"},
    {"method": "random", "test_size": 0.7},
    {"method": "users"},
    {"method": "items", "test_size": 0.4},
    {"method": "given_n", "n_given": 2},
    {"method": "given_n", "n_given": 3, "timestamp": "day"},
    {"method": "leave_k_out", "k": 3},
    {"method": "leave_k_out", "k": 2, "timestamp": "day"},
    {"method": "temporal", "timestamp": "day"},
    {"method": "temporal", "timestamp": "day", "cutoff": 5},
]


def purchases(seed=0, n=300):
    rng = np.random.default_rng(seed)
    columns = {"user": (0, 20), "item": (0, 8), "day": (0, 9)}
    return pd.DataFrame({name: rng.integers(*ends, n) for name, ends in columns.items()})


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.sampled_from(METHODS))
def test_every_row_is_in_one_part(seed, n, options):
    table = purchases(seed, n).set_index(np.arange(n)[::-1] * 3)
    before = table.copy()
    history, held_out = split_table(table, **options)
    pd.testing.assert_frame_equal(table, before)
    assert len(history) + len(held_out) == n
    pd.testing.assert_frame_equal(pd.concat([history, held_out]).loc[table.index], table)
    if options["method"] not in ("users", "items", "given_n") and "cutoff" not in options:
        counts = table["user"].value_counts()
        assert set(history["user"]) == set(table["user"])
        assert set(held_out["user"]) == set(counts[counts > 1].index)


def test_counts():
    table = pd.DataFrame({"user": [1] * 10 + [2], "item": range(11)})
    for share, n in [(0.2, 2), (0.25, 3), (0.01, 1), (0.99, 9)]:
        assert len(split_table(table, test_size=share)[1]) == n
    for k in (1, 4, 99):
        assert len(split_table(table, method="leave_k_out", k=k)[1]) == min(k, 9)


def test_items_go_as_a_whole():
    table = purchases()
    history, held_out = split_table(table, method="items", test_size=0.25)
    assert held_out["item"].nunique() == 2
    assert not set(history["item"]) & set(held_out["item"])


def test_given_n_gives_so_many_of_each_user():
    table = purchases()
    lengths = table["user"].value_counts()
    for options in ({}, {"timestamp": "day"}):
        history, held_out = split_table(table, method="given_n", n_given=4, **options)
        pd.testing.assert_series_equal(
            history["user"].value_counts(), lengths.clip(upper=4), check_like=True
        )
    latest, later = history.groupby("user")["day"].max(), held_out.groupby("user")["day"].min()
    assert (later >= latest.loc[later.index]).all()


def test_users_go_as_a_whole():
    table = purchases()
    history, held_out = split_table(table, method="users", test_size=0.3)
    assert held_out["user"].nunique() == 6
    assert not set(history["user"]) & set(held_out["user"])


def test_what_was_bought_before_and_after_is_in_both_parts():
    """In the matrix it has one time, the latest, and leaves the history."""
    table = pd.DataFrame({"user": [1, 1, 1, 2], "item": [7, 8, 7, 8], "day": [1, 2, 9, 3]})
    history, held_out = split_table(table, method="temporal", cutoff=5, timestamp="day")
    assert history["item"].tolist() == [7, 8, 8]
    assert held_out["item"].tolist() == [7]
    encoder = InteractionEncoder(rating=None).fit(history)
    X, y = (encoder.transform(part, users=encoder.user_ids_) for part in (history, held_out))
    assert X.toarray().tolist() == [[1, 1], [0, 1]]
    assert y.toarray().tolist() == [[1, 0], [0, 0]]


DAYS = pd.DatetimeIndex(
    ["2024-05-30", "2024-05-31", "2024-06-01", pd.Timestamp("2024-05-30 23:59")]
)


@pytest.mark.parametrize(
    "cutoff", ["2024-05-31", dt.date(2024, 5, 31), np.datetime64("2024-05-31")]
)
@pytest.mark.parametrize(
    "times",
    [
        DAYS,
        DAYS.tz_localize("UTC").tz_convert("Asia/Tokyo"),
        DAYS.astype(str),
        DAYS.as_unit("s").astype("int64"),
        pd.Series(DAYS).astype("timestamp[ms][pyarrow]"),
    ],
    ids=["datetimes", "Tokyo", "text", "seconds", "Arrow"],
)
def test_cutoffs_are_dates(times, cutoff):
    table = pd.DataFrame({"user": 1, "item": range(4), "when": times})
    _, held_out = split_table(table, method="temporal", timestamp="when", cutoff=cutoff)
    assert held_out["item"].tolist() == [1, 2]


def test_the_latest_rows_go():
    table = purchases()
    history, held_out = split_table(table, method="leave_k_out", k=2, timestamp="day")
    latest = history.groupby("user")["day"].max()
    earliest = held_out.groupby("user")["day"].min()
    assert (earliest >= latest.loc[earliest.index]).all()
    assert (held_out["user"].value_counts() == 2).all()


@pytest.mark.parametrize("ids", [int, str])
@pytest.mark.parametrize("options", [{"method": "leave_k_out"}, {"method": "temporal"}], ids=str)
def test_of_equal_times_neither_ids_nor_rows_decide(options, ids):
    users, items = np.divmod(np.arange(400 * 20), 20)
    table = pd.DataFrame({"user": users, "item": items, "day": 1}).astype({"item": ids})
    held_out = split_table(table, timestamp="day", **options)[1]
    error = np.sqrt((20**2 - 1) / 12 / len(held_out))
    assert abs(held_out["item"].astype(int).mean() - 9.5) < 4 * error
    shuffled = table.sample(frac=1, random_state=0)
    again = split_table(shuffled, timestamp="day", **options)[1]
    pd.testing.assert_frame_equal(again.sort_index(), held_out)
    other = split_table(table, timestamp="day", random_state=1, **options)[1]
    assert set(other.index) != set(held_out.index)


def test_a_user_is_split_alone():
    table = purchases()
    some = table[table["user"] < 7]
    held_out = split_table(table)[1]
    assert split_table(some)[1].index.tolist() == held_out[held_out["user"] < 7].index.tolist()


def test_repeats_of_a_pair_are_drawn_apart():
    table = pd.DataFrame({"user": np.repeat(np.arange(50), 8), "item": np.tile([1, 2], 200)})
    held_out = split_table(table, test_size=0.5)[1]
    shares = held_out.groupby("user")["item"].value_counts().unstack().fillna(0)
    assert ((shares > 0).all(axis=1)).mean() > 0.7


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"table": [[1, 2]]}, ValueError, "'table' parameter"),
        ({"method": "last"}, ValueError, "'method' parameter"),
        ({"method": "temporal"}, ValueError, "set timestamp"),
        ({"timestamp": "day"}, ValueError, "timestamp has no effect on the protocol 'random'"),
        ({"k": 1}, ValueError, "k has no effect"),
        ({"method": "users", "cutoff": 3}, ValueError, "cutoff has no effect"),
        ({"method": "leave_k_out", "timestamp": "when"}, ValueError, "'when' .parameter timestamp"),
        ({"user": "who"}, ValueError, "'who' .parameter user"),
        (
            {"method": "temporal", "timestamp": "day", "cutoff": "2024-01-01"},
            ValueError,
            "outside of the times",
        ),
    ],
)
def test_refuses_wrong_parameters(options, error, says):
    with pytest.raises(error, match=says):
        split_table(**{"table": purchases(), **options})
    missing = purchases().astype(float)
    missing.loc[3, "day"] = np.nan
    with pytest.raises(ValueError, match="row 3 has nan"):
        split_table(missing, method="leave_k_out", timestamp="day")
