"""Attention over histories without an order: several heads, solved for jointly."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array

from ._base import all_equal
from ._features import random_projections
from ._parameters import CONSTRAINTS, DEFAULTS, documented
from ._set import AttentionRecommender
from ._weights import ladder

__all__ = ["MultiHeadAttentionRecommender"]


@documented
class MultiHeadAttentionRecommender(AttentionRecommender):
    r"""Recommend by several attention heads over the history, learned jointly in closed form.

    Heads differ by temperature, from flat to sharp, and by the projection of item features they
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
    {prior_weight}
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
    {prior_weight_}
    {token_values_}
    {token_regularization_}
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
    array([3. , 1.5])
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
        prior_weight: float | None = None,
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
            prior_weight=prior_weight,
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
        if self._weigh_content() == 0 and self.projections is not None:
            without = "item_features" if self._features is None else "content logits"
            self._refuse("projections", f"without {without}")

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
