"""A recommender that is not part of the package: two steps of a random walk."""

import numpy as np
from sklearn.preprocessing import normalize

from skattnrec.base import BaseRecommender

__all__ = ["RandomWalkRecommender"]


class RandomWalkRecommender(BaseRecommender):
    r"""Recommend where a random walk from the history ends.

    From an item the walk goes to one of the users who know it, and from there to one of the items
    of that user. Popular items are reached from everywhere, so arrivals may be discounted.

    Parameters
    ----------
    discount : float, default=0.5
        From 0. Arrivals at an item are divided by its popularity to this power.

    Attributes
    ----------
    arrivals_ : csr_array of shape (n_features_in_, n_features_in_)
        ``arrivals_[j, i]`` is the discounted probability to go from item j to item i.
    prior_ : ndarray of shape (n_features_in_,)
        Scores of an empty history: the number of known ratings of each item.

    References
    ----------
    B. Paudel et al., "Updatable, accurate, diverse, and scalable recommendations for interactive
    applications", ACM Transactions on Interactive Intelligent Systems 7 (2017).

    Examples
    --------
    >>> X = np.kron(np.eye(2), np.ones((3, 3)))  # two groups of users with a taste each
    >>> model = RandomWalkRecommender().fit(X)
    >>> items, _ = model.recommend([[0, 0, 0, 1, 0, 1]], k=1)
    >>> items
    array([[4]])
    """

    def __init__(self, discount=0.5):
        self.discount = discount

    def _fit(self, X, context):
        if not self.discount >= 0:
            raise ValueError(f"discount must be at least 0, got {self.discount!r}.")
        to_item = normalize(X, norm="l1")  # (n_users, n_items), rows sum to 1
        to_user = normalize(X.T.tocsr(), norm="l1")  # (n_items, n_users)
        arrivals = to_user @ to_item
        popularity = np.maximum(self.prior_, 1) ** -self.discount
        self.arrivals_ = arrivals.multiply(popularity).tocsr().astype(X.dtype)

    def _score(self, X, context):
        return (X @ self.arrivals_).toarray()

    def _explain(self, X, context, items):
        steps = self.arrivals_[X.indices][:, items].toarray()  # (s, n)
        contributions = (X.data[:, None] * steps).T  # (n, s)
        baseline = np.zeros(len(items), X.dtype)
        return baseline, X.indices.astype(np.intp), contributions, {}
