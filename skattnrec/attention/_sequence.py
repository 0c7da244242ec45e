"""Attention over histories in the order of time: heads that look back by different distances."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import joblib
import numpy as np
import scipy.sparse as sp

from .._compat import Interval, StrOptions
from .._context import Context
from ._base import RankingAttention
from ._parameters import CONSTRAINTS, DEFAULTS, documented
from ._statistics import SufficientStatistics, sequence_statistics
from ._weights import SequenceAttention, ladder

__all__ = ["SequentialAttentionRecommender"]

HALF_LIFE_RATIO = 10.0


@documented
class SequentialAttentionRecommender(RankingAttention):
    r"""Recommend the next item by attention over the sequence so far, learned in closed form.

    Attention fades with age: after a half-life half of it is left. Heads have different
    half-lives, so that one sees the latest entries only and another the whole history. What each
    entry votes for is learned by a ridge regression with a closed-form solution, from every
    beginning of every history to what followed.

    Parameters
    ----------
    {n_heads}
    half_life : float, default=1.0
        Positive. Age after which the attention of the first head is halved, in entries or, with
        ``age="time"``, in the unit of the timestamps (seconds, where these are dates). ``inf``:
        nothing fades.
    half_life_ratio : float, default=10.0
        Positive. Head h has half-life ``half_life * half_life_ratio ** h``.
    age : {"rank", "time"}, default="rank"
        What age is: the number of entries of later times, or the time until the latest entry.
    lookahead : float, default=0.3
        In [0, 1). The target of a history is the item that follows, and one that follows after s
        others counts ``lookahead ** s``.
    reverse_weight : float, default=0.0
        Weight of learning from every history read backwards as well; not negative. Helps where
        data are few and order is loose.
    temperature : float, default=inf
        Positive. In spreads of the ratings: a rating higher by ``temperature`` spreads gives e
        times the weight, and as a target counts e times as much. ``inf`` reads ratings as mere
        presence: as a rule they tell nothing about what comes next.
    {rating_center}
    {rating_spread}
    {item_features}
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
    half_lives_ : ndarray of shape (n_heads,)
        The half-life of each head.
    {rating_center_}
    {regularization_}
    temperatures_ : ndarray of shape (n_heads,)
        The temperature, which is the same for all heads.
    {learned_projections_}
    {prior_weight_}
    {token_values_}
    {token_regularization_}
    {prior_}
    {n_features_in_}
    {feature_names_in_}

    See Also
    --------
    AttentionRecommender : Histories without an order; its notes have the regression.
    skattnrec.metrics.RankingScorer : With timestamps, it asks for the last item of each history.

    Notes
    -----
    Entries j of a history have times; :math:`H_t(u)` are those up to time t. With ratings z in
    spreads, temperature :math:`\tau`, smoothing :math:`\beta` and half-life :math:`\eta_h` of
    head h,

    .. math::

        e^h_{tj} &= \exp(z_{uj} / \tau) \, 2^{-\mathrm{age}_t(j) / \eta_h} \\
        a^h_{tj} &= e^h_{tj} \big/ \Big(\sum_{m \in H_t(u)} e^h_{tm}\Big)^{\beta} \\
        s_{ti} &= \sum_h \sum_{j \in H_t(u)} a^h_{tj} V^h_{ji}

    The rows of the regression are all :math:`H_t(u)` that something follows, and its targets what
    follows. Its matrices are sums over pairs of entries of a user, and no such row is ever
    formed. Pairs are left out where the attention has fallen below :math:`10^{-7}`, the rounding of
    single precision.

    Entries of one time are simultaneous: they are of the same age, and neither follows the other.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import SequentialAttentionRecommender
    >>> X = np.ones((3, 4))
    >>> times = np.array([[1, 2, 3, 4], [3, 4, 1, 2], [2, 3, 4, 1]])  # always 0, 1, 2, 3, 0, ...
    >>> model = SequentialAttentionRecommender(1, regularization=0.1).fit(X, timestamps=times)
    >>> history, when = [[1, 1, 0, 0]], [[8, 9, 0, 0]]
    >>> model.recommend(history, k=1, timestamps=when)[0]
    array([[2]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{
            name: constraint
            for name, constraint in CONSTRAINTS.items()
            if name not in ("temperature_ratio", "content_weight")
        },
        "half_life": [Interval(Real, 0, np.inf, closed="right")],
        "half_life_ratio": [Interval(Real, 0, None, closed="neither")],
        "age": [StrOptions({"rank", "time"})],
        "lookahead": [Interval(Real, 0, 1, closed="left")],
        "reverse_weight": [Interval(Real, 0, None, closed="left")],
    }
    _counted_parameters: ClassVar[tuple[str, ...]] = (
        "n_heads",
        "half_life",
        "half_life_ratio",
        "age",
        "lookahead",
        "reverse_weight",
        "temperature",
        "rating_center",
        "rating_spread",
        "item_features",
        "relevance_threshold",
        "smoothing",
    )

    def __init__(
        self,
        n_heads: int = DEFAULTS["n_heads"],
        *,
        half_life: float = 1.0,
        half_life_ratio: float = HALF_LIFE_RATIO,
        age: str = "rank",
        lookahead: float = 0.3,
        reverse_weight: float = 0.0,
        temperature: float = np.inf,
        rating_center: float | None = None,
        rating_spread: float | None = None,
        item_features: Any = None,
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
        self.n_heads = n_heads
        self.half_life = half_life
        self.half_life_ratio = half_life_ratio
        self.age = age
        self.lookahead = lookahead
        self.reverse_weight = reverse_weight
        self.temperature = temperature
        self.rating_center = rating_center
        self.rating_spread = rating_spread
        self.item_features = item_features
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

    def _needs_times(self) -> bool:
        return True

    def _make_temperatures(self) -> np.ndarray:
        return np.full(self.n_heads, self.temperature, dtype=float)

    def _set_up_attention(self, X: sp.csr_array) -> None:
        ratings = self._learn_logits(X)
        self._warn_of_idle_ratings(X, reads_more=False)
        self.half_lives_ = ladder(self.half_life, self.half_life_ratio, self.n_heads)
        if self.n_heads == 1 and self.half_life_ratio != HALF_LIFE_RATIO:
            self._warn("half_life_ratio", "there is one head")
        if self.n_heads > 1 and (np.isinf(self.half_life) or self.half_life_ratio == 1):
            self._warn("n_heads", "all heads are the same, as they have the same half-life")
        self._attention = SequenceAttention(ratings, self.smoothing, self.half_lives_, self.age)

    def _prior_scale(self, statistics: SufficientStatistics) -> float:
        mean_length = statistics.n_entries / max(len(statistics.rows), 1)
        return 1 / (1 - self.lookahead) / max(mean_length, 1)

    def _attend(self, X: sp.csr_array, context: Context) -> np.ndarray:
        assert context.times is not None
        return self._attention.weights(X, context.times)

    def _count_histories(
        self, X: sp.csr_array, context: Context, memory: joblib.Memory
    ) -> SufficientStatistics:
        parts = X.shape, X.indptr, X.indices, X.data
        return memory.cache(_sum_up)(
            parts,
            context.times,
            self._attention,
            self.relevance_threshold,
            self.lookahead,
            self.reverse_weight,
        )


def _sum_up(
    parts: tuple[Any, ...],
    times: np.ndarray,
    attention: SequenceAttention,
    threshold: float | None,
    lookahead: float,
    reverse_weight: float,
) -> SufficientStatistics:
    """Sum up histories from the parts of a CSR array, which can be hashed."""
    shape, indptr, indices, data = parts
    X = sp.csr_array((data, indices, indptr), shape)
    return sequence_statistics(X, times, attention, threshold, lookahead, reverse_weight)
