"""MultiHeadAttentionRecommender: heads from sharp to flat, their votes solved for jointly."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array

from .._compat import Interval
from ._closed_form import BaseAttentionRecommender

__all__ = ["MultiHeadAttentionRecommender"]


class MultiHeadAttentionRecommender(BaseAttentionRecommender):
    r"""Recommend by several attention heads over the history, learned jointly in closed form.

    Heads differ by temperature, from sharp to flat, and by the projection of item features they
    look at. One regression over all heads decides what each head's attention is worth, so a head
    that adds nothing gets small votes.

    Parameters
    ----------
    n_heads : int, default=2
        Number of heads.
    temperature : float, default=3.0
        Temperature of the first head, as in :class:`AttentionRecommender`.
    temperature_ratio : float, default=2.0
        Positive. Head h has temperature ``temperature * temperature_ratio ** h``.
    rating_weight : float, default=1.0
        Factor of the ratings in the logits; 0 reads ratings as mere presence.
    recency_weight : float, default=2
        Factor of the age of an entry, which lowers its logit; not negative. Read with timestamps
        only: a history's weight falls by ``exp(-recency_weight / temperature)`` with each step.
    age : {"rank", "time"}, default="rank"
        What age is: the number of later entries, or the time until the latest entry, in the unit
        of the timestamps.
    content_weight : float, default=1.0
        Factor of the content logits, which need ``item_features``; not used with timestamps.
    item_features : {array-like, sparse matrix} of shape (n_items, d), default=None
        What items are like. With them, items unknown in training borrow the votes of items
        with like features.
    learn_projections : bool, default=False
        Learn a query-key projection from ``item_features``: what the attention sees of the
        features of a history then also scores items by their features, whether or not they were
        ever seen together. Worth it where items have few ratings each.
    projections : array-like of shape (n_heads, d, d_head), default=None
        Feature projection of each head. None draws random orthonormal ones with
        ``d_head = max(1, d // n_heads)``.
    relevance_threshold : float, default=None
        Ratings from here on are what the model learns to rank high (target 1, others 0).
        None grades the targets by ``exp(rating_weight * r / temperature)``, scaled to a mean of 1
        over the known ratings.
    lookahead : float, default=0.3
        In [0, 1). With timestamps the target of a history is the item that follows, and the s-th
        one that follows counts ``lookahead ** (s - 1)``.
    reverse_weight : float, default=0
        Weight of learning from every history read backwards as well, with timestamps. Helps where
        data are few and order is loose.
    smoothing : float, default=0.3
        Exponent in [0, 1] of the softmax denominator.
    dropout : float, default=0.5
        Probability in [0, 1) that an entry is dropped from a history in training, averaged over
        in closed form.
    regularization : float, default=200
        Positive ridge penalty, in pseudo-observations.
    popularity_penalty : float, default=0
        Keys of item j are scaled by its number of ratings, relative to the mean, to minus this.
        Positive values let rare items speak louder.
    popularity_discount : float, default=0
        The votes for item i are scaled in the same way: positive values let rare items score
        higher. For next items .1 is often better than 0.
    solver : {"auto", "dense", "sparse"}, default="auto"
        "dense" lets all items vote for all: memory grows with the square of
        ``n_heads * n_items``, time with its cube. "sparse" lets ``n_neighbors`` items vote for
        each: time ``n_items * (n_heads * n_neighbors) ** 3 / 3``. "auto" is dense up to 8000 for
        ``n_heads * n_items`` if it fits in half of the memory.
    n_neighbors : int, default=200
        How many items vote for each one under the sparse solver: those that occur most with it.
    proba_temperature : float, default=1
        Positive. Temperature of ``predict_proba`` and ``sample``: low values bet on the best
        items, high ones on all alike. It has no part in the ranking.
    objective : {"ranking", "rating"}, default="ranking"
        "ranking": scores rank items. "rating": entries are ratings of any sign, and predictions are
        ratings; ``relevance_threshold`` and ``dropout`` play no part. See the notes.
    verbose : bool, default=False
        Print the seconds of each step of a fit. scikit-learn's callbacks, where it has them, are
        told of the same steps.
    random_state : int, RandomState instance or None, default=None
        Seed of the projections; unused without item features or with given projections.

    Attributes
    ----------
    values_ : ndarray of shape (n_heads, n_features_in_, n_features_in_) or csr_array
        ``values_[h, j, i]`` is the vote of item j for item i in head h; 0 where i = j. Under the
        sparse solver a csr_array of shape (n_heads * n_features_in_, n_features_in_) whose row
        ``h * n_features_in_ + j`` holds the votes of item j.
        With ``objective="rating"`` a list of csr_array, one a head.
    presence_values_ : list of n_heads csr_array of shape (n_features_in_, n_features_in_)
        Only with ``objective="rating"``: the votes that items cast whatever their rating.
    solver_ : {"dense", "sparse"}
        The solver used.
    statistics_ : SufficientStatistics
        Sums over users: ``gram``, ``cross``, ``item_counts`` and ``relevance``. They are all that
        ``partial_fit`` and ``forget`` change.
    learned_projections_ : ndarray of shape (n_heads, d, d) or None
        The learned query-key projections.
    temperatures_ : ndarray of shape (n_heads,)
        The temperature of each head.
    projections_ : ndarray of shape (n_heads, d, d_head) or None
        The projection of each head, None without item features.
    prior_ : ndarray of shape (n_features_in_,)
        Scores of an empty history: sums of relevance, or for ratings :math:`\mu + b_i`.
    n_features_in_ : int
        Number of items.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Item names, when ``fit`` got a DataFrame with string column names.

    See Also
    --------
    AttentionRecommender : One head; equal to this with ``n_heads=1``.
    skattnrec.attention.multi_head_attention : Multi-head attention as a function.

    Notes
    -----
    With the notation of :class:`AttentionRecommender`, head projections :math:`W_h` and
    temperatures :math:`\tau_h`,

    .. math::

        l^h_{uj} &= \left(w_r r_{uj}
            + w_c \langle W_h^\top q_u, W_h^\top k_j \rangle / \sqrt{d_h}\right) / \tau_h \\
        s_{ui} &= \sum_h \sum_{j \in H(u)} a^h_{uj} V^h_{ji}

    The votes of all heads solve one ridge regression on the heads' weights side by side, under
    the constraints :math:`V^h_{ii} = 0`. Its system has ``n_heads * n_items`` unknowns per item.
    For the regression, the weights of each head are scaled to a mean square of 1. Dropout drops an
    entry from all heads at once, and the penalty :math:`\lambda` is ``regularization * n_heads``,
    so that splitting a head into equal ones changes nothing.

    With timestamps, heads on the temperature ladder differ in how far back they look: head h
    forgets by ``exp(-recency_weight / temperatures_[h])`` with each step.

    With ``objective="rating"`` predictions are :math:`b_{ui}` plus the sum over heads of what
    :class:`AttentionRecommender` adds to it, and the votes of all heads for an item solve one
    regression.

    References
    ----------
    Vaswani et al., Attention is all you need, NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import MultiHeadAttentionRecommender
    >>> X = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 0, 5, 4], [1, 0, 4, 5]])
    >>> model = MultiHeadAttentionRecommender(n_heads=2, regularization=1).fit(X)
    >>> indices, _ = model.recommend([[5, 0, 0, 0], [0, 0, 0, 5]], k=1)
    >>> indices.ravel()
    array([1, 2])
    >>> model.temperatures_
    array([3., 6.])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseAttentionRecommender._parameter_constraints,
        "n_heads": [Interval(Integral, 1, None, closed="left")],
        "temperature_ratio": [Interval(Real, 0, None, closed="neither")],
        "projections": ["array-like", None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_heads: int = 2,
        *,
        temperature: float = 3.0,
        temperature_ratio: float = 2.0,
        rating_weight: float = 1.0,
        recency_weight: float = 2.0,
        age: str = "rank",
        content_weight: float = 1.0,
        item_features: Any = None,
        learn_projections: bool = False,
        projections: Any = None,
        relevance_threshold: float | None = None,
        lookahead: float = 0.3,
        reverse_weight: float = 0.0,
        smoothing: float = 0.3,
        dropout: float = 0.5,
        regularization: float = 200.0,
        popularity_penalty: float = 0.0,
        popularity_discount: float = 0.0,
        solver: str = "auto",
        n_neighbors: int = 200,
        proba_temperature: float = 1.0,
        objective: str = "ranking",
        verbose: bool = False,
        random_state: Any = None,
    ):
        self.n_heads = n_heads
        self.temperature = temperature
        self.temperature_ratio = temperature_ratio
        self.rating_weight = rating_weight
        self.recency_weight = recency_weight
        self.age = age
        self.content_weight = content_weight
        self.item_features = item_features
        self.learn_projections = learn_projections
        self.projections = projections
        self.relevance_threshold = relevance_threshold
        self.lookahead = lookahead
        self.reverse_weight = reverse_weight
        self.smoothing = smoothing
        self.dropout = dropout
        self.regularization = regularization
        self.popularity_penalty = popularity_penalty
        self.popularity_discount = popularity_discount
        self.solver = solver
        self.n_neighbors = n_neighbors
        self.proba_temperature = proba_temperature
        self.objective = objective
        self.verbose = verbose
        self.random_state = random_state

    def _make_temperatures(self) -> np.ndarray:
        return self.temperature * self.temperature_ratio ** np.arange(self.n_heads, dtype=float)

    def _make_projections(self, n_features: int) -> np.ndarray:
        if self.projections is None:
            random_state = check_random_state(self.random_state)
            return _random_projections(self.n_heads, n_features, random_state)
        given = check_array(
            self.projections, allow_nd=True, dtype=np.float64, input_name="projections"
        )
        if given.ndim != 3 or given.shape[:2] != (self.n_heads, n_features):
            raise ValueError(
                f"projections must have shape (n_heads={self.n_heads}, d={n_features}, d_head), "
                f"got {given.shape}."
            )
        return given


def _random_projections(
    n_heads: int, n_features: int, random_state: np.random.RandomState
) -> np.ndarray:
    """Orthonormal columns for each head, the heads orthogonal as long as features suffice."""
    d_head = max(1, n_features // n_heads)
    n_bases = -(-n_heads * d_head // n_features)  # rounded up
    normals = random_state.normal(size=(n_bases, n_features, n_features))
    bases = np.linalg.qr(normals)[0]  # (n_bases, d, d), each orthogonal
    columns = np.hstack(list(bases))[:, : n_heads * d_head]
    # (d, n_heads * d_head) -> (n_heads, d, d_head)
    return columns.reshape(n_features, n_heads, d_head).transpose(1, 0, 2)
