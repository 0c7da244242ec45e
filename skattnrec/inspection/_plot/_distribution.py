"""AttentionDistributionDisplay: how concentrated attention is, and what temperature does to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from .._concentration import attention_entropy, effective_number, reweigh
from .._unwrap import attention_model, attention_shares
from ._canvas import axes_for, colors_of_heads, legend_above, log_x, tidy
from ._labels import head_labels

__all__ = ["AttentionDistributionDisplay"]

_GRID = np.geomspace(0.1, 10, 21)  # temperatures, as multiples of that of the head


class AttentionDistributionDisplay:
    r"""On how many items attention rests: for many users, by head, against temperature.

    It is best made by :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    entropy : ndarray of shape (n_heads, n_users)
        Entropy of attention over each history, divided by its largest possible value: 0 where
        one entry has it all, 1 where all have the same. NaN for histories of one entry.
    effective_items : ndarray of shape (n_heads, n_users)
        The exponential of the entropy: how many entries of equal weight would be as concentrated.
    lengths : ndarray of shape (n_users,)
        Lengths of the histories.
    factors : ndarray of shape (n_factors,)
        Factors of the temperature.
    effective_by_factor : ndarray of shape (n_heads, n_factors, 3)
        Quartiles over users of ``effective_items`` with the temperature of a head multiplied.
    temperatures : ndarray of shape (n_heads,), default=None
        Temperature of each head.

    Attributes
    ----------
    ax_ : Axes
        Where it is drawn.
    figure_ : Figure
        The figure that is in.
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
    has to be fitted anew.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec.inspection import AttentionDistributionDisplay
    >>> display = AttentionDistributionDisplay.from_predictions(
    ...     [np.array([[0.5, 0.5, 0.0], [0.8, 0.1, 0.1]])])
    >>> display.effective_items.round(2)
    array([[2.  , 1.89]])
    """

    def __init__(
        self,
        *,
        entropy: np.ndarray,
        effective_items: np.ndarray,
        lengths: np.ndarray,
        factors: np.ndarray,
        effective_by_factor: np.ndarray,
        temperatures: np.ndarray | None = None,
    ):
        self.entropy = entropy
        self.effective_items = effective_items
        self.lengths = lengths
        self.factors = factors
        self.effective_by_factor = effective_by_factor
        self.temperatures = temperatures

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, *, timestamps: Any = None, ax: Any = None, **kwargs: Any
    ) -> AttentionDistributionDisplay:
        """Measure the attention of a fitted model over many histories.

        Parameters
        ----------
        estimator : object
            A fitted attention recommender, or a pipeline or search of one.
        X : {array-like, sparse matrix} of shape (n_users, n_items)
            Histories; empty ones are left out.
        timestamps : {array-like, sparse matrix} of shape (n_users, n_items), default=None
            The time of every entry of ``X``.
        ax : Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs
            Passed to :meth:`from_predictions`.

        Returns
        -------
        AttentionDistributionDisplay
            The display, drawn.
        """
        model, seen = attention_model(estimator, X)
        shares = attention_shares(model, seen, timestamps)
        kwargs.setdefault("temperatures", model.temperatures_)
        return cls.from_predictions(shares, ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        weights: Sequence[Any],
        *,
        temperatures: Any = None,
        factors: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> AttentionDistributionDisplay:
        """Measure given attention weights.

        Parameters
        ----------
        weights : sequence of n_heads {array, sparse matrix} of shape (n_users, n_items)
            Attention; stored entries (dense: those that are not 0) are the history. They need not
            sum to 1.
        temperatures : array-like of shape (n_heads,), default=None
            Temperature of each head.
        factors : array-like of shape (n_factors,), default=None
            Factors of the temperature to show, ascending; None means 0.1 to 10.
        ax : Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs
            Passed to :meth:`plot`.

        Returns
        -------
        AttentionDistributionDisplay
            The display, drawn.
        """
        heads = [sp.csr_array(w) for w in weights]
        lengths = np.diff(heads[0].indptr)
        heads = [w[np.flatnonzero(lengths)] for w in heads]
        lengths = lengths[lengths > 0]
        if not len(lengths):
            raise ValueError("All histories are empty: there is no attention to measure.")
        grid = _GRID if factors is None else np.asarray(factors, dtype=float)
        quartiles = [
            [np.percentile(effective_number(reweigh(w, 1 / f)), [25, 50, 75]) for f in grid]
            for w in heads
        ]
        display = cls(
            entropy=np.array([attention_entropy(w, normalize=True) for w in heads]),
            effective_items=np.array([effective_number(w) for w in heads]),
            lengths=lengths,
            factors=grid,
            effective_by_factor=np.array(quartiles),
            temperatures=None if temperatures is None else np.asarray(temperatures, dtype=float),
        )
        return display.plot(ax, **kwargs)

    def plot(
        self, ax: Any = None, *, kind: str = "effective_items", bins: int = 30
    ) -> AttentionDistributionDisplay:
        """Draw a histogram over users, or the median user against temperature.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a new figure.
        kind : {"effective_items", "entropy", "temperature"}, default="effective_items"
            Histogram of the effective number of items, beside the lengths of the histories;
            histogram of the normalised entropy; or the quartiles of the effective number of items
            against temperature.
        bins : int, default=30
            Number of bins of a histogram.

        Returns
        -------
        AttentionDistributionDisplay
            This object.
        """
        draw = {
            "effective_items": self._draw_effective_items,
            "entropy": self._draw_entropy,
            "temperature": self._draw_temperature,
        }
        if kind not in draw:
            raise ValueError(f"kind must be one of {sorted(draw)}, got {kind!r}.")
        (self.ax_,) = axes_for(ax, type(self).__name__, (7.0, 4.2))
        self.figure_ = self.ax_.figure
        self.counts_: Any = None
        self.edges_: Any = None
        self.lines_: Any = None
        n_heads = len(self.entropy)
        labels = head_labels(self.temperatures, n_heads)
        draw[kind](list(zip(labels, colors_of_heads(n_heads), strict=True)), bins)
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
        self.lines_ = []
        alone = len(self.lengths) == 1  # one history has no quartiles
        known = self.temperatures is not None and np.isfinite(self.temperatures).all()
        for head, (label, color) in enumerate(heads):
            width = 2 + 3 * (1 - (head + 1) / len(heads))  # where heads coincide, all can be seen
            own = self.temperatures[head] if known and self.temperatures is not None else 1.0
            low, middle, high = self.effective_by_factor[head].T
            if not alone:
                self.ax_.fill_between(self.factors * own, low, high, color=color, alpha=0.15, lw=0)
            (line,) = self.ax_.plot(self.factors * own, middle, color=color, label=label, lw=width)
            at_own = np.interp(0.0, np.log(self.factors), middle)
            self.ax_.plot(own, at_own, "o", color=color, markersize=4 + width)
            self.lines_.append(line)
        xlabel = "temperature (dot: as fitted)" if known else "temperature, as fitted = 1"
        self.ax_.set_xlabel(xlabel)
        measured = "" if alone else ",\nmedian and quartiles of users"
        self.ax_.set_ylabel(f"effective number of items{measured}")
        self.ax_.axhline(np.median(self.lengths), color="0.4", linestyle=":", linewidth=1)
        self.ax_.annotate(
            "length of the history" if alone else "median length of a history",
            (1, np.median(self.lengths)),
            (-4, 3),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            color="0.4",
            fontsize=9,
        )
        log_x(self.ax_)
        self.ax_.set_ylim(bottom=0)
