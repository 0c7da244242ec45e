"""Published and hand-worked predictions, and the formulas in full in dense numpy."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics.pairwise import cosine_similarity

from skattnrec.neighbors import ItemItemCF, UserUserCF

# D. Jannach et al., "Recommender systems: an introduction", 2010, table 2.1; row 0 is Alice
ALICE = np.array(
    [
        [5.0, 3.0, 4.0, 4.0, 0.0],
        [3.0, 1.0, 2.0, 3.0, 3.0],
        [4.0, 3.0, 4.0, 3.0, 5.0],
        [3.0, 3.0, 1.0, 5.0, 4.0],
        [1.0, 5.0, 5.0, 2.0, 1.0],
    ]
)


def textbook(Model, **parameters):
    settings = {"shrinkage": 0, "feedback": "explicit"} | parameters
    return Model(**settings)


def test_alice_and_the_users_like_her():
    """The book: similarities .85, .70, 0, -.79 and, from the first two, a rating of 4.87."""
    model = textbook(UserUserCF, n_neighbors=2, similarity="pearson", min_similarity=-1).fit(ALICE)
    users, similarities = model.similar_users(ALICE[:1], k=3)
    np.testing.assert_array_equal(users, [[1, 2, 4]])
    np.testing.assert_allclose(similarities, [[0.853, 0.707, -0.792]], atol=5e-4)
    by_hand = 4 + (0.8528 * (3 - 2.4) + 0.7071 * (5 - 3.8)) / (0.8528 + 0.7071)
    assert model.predict(ALICE[:1])[0, 4] == pytest.approx(by_hand, abs=1e-4)
    assert model.predict(ALICE[:1])[0, 4] == pytest.approx(4.87, abs=5e-3)


def test_alice_and_those_unlike_her():
    """With negative similarities in, they count against, and by their size in the denominator."""
    model = textbook(UserUserCF, similarity="pearson", min_similarity=-1).fit(ALICE)
    s = np.array([0.85280287, 0.70710678, -0.79211803])
    above = np.array([3 - 2.4, 5 - 3.8, 1 - 2.8])
    expected = 4 + s @ above / np.abs(s).sum()
    assert model.predict(ALICE[:1])[0, 4] == pytest.approx(expected, abs=1e-6)


def test_items_like_item_5():
    """The book: an adjusted cosine of .80 between items 5 and 1."""
    model = textbook(
        ItemItemCF, similarity="adjusted_cosine", center="zero", min_similarity=-1
    ).fit(ALICE)
    row = model.similarity_.toarray()[4]
    np.testing.assert_allclose(row, [0.8049, -0.9082, -0.7635, 0.4330, 0], atol=2e-4)
    s = row[:4]
    expected = s @ ALICE[0, :4] / np.abs(s).sum()
    assert model.predict(ALICE[:1])[0, 4] == pytest.approx(expected)
    liked = model.set_params(min_similarity=0).fit(ALICE).predict(ALICE[:1])[0, 4]
    assert liked == pytest.approx((s[0] * 5 + s[3] * 4) / (s[0] + s[3]))


def random_ratings(seed=0, shape=(15, 10)):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(shape) < 0.5, rng.integers(-6, 11, shape) / 2 + 0.25, 0)


def centers(R, kind, train=None):
    """The centre of every user and item, dense; known ratings are those that are not 0."""
    train = R if train is None else train
    known, known_train = R != 0, train != 0
    mu = train[known_train].mean()
    if kind == "zero":
        return np.zeros_like(R)
    if kind == "user":
        return np.broadcast_to((R.sum(1) / known.sum(1))[:, None], R.shape)
    if kind == "item":
        return np.broadcast_to(train.sum(0) / known_train.sum(0), R.shape)
    b_item = ((train - mu) * known_train).sum(0) / (known_train.sum(0) + 5)
    b_user = ((R - mu - b_item) * known).sum(1) / (known.sum(1) + 5)
    return mu + b_item + b_user[:, None]


def kept(similarity, k):
    """The k largest positive ones of each row."""
    similarity = np.where(similarity > 1e-12, similarity, 0)
    kth = np.sort(similarity, axis=1)[:, -k][:, None]
    return np.where(similarity >= kth, similarity, 0)


def average(similarity, residuals, known, center, prior):
    """Centre plus weighted mean: similarity (n, m), residuals and known (m, p)."""
    weights = np.abs(similarity) @ known
    fallback = np.broadcast_to(prior, center.shape) if not center.any() else center
    with np.errstate(invalid="ignore"):
        return np.where(weights > 0, center + similarity @ residuals / weights, fallback)


@pytest.mark.parametrize("center", ["zero", "user", "item", "baseline"])
@pytest.mark.parametrize("k", [2, 5])
def test_item_item_ratings(center, k):
    R, new = random_ratings(), random_ratings(1, (6, 10))
    model = textbook(ItemItemCF, n_neighbors=k, center=center).fit(R)
    train_residuals = (R - centers(R, center)) * (R != 0)
    similarity = cosine_similarity(train_residuals.T)
    np.fill_diagonal(similarity, 0)
    center_new = centers(new, center, R)
    residuals = (new - center_new) * (new != 0)
    expected = average(
        kept(similarity, k), residuals.T, (new != 0).T.astype(float), center_new.T,
        model.prior_[:, None],
    ).T  # fmt: skip
    np.testing.assert_allclose(model.predict(new), expected, atol=1e-12)


@pytest.mark.parametrize("center", ["zero", "user", "item", "baseline"])
@pytest.mark.parametrize("k", [2, 5])
def test_user_user_ratings(center, k):
    R, new = random_ratings(), random_ratings(1, (6, 10))
    model = textbook(UserUserCF, n_neighbors=k, center=center).fit(R)
    train_residuals = (R - centers(R, center)) * (R != 0)
    center_new = centers(new, center, R)
    residuals = (new - center_new) * (new != 0)
    similarity = kept(cosine_similarity(residuals, train_residuals), k)
    known = (R != 0).astype(float)
    expected = average(similarity, train_residuals, known, center_new, model.prior_)
    np.testing.assert_allclose(model.predict(new), expected, atol=1e-12)


def amounts(X, typical):
    return np.minimum(X / typical, 2)


@pytest.mark.parametrize("weighting", ["uniform", "tfidf"])
def test_implicit_scores_are_plain_sums(weighting):
    X, new = abs(random_ratings()), abs(random_ratings(1, (6, 10)))
    typical = np.median(X[X > 0])
    items = ItemItemCF(3, weighting=weighting).fit(X)
    votes = items.similarity_.toarray()
    assert (np.count_nonzero(votes, axis=1) <= 3).all()
    np.testing.assert_allclose(items.predict(new), amounts(new, typical) @ votes.T)
    users = UserUserCF(4, weighting=weighting).fit(X)
    indices, similarities = users.similar_users(new, k=4)
    expected = np.einsum("uk,uki->ui", similarities, amounts(X, typical)[indices])
    np.testing.assert_allclose(users.predict(new), expected)


def test_prior_of_ratings_is_the_damped_item_mean():
    R = random_ratings()
    known = R != 0
    mu = R[known].mean()
    expected = (R.sum(axis=0) + 5 * mu) / (known.sum(axis=0) + 5)
    for Model in (ItemItemCF, UserUserCF):
        model = Model(feedback="explicit").fit(R)
        np.testing.assert_allclose(model.prior_, expected)
        np.testing.assert_allclose(model.predict(np.zeros((1, 10))), expected[None])
    np.testing.assert_array_equal(ItemItemCF().fit(abs(R)).prior_, known.sum(axis=0))


@pytest.mark.parametrize("Model", [ItemItemCF, UserUserCF])
@pytest.mark.parametrize(
    ("center", "expected"), [("user", 4.0), ("item", 2.0), ("zero", (2 + 5 * 2.75) / 6)]
)
def test_without_neighbours_the_centre_is_the_prediction(Model, center, expected):
    """Item 2 has a single rating, by a user who has nothing in common with the history."""
    R = np.array([[5.0, 3.0, 0.0, 0.0], [3.0, 2.0, 0.0, 0.0], [0.0, 0.0, 2.0, 1.5]])
    R = sp.csr_array(np.where(R == 1.5, 1.5, R))
    assert R.data.mean() == 2.75
    model = textbook(Model, center=center).fit(R)
    assert model.predict([[3.0, 5.0, 0.0, 0.0]])[0, 2] == pytest.approx(expected)


@pytest.mark.parametrize("center", ["zero", "user", "item", "baseline"])
@pytest.mark.parametrize("Model", [ItemItemCF, UserUserCF])
def test_damping_draws_towards_what_is_known_without_neighbours(Model, center):
    """Like a neighbour of similarity ``damping`` who says what the prior, or the centre, does."""
    free = textbook(Model, center=center).fit(ALICE)
    damped = textbook(Model, center=center, damping=0.5).fit(ALICE)
    if Model is ItemItemCF:
        similarities = free.similarity_[[4]].toarray()[0, :4]
    else:
        similarities = free.similar_users(ALICE[:1], k=4)[1]
    weight = np.nansum(np.abs(similarities))
    alone = textbook(Model, center=center, damping=1e9).fit(ALICE).predict(ALICE[:1])[0, 4]
    expected = (weight * free.predict(ALICE[:1])[0, 4] + 0.5 * alone) / (weight + 0.5)
    assert damped.predict(ALICE[:1])[0, 4] == pytest.approx(expected)
    parts = damped.explain(ALICE[:1], [4])
    np.testing.assert_allclose(parts.baseline + parts.contributions.sum(axis=1), parts.scores)
