"""The search for the most similar against dense numpy."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from skattnrec._kernels import _parallel
from skattnrec._kernels import similarity as kernel
from skattnrec._kernels.similarity import _bin, _kth_largest, most_similar

FORMS = kernel.PRODUCT, kernel.TANIMOTO, kernel.OVERLAP_COSINE, kernel.CORRELATION


def parts(M):
    return M.indptr, M.indices, M.data


def search(A, B, form, k, *, norms=None, shrinkage=0.0, threshold=0.0, twins=None):
    """Dense (n_rows, n_columns) similarities of the k found for each row; NaN where not found."""
    row_norms, column_norms = norms if norms else (np.ones(A.shape[0]), np.ones(B.shape[1]))
    excluded, ranges = twins if twins else (np.arange(0), np.zeros((A.shape[0], 2), int))
    indptr, indices, data = most_similar(
        parts(A), parts(B), row_norms.astype(B.dtype), column_norms.astype(B.dtype), form, k,
        excluded, ranges, shrinkage, threshold,
    )  # fmt: skip
    assert data.dtype == B.dtype
    found = sp.csr_array((data, indices, indptr), shape=(A.shape[0], B.shape[1]))
    assert found.has_canonical_format
    dense = np.full(found.shape, np.nan)
    dense[found.nonzero()] = found.data
    return dense


def dense_similarity(A, B, form, norms, shrinkage):
    """The formulas, pair by pair."""
    A_known, B_known = (sp.csr_array((np.ones(M.nnz), *parts(M)[1::-1]), M.shape) for M in (A, B))
    A_known, B_known, A, B = (M.toarray() for M in (A_known, B_known, A, B))
    similarity = np.zeros((len(A), B.shape[1]))
    for i in range(len(A)):
        for j in range(B.shape[1]):
            common = (A_known[i] * B_known[:, j]) > 0
            x, y = A[i, common], B[common, j]
            n, dot = len(x), x @ y
            if form == kernel.PRODUCT:
                value = dot * norms[0][i] * norms[1][j]
            elif form == kernel.TANIMOTO:
                union = norms[0][i] + norms[1][j] - dot
                value = dot / union if union > 0 else 0
            else:
                if form == kernel.CORRELATION and n:
                    x, y = x - x.mean(), y - y.mean()
                lengths = np.sqrt((x @ x) * (y @ y))
                value = x @ y / lengths if lengths > 1e-9 else 0
            similarity[i, j] = value * n / (n + shrinkage) if n else 0
    return similarity


def keep(similarity, k, threshold):
    """The k largest above the threshold, ties to the lower column."""
    kept = np.full(similarity.shape, np.nan)
    for row, values in enumerate(similarity):
        order = [j for j in np.argsort(-values, kind="stable") if values[j] > threshold]
        best = [j for j in order if values[j] != 0][:k]
        kept[row, best] = values[best]
    return kept


@st.composite
def problems(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_rows, n_terms = draw(st.integers(1, 6)), draw(st.integers(1, 12))
    n_columns = draw(st.sampled_from([1, 3, 63, 64, 65, 130]))
    density = draw(st.sampled_from([0.0, 0.05, 0.3, 1.0]))

    def matrix(shape):
        known = rng.random(shape) < density
        values = rng.choice([-2.0, -0.5, 0.5, 1.0, 3.5], size=shape)
        return sp.csr_array(np.where(known, values, 0))

    A, B = matrix((n_rows, n_terms)), matrix((n_terms, n_columns))
    # powers of 2, so that products are exact and equal similarities are equal in every order
    norms = 2.0 ** rng.integers(-2, 3, n_rows), 2.0 ** rng.integers(-2, 3, n_columns)
    return A, B, norms


@given(
    problem=problems(),
    form=st.sampled_from([kernel.PRODUCT, kernel.TANIMOTO]),
    k=st.integers(1, 140),
    shrinkage=st.sampled_from([0.0, 1.5]),
    threshold=st.sampled_from([-10.0, 0.0, 0.25]),
)
@settings(deadline=None)
def test_equals_dense_numpy(problem, form, k, shrinkage, threshold):
    A, B, norms = problem
    expected = keep(dense_similarity(A, B, form, norms, shrinkage), k, threshold)
    found = search(A, B, form, k, norms=norms, shrinkage=shrinkage, threshold=threshold)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@given(
    problem=problems(),
    form=st.sampled_from([kernel.OVERLAP_COSINE, kernel.CORRELATION]),
    shrinkage=st.sampled_from([0.0, 1.5]),
    threshold=st.sampled_from([-10.0, 0.25]),
)
@settings(deadline=None)
def test_similarity_over_common_terms_equals_dense_numpy(problem, form, shrinkage, threshold):
    A, B, norms = problem
    expected = dense_similarity(A, B, form, norms, shrinkage)
    found = search(A, B, form, 140, norms=norms, shrinkage=shrinkage, threshold=threshold)
    # a covariance of 0 is left with a rounding error, or not: either is right
    np.testing.assert_allclose(
        np.nan_to_num(found), np.where(expected > threshold, expected, 0), rtol=1e-9, atol=1e-12
    )


@given(problem=problems(), k=st.integers(1, 5), form=st.sampled_from(FORMS))
@settings(deadline=None, max_examples=30)
def test_twins_are_left_out_and_leave_their_place_to_others(problem, k, form):
    A, B, norms = problem
    twins = np.array([0, B.shape[1] - 1]), np.tile([0, 2], (A.shape[0], 1))
    found = search(A, B, form, k, norms=norms, twins=twins)
    everything = search(A, B, form, B.shape[1], norms=norms)
    everything[:, twins[0]] = np.nan
    np.testing.assert_array_equal(found, keep(np.nan_to_num(everything), k, 0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n_terms", "density"), [(30, 0.1), (300, 0.3)])
def test_many_columns(dtype, n_terms, density):
    """Enough columns for histograms, for lists of the touched ones, and for scans of all."""
    k = 40
    rng = np.random.default_rng(0)
    X = sp.random_array((n_terms, 2000), density=density, format="csr", rng=rng).astype(dtype)
    found = search(X.T.tocsr(), X, kernel.PRODUCT, k)
    similarity = (X.T @ X).toarray()
    kept = ~np.isnan(found)
    np.testing.assert_array_equal(kept.sum(axis=1), np.minimum((similarity > 0).sum(axis=1), k))
    np.testing.assert_allclose(found[kept], similarity[kept], rtol=1e-5)
    worst_kept = np.where(kept, similarity, np.inf).min(axis=1)
    best_left = np.where(kept, 0, similarity).max(axis=1)
    assert (best_left <= worst_kept * (1 + 1e-5)).all()


def test_number_of_threads_does_not_matter(monkeypatch):
    X = sp.random_array((50, 300), density=0.2, format="csr", rng=np.random.default_rng(0))
    answers = []
    for n_threads in (1, 3):
        monkeypatch.setattr(_parallel, "usable_threads", lambda n=n_threads: n)
        answers.append(search(X.T.tocsr(), X, kernel.CORRELATION, 7))
    np.testing.assert_array_equal(answers[0], answers[-1])


def test_ties_go_to_lower_columns():
    X = sp.csr_array(np.ones((2, 200)))
    found = search(sp.csr_array([[1.0, 1.0]]), X, kernel.PRODUCT, 3)
    np.testing.assert_array_equal(np.flatnonzero(found[0] == 2), [0, 1, 2])


def test_shrinkage_counts_terms_whatever_their_values():
    A, B = sp.csr_array([[1.0, 1, 1]]), sp.csr_array([[1.0, 4], [1, 0], [1, 4]])
    found = search(A, B, kernel.PRODUCT, 2, shrinkage=2.0)
    np.testing.assert_allclose(found, [[3 * 3 / 5, 8 * 2 / 4]])
    B.data[:] = 1  # ones: the products are the counts
    found = search(A, B, kernel.PRODUCT, 2, shrinkage=2.0)
    np.testing.assert_allclose(found, [[3 * 3 / 5, 2 * 2 / 4]])


def test_sums_that_pass_through_zero_are_found_once():
    A = sp.csr_array([[1.0, 1, 1]])
    B = sp.csr_array([[1.0, 0, 0, 0], [-1.0, 0, 0, 0], [2.0, 0, 0, 1]])
    np.testing.assert_array_equal(search(A, B, kernel.PRODUCT, 4), [[2, np.nan, np.nan, 1]])


def test_infinite_similarities_do_not_count():
    A, B = sp.csr_array([[1e200]]), sp.csr_array([[1e200, 1.0]])
    np.testing.assert_array_equal(search(A, B, kernel.PRODUCT, 2), [[np.nan, 1e200]])


def test_constant_ratings_have_no_correlation():
    A, B = sp.csr_array([[0.1, 0.1, 0.1]]), sp.csr_array([[0.1], [0.7], [0.3]])
    assert np.isnan(search(A, B, kernel.CORRELATION, 1, threshold=-2)).all()


@pytest.mark.parametrize(
    "values",
    [
        [3.0],
        [2.0] * 50,
        [1.0, 2.0] * 40,
        np.arange(500.0),
        [5e-324 * i for i in range(1, 20)],  # too close for a scale
        [1.0, 1.0 + 2**-52, 1.0 - 2**-53] * 5,
        [-1e308, 1e308, 0.0, 5.0, -7.0],  # too far apart for one
        -(np.random.default_rng(0).exponential(size=1000) ** 9),
    ],
    ids=range(8),
)
def test_kth_largest(values):
    values = np.array(values)
    ranked = np.sort(values)[::-1]
    for k in {1, 2, len(values) // 2, len(values)} & set(range(1, len(values) + 1)):
        before = values.copy()
        bins, buffer = np.empty(256, np.int32), np.empty(len(values) + 1)
        assert _kth_largest(values, k, bins, buffer) == ranked[k - 1]
        np.testing.assert_array_equal(values, before)


ANY = st.one_of(
    st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, 2.0, -1.0, 1e-45, 3e38, -3e38]),
    st.floats(width=32),
)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(ANY, min_size=1, max_size=60), st.integers(1, 8), st.sampled_from([np.float32, float])
)
def test_any_values_are_selected_as_numpy_does(values, k, dtype):
    """Of what is a number, the largest, and of equal ones the first; nothing else is listed."""
    values = np.array(values, dtype)
    one = sp.csr_array(np.ones((1, 1), dtype))
    row = sp.csr_array((values, np.arange(len(values)), [0, len(values)]), shape=(1, len(values)))
    found = search(one, row, kernel.PRODUCT, k, threshold=-np.inf)[0]
    usable = np.flatnonzero(np.isfinite(values) & (values != 0))
    chosen = usable[np.argsort(-values[usable], kind="stable")[:k]]
    expected = np.full(len(values), np.nan)
    expected[chosen] = values[chosen]
    np.testing.assert_array_equal(found, expected)


@settings(deadline=None)
@given(st.lists(ANY, min_size=1, max_size=40), st.data())
def test_kth_largest_of_anything_ends(values, data):
    """What is not a number has no rank, but must not lead out of the array either."""
    values = np.array(values)
    k = data.draw(st.integers(1, len(values)))
    bins, buffer = np.empty(256, np.int32), np.empty(len(values) + 1)
    found = _kth_largest(values, k, bins, buffer)
    if not np.isnan(values).any():
        assert found == np.sort(values)[::-1][k - 1]


@pytest.mark.parametrize(
    "place", [np.nan, np.inf, -np.inf, 1e300, -1e300, -0.5, 0.0, 254.99, 256.0]
)
def test_bins_are_those_there_are(place):
    expected = 0 if np.isnan(place) else int(np.clip(place, 0, 255))
    assert _bin(place, 255.0) == expected
