"""Times of a table: one number for one moment, whatever the type of the column."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from skattnrec.preprocessing import InteractionEncoder

MOMENTS = pd.to_datetime(["2020-01-01 00:00:00", "2020-01-02 12:30:15"])
SECONDS = [1577836800.0, 1577968215.0]
NAMES = {"rating": None, "timestamp": "when"}


def times_of(column):
    """The times that the encoder makes of a column, in its order."""
    table = pd.DataFrame({"user": 1, "item": range(len(column))}).assign(when=pd.Series(column))
    return InteractionEncoder(**NAMES).fit_transform(table, return_timestamps=True)[1].data.tolist()


COLUMNS = {
    "seconds": MOMENTS.as_unit("s"),
    "milliseconds": MOMENTS.as_unit("ms"),
    "nanoseconds": MOMENTS.as_unit("ns"),
    "UTC": MOMENTS.tz_localize("UTC"),
    "Tokyo": MOMENTS.tz_localize("UTC").tz_convert("Asia/Tokyo"),
    "Arrow seconds": pd.Series(MOMENTS).astype("timestamp[s][pyarrow]"),
    "Arrow nanoseconds": pd.Series(MOMENTS).astype("timestamp[ns][pyarrow]"),
    "Arrow Tokyo": pd.Series(MOMENTS.tz_localize("UTC")).astype(
        "timestamp[us, tz=Asia/Tokyo][pyarrow]"
    ),
    "datetime": pd.Series(MOMENTS.to_pydatetime(), dtype=object),
    "Timestamp": pd.Series(list(MOMENTS), dtype=object),
    "periods": MOMENTS.to_period("s"),
    "text": ["2020-01-01", "2020-01-02T12:30:15"],
    "text with a zone": ["2020-01-01 00:00:00Z", "2020-01-02 14:30:15+02:00"],
    "categories": pd.Categorical(["2020-01-01", "2020-01-02 12:30:15"]),
    "numbers": SECONDS,
    "numbers as text": [str(s) for s in SECONDS],
    "Arrow numbers": pd.array([int(s) for s in SECONDS], "int64[pyarrow]"),
    "nullable numbers": pd.array([int(s) for s in SECONDS], "Int64"),
}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_a_moment_is_the_same_number_in_every_type(column):
    assert times_of(column) == SECONDS


@pytest.mark.parametrize("dtype", [object, "date32[day][pyarrow]", "period[D]"])
def test_days(dtype):
    days = pd.Series([dt.date(2020, 1, 1), dt.date(2020, 1, 2)]).astype(dtype)
    assert times_of(days) == [SECONDS[0], SECONDS[0] + 86400]
    assert times_of(pd.to_timedelta([0, 86400], unit="s")) == [0, 86400]


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (MOMENTS[[0]].append(pd.DatetimeIndex([pd.NaT])), "row 1 has NaT"),
        (pd.Series([MOMENTS[0], None], dtype="timestamp[s][pyarrow]"), "row 1 has"),
        (pd.Series([MOMENTS[0], pd.NaT], dtype=object), "row 1 has NaT"),
        (pd.Series([MOMENTS[0], None], dtype=object), "row 1 has None"),
        (["2020-01-01", None], "row 1 has"),
        (["2020-01-01", ""], "row 1 has ''"),
        (["2020-01-01", "yesterday"], "row 1 has 'yesterday'"),
        (["31/12/2020", "01/02/2020"], "row 0 has '31/12/2020'.*pandas.to_datetime"),
        ([1.0, np.nan], "row 1 has nan"),
        ([1.0, np.inf], "row 1 has inf"),
        (pd.array([1, None], "Int64"), "row 1 has"),
        (pd.array([1, None], "int64[pyarrow]"), "row 1 has"),
        (pd.to_timedelta([1, None]), "row 1 has NaT"),
        (["5", "x"], "row 0 has '5'|row 1 has 'x'"),
    ],
)
def test_what_is_no_time_is_an_error(column, says):
    with pytest.raises(ValueError, match=f"Column 'when' must hold a time in every row, {says}"):
        times_of(column)


def test_dates_are_no_ratings():
    table = {"user": [1, 2], "item": [1, 2], "rating": MOMENTS}
    with pytest.raises(ValueError, match="'rating' must hold numbers, it holds datetime64"):
        InteractionEncoder().fit_transform(table)


def test_merged_times_are_told():
    table = pd.DataFrame({"user": [1, 1, 2], "item": [7, 7, 8], "when": [1, 3, 2]})
    with pytest.warns(UserWarning, match="1 rows repeat a pair.*split_table"):
        _, times = InteractionEncoder(**NAMES).fit_transform(table, return_timestamps=True)
    assert times.data.tolist() == [3, 2]
    fitted = InteractionEncoder(**NAMES).fit(table)
    with pytest.warns(UserWarning, match="1 rows repeat"):
        fitted.transform(table, return_timestamps=True)
    # nothing to tell: no times asked for, nothing merged, or merging asked for
    fitted.transform(table)
    fitted.transform(table[1:], return_timestamps=True)
    chosen = InteractionEncoder(**NAMES, duplicates="last")
    _, times = chosen.fit_transform(table, return_timestamps=True)
    assert times.data.tolist() == [3, 2]
    summed = chosen.set_params(duplicates="sum").fit_transform(table)
    assert summed.toarray().tolist() == [[2, 0], [0, 1]]
