"""Laws of ``recommend`` and ``similar_items``."""

from __future__ import annotations

import re

import numpy as np
import scipy.sparse as sp

from ._agreement import assert_same_lists, assert_same_scores
from ._data import N_ITEMS, checkerboard, fresh, ratings

__all__ = ["LAWS"]


def check_seen_items_are_not_recommended(estimator):
    """No list holds an item of the history it was made for."""
    X = ratings()
    seen = X.toarray() != 0
    indices, _ = fresh(estimator).fit(X).recommend(X, k=N_ITEMS)
    for row, items in enumerate(np.asarray(indices)):
        wrong = items[(items >= 0) & seen[row, items]]
        assert not wrong.size, f"row {row} is recommended item {wrong[0]}, which it has seen."


def check_short_list_is_start_of_long_list(estimator):
    """The best 5 are the first 5 of the best 10."""
    X = ratings()
    model = fresh(estimator).fit(X)
    longer = model.recommend(X, k=10)
    start = longer[0][:, :5], longer[1][:, :5]
    assert_same_lists(model.recommend(X, k=5), start, model.predict(X), "top 5 and top 10")


def check_recommend_agrees_with_predict(estimator):
    """Lists hold the highest scores of ``predict``, best first, ties to the lower index."""
    X = ratings()
    model = fresh(estimator).fit(X)
    scores = np.array(model.predict(X))
    lists = model.recommend(X, k=5)
    masked = np.where(X.toarray() != 0, -np.inf, scores)
    best = np.argsort(-masked, axis=1, kind="stable")[:, :5]
    best_scores = np.take_along_axis(masked, best, axis=1)
    best = np.where(best_scores == -np.inf, -1, best)
    best_scores = np.where(best_scores == -np.inf, np.nan, best_scores)
    assert_same_lists(lists, (best, best_scores), scores, "recommend and predict")
    indices, values = (np.asarray(a) for a in lists)
    for row in range(len(indices)):
        falls = np.diff(values[row][indices[row] >= 0])
        assert (falls <= 0).all(), f"row {row} is not sorted by score, best first."
    tied = (values[:, 1:] == values[:, :-1]) & (indices[:, 1:] < indices[:, :-1])
    assert not tied.any(), "equal scores are not ordered by item index, lower first."


def check_exclude_seen_false_keeps_seen_items(estimator):
    """With ``exclude_seen=False`` all items compete."""
    X = ratings()
    model = fresh(estimator).fit(X)
    scores = np.array(model.predict(X))
    best = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    expected = best, np.take_along_axis(scores, best, axis=1)
    lists = model.recommend(X, k=5, exclude_seen=False)
    assert_same_lists(lists, expected, scores, "recommend with exclude_seen=False")


def check_items_restrict_the_candidates(estimator):
    """With ``items``, lists hold the best of these items, in whatever order they are given."""
    X = ratings()
    model = fresh(estimator).fit(X)
    scores = np.array(model.predict(X))
    items = np.array([11, 2, 7, 3, 13, 5])
    lists = model.recommend(X, k=4, items=items, exclude_seen=False)
    assert np.isin(lists[0], items).all(), "an item is recommended that was not among `items`."
    ordered = np.sort(items)
    best = ordered[np.argsort(-scores[:, ordered], axis=1, kind="stable")[:, :4]]
    expected = best, np.take_along_axis(scores, best, axis=1)
    assert_same_lists(lists, expected, scores, "recommend with items=")


def check_items_of_each_row(estimator):
    """``items`` and ``exclude`` may be matrices: what may be listed in each row, and what not."""
    X = ratings()
    model = fresh(estimator).fit(X)
    scores = np.array(model.predict(X))
    rng = np.random.default_rng(1)
    allowed, forbidden = rng.random(X.shape) < 0.6, rng.random(X.shape) < 0.3
    allowed[4] = False
    seen = X.toarray() != 0
    cases = {
        "items": ({"items": allowed}, allowed & ~seen),
        "sparse items": ({"items": sp.csr_array(allowed)}, allowed & ~seen),
        "exclude": ({"exclude": forbidden}, ~forbidden & ~seen),
        "items and exclude": (
            {"items": allowed, "exclude": sp.coo_array(forbidden), "exclude_seen": False},
            allowed & ~forbidden,
        ),
        "columns and exclude": (
            {"items": [9, 2, 14, 3], "exclude": forbidden},
            np.isin(np.arange(N_ITEMS), [9, 2, 14, 3]) & ~forbidden & ~seen,
        ),
    }
    for what, (options, may) in cases.items():
        masked = np.where(may, scores, -np.inf)
        best = np.argsort(-masked, axis=1, kind="stable")[:, :4]
        values = np.take_along_axis(masked, best, axis=1)
        expected = np.where(values > -np.inf, best, -1), np.where(values > -np.inf, values, np.nan)
        lists = model.recommend(X, k=4, **options)
        assert_same_lists(lists, expected, scores, f"recommend with {what} of each row")


