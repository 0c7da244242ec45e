"""Every similarity against its definition, and against other libraries where they have it."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfTransformer

from skattnrec.neighbors import ItemItemCF, UserUserCF
from skattnrec.neighbors._search import SIMILARITIES

EXPLICIT_CENTERS = "zero", "user", "item", "baseline"


def ratings(seed=0, shape=(12, 9), known=0.5):
    """Half-star ratings, some negative, as a dense matrix with NaN where unknown."""
    rng = np.random.default_rng(seed)
    R = rng.integers(-4, 11, shape) / 2
    R[rng.random(shape) > known] = np.nan
    return R


def to_sparse(R):
    """Known zeros are stored."""
    rows, columns = np.nonzero(~np.isnan(R))
    return sp.csr_array((R[rows, columns], (rows, columns)), shape=R.shape)


def centered(R, kind):
    if kind == "user":
        return R - np.nanmean(R, axis=1, keepdims=True)
    if kind == "item":
        return R - np.nanmean(R, axis=0)
    if kind == "baseline":
        n = (~np.isnan(R)).sum(axis=0)
        mu = np.nanmean(R)
        R = R - mu - np.nansum(R - mu, axis=0) / (n + 5)
        n = (~np.isnan(R)).sum(axis=1)
        return R - (np.nansum(R, axis=1) / (n + 5))[:, None]
    return R


def pairwise(R, similarity, exponent=0.5):
    """Similarity of columns i and j by the textbook, for R with NaN where unknown."""
    n = R.shape[1]
    values = np.zeros((n, n))
    by_user = R - np.nanmean(R, axis=1, keepdims=True)
    for i in range(n):
        for j in range(n):
            known_i, known_j = ~np.isnan(R[:, i]), ~np.isnan(R[:, j])
            both = known_i & known_j
            if similarity == "cosine":
                x, y = np.nan_to_num(R[:, i]), np.nan_to_num(R[:, j])
            elif similarity == "adjusted_cosine":
                x, y = by_user[both, i], by_user[both, j]
            elif similarity == "pearson":
                x, y = R[both, i], R[both, j]
                if both.any():
                    x, y = x - x.mean(), y - y.mean()
            if similarity == "jaccard":
                value = both.sum() / (known_i | known_j).sum()
            elif similarity == "conditional_probability":
                value = both.sum() / (known_j.sum() * known_i.sum() ** exponent)
            else:
                lengths = np.linalg.norm(x) * np.linalg.norm(y)
                value = x @ y / lengths if lengths > 1e-9 else 0
            values[i, j] = value
    np.fill_diagonal(values, 0)
    return values


def n_common(R):
    known = (~np.isnan(R)).astype(float)
    return known.T @ known


@pytest.mark.parametrize("shrinkage", [0, 3.5])
@pytest.mark.parametrize("similarity", sorted(SIMILARITIES))
def test_items_of_explicit_feedback(similarity, shrinkage):
    R = ratings()
    model = ItemItemCF(
        n_neighbors=100, similarity=similarity, shrinkage=shrinkage, min_similarity=-2,
        center="zero", feedback="explicit",
    ).fit(to_sparse(R))  # fmt: skip
    expected = pairwise(R, similarity) * n_common(R) / (n_common(R) + shrinkage).clip(1e-9)
    np.testing.assert_allclose(model.similarity_.toarray(), expected, atol=1e-12)


@pytest.mark.parametrize("shrinkage", [0, 3.5])
@pytest.mark.parametrize("similarity", sorted(SIMILARITIES - {"adjusted_cosine"}))
def test_users_of_explicit_feedback(similarity, shrinkage):
    R = ratings()
    model = UserUserCF(
        similarity=similarity, shrinkage=shrinkage, min_similarity=-2, center="zero",
        feedback="explicit",
    ).fit(to_sparse(R))  # fmt: skip
    expected = pairwise(R.T, similarity) * n_common(R.T) / (n_common(R.T) + shrinkage).clip(1e-9)
    if similarity == "conditional_probability":
        expected = expected.T  # here of the neighbour, given the one who asks
    found = np.zeros((len(R), len(R)))
    users, values = model.similar_users(to_sparse(R), k=len(R))
    for row in range(len(R)):
        there = users[row] >= 0
        found[row, users[row][there]] = values[row][there]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_adjusted_cosine_of_users_subtracts_their_own_means():
    R = ratings()
    model = UserUserCF(similarity="adjusted_cosine", feedback="explicit").fit(to_sparse(R))
    users, values = model.similar_users(to_sparse(R)[:1], k=1)
    x, y = centered(R, "user")[[0, users[0, 0]]]
    both = ~np.isnan(x + y)
    expected = x[both] @ y[both] / np.linalg.norm(x[both]) / np.linalg.norm(y[both])
    np.testing.assert_allclose(values[0, 0], expected)


@pytest.mark.parametrize("center", EXPLICIT_CENTERS)
def test_cosine_compares_what_is_left_of_ratings_without_their_centre(center):
    R = ratings()
    model = ItemItemCF(100, shrinkage=0, min_similarity=-2, center=center, feedback="explicit").fit(
        to_sparse(R)
    )
    expected = pairwise(centered(R, center), "cosine")
    np.testing.assert_allclose(model.similarity_.toarray(), expected, atol=1e-12)


@pytest.mark.parametrize("similarity", ["cosine", "pearson", "jaccard"])
def test_unlike_pairs_are_no_neighbours_by_default(similarity):
    R = ratings()
    X = to_sparse(R)
    model = ItemItemCF(100, similarity=similarity, center="item", feedback="explicit").fit(X)
    assert (model.similarity_.data > 0).all()
    bold = model.set_params(min_similarity=0.2).fit(X).similarity_
    assert bold.nnz
    assert (bold.data > 0.2).all()


def implicit_counts(seed=0, shape=(40, 25)):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(shape) < 0.3, rng.integers(1, 6, shape), 0).astype(float)


def amounts(X):
    """Implicit ratings of any unit, 1 where they are typical."""
    return np.minimum(X / np.median(X[X > 0]), 2)


def cosine(A):
    lengths = np.linalg.norm(A, axis=1)
    similarity = A @ A.T / np.outer(lengths, lengths)
    np.fill_diagonal(similarity, 0)
    return similarity


def test_tfidf_is_that_of_scikit_learn():
    X = implicit_counts()
    model = ItemItemCF(100, weighting="tfidf", shrinkage=0).fit(X)
    weighted = TfidfTransformer(norm=None).fit_transform(amounts(X).T).toarray()
    np.testing.assert_allclose(model.similarity_.toarray(), cosine(weighted), atol=1e-12)


def test_bm25_by_its_formula():
    X = implicit_counts()
    model = ItemItemCF(100, weighting="bm25", shrinkage=0).fit(X)
    k1, b = 1.2, 0.75
    n, known = X.shape[1], (X > 0).sum(axis=1)
    idf = np.log(1 + (n - known + 0.5) / (known + 0.5))
    X = amounts(X)
    length = X.sum(axis=0) / X.sum(axis=0).mean()
    weighted = X * (k1 + 1) / (X + k1 * (1 - b + b * length)) * idf[:, None]
    np.testing.assert_allclose(model.similarity_.toarray(), cosine(weighted.T), atol=1e-12)


@pytest.mark.parametrize("weighting", ["tfidf", "bm25"])
def test_new_users_are_weighted_by_what_was_learned(weighting):
    X = implicit_counts()
    new = implicit_counts(1)[:3]
    model = UserUserCF(weighting=weighting).fit(X)
    alone = np.concatenate([model.similar_users(row, k=5)[1] for row in new[:, None]])
    np.testing.assert_array_equal(alone, model.similar_users(new, k=5)[1])
    everybody = UserUserCF(weighting=weighting).fit(np.r_[X, new])
    assert not np.allclose(alone, everybody.similar_users(new, k=5)[1])


def test_jaccard_of_counts_is_that_of_sets():
    X = implicit_counts()
    model = ItemItemCF(100, similarity="jaccard", weighting="uniform", shrinkage=0).fit(X)
    sets = [set(np.flatnonzero(column)) for column in X.T]
    expected = [[len(a & b) / len(a | b) if a is not b else 0 for b in sets] for a in sets]
    np.testing.assert_allclose(model.similarity_.toarray(), expected)


@pytest.mark.parametrize("exponent", [0, 0.3, 1])
def test_conditional_probability_of_deshpande_and_karypis(exponent):
    X = implicit_counts()
    model = ItemItemCF(
        6, similarity="conditional_probability", weighting="uniform", shrinkage=0,
        popularity_exponent=exponent,
    ).fit(X)  # fmt: skip
    known = X > 0
    votes = known.T.astype(float) @ known  # of the row for the column
    votes /= known.sum(axis=0)[:, None] * known.sum(axis=0) ** exponent
    np.fill_diagonal(votes, 0)
    kept = model.similarity_.toarray().T
    assert (np.count_nonzero(kept, axis=1) == 6).all()
    np.testing.assert_allclose(kept[kept > 0], votes[kept > 0])
    assert (np.where(kept > 0, 0, votes).max(axis=1) <= np.sort(votes)[:, -6] + 1e-12).all()
    best, values = model.similar_items([3], k=6)
    np.testing.assert_allclose(values[0], np.sort(votes[3])[:-7:-1])
    np.testing.assert_allclose(votes[3, best[0]], values[0])


@pytest.mark.filterwarnings("ignore:Method expects CSR input")
@pytest.mark.parametrize("n_neighbors", [5, 20, 300])
def test_cosine_agrees_with_implicit(n_neighbors):
    nearest_neighbours = pytest.importorskip("implicit.nearest_neighbours")
    rng = np.random.default_rng(0)
    X = sp.random_array((300, 200), density=0.05, format="csr", rng=rng)
    peer = nearest_neighbours.CosineRecommender(K=n_neighbors + 1)  # which counts the item itself
    peer.fit(sp.csr_matrix(X), show_progress=False)
    expected = peer.similarity.toarray()
    np.fill_diagonal(expected, 0)
    settings = {"feedback": "explicit", "center": "zero", "shrinkage": 0}
    ours = ItemItemCF(n_neighbors, **settings).fit(X).similarity_
    np.testing.assert_allclose(ours.toarray(), expected, atol=1e-12)
