"""The small matrices that the laws are checked on."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone

__all__ = ["checkerboard", "fresh", "ratings", "times_of"]

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


def fresh(estimator):
    """Clone an estimator, with its randomness fixed."""
    estimator = clone(estimator)
    seeds = [name for name in estimator.get_params() if name.split("__")[-1] == "random_state"]
    return estimator.set_params(**dict.fromkeys(seeds, 0))