def check_short_lists_are_padded(estimator):
    """A row with fewer than k items left gets index -1 and score NaN for the rest.

    Also where k is above the number of candidates: k may be any positive integer.
    """
    X = ratings()
    model = fresh(estimator).fit(X)
    for items, n in ((None, N_ITEMS), ([3, 0], 2)):
        longest = model.recommend(X, k=n, items=items, exclude_seen=False)
        indices, scores = model.recommend(X, k=n + 3, items=items, exclude_seen=False)
        assert np.shape(indices) == (len(indices), n + 3), f"lists are not {n + 3} long."
        assert np.array_equal(indices[:, :n], longest[0]), "longer lists begin with other items."
        assert (indices[:, n:] == -1).all(), "missing recommendations are not marked by index -1."
        assert np.isnan(scores[:, n:]).all(), "missing recommendations have scores."
    history = np.zeros((2, N_ITEMS))
    history[0, 2:] = 3.0  # two items left
    history[1] = 3.0  # none left
    indices, scores = model.recommend(history, k=3)
    indices, scores = np.asarray(indices), np.asarray(scores)
    assert indices.shape == scores.shape == (2, 3), f"lists of shape {indices.shape}, not (2, 3)."
    assert set(indices[0, :2]) == {0, 1}, f"items 0 and 1 were left, got {indices[0]}."
    padding = np.array([[False, False, True], [True, True, True]])
    assert (indices[padding] == -1).all(), "missing recommendations are not marked by index -1."
    assert np.isnan(scores[padding]).all(), "missing recommendations do not have the score NaN."
    assert np.isfinite(scores[~padding]).all(), "recommended items do not have finite scores."


def check_wrong_cutoff_raises(estimator):
    """A k below 1 raises a ValueError that names k."""
    X = ratings()
    model = fresh(estimator).fit(X)
    for k in (0, -2):
        try:
            model.recommend(X, k=k)
        except ValueError as error:
            words = re.findall(r"\w+", str(error))
            assert "k" in words, f"the error about k={k} does not name k: {error}"
        else:
            raise AssertionError(f"recommend accepts k={k}.")


def check_unknown_items_raise(estimator):
    """``items`` outside of the catalogue raise a ValueError."""
    X = ratings()
    model = fresh(estimator).fit(X)
    for items in ([0, N_ITEMS], [-1, 0]):
        try:
            model.recommend(X, k=1, items=items)
        except ValueError:
            continue
        raise AssertionError(f"recommend accepts items={items} of a catalogue of {N_ITEMS}.")


def check_item_is_not_similar_to_itself(estimator):
    """Similar items are others, most similar first, also when all others are asked for."""
    model = fresh(estimator).fit(ratings())
    asked = np.array([4, 0, 9])
    indices, scores = (np.asarray(a) for a in model.similar_items(asked, k=N_ITEMS - 1))
    assert indices.shape == scores.shape == (3, N_ITEMS - 1), f"lists of shape {indices.shape}."
    for item, others, values in zip(asked, indices, scores):
        assert item not in others, f"item {item} is similar to itself."
        assert (np.diff(values[others >= 0]) <= 0).all(), "similar items are not best first."
    alone = model.similar_items(int(asked[0]), k=N_ITEMS - 1)
    assert_same_scores(alone[1], scores[:1], "similar items of one item and of three")


def check_checkerboard_is_recovered(estimator):
    """Where users have one of two tastes, every user is recommended items of that taste only."""
    X = checkerboard()
    n_users, n_items = X.shape
    indices, _ = fresh(estimator).fit(X).recommend(X, k=3)
    blocks = np.asarray(indices) // (n_items // 2)
    own = np.arange(n_users)[:, None] // (n_users // 2)
    assert (blocks == own).all(), (
        f"{np.count_nonzero(blocks != own)} of {blocks.size} recommendations are of the taste "
        "that the user dislikes."
    )


LAWS = (
    check_seen_items_are_not_recommended,
    check_short_list_is_start_of_long_list,
    check_recommend_agrees_with_predict,
    check_exclude_seen_false_keeps_seen_items,
    check_items_restrict_the_candidates,
    check_items_of_each_row,
    check_short_lists_are_padded,
    check_wrong_cutoff_raises,
    check_unknown_items_raise,
    check_item_is_not_similar_to_itself,
    check_checkerboard_is_recovered,
)
