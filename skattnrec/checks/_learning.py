"""Laws of ``fit``: what is learned depends on X and the parameters, and on nothing else."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone

from ._agreement import assert_same_lists, assert_same_scores
from ._data import N_USERS, fresh, ratings, times_of

__all__ = ["LAWS"]


def check_refit_equals_fresh_fit(estimator):
    """Fitting again forgets what was learned before."""
    X = ratings()
    used = fresh(estimator).fit(ratings(1, n_users=20, n_items=12))
    used.fit(X)
    expected = fresh(estimator).fit(X).predict(X)
    assert_same_scores(used.predict(X), expected, "refit and fresh fit")


def check_clone_learns_the_same(estimator):
    """A clone of a fitted model learns the same from the same data."""
    X = ratings()
    model = fresh(estimator).fit(X)
    copy = clone(model)
    try:
        copy.predict(X)
    except Exception:  # whatever an unfitted model raises
        pass
    else:
        raise AssertionError("a clone of a fitted model can predict before it is fitted.")
    assert_same_scores(copy.fit(X).predict(X), model.predict(X), "clone and original")


def check_pickle_keeps_answers(estimator):
    """A model that was pickled and loaded answers as before."""
    X = ratings()
    model = fresh(estimator).fit(X)
    loaded = pickle.loads(pickle.dumps(model))
    scores = np.array(model.predict(X))
    assert_same_scores(loaded.predict(X), scores, "pickled and original")
    lists = loaded.recommend(X, k=5), model.recommend(X, k=5)
    assert_same_lists(*lists, scores, "lists of pickled and original")


def check_y_is_never_used(estimator):
    """``fit`` takes a y and ignores it, whatever it is."""
    X = ratings()
    expected = fresh(estimator).fit(X).predict(X)
    rng = np.random.default_rng(1)
    for y in (rng.normal(size=N_USERS), ratings(1), ratings(1).toarray()):
        actual = fresh(estimator).fit(X, y).predict(X)
        assert_same_scores(actual, expected, "fit with and without y")


def check_input_is_not_changed(estimator):
    """Matrices passed in keep their values, their order and their structure."""
    X = ratings()
    C = X.tocoo()
    shuffled = np.random.default_rng(1).permutation(C.nnz)
    unsorted = sp.csr_array(X)
    unsorted.data, unsorted.indices = unsorted.data.copy(), unsorted.indices.copy()
    for start, stop in zip(X.indptr[:-1], X.indptr[1:]):
        unsorted.data[start:stop] = X.data[start:stop][::-1]
        unsorted.indices[start:stop] = X.indices[start:stop][::-1]
    unsorted.has_sorted_indices = False
    coo = sp.coo_array((C.data[shuffled], (C.row[shuffled], C.col[shuffled])), shape=X.shape)
    for matrix in (X.toarray(), unsorted, coo, sp.csc_array(X)):
        for dtype in (np.float64, np.float32):
            given = matrix.astype(dtype)
            before = [part.copy() for part in _parts(given)]
            model = fresh(estimator).fit(given)
            model.predict(given)
            model.recommend(given, k=3)
            for part, old in zip(_parts(given), before):
                assert np.array_equal(part, old), (
                    f"a {type(matrix).__name__} of {given.dtype} passed as X was changed."
                )


def check_timestamps_are_not_changed(estimator):
    """Timestamps passed in keep their values."""
    X = ratings()
    times = times_of(X)
    before = times.copy()
    model = fresh(estimator).fit(X, timestamps=times)
    model.recommend(X, k=3, timestamps=times)
    for part, old in zip(_parts(times), _parts(before)):
        assert np.array_equal(part, old), "the matrix passed as timestamps was changed."


def check_read_only_input_is_accepted(estimator):
    """Memory-mapped data cannot be written to; nothing tries."""
    X = ratings()
    expected = fresh(estimator).fit(X).predict(X)
    for given in (X.copy(), X.toarray()):
        for part in _parts(given):
            part.flags.writeable = False
        model = fresh(estimator).fit(given)
        assert_same_scores(model.predict(given), expected, "read-only X")
        model.recommend(given, k=3)


def check_answers_do_not_change_the_model(estimator):
    """Asking leaves no trace: the same question gets the same answer."""
    X = ratings()
    model = fresh(estimator).fit(X)
    scores = np.array(model.predict(X))
    answer = model.predict(X)
    answer[...] = 0  # scores belong to the caller
    model.recommend(X[:3], k=3)
    model.similar_items([0, 1], k=3)
    assert_same_scores(model.predict(X), scores, "the same question asked again")


def check_threads_agree(estimator):
    """Several Python threads may ask one model at once."""
    X = ratings()
    model = fresh(estimator).fit(X)
    scores = np.array(model.predict(X))
    expected = model.recommend(X, k=5)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: model.recommend(X, k=5), range(8)))
    for answer in answers:
        assert_same_lists(answer, expected, scores, "answers of two threads")


def _parts(matrix):
    """List the arrays that a matrix is made of."""
    if not sp.issparse(matrix):
        return [matrix]
    names = ("row", "col", "data") if matrix.format == "coo" else ("indptr", "indices", "data")
    return [getattr(matrix, name) for name in names]


LAWS = (
    check_refit_equals_fresh_fit,
    check_clone_learns_the_same,
    check_pickle_keeps_answers,
    check_y_is_never_used,
    check_input_is_not_changed,
    check_timestamps_are_not_changed,
    check_read_only_input_is_accepted,
    check_answers_do_not_change_the_model,
    check_threads_agree,
)
