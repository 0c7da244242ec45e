"""The small matrices that the laws are checked on."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone

from .._structure import check_structure

__all__ = [
    "WithTimes",
    "checkerboard",
    "counts",
    "default_times",
    "fresh",
    "long_histories",
    "needs_times",
    "ratings",
    "stars",
    "times_for",
    "times_of",
]

N_USERS = 30
N_ITEMS = 16


def ratings(seed: int = 0, n_users: int = N_USERS, n_items: int = N_ITEMS) -> sp.csr_array:
    """Random ratings between 1 and 5, some 40 % known, no two alike and no row or column empty.

    Ratings without ties make similarities without ties, so that no answer hangs on the order of
    equals.
    """
    rng = np.random.default_rng(seed)
    known = rng.random((n_users, n_items)) < 0.4
    known[np.arange(n_users), np.arange(n_users) % n_items] = True
    known[np.arange(n_items) % n_users, np.arange(n_items)] = True
    known[:, :2] &= ~known.all(axis=1, keepdims=True)
    return sp.csr_array(np.where(known, rng.uniform(1, 5, known.shape), 0.0))


def times_of(X: sp.csr_array, seed: int = 0) -> sp.csr_array:
    """Distinct times for the entries of X, with X's pattern."""
    times = np.random.default_rng(seed).permutation(X.nnz) + 1.0
    return sp.csr_array((times, X.indices.copy(), X.indptr.copy()), shape=X.shape)


def checkerboard(n_users: int = 40, n_items: int = 24, n_liked: int = 8) -> sp.csr_array:
    """Two tastes: each user knows and likes two thirds of one block of items.

    The first half of the users likes items of the first half, the others those of the second.
    Each user also knows two items of the other block, and dislikes them: models of ratings learn
    of the other taste by them, while models of implicit feedback can afford the noise.
    """
    rng = np.random.default_rng(0)
    half = n_items // 2
    X = np.zeros((n_users, n_items))
    for user in range(n_users):
        block = user // (n_users // 2)
        liked = block * half + rng.choice(half, n_liked, replace=False)
        disliked = (1 - block) * half + (user + np.array([0, 5])) % half
        X[user, liked] = rng.uniform(4, 5, n_liked)
        X[user, disliked] = 1.0
    return sp.csr_array(X)


def stars(n_users: int = 120, n_items: int = 150, *, sharpness: float = 4.0) -> sp.csr_array:
    """Whole stars from 1 to 5 of users with a taste each, for popular items more often.

    Some 18 entries in a row; the catalogue is large enough for lists to be about something.
    """
    rng = np.random.default_rng(0)
    places = rng.uniform(0, 1, n_users)[:, None], rng.uniform(0, 1, n_items)
    liking = np.exp(-sharpness * np.abs(places[0] - places[1]))
    popularity = 1.0 / (5 + rng.permutation(n_items))
    chance = liking * popularity
    known = rng.random(chance.shape) < 18 * chance / chance.sum(axis=1, keepdims=True)
    known[np.arange(n_users), rng.integers(0, n_items, n_users)] = True
    grades = np.clip(np.round(5 * liking + rng.normal(0, 0.7, chance.shape)), 1, 5)
    return sp.csr_array(np.where(known, grades, 0.0))


def counts(largest: float = 1e6) -> sp.csr_array:
    """Counts as those of plays: most of them small, the largest as large as asked for."""
    X = stars()
    rng = np.random.default_rng(1)
    X.data = np.ceil(np.exp(rng.exponential(1.0, X.nnz) * (X.data - 0.5)))
    X.data = np.minimum(X.data, largest)
    X.data[np.argmax(X.data)] = largest
    return X


def long_histories(n_users: int = 24, n_items: int = 260) -> sp.csr_array:
    """Users who know almost everything: more than 200 entries in each row."""
    rng = np.random.default_rng(0)
    known = rng.random((n_users, n_items)) < 0.85
    return sp.csr_array(np.where(known, rng.uniform(1, 5, known.shape), 0.0))


def default_times(X: Any) -> sp.csr_array:
    """Times that follow from the histories alone: an entry is later than those of lower ratings.

    So neither the order of rows or items, nor the unit of ratings matters to them.
    """
    X = check_structure(X, "X") if sp.issparse(X) else np.asarray(X, dtype=float)
    X = sp.csr_array(X)
    X = sp.csr_array((X.data.copy(), X.indices.copy(), X.indptr.copy()), shape=X.shape)
    X.sum_duplicates()
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    order = np.lexsort((X.data, rows))
    ratings, starts = X.data[order], X.indptr[:-1][rows]
    first = np.ones(X.nnz, bool)  # of those with the same rating in a row
    first[1:] = (ratings[1:] != ratings[:-1]) | (np.diff(rows) > 0)
    times = np.empty(X.nnz)
    times[order] = np.maximum.accumulate(np.where(first, np.arange(X.nnz), 0)) - starts + 1.0
    return sp.csr_array((times, X.indices, X.indptr), shape=X.shape)


def fresh(estimator):
    """Clone an estimator, with its randomness fixed; one that needs times is given some."""
    estimator = clone(estimator)
    seeds = [name for name in estimator.get_params() if name.split("__")[-1] == "random_state"]
    estimator.set_params(**dict.fromkeys(seeds, 0))
    return WithTimes(estimator) if needs_times(estimator) else estimator


def needs_times(estimator: Any) -> bool:
    """Tell whether a model refuses histories without timestamps."""
    return bool(getattr(estimator, "_needs_times", lambda: False)())


def times_for(estimator: Any, X: sp.csr_array) -> dict[str, Any]:
    """Give random times, that have nothing to do with the ratings, to a model that needs some."""
    return {"timestamps": times_of(X)} if needs_times(estimator) else {}


_TIMED = {
    "attention_weights", "explain", "fit", "forget", "partial_fit", "predict", "predict_proba",
    "recommend", "sample", "score",
}  # fmt: skip


class WithTimes:
    """A model that needs timestamps, which gets :func:`default_times` where a law gives none."""

    def __init__(self, model: Any):
        self.model = model

    def __sklearn_clone__(self) -> WithTimes:
        return WithTimes(clone(self.model))

    def __getattr__(self, name: str) -> Any:
        if name == "model":  # not there yet while it is unpickled
            raise AttributeError(name)
        member = getattr(self.model, name)
        if name not in _TIMED:
            return member

        def ask(X: Any, *args: Any, timestamps: Any = None, **options: Any) -> Any:
            if timestamps is None:
                # what is wrong with X is for the model to say
                with suppress(TypeError, ValueError, IndexError):
                    timestamps = default_times(X)
            answer = member(X, *args, timestamps=timestamps, **options)
            return self if answer is self.model else answer

        ask.__name__ = name
        return ask
