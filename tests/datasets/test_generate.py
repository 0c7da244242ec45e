import numpy as np
import pytest

from skattnrec.datasets import make_interactions


@pytest.fixture(scope="module")
def data():
    return make_interactions(random_state=0)


def gini(counts):
    """Gini coefficient: 0 if all are equal, 1 if one has all."""
    counts, n = np.sort(counts), len(counts)
    return (2 * np.arange(1, n + 1) - n - 1) @ counts / (n * counts.sum())


def match(data):
    """The true affinity of every user to every item."""
    return data.user_factors @ data.item_factors.T


def in_time_order(data):
    """Users and items of all interactions, user by user, oldest first."""
    users = np.repeat(np.arange(data.X.shape[0]), np.diff(data.X.indptr))
    order = np.lexsort((data.timestamps.data, users))
    return users, data.X.indices[order]


def likeness(data, lag):
    """Mean overlap of the true topics of interactions that are ``lag`` apart in one history."""
    users, items = in_time_order(data)
    same = users[lag:] == users[:-lag]
    topics = data.item_factors
    return np.einsum("ij,ij->i", topics[items[lag:][same]], topics[items[:-lag][same]]).mean()


def recall(scores, seen, held_out, k=20):
    """Share of the held-out items among the k best unseen ones."""
    best = np.argsort(-np.where(seen, -np.inf, scores), axis=1)[:, :k]
    return np.take_along_axis(held_out, best, axis=1).sum() / held_out.sum()


# -- form ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_users", "n_items", "n", "shortest"),
    [(100, 60, 1500, 5), (7, 11, 35, 5), (1, 2, 1, 1), (50, 16, 400, 8), (30, 40, 457, 1)],
)
def test_sizes_are_exact(n_users, n_items, n, shortest):
    data = make_interactions(
        n_users, n_items, n_interactions=n, min_interactions=shortest, random_state=1
    )
    assert data.X.shape == data.timestamps.shape == (n_users, n_items)
    assert data.X.nnz == n
    lengths = np.diff(data.X.indptr)
    assert shortest <= lengths.min() <= lengths.max() <= n_items // 2


def test_no_item_twice_and_times_where_the_ratings_are(data):
    X, timestamps = data.X, data.timestamps
    assert X.has_canonical_format  # sorted columns, no duplicates
    np.testing.assert_array_equal(X.indices, timestamps.indices)
    np.testing.assert_array_equal(X.indptr, timestamps.indptr)
    assert X.indices.dtype == X.indptr.dtype == np.int32
    assert not np.shares_memory(X.indices, timestamps.indices)
    for start, stop in zip(X.indptr[:-1], X.indptr[1:]):
        assert len(set(timestamps.data[start:stop])) == stop - start
    assert (timestamps.data == np.floor(timestamps.data)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype(dtype):
    data = make_interactions(20, 30, n_interactions=250, random_state=0, dtype=dtype)
    assert data.X.dtype == data.item_features.dtype == dtype
    assert data.timestamps.dtype == np.float64


def test_the_seed_determines_everything():
    one, same, other = (
        make_interactions(50, 60, n_interactions=700, random_state=seed) for seed in (3, 3, 4)
    )
    for key in ("X", "timestamps"):
        np.testing.assert_array_equal(one[key].toarray(), same[key].toarray())
    for key in ("item_features", "user_factors", "item_factors", "popularity"):
        np.testing.assert_array_equal(one[key], same[key])
    assert (one.X != other.X).nnz > 0


def test_factors_are_distributions(data):
    assert data.user_factors.shape == (1000, 10)
    assert data.item_factors.shape == data.item_features.shape == (1000, 10)
    for factors in (data.user_factors, data.item_factors, data.popularity[None]):
        assert factors.min() >= 0
        np.testing.assert_allclose(factors.sum(axis=1), 1)


# -- what the data are like ---------------------------------------------------------------------


def test_popularity_has_a_long_tail(data):
    counts = np.bincount(data.X.indices, minlength=1000)
    assert gini(counts) > 0.4
    top_tenth = np.sort(counts)[-100:].sum()
    assert top_tenth > 0.3 * counts.sum()
    assert np.corrcoef(np.log(data.popularity), np.log1p(counts))[0, 1] > 0.8
    flat = make_interactions(popularity_decay=0, random_state=0)
    assert gini(np.bincount(flat.X.indices, minlength=1000)) < 0.15


def test_activity_varies(data):
    lengths = np.diff(data.X.indptr)
    assert np.percentile(lengths, 90) > 2 * np.median(lengths)


def test_taste_can_be_recovered(data):
    B = (data.X.toarray() > 0).astype(float)
    hidden = (np.random.default_rng(0).random(B.shape) < 0.2) & (B > 0)
    seen = (B > 0) & ~hidden
    train, test = slice(0, 800), slice(800, None)
    G = B[train].T @ B[train] + 100 * np.eye(1000)
    P = np.linalg.inv(G)
    W = -P / np.diag(P)
    np.fill_diagonal(W, 0)
    by_popularity = recall(np.tile(B[train].sum(0), (200, 1)), seen[test], hidden[test])
    by_ease = recall(seen[test] @ W, seen[test], hidden[test])
    assert by_ease > 1.3 * by_popularity


def test_features_tell_topics(data):
    main = data.item_factors.argmax(axis=1)
    assert (data.item_features[np.arange(1000), main] == 1).mean() > 0.9
    assert set(np.unique(data.item_features)) == {0, 1}
    unrelated = data.item_features[data.item_factors < 0.01]
    assert 0 < unrelated.mean() < 0.1


def test_ratings_are_stars_that_tell_taste(data):
    shares = np.bincount(data.X.data.astype(int), minlength=6)[1:] / data.X.nnz
    np.testing.assert_allclose(shares, [0.06, 0.11, 0.27, 0.34, 0.22], atol=1e-3)
    coo = data.X.tocoo()
    affinity = match(data)[coo.row, coo.col]
    by_star = [affinity[coo.data == star].mean() for star in (1, 2, 3, 4, 5)]
    assert (np.diff(by_star) > 0).all()
    assert by_star[4] > 3 * by_star[0]


def test_without_ratings_all_entries_are_one():
    data = make_interactions(20, 30, n_interactions=250, ratings=False, random_state=0)
    assert (data.X.data == 1).all()


def test_recent_items_are_alike_if_there_is_drift(data):
    still = make_interactions(drift=0, random_state=0)
    assert likeness(data, 1) > 1.15 * likeness(data, 20)
    assert likeness(still, 1) == pytest.approx(likeness(still, 20), rel=0.06)


# -- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"n_interactions": 99}, r"\[100, 500\].*got 99"),
        ({"n_interactions": 501}, r"\[100, 500\].*got 501"),
        ({"drift": 1.5}, "drift"),
        ({"n_components": 0}, "n_components"),
        ({"dtype": int}, "dtype"),
    ],
)
def test_bad_parameters(sizes, message):
    with pytest.raises(ValueError, match=message):
        make_interactions(10, 100, **sizes)
