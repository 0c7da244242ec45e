"""Times: numbers as they are, dates as seconds since 1970, missing and repeated ones refused."""

import re

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from skattnrec._times import seconds_of
from skattnrec._validation import check_timestamps

X = sp.csr_array(np.array([[5.0, 0, 3], [0, 0, 0], [1, 2, 0]]))
DAYS = np.array(
    [["2020-01-01", "NaT", "2020-01-02"], ["NaT"] * 3, ["1970-01-01", "1969-12-31", "NaT"]]
)
SECONDS = [1577836800, 1577923200, 0, -86400]


def frame(dtype):
    return pd.DataFrame(pd.DataFrame(DAYS.astype("datetime64[s]")).astype(dtype))


@pytest.mark.parametrize("unit", ["D", "h", "s", "ms", "us", "ns"])
def test_dates_of_numpy_are_seconds_whatever_their_unit(unit):
    times = check_timestamps(DAYS.astype(f"datetime64[{unit}]"), X)
    assert times.tolist() == SECONDS


@pytest.mark.parametrize("dtype", ["datetime64[s]", "datetime64[ns]"])
def test_dates_of_pandas(dtype):
    assert check_timestamps(frame(dtype), X).tolist() == SECONDS


@pytest.mark.parametrize("zone", ["", ", tz=UTC", ", tz=Europe/Oslo"])
@pytest.mark.parametrize("unit", ["s", "ms", "ns"])
def test_dates_of_arrow(unit, zone):
    pytest.importorskip("pyarrow")
    times = frame("datetime64[s]")
    if zone:
        times = times.apply(lambda column: column.dt.tz_localize("UTC"))
    times = times.astype(f"timestamp[{unit}{zone}][pyarrow]")
    assert check_timestamps(times, X).tolist() == SECONDS


def test_dates_with_a_time_zone():
    oslo = frame("datetime64[ns]").apply(lambda column: column.dt.tz_localize("Europe/Oslo"))
    assert check_timestamps(oslo, X).tolist() == [s - 3600 for s in SECONDS]


def test_years_and_months():
    assert seconds_of(np.array(["1971", "1970"], "datetime64[Y]")).tolist() == [31536000, 0]


def test_fractions_of_a_second():
    assert seconds_of(np.array(["1970-01-01T00:00:01.5"], "datetime64[ms]")).tolist() == [1.5]


def test_a_column_of_dates():
    assert seconds_of(pd.Series(pd.to_datetime(["1970-01-02", None]))).tolist()[0] == 86400


def test_numbers_stay_as_they_are():
    times = np.arange(3)
    assert seconds_of(times) is times


@pytest.mark.parametrize("kind", ["numpy", "pandas"])
def test_a_missing_date_is_refused_where_there_is_a_rating(kind):
    dates = DAYS.astype("datetime64[s]")
    dates[0, 2] = "NaT"
    message = "timestamps contains NaN at row 0, column 2, where X has an entry"
    with pytest.raises(ValueError, match=message):
        check_timestamps(dates if kind == "numpy" else pd.DataFrame(dates), X)


def test_numbers_may_be_missing_where_nothing_is_known():
    times = np.array([[4.0, np.nan, 3], [np.nan] * 3, [2, 1, np.inf]])
    assert check_timestamps(times, X).tolist() == [4, 3, 2, 1]


def test_dates_beside_numbers_are_refused():
    mixed = pd.DataFrame({"a": pd.to_datetime(["1970-01-01"] * 3), "b": [1, 2, 3], "c": [1, 2, 3]})
    with pytest.raises(ValueError, match="timestamps must be dates or numbers, not both"):
        check_timestamps(mixed, X)


@pytest.mark.parametrize("kind", [np.asarray, pd.DataFrame])
def test_spans_of_time_are_refused(kind):
    spans = kind(np.ones((3, 3), "timedelta64[s]"))
    with pytest.raises(ValueError, match="these are spans of time"):
        check_timestamps(spans, X)


@pytest.mark.parametrize("kind", [sp.coo_array, sp.csr_array])
def test_repeated_times_are_not_added_up(kind):
    rows, columns = [0, 0, 0, 2, 2], [0, 0, 2, 0, 1]
    times = kind(sp.coo_array(([100.0, 110, 150, 5, 6], (rows, columns)), shape=X.shape))
    if kind is sp.csr_array:
        times = sp.csr_array(([100.0, 110, 150, 5, 6], columns, [0, 3, 3, 5]), shape=X.shape)
    message = "timestamps has 1 entries too many: a user and an item are repeated"
    with pytest.raises(ValueError, match=re.escape(message)):
        check_timestamps(times, X)
