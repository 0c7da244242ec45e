"""Diversity: lists of items that are relevant and unlike each other.

J. Carbonell and J. Goldstein, "The use of MMR, diversity-based reranking for reordering documents
and producing summaries", SIGIR 1998.
"""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from .._compat import HasMethods, Interval, StrOptions
from .._kernels.diversity import diversify_places
from .._kernels.moments import standardised_rows
from .._validation import check_cutoff
from ._likeness import Likeness, check_likeness, likeness_of_model
from ._lists import check_scored_lists, take_places
from ._rule import ListRule

__all__ = ["Diversify", "diversify"]


def diversify(
    indices: Any,
    scores: Any,
    k: int = 10,
    *,
    diversity: float = 0.3,
    likeness: str = "sum",
    item_similarity: Any = None,
    item_features: Any = None,
) -> tuple[np.ndarray, np.ndarray]:
    r"""Take k items of each list that are relevant and unlike each other.

    The first item is the best one; then, one after the other, that with the largest

    .. math::
        (1 - d) \, z_i - d \sum_{j \text{ chosen}} s_{ji}
        \qquad\text{or}\qquad
        (1 - d) \, z_i - d \max_{j \text{ chosen}} s_{ji}

    where d is ``diversity``, :math:`s_{ji}` the similarity, and :math:`z_i` the score, less the
    mean of the scores of the list and divided by their standard deviation. So d means the same
    whatever the scores of a model look like. The maximum makes it maximal marginal relevance [1]_,
    the sum the greedy solution of max-sum diversification [2]_.

    Parameters
    ----------
    indices : array-like of shape (n_rows, m), int
        Item columns to choose from, best first, padded with -1: what ``recommend(X, m)`` returns,
        with m some times k.
    scores : array-like of shape (n_rows, m)
        Their scores.
    k : int, default=10
        Length of the new lists.
    diversity : float in [0, 1], default=0.3
        0 leaves the order as it is, 1 asks for nothing but unlike items.
    likeness : {"sum", "max"}, default="sum"
        What counts against an item: how alike it is to all items chosen before, added up, or to the
        most alike of them. The sum makes lists more diverse for the same loss of relevance.
    item_similarity : {ndarray, sparse matrix} of shape (n_items, n_items) or estimator object, \
default=None
        How alike items are, best from 0 to 1; row i holds what item i, once it is chosen, is to
        others. What is not stored in a sparse matrix is 0. A fitted recommender: its
        ``similar_items``; the 50 nearest count, from 1 for the nearest down.
    item_features : {array-like, sparse matrix} of shape (n_items, n_features), default=None
        Items are compared by the cosine of these, in the place of ``item_similarity``.

    Returns
    -------
    indices : ndarray of shape (n_rows, k), intp
        The chosen items in the order of the choice; -1 where a list had fewer.
    scores : ndarray of shape (n_rows, k)
        Their scores as they were given, NaN where the index is -1.

    Raises
    ------
    ValueError
        If lists hold an item twice or one without similarity, if scores are not finite, if not
        just one of ``item_similarity`` and ``item_features`` is given, or ``diversity`` is not in
        [0, 1].

    See Also
    --------
    skattnrec.metrics.diversity_at_k : How unlike the items of lists are.
    Diversify : The same as a rule of a recommender.

    References
    ----------
    .. [1] J. Carbonell and J. Goldstein, "The use of MMR, diversity-based reranking for reordering
       documents and producing summaries", SIGIR 1998.
    .. [2] A. Borodin, H. C. Lee and Y. Ye, "Max-sum diversification, monotone submodular functions
       and dynamic updates", PODS 2012.

    Examples
    --------
    Of three items the first two are alike:

    >>> from skattnrec.reranking import diversify
    >>> features = [[1, 0], [1, 0], [0, 1]]
    >>> diversify([[0, 1, 2]], [[3.0, 2.9, 2.0]], k=2, diversity=0.7, item_features=features)
    (array([[0, 2]]), array([[3., 2.]]))
    """
    alike, n_items = check_likeness(item_similarity, item_features)
    indices, scores = check_scored_lists(indices, scores, n_items)
    if not (isinstance(diversity, Real) and 0 <= diversity <= 1):
        raise ValueError(f"diversity must be a number in [0, 1], got {diversity!r}.")
    if likeness not in ("sum", "max"):
        raise ValueError(f"likeness must be 'sum' or 'max', got {likeness!r}.")
    return _choose(indices, scores, check_cutoff(k), diversity, alike, likeness)


def _choose(
    indices: np.ndarray,
    scores: np.ndarray,
    k: int,
    diversity: float,
    alike: Likeness,
    likeness: str,
) -> tuple[np.ndarray, np.ndarray]:
    relevance = standardised_rows(scores)
    places = diversify_places(indices, relevance, diversity, alike, k, add_up=likeness == "sum")
    return take_places(indices, scores, places)


class Diversify(ListRule):
    r"""Bring items that are unlike those before them further up: :func:`diversify` as a rule.

    Parameters
    ----------
    diversity : float in [0, 1], default=0.3
        0 leaves the order as it is, 1 asks for nothing but unlike items.
    likeness : {"sum", "max"}, default="sum"
        What counts against an item: how alike it is to all items chosen before, added up, or to the
        most alike of them. The sum makes lists more diverse for the same loss of relevance.
    item_similarity : {ndarray, sparse matrix} of shape (n_items, n_items) or estimator object, \
default=None
        How alike items are, see :func:`diversify`. None, without features: what the recommender
        itself holds to be alike.
    item_features : {array-like, sparse matrix} of shape (n_items, n_features), default=None
        Items are compared by the cosine of these.

    See Also
    --------
    RerankedRecommender : Applies rules.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import ItemItemCF, RerankedRecommender
    >>> from skattnrec.reranking import Diversify
    >>> X = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 1, 5, 4], [1, 0, 4, 5]])
    >>> rule = Diversify(diversity=0.5)
    >>> RerankedRecommender(ItemItemCF(), [("unlike", rule)]).fit(X).recommend(X, k=1)[0].ravel()
    array([2, 3, 0, 1])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "diversity": [Interval(Real, 0, 1, closed="both")],
        "likeness": [StrOptions({"sum", "max"})],
        "item_similarity": ["array-like", "sparse matrix", HasMethods("similar_items"), None],
        "item_features": ["array-like", "sparse matrix", None],
    }

    def __init__(
        self,
        diversity: float = 0.3,
        *,
        likeness: str = "sum",
        item_similarity: Any = None,
        item_features: Any = None,
    ):
        self.diversity = diversity
        self.likeness = likeness
        self.item_similarity = item_similarity
        self.item_features = item_features

    def fit(self, X: sp.csr_array, model: Any) -> Diversify:
        """Look up how alike items are; see :meth:`ListRule.fit`."""
        self._validate_params()
        if self.item_similarity is None and self.item_features is None:
            self._alike, n_items = likeness_of_model(model), X.shape[1]
        else:
            self._alike, n_items = check_likeness(self.item_similarity, self.item_features)
        if n_items != X.shape[1]:
            raise ValueError(
                f"item_similarity or item_features tell of {n_items} items, X has {X.shape[1]}."
            )
        return self

    def reorder(self, indices: np.ndarray, scores: np.ndarray, X: sp.csr_array) -> np.ndarray:
        """Choose one item after the other; see :meth:`ListRule.reorder`."""
        k = indices.shape[1]
        return _choose(indices, scores, k, self.diversity, self._alike, self.likeness)[0]
