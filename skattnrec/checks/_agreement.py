"""What it means that two answers agree.

Answers are compared up to rounding. Lists are compared by the scores of what they hold, as
rounding may swap items whose scores are equal but for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "assert_identical",
    "assert_lists_as_good",
    "assert_same_lists",
    "assert_same_scores",
    "overlap",
    "tolerance",
]

_RELATIVE = 1e-4  # of the largest score: some models compute in float32 whatever they are given


def tolerance(scores: np.ndarray) -> float:
    """Differences up to this are rounding."""
    finite = np.abs(scores[np.isfinite(scores)])
    return _RELATIVE * float(finite.max(initial=0.0)) + 1e-12


def assert_same_scores(actual: Any, expected: Any, law: str) -> None:
    """Assert that two arrays of scores agree; NaN agrees with NaN."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, (
        f"{law}: got scores of shape {actual.shape}, expected {expected.shape}."
    )
    close = np.isclose(actual, expected, rtol=0, atol=tolerance(expected), equal_nan=True)
    if not close.all():
        where = tuple(int(i) for i in np.argwhere(~close)[0])
        raise AssertionError(
            f"{law}: {np.count_nonzero(~close)} of {close.size} scores differ, first at {where}: "
            f"got {actual[where]:.6g}, expected {expected[where]:.6g}."
        )


def assert_same_lists(
    actual: tuple[np.ndarray, np.ndarray],
    expected: tuple[np.ndarray, np.ndarray],
    scores: np.ndarray,
    law: str,
) -> None:
    """Assert that two (indices, scores) answers of ``recommend`` agree.

    ``scores`` of shape (n_rows, n_items) are those of ``predict``: where indices differ, they have
    to be as good.
    """
    assert_same_scores(actual[1], expected[1], law)
    assert_lists_as_good(actual[0], expected[0], scores, law)


def assert_lists_as_good(actual: Any, expected: Any, scores: np.ndarray, law: str) -> None:
    """Assert that lists hold the same items in the same order, but for items of equal score."""
    got, wanted = np.asarray(actual), np.asarray(expected)
    assert got.shape == wanted.shape, f"{law}: {got.shape} indices, expected {wanted.shape}."
    rows = np.arange(len(got))[:, None]
    as_good = np.abs(scores[rows, got] - scores[rows, wanted]) <= 2 * tolerance(scores)
    same = (got == wanted) | (as_good & (got >= 0) & (wanted >= 0))
    if not same.all():
        row, rank = (int(i) for i in np.argwhere(~same)[0])
        raise AssertionError(
            f"{law}: row {row} has item {got[row, rank]} at rank {rank}, "
            f"expected item {wanted[row, rank]}."
        )
    for items in got:
        items = items[items >= 0]
        assert len(np.unique(items)) == len(items), f"{law}: a list repeats an item."


def assert_identical(actual: Any, expected: Any, law: str) -> None:
    """Assert that answers are the same, bit for bit: arrays, or tuples of arrays."""
    if isinstance(expected, tuple):
        for ours, theirs in zip(actual, expected, strict=True):
            assert_identical(ours, theirs, law)
        return
    same = np.array_equal(actual, expected, equal_nan=True)
    assert same, f"{law}: the answers differ."


def overlap(actual: Any, expected: Any) -> float:
    """Share of the items of lists that are in other lists of the same rows."""
    shared = [
        len(np.intersect1d(ours[ours >= 0], theirs[theirs >= 0])) / max(1, (theirs >= 0).sum())
        for ours, theirs in zip(np.asarray(actual), np.asarray(expected), strict=True)
    ]
    return float(np.mean(shared))
