"""Laws of what does not matter: the order of users and items, the company of a row, the format."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from ._agreement import assert_same_lists, assert_same_scores
from ._data import N_ITEMS, N_USERS, fresh, ratings, times_of

__all__ = ["LAWS"]


def check_row_alone_equals_row_in_batch(estimator):
    """A history is answered the same alone as among others: rows are not looked up by number."""
    X = ratings()
    model = fresh(estimator).fit(X)
    scores = np.array(model.predict(X))
    lists = model.recommend(X, k=5)
    for row in (0, 1, N_USERS - 1):
        one, own = X[[row]], slice(row, row + 1)
        law = f"row {row} alone and in a batch"
        assert_same_scores(model.predict(one), scores[own], law)
        expected = lists[0][own], lists[1][own]
        assert_same_lists(model.recommend(one, k=5), expected, scores[own], law)


def check_permuting_rows_permutes_answers(estimator):
    """Histories in another order get the same answers in that order."""
    X = ratings()
    model = fresh(estimator).fit(X)
    order = np.random.default_rng(1).permutation(N_USERS)
    scores = np.array(model.predict(X))[order]
    assert_same_scores(model.predict(X[order]), scores, "histories in another order")
    lists = model.recommend(X, k=5)
    expected = lists[0][order], lists[1][order]
    assert_same_lists(model.recommend(X[order], k=5), expected, scores, "lists in another order")


def check_order_of_training_rows_does_not_matter(estimator):
    """Learning from the same users in another order gives the same scores."""
    X = ratings()
    order = np.random.default_rng(1).permutation(N_USERS)
    expected = fresh(estimator).fit(X).predict(X)
    actual = fresh(estimator).fit(X[order]).predict(X)
    assert_same_scores(actual, expected, "fit on the same users in another order")


def check_permuting_items_permutes_answers(estimator):
    """With the columns in another order, in fit and predict, scores and lists follow them."""
    X = ratings()
    order = np.random.default_rng(1).permutation(N_ITEMS)
    model = fresh(estimator).fit(X)
    scores = np.array(model.predict(X))
    Xp = X[:, order]
    permuted = fresh(estimator).fit(Xp)
    assert_same_scores(permuted.predict(Xp), scores[:, order], "items in another order")
    indices, values = (np.asarray(a) for a in permuted.recommend(Xp, k=5))
    back = np.where(indices >= 0, order[indices], -1), values
    assert_same_lists(back, model.recommend(X, k=5), scores, "lists of items in another order")


def check_matrix_formats_agree(estimator):
    """Dense arrays, CSR, CSC and COO arrays and matrices, int64 indices: the same answers."""
    X = ratings()
    expected = fresh(estimator).fit(X).predict(X)
    long = sp.csr_array(X)
    long.indices, long.indptr = long.indices.astype(np.int64), long.indptr.astype(np.int64)
    formats = {"ndarray": X.toarray(), "csr_array with int64 indices": long}
    for kind in (sp.csr_matrix, sp.csc_array, sp.csc_matrix, sp.coo_array, sp.coo_matrix):
        formats[kind.__name__] = kind(X)
    for name, other in formats.items():
        model = fresh(estimator).fit(other)
        assert_same_scores(model.predict(other), expected, f"csr_array and {name}")


def check_timestamp_formats_agree(estimator):
    """Timestamps may be sparse in any format and order, or dense: the same answers."""
    X = ratings()
    times = times_of(X)
    expected = fresh(estimator).fit(X, timestamps=times).predict(X, timestamps=times)
    backwards = times.tocoo()
    backwards = sp.coo_array(
        (backwards.data[::-1], (backwards.row[::-1], backwards.col[::-1])), shape=X.shape
    )
    for other in (times.toarray(), backwards, sp.csc_matrix(times)):
        actual = fresh(estimator).fit(X, timestamps=other).predict(X, timestamps=other)
        assert_same_scores(actual, expected, f"timestamps as {type(other).__name__}")


def check_duplicate_entries_are_summed(estimator):
    """A rating split over several COO entries counts as their sum."""
    X = ratings()
    C = X.tocoo()
    halves = np.r_[C.data * 0.25, C.data * 0.75], (np.r_[C.row, C.row], np.r_[C.col, C.col])
    split = sp.coo_array(halves, shape=X.shape)
    expected = fresh(estimator).fit(X).predict(X)
    actual = fresh(estimator).fit(split).predict(split)
    assert_same_scores(actual, expected, "ratings split over two entries each")


def check_feature_names(estimator):
    """A DataFrame answers as its values, and its column names are kept and compared."""
    import pandas as pd

    X = ratings().toarray()
    names = [f"item {j}" for j in range(N_ITEMS)]
    frame = pd.DataFrame(X, columns=names)
    model = fresh(estimator).fit(frame)
    kept = list(getattr(model, "feature_names_in_", []))
    assert kept == names, f"feature_names_in_ are not the column names but {kept}."
    expected = fresh(estimator).fit(X).predict(X)
    assert_same_scores(model.predict(frame), expected, "DataFrame and array")
    try:
        model.predict(frame.rename(columns={names[0]: "another item"}))
    except ValueError:
        return
    raise AssertionError("predict accepts columns with other names than those of fit.")


LAWS = (
    check_row_alone_equals_row_in_batch,
    check_permuting_rows_permutes_answers,
    check_order_of_training_rows_does_not_matter,
    check_permuting_items_permutes_answers,
    check_matrix_formats_agree,
    check_timestamp_formats_agree,
    check_duplicate_entries_are_summed,
    check_feature_names,
)
