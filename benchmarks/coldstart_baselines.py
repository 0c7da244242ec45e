"""What models of cold items are measured against.

Each baseline is fitted on interactions that hold no entry of a cold item, and on features of all
items, warm and cold; it scores any items for any histories::

    model = FeatureKNN(n_neighbors=20).fit(train, features)
    scores = model.score(histories, items)          # (n_rows, len(items))

``BASELINES`` has the settings to choose among, and :func:`judge` ranks cold items among themselves
or among all items. Features are scaled as the package scales them, weighted by idf where most are
0, and each item is brought to length 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from protocols import ranking_metrics

from skattnrec import ALSFactorizer
from skattnrec._features import FeatureScaling, check_features

__all__ = ["BASELINES", "BilinearRidge", "FeatureKNN", "GroupPopularity", "LinMap", "UserRidge"]
__all__ += ["judge", "weighted_tags"]

Scores = Callable[[sp.csr_array, np.ndarray], np.ndarray]  # of histories and items
_BLOCK = 2**24  # scores held at a time
_FEATURES = 6000  # of which regressions read the most frequent ones
_ITEMS = 2000  # whose cosines with all others are held at a time


def weighted_tags(features: Any, numbers: bool = True) -> sp.csr_array:
    """Weight tags by ln(n / df), numbers by 1, and give every item the length 1; (n_items, d)."""
    table = check_features(features, features.shape[0])
    scaling = FeatureScaling.learn(table)
    known = np.bincount(table.indices, minlength=table.shape[1])
    weights = np.log(table.shape[0] / np.maximum(known, 1))
    weights[scaling.is_number] = float(numbers)
    F = scaling.scale(table) @ sp.diags_array(weights)
    lengths = np.sqrt(F.multiply(F).sum(axis=1))
    return sp.csr_array(sp.diags_array(1 / np.where(lengths > 0, lengths, 1)) @ F)


def frequent(features: sp.csr_array, n_features: int = _FEATURES) -> sp.csr_array:
    """Keep the most frequent features, whose squares can be solved for."""
    frequency = np.bincount(features.indices, minlength=features.shape[1])
    return features[:, np.sort(np.argsort(-frequency, kind="stable")[:n_features])]


@dataclass
class GroupPopularity:
    """The popularity of the group: the mean number of ratings of warm items with these features.

    The same for every user. Means are damped by ``strength`` items of the mean popularity.
    """

    strength: float

    def fit(self, train: sp.csr_array, features: Any) -> GroupPopularity:
        """Learn the mean popularity of each feature."""
        tags, popularity = weighted_tags(features, numbers=False), train.sum(axis=0)
        warm = popularity > 0
        mean = popularity[warm].mean()
        total = tags[warm].sum(axis=0) + self.strength
        of_tags = (tags[warm].T @ popularity[warm] + self.strength * mean) / total  # (d,)
        weight = tags.sum(axis=1)
        self._scores = np.where(weight > 0, (tags @ of_tags) / np.where(weight > 0, weight, 1), 0)
        return self

    def score(self, histories: sp.csr_array, items: np.ndarray) -> np.ndarray:
        """Scores, (n_rows, len(items))."""
        return np.tile(self._scores[items], (histories.shape[0], 1))


@dataclass
class FeatureKNN:
    """Sum of the cosines with the ``n_neighbors`` most similar items of the history."""

    n_neighbors: int

    def fit(self, train: sp.csr_array, features: Any) -> FeatureKNN:
        """Keep the weighted features."""
        self._tags = weighted_tags(features)
        return self

    def score(self, histories: sp.csr_array, items: np.ndarray) -> np.ndarray:
        """Scores, (n_rows, len(items))."""
        scores = np.zeros((histories.shape[0], len(items)))
        for start in range(0, len(items), _ITEMS):
            part = slice(start, start + _ITEMS)
            cosines = (self._tags @ self._tags[items[part]].T).toarray()  # (n_items, n_part)
            for row in range(histories.shape[0]):
                seen = histories.indices[histories.indptr[row] : histories.indptr[row + 1]]
                of_seen = cosines[seen]  # (n_seen, n_part)
                if len(seen) > self.n_neighbors:
                    of_seen = np.partition(of_seen, -self.n_neighbors, axis=0)
                    of_seen = of_seen[-self.n_neighbors :]
                scores[row, part] = of_seen.sum(axis=0)
        return scores


@dataclass
class UserRidge:
    """A ridge regression for each user, from features of items to what is in the history."""

    penalty: float

    def fit(self, train: sp.csr_array, features: Any) -> UserRidge:
        """Factorise the products of the features of warm items."""
        self._tags = frequent(weighted_tags(features))
        self._is_warm = (train.sum(axis=0) > 0) * 1.0
        known = sp.csr_array(sp.diags_array(self._is_warm) @ self._tags)
        gram = (known.T @ known).toarray()
        gram[np.diag_indices_from(gram)] += self.penalty
        self._factor = scipy.linalg.cho_factor(gram, overwrite_a=True)
        return self

    def score(self, histories: sp.csr_array, items: np.ndarray) -> np.ndarray:
        """Scores, (n_rows, len(items))."""
        known = (histories * self._is_warm) @ self._tags  # (n_rows, d)
        tastes = scipy.linalg.cho_solve(self._factor, sp.csr_array(known).toarray().T)
        return np.asarray((self._tags[items] @ tastes).T)


@dataclass
class LinMap:
    """A ridge regression from features to the item factors of an alternating least squares model.

    Z. Gantner et al., "Learning attribute-to-feature mappings for cold-start recommendations",
    ICDM 2010.
    """

    penalty: float
    n_components: int = 64

    def fit(self, train: sp.csr_array, features: Any) -> LinMap:
        """Factorise the interactions, and map the features to the factors of warm items."""
        tags = frequent(weighted_tags(features))
        warm = np.flatnonzero(train.sum(axis=0) > 0)
        self._model = ALSFactorizer(self.n_components, random_state=0).fit(train)
        known = tags[warm]
        self._factors = tags @ _ridge(known, self._model.item_factors_[warm], self.penalty)
        return self

    def score(self, histories: sp.csr_array, items: np.ndarray) -> np.ndarray:
        """Scores, (n_rows, len(items)), by the factors of the users that follow from histories."""
        warm = self._model.item_factors_.astype(float)
        users = self._model.predict(histories) @ np.linalg.pinv(warm).T  # (n_rows, n_components)
        return np.asarray(users @ self._factors[items].T)


@dataclass
class BilinearRidge:
    """A ridge regression from the features of a history to the features of what users know.

    W minimises |X - P W F'|^2 with P the mean features of histories and F those of items, with a
    penalty on either side, in shares of the mean diagonal.
    """

    profile_penalty: float
    item_penalty: float

    def fit(self, train: sp.csr_array, features: Any) -> BilinearRidge:
        """Solve for W."""
        self._tags = frequent(weighted_tags(features), _FEATURES // 2)  # solved for twice
        warm = train.sum(axis=0) > 0
        known = sp.csr_array(sp.diags_array(warm * 1.0) @ self._tags)
        profiles = self._profiles(train)
        left = (profiles.T @ profiles).toarray()
        right = (known.T @ known).toarray()
        cross = (profiles.T @ (train @ known)).toarray()
        _penalise(left, self.profile_penalty)
        _penalise(right, self.item_penalty)
        half = scipy.linalg.solve(left, cross, assume_a="pos")
        self._W = scipy.linalg.solve(right, half.T, assume_a="pos").T  # (d, d)
        return self

    def _profiles(self, X: sp.csr_array) -> sp.csr_array:
        lengths = np.maximum(np.diff(X.indptr), 1)
        return sp.csr_array(sp.diags_array(1 / np.sqrt(lengths)) @ (X @ self._tags))

    def score(self, histories: sp.csr_array, items: np.ndarray) -> np.ndarray:
        """Scores, (n_rows, len(items))."""
        return np.asarray((self._tags[items] @ (self._profiles(histories) @ self._W).T).T)


def _penalise(gram: np.ndarray, penalty: float) -> None:
    gram[np.diag_indices_from(gram)] += penalty * np.trace(gram) / len(gram)


def _ridge(A: sp.csr_array, B: np.ndarray, penalty: float) -> np.ndarray:
    """Solve (A'A + penalty I) W = A'B, (d, n)."""
    gram = (A.T @ A).toarray()
    gram[np.diag_indices_from(gram)] += penalty
    return scipy.linalg.solve(gram, A.T @ B, assume_a="pos")


BASELINES: dict[str, tuple[Callable[..., Any], dict[str, list[Any]]]] = {
    "popularity of the group": (GroupPopularity, {"strength": [1.0, 10.0, 100.0]}),
    "feature kNN": (FeatureKNN, {"n_neighbors": [3, 10, 30, 100, 1000]}),
    "ridge, by user": (UserRidge, {"penalty": [1.0, 3.0, 10.0, 30.0, 100.0, 300.0]}),
    "ridge, to factors": (LinMap, {"penalty": [1.0, 10.0], "n_components": [64]}),
    "ridge, bilinear": (
        BilinearRidge,
        {"profile_penalty": [0.03, 0.3, 3.0], "item_penalty": [0.03, 0.3, 3.0]},
    ),
}


def judge(
    score: Scores, histories: sp.csr_array, target: sp.csr_array, candidates: np.ndarray
) -> dict[str, float]:
    """Rank candidates for users and look where their targets are.

    Parameters
    ----------
    score : callable
        Takes histories and item columns, and returns scores, (n_rows, n_items).
    histories, target : csr_array of shape (n_users, n_items)
        What is given, and not listed; what should be found. Users without either do not count.
    candidates : ndarray of shape (n,)
        Item columns that may be listed. Targets are among them.

    Returns
    -------
    dict of str to float
        Means over users, by name of the metric: "NDCG@10", "Recall@20" (divided by the smaller of
        20 and the number of targets).
    """
    judged = np.flatnonzero(np.diff(histories.indptr) * np.diff(target.indptr))
    step = max(1, _BLOCK // len(candidates))
    found: list[dict[str, np.ndarray]] = []
    for start in range(0, len(judged), step):
        rows = judged[start : start + step]
        scores = np.array(score(histories[rows], candidates), dtype=float)
        scores[histories[rows][:, candidates].toarray() != 0] = -np.inf
        k = min(100, len(candidates))
        best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
        lists = np.take_along_axis(best, order, axis=1)
        found.append(ranking_metrics(lists, sp.csr_matrix(target[rows][:, candidates])))
    return {
        name: float(np.concatenate([block[name] for block in found]).mean())
        for name in ("NDCG@10", "Recall@20")
    }
