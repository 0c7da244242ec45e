"""``animate_attention``: how attention moves as a history grows, or as the temperature falls."""

from __future__ import annotations

import os
from numbers import Integral
from typing import Any

import numpy as np

from ..._compat import Interval, StrOptions, validate_params
from .._attended import Attended, attend, attention_model, attention_shares
from .._documented import documented
from ._canvas import axes_for, colors_of_heads, pyplot, tidy
from ._labels import number, rated, wrap

__all__ = ["animate_attention"]

_FACTORS = np.geomspace(10, 0.1, 25)  # of the temperature, frame by frame


@documented
@validate_params(
    {
        "over": [StrOptions({"history", "temperature"})],
        "head": [Integral],
        "max_entries": [Interval(Integral, 1, None, closed="left")],
        "frames_per_second": [Interval(Integral, 1, None, closed="left")],
        "path": [str, os.PathLike, None],
    },
    prefer_skip_nested_validation=True,
)
def animate_attention(
    estimator: Any,
    X: Any,
    *,
    over: str = "history",
    timestamps: Any = None,
    item_names: Any = None,
    head: int = 0,
    max_entries: int = 12,
    frames_per_second: int = 3,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Show how attention over one history moves.

    Parameters
    ----------
    {attention_estimator}
    {one_history}
    over : {"history", "temperature"}, default="history"
        A frame for each entry as it joins the history, in the order of time (of columns without
        timestamps); or for temperatures from ten times that of the head down to a tenth of it.
    {times}
    {item_names}
    head : int, default=0
        Which head to show.
    max_entries : int, default=12
        How many entries to show: in each frame those with the largest attention. The others
        have one row, with a number in place of a bar.
    frames_per_second : int, default=3
        The speed.
    path : str or path-like, default=None
        Where to save the animation as a GIF. Pillow writes it, which comes with matplotlib; no
        other program is needed.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        In a notebook, ``HTML(animation.to_jshtml())`` shows it.

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError
        If ``X`` is not one history with entries, there is no such head, or the temperature of a
        head that attends evenly is to fall.

    Examples
    --------
    >>> from skattnrec import AttentionRecommender
    >>> from skattnrec.datasets import make_interactions
    >>> from skattnrec.inspection import animate_attention
    >>> X = make_interactions(100, 50, n_interactions=1500, random_state=0).X
    >>> model = AttentionRecommender().fit(X)
    >>> animation = animate_attention(model, X[[0]], path="attention.gif")  # doctest: +SKIP
    """
    pyplot("animate_attention")
    from matplotlib.animation import FuncAnimation, PillowWriter

    attended = attend(estimator, X, "animate_attention", item_names, timestamps)
    n_heads = len(attended.temperatures)
    if not 0 <= head < n_heads:
        raise ValueError(f"head must be in [0, {n_heads - 1}], got {head}.")
    labels = rated(attended.labels, attended.history.X.data)
    if over == "history":
        order, shares, titles = _growing(estimator, attended, head)
        labels = [labels[entry] for entry in order]
        # each entry makes the shares of the others smaller: no scale would do for all frames
        sizes, scales = np.arange(1, len(labels) + 1), shares.max(axis=1)
    else:
        shares, titles = _cooling(attended.shares[head], attended.temperatures[head])
        sizes = np.full(len(shares), len(labels))
        scales = np.full(len(shares), shares.max())
    if n_heads > 1:
        titles = [f"head {head + 1}, {title}" for title in titles]
    # a row for a single other would hide it for nothing
    n_rows = len(labels) if len(labels) <= max_entries + 1 else max_entries
    stage = _Stage(
        n_rows, [wrap(label) for label in labels], titles, colors_of_heads(n_heads)[head]
    )

    def draw(frame: int) -> Any:
        stage.ax.set_xlim(0, 1.1 * scales[frame])
        return stage.show(frame, shares[frame, : sizes[frame]])

    animation = FuncAnimation(
        stage.ax.figure, draw, frames=len(shares), interval=1000 // frames_per_second, blit=False
    )
    if path is not None:
        animation.save(os.fspath(path), writer=PillowWriter(fps=frames_per_second))
    return animation


def _growing(
    estimator: Any, attended: Attended, head: int
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Order of the entries, oldest first, and attention over the first 1, 2, ... of them.

    The shape of the attention is (n_frames, n_entries).
    """
    X, times = attended.history.X, attended.history.times
    order = np.arange(X.nnz) if times is None else np.argsort(times, kind="stable")
    frames, places = np.tril_indices(X.nnz)
    indptr = np.searchsorted(frames, np.arange(X.nnz + 1))
    prefixes = attended.history.take(order[places], indptr)
    shares = attention_shares(*attention_model(estimator, prefixes))[head]
    titles = [f"{m} of {X.nnz} entries" for m in range(1, X.nnz + 1)]
    return order, shares.toarray()[:, X.indices[order]], titles


def _cooling(shares: np.ndarray, temperature: float) -> tuple[np.ndarray, list[str]]:
    """Attention at falling temperatures; shape (n_frames, n_entries)."""
    if not np.isfinite(temperature):
        raise ValueError("A head of infinite temperature attends evenly, whatever its logits.")
    powered = (shares / shares.max()) ** (1 / _FACTORS[:, None])
    titles = [f"temperature {number(temperature * factor)}" for factor in _FACTORS]
    return powered / powered.sum(axis=1, keepdims=True), titles


class _Stage:
    """Bars whose widths and names are set anew for each frame.

    Attributes
    ----------
    ax : Axes
    bars : BarContainer
        One for each entry that is shown.
    rest : Annotation
        What the others have together: their bar would make all others short.
    """

    def __init__(self, n_rows: int, labels: list[str], titles: list[str], color: Any):
        self.labels, self.titles = labels, titles
        self.has_others = n_rows < len(labels)
        places = np.arange(n_rows + self.has_others)
        (self.ax,) = axes_for(None, "animate_attention", (6.5, 1.6 + 0.32 * len(places)))
        self.bars = self.ax.barh(places[:n_rows], 0, color=color)
        self.rest = self.ax.annotate(
            "", (0, n_rows), (3, 0), textcoords="offset points", va="center", fontsize=8
        )
        # what does not move is laid out once, with the names that take most room
        widest = sorted(labels, key=lambda label: max(map(len, label.split("\n"))))
        self.ax.set_yticks(places, widest[-len(places) :])
        self.ax.set_ylim(len(places) - 0.5, -0.5)
        self.ax.tick_params(axis="y", length=0)
        self.ax.set_xlabel("attention")
        self.ax.set_title(titles[0], loc="left", fontsize=10)
        tidy(self.ax)
        self.ax.figure.get_layout_engine().set(w_pad=0.2)  # for numbers at the end of the axis
        self.ax.figure.canvas.draw()
        self.ax.figure.set_layout_engine("none")

    def show(self, frame: int, shares: np.ndarray) -> Any:
        """Draw the strongest of the entries so far, in the order of the history."""
        n_rows = len(self.bars)
        shown = np.sort(np.argsort(-shares, kind="stable")[:n_rows])
        n_free, n_others = n_rows - len(shown), len(shares) - len(shown)
        names = [self.labels[entry] for entry in shown] + [""] * n_free
        for bar, share in zip(self.bars, [*shares[shown], *np.zeros(n_free)], strict=True):
            bar.set_width(share)
        if self.has_others:
            names.append(f"({n_others} other{'s' * (n_others > 1)})" if n_others else "")
            together = 1 - shares[shown].sum()
            self.rest.set_text(f"{together:.2f} together" if n_others else "")
        self.ax.set_yticklabels(names)
        self.ax.set_title(self.titles[frame], loc="left", fontsize=10)
        return self.bars
