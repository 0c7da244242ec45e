"""``animate_attention``: how attention moves as a history grows, or as the temperature falls."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..._compat import StrOptions, validate_params
from .._histories import times_of
from .._unwrap import AttendedHistory, attend, attention_model, attention_shares
from ._canvas import axes_for, colors_of_heads, pyplot, tidy
from ._labels import head_labels, number, wrap

__all__ = ["animate_attention"]

_FACTORS = np.geomspace(10, 0.1, 25)  # of the temperature, frame by frame


@validate_params(
    {
        "estimator": [object],
        "over": [StrOptions({"history", "temperature"})],
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
    estimator : object
        A fitted attention recommender, or a pipeline or search of one.
    X : {array-like, sparse matrix} of shape (1, n_items)
        One history.
    over : {"history", "temperature"}, default="history"
        A frame for each entry as it joins the history, in the order of time (of columns without
        timestamps); or for temperatures from ten times that of the head down to a tenth of it.
    timestamps : {array-like, sparse matrix} of shape (1, n_items), default=None
        The time of every entry of ``X``.
    item_names : array-like of shape (n_items,), default=None
        Names of all items; None takes those the model knows.
    head : int, default=0
        Which head to show.
    max_entries : int, default=12
        How many entries to show: those with the largest attention in any frame.
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
        If ``X`` is not one history with entries, or there is no such head.

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

    attended = attend(
        estimator, X, "animate_attention", item_names=item_names, timestamps=timestamps
    )
    n_heads = len(attended.temperatures)
    if not 0 <= head < n_heads:
        raise ValueError(f"head must be in [0, {n_heads - 1}], got {head}.")
    if over == "history":
        shares, labels, titles = _growing(estimator, attended, timestamps, head)
    else:
        shares, titles = _cooling(attended.shares[head], attended.temperatures[head])
        labels = attended.labels
    order = np.argsort(-shares.max(axis=0), kind="stable")[:max_entries]
    order = np.sort(order)  # as they come into the history
    figure, draw = _stage(
        shares[:, order], [labels[e] for e in order], titles, colors_of_heads(n_heads)[head]
    )
    figure.suptitle(f"attention of {head_labels(None, n_heads)[head]}")
    figure.canvas.draw()
    figure.set_layout_engine("none")  # what does not move needs no new layout in each frame
    animation = FuncAnimation(
        figure, draw, frames=len(shares), interval=1000 // frames_per_second, blit=False
    )
    if path is not None:
        animation.save(os.fspath(path), writer=PillowWriter(fps=frames_per_second))
    return animation


def _growing(
    estimator: Any, attended: AttendedHistory, timestamps: Any, head: int
) -> tuple[np.ndarray, list[str], list[str]]:
    """Attention over the first 1, 2, ... entries; shape (n_frames, n_entries), oldest first."""
    history = attended.entries
    times = times_of(timestamps, history)
    n = history.nnz
    order = np.arange(n) if times is None else np.argsort(times.data, kind="stable")
    columns = history.indices[order]
    prefixes, prefix_times = (
        None if M is None else _prefixes(M.data[order], columns, history.shape[1])
        for M in (history, times)
    )
    shares = attention_shares(*attention_model(estimator, prefixes), prefix_times)[head]
    labels = [attended.labels[entry] for entry in order]
    return shares.toarray()[:, columns], labels, [f"{m} of {n} entries" for m in range(1, n + 1)]


def _prefixes(values: np.ndarray, columns: np.ndarray, n_items: int) -> sp.csr_array:
    """Row m holds the first m + 1 entries; a stored 0 stays stored."""
    frames, places = np.tril_indices(len(values))
    shape = len(values), n_items
    return sp.csr_array((values[places], (frames, columns[places])), shape=shape)


def _cooling(shares: np.ndarray, temperature: float) -> tuple[np.ndarray, list[str]]:
    """Attention at falling temperatures; shape (n_frames, n_entries)."""
    if not np.isfinite(temperature):
        raise ValueError("A head of infinite temperature attends evenly, whatever its logits.")
    powered = (shares / shares.max()) ** (1 / _FACTORS[:, None])
    titles = [f"temperature {number(temperature * factor)}" for factor in _FACTORS]
    return powered / powered.sum(axis=1, keepdims=True), titles


def _stage(shares: np.ndarray, labels: list[str], titles: list[str], color: Any) -> tuple[Any, Any]:
    """Make the bars, and the function that sets them for a frame."""
    (ax,) = axes_for(None, "animate_attention", (6.5, 1.6 + 0.32 * len(labels)))
    places = np.arange(len(labels))
    bars = ax.barh(places, shares[0], color=color)
    ax.set_yticks(places, [wrap(label) for label in labels])
    ax.set_ylim(len(labels) - 0.5, -0.5)
    # the first entry has it all, which would make the bars of all later frames short
    ax.set_xlim(0, min(1.0, 1.1 * float(shares[min(2, len(shares) - 1) :].max())))
    ax.set_xlabel("attention")
    tidy(ax)

    def draw(frame: int) -> Any:
        for bar, share in zip(bars, shares[frame], strict=True):
            bar.set_width(share)
        ax.set_title(titles[frame], loc="left", fontsize=10)
        return bars

    return ax.figure, draw
