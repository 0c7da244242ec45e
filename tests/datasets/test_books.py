import numpy as np
import pandas as pd

from skattnrec.datasets import load_books


def test_the_five_books():
    books = load_books()
    assert books.item_names == [
        "Harry Potter",
        "Lord of the Rings",
        "Romeo and Juliet",
        "Sherlock Holmes",
        "Twilight",
    ]
    assert books.feature_names == ["magic", "adventure", "romance"]
    expected = [[0.9, 0.8, 0.3], [0.8, 0.9, 0.2], [0.1, 0.2, 0.9], [0.2, 0.9, 0.3], [0.4, 0.3, 0.9]]
    np.testing.assert_array_equal(books.features, expected)
    np.testing.assert_array_equal(books.ratings, [4.8, 4.9, 4.5, 4.6, 4.0])
    assert books.features.dtype == books.ratings.dtype == np.float64
    assert books.frame is None
    assert "books" in books.DESCR


def test_as_frame():
    books, plain = load_books(as_frame=True), load_books()
    assert list(books.frame) == [*books.feature_names, "rating"]
    assert books.frame.index.tolist() == books.item_names
    np.testing.assert_array_equal(books.features, plain.features)
    pd.testing.assert_series_equal(books.frame["rating"], books.ratings)


def test_each_call_returns_new_arrays():
    load_books().features[:] = 0
    assert load_books().features.min() > 0
