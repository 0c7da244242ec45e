"""AttentionDistributionDisplay: how concentrated attention is, and what temperature does to it."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..._kernels.entries import rows_of_entries
from ...metrics._concentration import attention_entropy, effective_number
from .._histories import Histories, attention_model, attention_shares
from .._parameters import checked
from ._display import Display
from ._drawing import colors_of_heads, legend_above, log_x, tidy
from ._labels import head_labels

__all__ = ["AttentionDistributionDisplay"]

_GRID = np.geomspace(0.1, 10, 21)  # temperatures, as multiples of that of the head


@dataclass(eq=False, repr=False)
class AttentionDistributionDisplay(Display):
    r"""On how many items attention rests: for many users, by head, against temperature.

    Parameters
    ----------
    weights : sequence of n_heads {array, sparse matrix} of shape (n_users, n_items)
        Attention; stored entries (dense: those that are not 0) are the history. They need not
        sum to 1. Empty histories are left out.
    {temperatures}
    {half_lives}
    factors : array-like of shape (n_factors,), default=None
        Factors of the temperature to show, ascending; None means 0.1 to 10.

    Attributes
    ----------
    entropy : ndarray of shape (n_heads, n_users)
        Entropy of attention over each history, divided by its largest possible value: 0 where
        one entry has it all, 1 where all have the same. NaN for histories of one entry.
    effective_items : ndarray of shape (n_heads, n_users)
        The exponential of the entropy: how many entries of equal weight would be as concentrated.
    lengths : ndarray of shape (n_users,)
        Lengths of the histories.
    effective_by_factor : ndarray of shape (n_heads, n_factors, 3)
        Quartiles over users of ``effective_items`` with the temperature of a head multiplied.
    {axes}
    counts_ : ndarray of shape (n_heads, n_bins) or None
        Users in each bin of a histogram.
    edges_ : ndarray of shape (n_bins + 1,) or None
        The edges of the bins.
    lines_ : list of Line2D or None
        The median of each head against temperature.

    Notes
    -----
    With shares of attention a that sum to 1 over a history, the entropy is
    :math:`-\sum_j a_j \ln a_j` and the effective number of items its exponential. At another
    temperature :math:`\tau'` shares are proportional to :math:`a_j^{\tau / \tau'}`, so no model
    has to be fitted anew. In a model of sequences the half-lives grow by the same factor. Models
    cut large logits, and weigh the profile of item features by temperature; both stay as fitted.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec.inspection import AttentionDistributionDisplay
    >>> display = AttentionDistributionDisplay.from_predictions(
    ...     [np.array([[0.5, 0.5, 0.0], [0.8, 0.1, 0.1]])])
    >>> display.effective_items.round(2)
    array([[2.  , 1.89]])
    """

    weights: Any
    _: KW_ONLY
    temperatures: Any = None
    half_lives: Any = None
    factors: Any = None

    def __post_init__(self) -> None:
        heads = [sp.csr_array(w) for w in self.weights]
        lengths = [np.diff(w.indptr) for w in heads]
        if len({w.shape for w in heads}) > 1 or np.ptp(np.sign(lengths), axis=0).any():
            raise ValueError("weights must hold the same histories for every head.")
        longest = np.max(lengths, axis=0)
        if not longest.any():
            raise ValueError("All histories are empty: there is no attention to measure.")
        heads = [w[np.flatnonzero(longest)] for w in heads]
        self.weights, self.lengths = heads, longest[longest > 0]
        self.factors = _GRID if self.factors is None else np.asarray(self.factors, dtype=float)
        self.entropy = np.array([attention_entropy(w, normalize=True) for w in heads])
        self.effective_items = np.array([effective_number(w) for w in heads])
        quartiles = [
            [np.percentile(effective_number(reweigh(w, 1 / f)), [25, 50, 75]) for f in self.factors]
            for w in heads
        ]
        self.effective_by_factor = np.array(quartiles)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        timestamps: Any = None,
        user_features: Any = None,
        **options: Any,
    ) -> AttentionDistributionDisplay:
        """Measure the attention of a fitted model over many histories.

        Parameters
        ----------
        {attention_estimator}
        X : {array-like, sparse matrix} of shape (n_users, n_items)
            Histories; empty ones are left out.
        {times}
        **options
            What the class and :meth:`plot` take, ``ax`` among them.
        """
        model, seen = attention_model(estimator, Histories.of(X, timestamps, user_features))
        known = {"half_lives": getattr(model, "half_lives_", None)}
        options = {"temperatures": model.temperatures_, **known, **options}
        return cls.from_predictions(attention_shares(model, seen), **options)

    @checked(kind={"effective_items", "entropy", "temperature"})
    def plot(
        self, ax: Any = None, *, kind: str = "effective_items", bins: int = 30
    ) -> AttentionDistributionDisplay:
        """Draw a histogram over users, or the median user against temperature.

        Parameters
        ----------
        {ax}
        kind : {"effective_items", "entropy", "temperature"}, default="effective_items"
            Histogram of the effective number of items, beside the lengths of the histories;
            histogram of the normalised entropy; or the quartiles of the effective number of items
            against temperature.
        bins : int, default=30
            Number of bins of a histogram.
        """
        n_heads = len(self.entropy)
        labels = head_labels(n_heads, self.temperatures, self.half_lives)
        self._begin(ax, (7.0, 4.2))
        self.counts_: Any = None
        self.edges_: Any = None
        self.lines_: Any = None
        draw = getattr(self, f"_draw_{kind}")
        draw(list(zip(labels, colors_of_heads(n_heads), strict=True)), bins)
        tidy(self.ax_)
        legend_above(self.ax_, n_heads + 1)
        return self

    def _draw_effective_items(self, heads: list[tuple[str, Any]], bins: int) -> None:
        # bins on a log scale: histories of ten and of a thousand items on one axis
        largest = max(2.0, float(self.lengths.max()))
        smallest = min(float(self.effective_items.min()), largest / 2)
        self.edges_ = np.geomspace(smallest * 0.9999, largest * 1.0001, bins + 1)
        lengths, _ = np.histogram(self.lengths, self.edges_)
        self.ax_.stairs(lengths, self.edges_, fill=True, color="0.88", label="length of history")
        self._draw_counts(self.effective_items, heads)
        self.ax_.set(xlabel="effective number of items", ylabel="users")
        log_x(self.ax_)

    def _draw_entropy(self, heads: list[tuple[str, Any]], bins: int) -> None:
        smallest = self.entropy[np.isfinite(self.entropy)].min(initial=1.0)
        self.edges_ = np.linspace(min(np.floor(10 * smallest) / 10, 0.9), 1, bins + 1)
        self._draw_counts(self.entropy, heads)
        self.ax_.set(xlabel="entropy of attention / its maximum", ylabel="users")
        self.ax_.set_xlim(self.edges_[0], 1)

    def _draw_counts(self, measured: np.ndarray, heads: list[tuple[str, Any]]) -> None:
        counts = []
        for values, (label, color) in zip(measured, heads, strict=True):
            inside = np.clip(values[np.isfinite(values)], self.edges_[0], self.edges_[-1])
            counts.append(np.histogram(inside, self.edges_)[0])
            self.ax_.stairs(counts[-1], self.edges_, color=color, linewidth=2, label=label)
        self.counts_ = np.array(counts)

    def _draw_temperature(self, heads: list[tuple[str, Any]], bins: int) -> None:
        alone = len(self.lengths) == 1  # one history has no quartiles
        known = self.temperatures is not None and self.half_lives is None
        known = known and bool(np.isfinite(self.temperatures).all())
        own = np.asarray(self.temperatures) if known else np.ones(len(heads))
        self.lines_ = []
        for head, (label, color) in enumerate(heads):
            width = 2 + 3 * (1 - (head + 1) / len(heads))  # where heads coincide, all can be seen
            low, middle, high = self.effective_by_factor[head].T
            x = self.factors * own[head]
            if not alone:
                self.ax_.fill_between(x, low, high, color=color, alpha=0.15, lw=0)
            self.lines_ += self.ax_.plot(x, middle, color=color, label=label, lw=width)
            at_own = np.interp(0.0, np.log(self.factors), middle)
            self.ax_.plot(own[head], at_own, "o", color=color, markersize=4 + width)
        quartiles = "" if alone else ",\nmedian and quartiles of users"
        self.ax_.set_ylabel(f"effective number of items{quartiles}")
        scale = "temperature" if self.half_lives is None else "temperature and half-lives"
        self.ax_.set_xlabel(f"{scale}{' (dot: as fitted)' if known else ', as fitted = 1'}")
        length = np.median(self.lengths)
        self.ax_.axhline(length, color="0.4", linestyle=":", linewidth=1)
        text = "length of the history " if alone else "median length of a history "
        style = {"ha": "right", "va": "bottom", "color": "0.4", "fontsize": 9}
        self.ax_.text(1, length, text, transform=self.ax_.get_yaxis_transform(), **style)
        log_x(self.ax_)
        self.ax_.margins(y=0.1)
        self.ax_.set_ylim(bottom=0)


def reweigh(weights: sp.csr_array, power: float) -> sp.csr_array:
    """Attention at another temperature, ``1 / power`` times as high; up to a factor of each row."""
    largest = weights.max(axis=1).toarray().ravel()[rows_of_entries(weights.indptr)]
    data = (weights.data / largest) ** power
    return sp.csr_array((data, weights.indices, weights.indptr), shape=weights.shape)
