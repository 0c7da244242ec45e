"""Strong generalisation: models learn from some users and are judged on others.

           items known in training
          +-----------------------------+
    80 %  |           train             |   all the model ever learns from
          +----------------------+------+
    10 %  |    val  history      |target|   choosing settings
          +----------------------+------+
    10 %  |    test history      |target|   reported once
          +----------------------+------+

The history of a held-out user is given to the fitted model, which ranks the items that are not in
it; the target is what it should have put first. Two protocols differ in what counts as known:

``ratings``
    All ratings are. Users have at least 5 of them. A history is a random 80 % of a user's ratings,
    the target the other 20 % as far as they are at least 4.
``binary``
    Only ratings of at least 4 are, as ones; the others do not exist. Users have at least 5 of
    them. A history is a random 80 % of them, the target the other 20 %.

A split depends on the data and the seed only. Items are numbered at random, so that breaking ties
by item number gains nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp

DATASETS = ("ml-100k", "ml-1m")
PROTOCOLS = ("ratings", "binary")
RELEVANT = 4  # the lowest rating that counts as liked
MIN_RATINGS = 5
HELD_OUT_USERS = 0.1  # of the users, for val and for test each
HELD_OUT_RATINGS = 0.2  # of a held-out user's ratings


@dataclass(frozen=True)
class HeldOut:
    """Users that training never saw.

    Attributes
    ----------
    history : csr_matrix of shape (n_users, n_items)
        What the model is given; all of it counts as seen.
    target : csr_matrix of shape (n_users, n_items)
        What it should recommend, as ones.
    """

    history: sp.csr_matrix
    target: sp.csr_matrix


@dataclass(frozen=True)
class Split:
    """Training users, validation users and test users of one data set.

    ``items`` of shape (n_items,) are the ids of the columns.
    """

    train: sp.csr_matrix
    val: HeldOut
    test: HeldOut
    items: np.ndarray


def data_folder() -> Path:
    """Folder of the data sets."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("SKATTNREC_DATA", default))


def load_arrays(dataset: str) -> dict[str, np.ndarray]:
    """Read all arrays of a data set, by name."""
    path = data_folder() / f"{dataset}.npz"
    if not path.is_file():
        raise SystemExit(
            f"{path} is missing. Set SKATTNREC_DATA to a folder that holds {dataset}.npz: "
            "numpy arrays user and item, one element an interaction, where known also rating, and "
            "split (2 = test) where a part is to be left out."
        )
    with np.load(path) as arrays:
        return dict(arrays)


def load_ratings(dataset: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read users, items and ratings; the arrays are parallel, the ids those of the source."""
    arrays = load_arrays(dataset)
    return arrays["user"], arrays["item"], arrays["rating"].astype(np.float32)


def strong_generalization(dataset: str, protocol: str, seed: int = 0) -> Split:
    """Split a data set by users, and the ratings of held-out users into history and target."""
    users, items, ratings = load_ratings(dataset)
    if protocol == "binary":
        liked = ratings >= RELEVANT
        users, items, ratings = users[liked], items[liked], np.ones(liked.sum(), np.float32)
    return split_users(users, items, ratings, RELEVANT if protocol == "ratings" else 1, seed)


def split_users(
    users: np.ndarray, items: np.ndarray, ratings: np.ndarray, liked_from: float, seed: int = 0
) -> Split:
    """Split parallel arrays of users, items and ratings; ``liked_from`` is the lowest target."""
    X = sp.csr_matrix((ratings, (_number(users), _number(items))))
    X = X[np.flatnonzero(np.diff(X.indptr) >= MIN_RATINGS)]
    rng = np.random.default_rng(seed)
    order = rng.permutation(X.shape[0])
    n = int(HELD_OUT_USERS * X.shape[0])
    test, val, train = order[:n], order[n : 2 * n], order[2 * n :]
    known = np.flatnonzero(X[train].getnnz(axis=0))
    X = X[:, known]
    held_out = [_hold_out(X[rows], liked_from, rng) for rows in (val, test)]
    place = np.random.default_rng([seed, 99]).permutation(X.shape[1])
    val, test = (_renumber_both(part, place) for part in held_out)
    return Split(_renumber(X[train], place), val, test, np.unique(items)[known][np.argsort(place)])


def _number(ids: np.ndarray) -> np.ndarray:
    return np.unique(ids, return_inverse=True)[1]


def _hold_out(X: sp.csr_matrix, liked_from: float, rng: np.random.Generator) -> HeldOut:
    hidden = np.zeros(X.nnz, bool)
    for start, end in zip(X.indptr[:-1], X.indptr[1:]):
        n_hidden = max(1, round(HELD_OUT_RATINGS * (end - start)))
        hidden[start:end] = rng.permutation(end - start) < n_hidden
    history, target = X.copy(), X.copy()
    history.data[hidden] = 0
    target.data[:] = hidden & (X.data >= liked_from)
    history.eliminate_zeros()
    target.eliminate_zeros()
    judged = np.flatnonzero(history.getnnz(axis=1) * target.getnnz(axis=1))
    return HeldOut(history[judged], target[judged])


def _renumber(X: sp.csr_matrix, place: np.ndarray) -> sp.csr_matrix:
    X = sp.csr_matrix((X.data, place[X.indices].astype(np.int32), X.indptr), X.shape)
    X.sort_indices()
    return X


def _renumber_both(part: HeldOut, place: np.ndarray) -> HeldOut:
    return HeldOut(_renumber(part.history, place), _renumber(part.target, place))


def ranking_metrics(lists: np.ndarray, target: sp.csr_matrix) -> dict[str, np.ndarray]:
    """Judge lists of recommended items.

    Parameters
    ----------
    lists : ndarray of shape (n_users, k)
        Item numbers, best first; -1 where there is nothing to recommend. k at least 100.
    target : csr_matrix of shape (n_users, n_items)
        Relevant items, at least one a user.

    Returns
    -------
    dict of str to ndarray of shape (n_users,)
        NDCG@k with binary gains, divided by the best possible with min(k, number of relevant
        items); Recall@k divided by the same minimum.
    """
    n_relevant = target.getnnz(axis=1)
    n_users, n_items = target.shape
    row = np.arange(n_users, dtype=np.int64)
    relevant = np.repeat(row, n_relevant) * n_items + target.indices
    hits = np.isin(row[:, None] * n_items + lists, relevant) & (lists >= 0)
    discount = 1 / np.log2(np.arange(2, lists.shape[1] + 2))
    ideal = np.cumsum(discount)

    def ndcg(k: int) -> np.ndarray:
        return hits[:, :k] @ discount[:k] / ideal[np.minimum(n_relevant, k) - 1]

    recall = hits[:, :20].sum(axis=1) / np.minimum(n_relevant, 20)
    return {"NDCG@10": ndcg(10), "NDCG@100": ndcg(100), "Recall@20": recall}
