"""fetch_movielens on the real files; collected only where SKATTNREC_DATA is set."""

import os
from pathlib import Path

import pytest

from skattnrec.datasets import fetch_movielens


@pytest.mark.parametrize(
    ("name", "shape", "n_ratings", "n_genres"),
    [("100k", (943, 1682), 100_000, 19), ("latest-small", (610, 9724), 100_836, 19)],
)
def test_known_sizes(name, shape, n_ratings, n_genres):
    home = Path(os.environ["SKATTNREC_DATA"]) / "raw"
    data = fetch_movielens(name, data_home=home, download_if_missing=False)
    assert data.X.shape == data.timestamps.shape == shape
    assert data.X.nnz == data.timestamps.nnz == n_ratings
    assert data.item_features.shape == (shape[1], n_genres)
    assert data.item_names[0] == "Toy Story (1995)"
    assert (data.timestamps.data > 0).all()


def test_first_ratings_of_100k():
    home = Path(os.environ["SKATTNREC_DATA"]) / "raw"
    data = fetch_movielens("100k", data_home=home, download_if_missing=False)
    assert data.X[195, 241] == 3  # the first line of u.data: 196 242 3 881250949
    assert data.timestamps[195, 241] == 881250949
    assert data.user_features.loc[1].tolist() == [24, "M", "technician", "85711"]
