"""Attention over histories without an order: one head, or several, votes in closed form."""

from __future__ import annotations

from typing import Any, ClassVar

import joblib
import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array

from .._context import Context
from ._base import CONSTRAINTS, DEFAULTS, RankingAttention, all_equal, documented
from ._features import projected, random_projections
from ._statistics import SufficientStatistics, set_statistics
from ._weights import SetAttention, ladder

__all__ = ["AttentionRecommender", "MultiHeadAttentionRecommender"]


@documented
class AttentionRecommender(RankingAttention):
    r"""Recommend by attention over the history, learned in closed form.

    Every item of a history votes for every other item. How loud it speaks is its attention
    weight, from its rating and, where item features are given, from how well it fits the rest of
    the history. What it votes for is learned by a ridge regression with a closed-form solution:
    no epochs, no learning rate, no seed. Ratings may be of any unit and sign; times play no part.

    Parameters
    ----------
    {temperature}
    {rating_center}
    {rating_spread}
    {item_features}
    {content_weight}
    {learn_projections}
    {relevance_threshold}
    {smoothing}
    {dropout}
    {regularization}
    {key_popularity_exponent}
    {popularity_exponent}
    {solver}
    {n_neighbors}
    {memory}
    {verbose}

    Attributes
    ----------
    {values_}
    {solver_}
    {statistics_}
    {rating_center_}
    {regularization_}
    {temperatures_}
    projections_ : ndarray of shape (1, d, d) or None
        The identity, or None without item features.
    {learned_projections_}
    {prior_}
    {n_features_in_}
    {feature_names_in_}

    See Also
    --------
    MultiHeadAttentionRecommender : Several heads, solved for jointly.
    SequentialAttentionRecommender : Histories in the order of time.
    AttentionRatingPredictor : Predicts ratings.
    skattnrec.neighbors.ItemItemCF : Votes from similarities instead of a regression.

    Notes
    -----
    For user u with history :math:`H(u)`, ratings in spreads from their centre,
    :math:`z_{uj} = \operatorname{clip}((r_{uj} - m) / s, -2.5, 2.5)`, item keys :math:`k_j` of d
    features and the profile :math:`q_u` (the mean of the keys of the history, weighted by
    :math:`e^{z / \tau}`),

    .. math::

        l_{uj} &= \left(z_{uj} + w_c \langle q_u, k_j \rangle / \sqrt d\right) / \tau \\
        a_{uj} &= e^{l_{uj}} \big/ \Big(\sum_{m \in H(u)} e^{l_{um}}\Big)^{\beta} \\
        s_{ui} &= \sum_{j \in H(u)} a_{uj} V_{ji}

    with temperature :math:`\tau`, smoothing :math:`\beta` and :math:`w_c` = ``content_weight``. The
    products of keys, which are free of units and bounded, are cut at 4, and the logits at 8. With
    the weights as rows of A, targets Y, dropout p and :math:`\lambda` = ``regularization_`` times
    the mean of :math:`a^2`,

    .. math::

        V = \arg\min \|A V - Y\|^2 + \lambda \|V\|^2
            + \tfrac{p}{1-p} \|\operatorname{diag}(A^\top A)^{1/2} V\|^2,
            \quad V_{ii} = 0.

    At infinite temperature without smoothing, dropout and ``popularity_exponent`` this is EASE
    [1]_. The smoothed softmax is from [2]_, dropout in closed form from [3]_. The projection that
    ``learn_projections`` adds is :math:`q_u^\top W k_i` with :math:`q_u = \sum_j a_{uj} k_j` and
    W from a ridge regression of Y on :math:`q_u k_i^\top`.

    References
    ----------
    .. [1] Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019.
    .. [2] He et al., NAIS: neural attentive item similarity model for recommendation, TKDE 2018.
    .. [3] Steck, Autoencoders that don't overfit towards the identity, NeurIPS 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import AttentionRecommender
    >>> X = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 0, 5, 4], [1, 0, 4, 5]])
    >>> model = AttentionRecommender(regularization=1).fit(X)
    >>> indices, _ = model.recommend([[5, 0, 0, 0], [0, 0, 0, 5]], k=1)
    >>> indices.ravel()
    array([1, 2])
    >>> model.attention_weights([[5, 2, 0, 0]])[0].toarray().round(2)
    array([[1.04, 0.52, 0.  , 0.  ]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        name: constraint
        for name, constraint in CONSTRAINTS.items()
        if name not in ("n_heads", "temperature_ratio")
    }
    _counted_parameters: ClassVar[tuple[str, ...]] = (
        "temperature",
        "rating_center",
        "rating_spread",
        "item_features",
        "content_weight",
        "relevance_threshold",
        "smoothing",
    )

    def __init__(
        self,
        temperature: float = DEFAULTS["temperature"],
        *,
        rating_center: float | None = None,
        rating_spread: float | None = None,
        item_features: Any = None,
        content_weight: float | None = None,
        learn_projections: bool = False,
        relevance_threshold: float | None = None,
        smoothing: float = DEFAULTS["smoothing"],
        dropout: float = DEFAULTS["dropout"],
        regularization: float | None = DEFAULTS["regularization"],
        key_popularity_exponent: float = 0.0,
        popularity_exponent: float = DEFAULTS["popularity_exponent"],
        solver: str = "auto",
        n_neighbors: int | None = None,
        memory: Any = None,
        verbose: bool = False,
    ):
        self.temperature = temperature
        self.rating_center = rating_center
        self.rating_spread = rating_spread
        self.item_features = item_features
        self.content_weight = content_weight
        self.learn_projections = learn_projections
        self.relevance_threshold = relevance_threshold
        self.smoothing = smoothing
        self.dropout = dropout
        self.regularization = regularization
        self.key_popularity_exponent = key_popularity_exponent
        self.popularity_exponent = popularity_exponent
        self.solver = solver
        self.n_neighbors = n_neighbors
        self.memory = memory
        self.verbose = verbose

    def _make_projections(self, n_features: int) -> np.ndarray:
        """Feature projection of each head; shape (n_heads, d, d_head)."""
        return np.eye(n_features)[None]

    def _set_up_attention(self, X: sp.csr_array) -> None:
        ratings = self._learn_logits(X)
        self._refuse_idle()
        self._warn_of_idle(X)
        weight = 1.0 if self.content_weight is None else float(self.content_weight)
        self.projections_, head_keys = None, None
        if self._keys is not None:
            self.projections_ = self._make_projections(self._keys.shape[1])
            head_keys = None if weight == 0 else projected(self.projections_, self._keys)
        self._attention = SetAttention(ratings, self.smoothing, weight, head_keys)

    def _refuse_idle(self) -> None:
        """Refuse parameters that have no effect beside the others."""
        if self._keys is None and self.content_weight is not None:
            self._refuse("content_weight", "without item_features")

    def _warn_of_idle(self, X: sp.csr_array) -> None:
        """Warn of parameters that have no effect with these values and ratings."""
        self._warn_of_idle_ratings(X, reads_more=self._reads_content())

    def _reads_content(self) -> bool:
        return self._keys is not None and self.content_weight != 0

    def _attend(self, X: sp.csr_array, context: Context) -> np.ndarray:
        return self._attention.weights(X)

    def _count(
        self, X: sp.csr_array, context: Context, memory: joblib.Memory
    ) -> SufficientStatistics:
        parts = X.shape, X.indptr, X.indices, X.data
        return memory.cache(_sum_up)(parts, self._attention, self.relevance_threshold)

    def _fingerprints(self, X: sp.csr_array, context: Context) -> np.ndarray:
        return super()._fingerprints(X, Context())


def _sum_up(
    parts: tuple[Any, ...], attention: SetAttention, threshold: float | None
) -> SufficientStatistics:
    """Sum up histories from the parts of a CSR array, which can be hashed."""
    shape, indptr, indices, data = parts
    return set_statistics(sp.csr_array((data, indices, indptr), shape), attention, threshold)


@documented
class MultiHeadAttentionRecommender(AttentionRecommender):
    r"""Recommend by several attention heads over the history, learned jointly in closed form.

    Heads differ by temperature, from sharp to flat, and by the projection of item features they
    look at. One regression over all heads decides what each head's attention is worth, so a head
    that adds nothing gets small votes. With one head this is :class:`AttentionRecommender`.

    Parameters
    ----------
    {n_heads}
    {temperature}
    {temperature_ratio}
    {rating_center}
    {rating_spread}
    {item_features}
    {content_weight}
    {learn_projections}
    projections : array-like of shape (n_heads, d, d_head), default=None
        Feature projection of each head; needs ``item_features``. None draws random orthonormal ones
        with ``d_head = max(1, d // n_heads)``; a single head takes the features as they are.
    {relevance_threshold}
    {smoothing}
    {dropout}
    {regularization}
    {key_popularity_exponent}
    {popularity_exponent}
    {solver}
    {n_neighbors}
    {memory}
    {verbose}
    random_state : int, RandomState instance or None, default=None
        Seed of the projections; unused without item features or with given projections.

    Attributes
    ----------
    {values_}
    {solver_}
    {statistics_}
    {rating_center_}
    {regularization_}
    {temperatures_}
    projections_ : ndarray of shape (n_heads, d, d_head) or None
        The projection of each head, None without item features.
    {learned_projections_}
    {prior_}
    {n_features_in_}
    {feature_names_in_}

    See Also
    --------
    AttentionRecommender : One head.
    SequentialAttentionRecommender : Heads that differ in how far back they look.
    skattnrec.attention.multi_head_attention : Multi-head attention as a function.

    Notes
    -----
    With the notation of :class:`AttentionRecommender`, head projections :math:`W_h` and
    temperatures :math:`\tau_h`,

    .. math::

        l^h_{uj} &= \left(z_{uj}
            + w_c \langle W_h^\top q_u, W_h^\top k_j \rangle / \sqrt{d_h}\right) / \tau_h \\
        s_{ui} &= \sum_h \sum_{j \in H(u)} a^h_{uj} V^h_{ji}

    The votes of all heads solve one ridge regression on the heads' weights side by side, under
    the constraints :math:`V^h_{ii} = 0`. Its system has ``n_heads * n_items`` unknowns per item.
    For the regression, the weights of each head are scaled to a mean square of 1. Dropout drops an
    entry from all heads at once, and the penalty :math:`\lambda` is ``regularization_ * n_heads``,
    so that splitting a head into equal ones changes nothing.

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
        **CONSTRAINTS,
        "projections": ["array-like", None],
        "random_state": ["random_state"],
    }
    _counted_parameters: ClassVar[tuple[str, ...]] = (
        *AttentionRecommender._counted_parameters,
        "n_heads",
        "temperature_ratio",
        "projections",
    )

    def __init__(
        self,
        n_heads: int = DEFAULTS["n_heads"],
        *,
        temperature: float = DEFAULTS["temperature"],
        temperature_ratio: float = DEFAULTS["temperature_ratio"],
        rating_center: float | None = None,
        rating_spread: float | None = None,
        item_features: Any = None,
        content_weight: float | None = None,
        learn_projections: bool = False,
        projections: Any = None,
        relevance_threshold: float | None = None,
        smoothing: float = DEFAULTS["smoothing"],
        dropout: float = DEFAULTS["dropout"],
        regularization: float | None = DEFAULTS["regularization"],
        key_popularity_exponent: float = 0.0,
        popularity_exponent: float = DEFAULTS["popularity_exponent"],
        solver: str = "auto",
        n_neighbors: int | None = None,
        memory: Any = None,
        verbose: bool = False,
        random_state: Any = None,
    ):
        super().__init__(
            temperature,
            rating_center=rating_center,
            rating_spread=rating_spread,
            item_features=item_features,
            content_weight=content_weight,
            learn_projections=learn_projections,
            relevance_threshold=relevance_threshold,
            smoothing=smoothing,
            dropout=dropout,
            regularization=regularization,
            key_popularity_exponent=key_popularity_exponent,
            popularity_exponent=popularity_exponent,
            solver=solver,
            n_neighbors=n_neighbors,
            memory=memory,
            verbose=verbose,
        )
        self.n_heads = n_heads
        self.temperature_ratio = temperature_ratio
        self.projections = projections
        self.random_state = random_state

    def _make_temperatures(self) -> np.ndarray:
        return ladder(self.temperature, self.temperature_ratio, self.n_heads)

    def _make_projections(self, n_features: int) -> np.ndarray:
        if self.projections is None:
            random_state = check_random_state(self.random_state)
            return random_projections(self.n_heads, n_features, random_state)
        given = check_array(
            self.projections, allow_nd=True, dtype=np.float64, input_name="projections"
        )
        if given.ndim != 3 or given.shape[:2] != (self.n_heads, n_features):
            raise ValueError(
                f"projections must have shape (n_heads={self.n_heads}, d={n_features}, d_head), "
                f"got {given.shape}."
            )
        return given

    def _refuse_idle(self) -> None:
        super()._refuse_idle()
        if self._keys is None and self.projections is not None:
            self._refuse("projections", "without item_features")

    def _warn_of_idle(self, X: sp.csr_array) -> None:
        super()._warn_of_idle(X)
        if self.n_heads == 1 and self.temperature_ratio != DEFAULTS["temperature_ratio"]:
            self._warn("temperature_ratio", "there is one head")
        if self.n_heads == 1 or self._reads_content():
            return
        same = "all heads are the same, as "
        if np.isinf(self.temperature) or self.temperature_ratio == 1:
            self._warn("n_heads", same + "they have the same temperature")
        elif all_equal(X):
            self._warn("n_heads", same + "all ratings are equal")
