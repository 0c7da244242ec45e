"""Item-item collaborative filtering: recommend what resembles the history.

Two items are alike if the same users know or like them; B. Sarwar et al., "Item-based
collaborative filtering recommendation algorithms", WWW 2001.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from .._context import Context
from .._structure import with_data
from ._base import Factors, NeighborRecommender
from ._twins import Twins

__all__ = ["ItemItemCF"]


class ItemItemCF(NeighborRecommender):
    r"""Recommend items like those of the history.

    Parameters
    ----------
    n_neighbors : int, default=100
        How many neighbours an item has.
    similarity : str, default="cosine"
        How two items are compared: "cosine", "adjusted_cosine", "pearson", "jaccard" or
        "conditional_probability"; see the notes.
    weighting : {"tfidf", "bm25", "uniform"} or None, default=None
        Implicit feedback and "cosine", "jaccard" or "conditional_probability" only: how much a user
        says about the items he knows. Users of many items say less about each, but for "uniform".
        None means "tfidf" there, and is the only choice elsewhere.
    shrinkage : float, default=2.0
        Similarities that rest on n users are multiplied by n / (n + ``shrinkage``) [1]_.
    min_similarity : float, default=0.0
        Items as similar as this, or less, are no neighbours. With a negative value unlike items
        may be, and count against.
    popularity_exponent : float or None, default=None
        "conditional_probability" only: how much popular items are held back, from 0 (not) to 1.
        None means 0.5.
    center : {"item", "user", "baseline", "zero"} or None, default=None
        Explicit feedback only: what is subtracted from ratings before they are compared by
        "cosine", and before they are averaged; see the notes. None means "baseline".
    damping : float or None, default=None
        Explicit feedback only: added to the sum of similarities that a weighted mean is divided by,
        so that few neighbours, or not very similar ones, move a prediction less. None means 0.
    feedback : {"implicit", "explicit"}, default="implicit"
        "implicit": entries say how much users want items, and scores rank items. "explicit":
        entries are ratings, of any sign, and predictions are ratings.

    Attributes
    ----------
    similarity_ : csr_array of shape (n_features_in_, n_features_in_)
        Row i holds the neighbours of item i, whose votes its scores are the sums of. At most
        ``n_neighbors`` entries in each row; for "conditional_probability", in each column.
    prior_ : ndarray of shape (n_features_in_,)
        Scores of an empty history: the number of known ratings of each item, or for explicit
        feedback its mean rating, damped by five ratings of the overall mean.
    n_features_in_ : int
        Number of items.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Item names, when ``fit`` got a DataFrame with string column names.

    See Also
    --------
    UserUserCF : Recommend what similar users know.
    AttentionRecommender : Learns the votes of items instead of counting them.

    Notes
    -----
    With N(i) the neighbours of item i, H(u) the history and :math:`s_{ij}` the similarity,

    .. math::
        \text{implicit: } \hat r_{ui} = \sum_{j \in N(i) \cap H(u)} s_{ij} a_{uj}
        \qquad
        \text{explicit: } \hat r_{ui} = c_{ui} +
        \frac{\sum_{j \in N(i) \cap H(u)} s_{ij} (r_{uj} - c_{uj})}
        {\delta + \sum_{j \in N(i) \cap H(u)} |s_{ij}|} .

    For implicit feedback a rating says how much: :math:`a = \min(r / m, 2)` with m the median of
    the positive ratings of ``fit``, so that ratings may be counts, of any unit, and a very large
    one matters little. Entries that are all equal have a = 1.

    For explicit feedback :math:`\delta` is ``damping``; with the centre "zero", :math:`\delta`
    times ``prior_`` is added on top of the fraction. An item is never its own neighbour. Where no
    neighbour is in the history, the prediction is the centre :math:`c_{ui}`, and with "zero"
    ``prior_``. The centre is 0, the mean rating of item i or user u, or the baseline
    :math:`\mu + b_u + b_i` with

    .. math::
        b_i = \frac{\sum_u (r_{ui} - \mu)}{5 + n_i} \qquad
        b_u = \frac{\sum_i (r_{ui} - \mu - b_i)}{5 + n_u} .

    The parts of users are worked out from the history in question. Items without ratings have
    the mean :math:`\mu`. What differs from its centre by no more than rounding counts as 0, so
    that items without variance resemble nothing, and ratings times c > 0 give predictions times c.

    Similarities are, with sums over all users and with x = 0 where a user does not know an item,

    .. math::
        \text{cosine: } \frac{\sum_u x_{ui} x_{uj}}{\sqrt{\sum_u x_{ui}^2 \sum_u x_{uj}^2}}
        \qquad
        \text{jaccard: } \frac{\sum_u x_{ui} x_{uj}}
        {\sum_u x_{ui}^2 + \sum_u x_{uj}^2 - \sum_u x_{ui} x_{uj}}
        \qquad
        \text{conditional probability: } \frac{\sum_u x_{ui} x_{uj}}
        {\sum_u x_{uj}^2 \, (\sum_u x_{ui}^2)^\gamma}

    where x are the ratings less the centre for the cosine (for implicit feedback the amounts a),
    and ones for the others, times weights;
    without weights the last is :math:`P(i \mid j) / n_i^\gamma` for a vote of j for i [2]_, with
    :math:`\gamma` the ``popularity_exponent``. As there, each item j votes for the ``n_neighbors``
    items that it makes most probable, while otherwise each item i hears its ``n_neighbors`` most
    similar ones. Over the users U who rated *both* items, means :math:`\bar r_i` taken over U,

    .. math::
        \text{adjusted cosine: } \frac{\sum_{u \in U} (r_{ui} - \bar r_u) (r_{uj} - \bar r_u)}
        {\sqrt{\sum_{u \in U} (r_{ui} - \bar r_u)^2 \sum_{u \in U} (r_{uj} - \bar r_u)^2}}
        \qquad
        \text{pearson: } \frac{\sum_{u \in U} (r_{ui} - \bar r_i) (r_{uj} - \bar r_j)}
        {\sqrt{\sum_{u \in U} (r_{ui} - \bar r_i)^2 \sum_{u \in U} (r_{uj} - \bar r_j)^2}}

    with :math:`\bar r_u` the mean of all ratings of u [3]_. They compare ratings, and so know
    nothing where all entries are 1. They want ``shrinkage``: few common users are soon of one
    mind.

    For tf-idf, :math:`x_{ui}` is multiplied by :math:`1 + \ln((1 + n) / (1 + n_u))`, with n items
    of which u knows :math:`n_u`; BM25 multiplies a saturated and length-normalised
    :math:`x_{ui}` (:math:`k_1 = 1.2, b = 0.75`) by :math:`\ln(1 + (n - n_u + .5) / (n_u + .5))`.

    Ratings are predicted better with more shrinkage, more neighbours and damping: try
    ``n_neighbors=200, shrinkage=30, damping=0.2``.

    References
    ----------
    .. [1] Y. Koren, "Factorization meets the neighborhood: a multifaceted collaborative filtering
       model", KDD 2008, section 2.2.
    .. [2] M. Deshpande, G. Karypis, "Item-based top-N recommendation algorithms", ACM TOIS 22(1),
       2004.
    .. [3] B. Sarwar, G. Karypis, J. Konstan, J. Riedl, "Item-based collaborative filtering
       recommendation algorithms", WWW 2001.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec.neighbors import ItemItemCF
    >>> X = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 1, 5, 4], [1, 0, 4, 5]])
    >>> indices, _ = ItemItemCF().fit(X).recommend([[0, 5, 0, 0], [0, 0, 0, 5]], k=1)
    >>> indices.ravel()
    array([0, 2])
    >>> model = ItemItemCF(center="zero", feedback="explicit").fit(X)
    >>> model.predict([[5, 3, 0, 0]]).round(2)
    array([[3.  , 5.  , 3.89, 4.11]])
    """

    _default_center = "baseline"

    def __init__(
        self,
        n_neighbors: int = 100,
        *,
        similarity: str = "cosine",
        weighting: str | None = None,
        shrinkage: float = 2.0,
        min_similarity: float = 0.0,
        popularity_exponent: float | None = None,
        center: str | None = None,
        damping: float | None = None,
        feedback: str = "implicit",
    ):
        self.n_neighbors = n_neighbors
        self.similarity = similarity
        self.weighting = weighting
        self.shrinkage = shrinkage
        self.min_similarity = min_similarity
        self.popularity_exponent = popularity_exponent
        self.center = center
        self.damping = damping
        self.feedback = feedback

    def _fit(self, X: sp.csr_array, context: Context) -> None:
        items = self._compared(self._fit_values(X)).T.tocsr()  # n_items x n_users
        items = self._fit_weighting(items).apply(items)
        itself = Twins.by_number(X.shape[1])
        nearest = self._fit_search(items).query(items, self.n_neighbors, itself)
        # _votes is the transpose of similarity_: its row j holds the votes of item j
        if self.similarity == "conditional_probability":
            self.similarity_, self._votes = nearest.T.tocsr(), nearest
        else:
            self.similarity_, self._votes = nearest, nearest.T.tocsr()
        self._nearest = nearest
        self._sizes = abs(self._votes) if self._predicts_ratings() else None

    def _history_values(self, X: sp.csr_array) -> sp.csr_array:
        """Give what votes of the history are multiplied with."""
        X = self._values(X)
        return with_data(X, self._center.residuals(X))

    def _factors(self, X: sp.csr_array) -> Factors:
        return self._history_values(X), self._votes

    def _weight_factors(self, votes: Factors) -> Factors:
        return with_data(votes[0], np.ones_like(votes[0].data)), self._sizes

    def _explain(
        self, X: sp.csr_array, context: Context, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Contribution of history item j to item i: its vote, or its part of the mean."""
        history = X.indices.astype(np.intp)
        baseline, shares = self._split(X, self.similarity_[items][:, history].toarray(), items)
        return baseline, history, shares * self._history_values(X).data, {"weights": shares}

    def _entries_add_up(self) -> bool:
        return not self._predicts_ratings()

    def _item_similarity(self, items: np.ndarray) -> np.ndarray:
        """Similarities of the neighbours that an item has, rather than of those it is one of."""
        return self._nearest[items].toarray()
