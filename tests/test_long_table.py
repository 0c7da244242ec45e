"""A table with a row for each rating, given in the place of a matrix, is noticed."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from skattnrec import PopularityRecommender

rng = np.random.default_rng(0)
PAIRS = np.unique(np.c_[rng.integers(1, 200, 400), rng.integers(1, 300, 400)], axis=0)
RATINGS = np.c_[PAIRS, rng.integers(1, 6, len(PAIRS)), rng.integers(1e8, 1e9, len(PAIRS))]


def fit(X):
    return PopularityRecommender().fit(X)


@pytest.mark.parametrize(
    "columns",
    [
        ["user", "item", "rating", "time"],
        ["userId", "movieId", "rating", "timestamp"],
        ["User-ID", "ISBN", "Book-Rating", "x"],
        ["customer_id", "product_id", "n", "when"],
    ],
)
def test_a_frame_is_known_by_its_columns(columns):
    frame = pd.DataFrame(RATINGS, columns=columns)
    with pytest.raises(ValueError, match=r"looks like a table.*InteractionEncoder"):
        fit(frame)


def test_text_and_dates_are_no_ratings():
    with pytest.raises(ValueError, match=r"Column 'who' of X holds text.*InteractionEncoder"):
        fit(pd.DataFrame({"who": ["ann", "bob"], "what": [1, 2]}))
    dates = pd.to_datetime(["2020-01-01", "2020-01-02"])
    with pytest.raises(ValueError, match="Column 'when' of X holds dates"):
        fit(pd.DataFrame({"who": [1, 2], "when": dates}))


@pytest.mark.parametrize("n_columns", [2, 3, 4])
@pytest.mark.parametrize("dtype", [int, float, np.float32])
def test_an_array_of_ids_is_warned_of(n_columns, dtype):
    with pytest.warns(UserWarning, match=r"looks like a table.*InteractionEncoder"):
        fit(RATINGS[:, :n_columns].astype(dtype))


@pytest.mark.parametrize(
    "X",
    [
        rng.integers(1, 6, (100, 3)),  # ratings of three items
        rng.integers(0, 900, (100, 3)) * (rng.random((100, 3)) < 0.5),  # counts, some unknown
        rng.uniform(1, 900, (100, 4)),
        rng.integers(1, 900, (10, 4)),
        sp.csr_array(RATINGS),  # who passes this means a matrix
        pd.DataFrame(rng.integers(1, 6, (50, 3)), columns=["user guide", "item b", "c"]),
        pd.DataFrame(rng.integers(1, 6, (50, 3))),
    ],
)
def test_matrices_are_no_tables(X):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(X)
