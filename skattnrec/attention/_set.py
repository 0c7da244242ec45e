"""Attention over histories without an order: one head, votes in closed form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import joblib
import numpy as np
import scipy.sparse as sp

from .._context import Context
from ._base import RankingAttention
from ._features import MOST_KEYS, projected
from ._parameters import CONSTRAINTS, DEFAULTS, documented
from ._statistics import SufficientStatistics, set_statistics
from ._weights import SetAttention

__all__ = ["AttentionRecommender"]


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
    {prior_weight}
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
    {prior_weight_}
    {token_values_}
    {token_regularization_}
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

    Where :math:`\kappa` = ``prior_weight_`` is not 0, the prior of the user is added, with the mean
    relevance :math:`m_i` of the items and the user features :math:`f_u`, free of units:

    .. math::

        s_{ui} \leftarrow s_{ui} + \frac{\kappa}{\kappa + \sum_{j \in H(u)} e^{z_{uj} / \tau}} \,
            \Big(m_i + \sum_k f_{uk} W_{ki}\Big)

    with W from a ridge regression of relevance on features, whose penalty
    ``token_regularization_`` is the one of the least generalized cross-validation [6]_.

    At infinite temperature without smoothing, dropout and ``popularity_exponent`` this is EASE
    [1]_. The smoothed softmax is from [2]_, dropout in closed form from [3]_. The projection that
    ``learn_projections`` adds is :math:`q_u^\top W k_i` with :math:`q_u = \sum_j a_{uj} k_j` and
    W from a ridge regression of Y on :math:`q_u k_i^\top`.

    An item c that nobody has rated has the votes that its features tell, of the warm items W,

    .. math::

        V_{jc} = \sum_{w \in W} (V_{jw} + 0.1 \, \delta_{jw}) S_{wc}, \qquad
        S = (K_{WW} + \rho D^{-1})^{-1} K_{WC}

    with the likeness :math:`K_{ij} = \exp(t_i^\top t_j - 1 - 3 \|z_i - z_j\|^2 / m)` of
    tags t, rows of length 1, and m numbers z in spreads: a kernel ridge regression of votes on
    features [4]_, in the manner of [5]_, in which the votes of an item count by the square root of
    its number of ratings (D, relative to the mean of the inverse). Where b is the slope of the
    regression of the cosines between the votes for two warm items on their likeness, over all
    pairs, :math:`\rho = (1 - b) / (3 b)`, in [0.5, 50].

    References
    ----------
    .. [1] Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019.
    .. [2] He et al., NAIS: neural attentive item similarity model for recommendation, TKDE 2018.
    .. [3] Steck, Autoencoders that don't overfit towards the identity, NeurIPS 2020.
    .. [4] Pahikkala et al., A two-step learning approach for solving full and almost full cold
       start problems in dyadic prediction, ECML 2014.
    .. [5] Monteil et al., MARec: metadata alignment for cold-start recommendation, RecSys 2024.
    .. [6] Golub, Heath and Wahba, Generalized cross-validation as a method for choosing a good
       ridge parameter, Technometrics 21(2), 1979.

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
        prior_weight: float | None = None,
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
        self.prior_weight = prior_weight
        self.memory = memory
        self.verbose = verbose

    def _make_projections(self, n_features: int) -> np.ndarray:
        """Feature projection of each head; shape (n_heads, d, d_head)."""
        return np.eye(n_features)[None]

    def _set_up_attention(self, X: sp.csr_array) -> None:
        ratings = self._learn_logits(X)
        self._refuse_idle()
        self._warn_of_idle(X)
        self.projections_ = self._keys = head_keys = None
        weight = self._weigh_content()
        if weight != 0:
            assert self._features is not None
            self._keys = self._features.keys("content_weight")
            self.projections_ = self._make_projections(self._keys.shape[1])
            head_keys = projected(self.projections_, self._keys)
        self._attention = SetAttention(ratings, self.smoothing, weight, head_keys)

    def _renew_keys(self) -> None:
        if self.projections_ is not None:
            assert self._features is not None
            self._keys = self._features.keys("content_weight")
            head_keys = projected(self.projections_, self._keys)
            self._attention = replace(self._attention, keys=head_keys)

    def _weigh_content(self) -> float:
        """Give the factor of the content logits."""
        if self._features is None:
            return 0.0
        if self.content_weight is None:
            return 1.0 if self._features.table.shape[1] <= MOST_KEYS else 0.0
        return float(self.content_weight)

    def _refuse_idle(self) -> None:
        """Refuse parameters that have no effect beside the others."""
        if self._features is None and self.content_weight is not None:
            self._refuse("content_weight", "without item_features")

    def _warn_of_idle(self, X: sp.csr_array) -> None:
        """Warn of parameters that have no effect with these values and ratings."""
        self._warn_of_idle_ratings(X, reads_more=self._reads_content())

    def _reads_content(self) -> bool:
        return self._weigh_content() != 0

    def _attend(self, X: sp.csr_array, context: Context) -> np.ndarray:
        return self._attention.weights(X)

    def _entries_add_up(self) -> bool:
        """One softmax scales all votes of a history alike; the share of a prior it does not."""
        alike = len(self.temperatures_) == 1 or self.smoothing == 0
        return alike and self._keys is None and self._blend is None

    def _count_histories(
        self, X: sp.csr_array, context: Context, memory: joblib.Memory
    ) -> SufficientStatistics:
        parts = X.shape, X.indptr, X.indices, X.data
        return memory.cache(_sum_up)(parts, self._attention, self.relevance_threshold)

    def _fingerprints(self, X: sp.csr_array, context: Context) -> np.ndarray:
        return super()._fingerprints(X, Context(None, context.features))


def _sum_up(
    parts: tuple[Any, ...], attention: SetAttention, threshold: float | None
) -> SufficientStatistics:
    """Sum up histories from the parts of a CSR array, which can be hashed."""
    shape, indptr, indices, data = parts
    return set_statistics(sp.csr_array((data, indices, indptr), shape), attention, threshold)
