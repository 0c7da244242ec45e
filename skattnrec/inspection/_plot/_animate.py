"""``animate_attention``: how attention moves as a history grows, or as the temperature falls."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .._histories import Attended, attend, attention_model, attention_shares
from .._parameters import checked
from ._drawing import axes_for, colors_of_heads, name_rows, pyplot, tidy
from ._labels import number, rated, wrap

__all__ = ["animate_attention"]

_FACTORS = np.geomspace(10, 0.1, 25)  # of the temperature, frame by frame


@checked(over={"history", "temperature"})
def animate_attention(
    estimator: Any,
    X: Any,
    *,
    over: str = "history",
    timestamps: Any = None,
    user_features: Any = None,
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
        timestamps); or for temperatures
        from ten times that of the head down to a tenth of it; half-lives shrink with them.
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

    attended = attend(estimator, X, "animate_attention", item_names, timestamps, user_features)
    n_heads = len(attended.temperatures)
    if not 0 <= head < n_heads:
        raise ValueError(f"head must be in [0, {n_heads - 1}], got {head}.")
    labels = rated(attended.item_names, attended.ratings)
    if over == "history":
        order, shares, titles = _growing(estimator, attended, head)
        labels = [labels[entry] for entry in order]
        # each entry makes the shares of the others smaller: no scale would do for all frames
        sizes, scales = np.arange(1, len(labels) + 1), shares.max(axis=1)
    else:
        shares, titles = _cooling(attended, head)
        sizes = np.full(len(shares), len(labels))
        scales = np.full(len(shares), shares.max())
    if n_heads > 1:
        titles = [f"head {head + 1}, {title}" for title in titles]
    # a row for a single other would hide it for nothing
    n_rows = len(labels) if len(labels) <= max_entries + 1 else max_entries
    labels = [wrap(label) for label in labels]
    labels = [wrap(label) for label in labels]
    ax = _set_stage(n_rows, labels, colors_of_heads(n_heads)[head])

    def draw(frame: int) -> Any:
        ax.set_xlim(0, 1.1 * scales[frame])
        ax.set_title(titles[frame], loc="left", fontsize=10)
        _show(ax, shares[frame, : sizes[frame]], labels)
        return ax.patches

    interval = 1000 // frames_per_second
    animation = FuncAnimation(ax.figure, draw, len(shares), interval=interval, blit=False)
    if path is not None:
        animation.save(os.fspath(path), writer=PillowWriter(fps=frames_per_second))
    return animation


def _growing(
    estimator: Any, attended: Attended, head: int
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Order of the entries, oldest first, and attention over the first 1, 2, ... of them.

    The shape of the attention is (n_frames, n_entries).
    """
    X, times = attended.history.X, attended.times
    order = np.arange(X.nnz) if times is None else np.argsort(times, kind="stable")
    frames, places = np.tril_indices(X.nnz)
    indptr = np.searchsorted(frames, np.arange(X.nnz + 1))
    prefixes = attended.history.take(order[places], indptr, np.zeros(X.nnz, np.intp))
    shares = attention_shares(*attention_model(estimator, prefixes))[head]
    titles = [f"{m} of {X.nnz} entries" for m in range(1, X.nnz + 1)]
    return order, shares.toarray()[:, X.indices[order]], titles


def _cooling(attended: Attended, head: int) -> tuple[np.ndarray, list[str]]:
    """Attention at falling temperatures; shape (n_frames, n_entries)."""
    shares, temperature = attended.weights[head], attended.temperatures[head]
    if attended.half_lives is not None:  # which shrink by the same factor
        titles = [f"temperature and half-life times {number(factor)}" for factor in _FACTORS]
    elif np.isfinite(temperature):
        titles = [f"temperature {number(temperature * factor)}" for factor in _FACTORS]
    else:
        raise ValueError("A head of infinite temperature attends evenly, whatever its logits.")
    powered = (shares / shares.max()) ** (1 / _FACTORS[:, None])
    return powered / powered.sum(axis=1, keepdims=True), titles


def _set_stage(n_rows: int, labels: list[str], color: Any) -> Any:
    """Make axes with a bar for each row, and for the number that stands for all other entries.

    They are laid out once, with the names that take most room, so that nothing moves but bars.
    """
    n_places = n_rows + (n_rows < len(labels))
    (ax,) = axes_for(None, "animate_attention", (6.5, 1.6 + 0.32 * n_places))
    ax.barh(range(n_rows), 0, color=color)
    ax.text(0, n_rows, "", va="center", fontsize=8)
    widest = sorted(labels, key=lambda label: max(map(len, label.split("\n"))))
    name_rows(ax, widest[-n_places:])
    ax.set_xlabel("attention")
    ax.set_title(" ", loc="left", fontsize=10)
    tidy(ax)
    ax.figure.get_layout_engine().set(w_pad=0.2)  # for numbers at the end of the axis
    ax.figure.canvas.draw()
    ax.figure.set_layout_engine("none")
    return ax


def _show(ax: Any, shares: np.ndarray, labels: list[str]) -> None:
    """Draw the strongest of the entries so far, in the order of the history."""
    n_rows = len(ax.patches)
    shown = np.sort(np.argsort(-shares, kind="stable")[:n_rows])
    n_free, n_others = n_rows - len(shown), len(shares) - len(shown)
    names = [labels[entry] for entry in shown] + [""] * n_free
    for bar, share in zip(ax.patches, [*shares[shown], *np.zeros(n_free)], strict=True):
        bar.set_width(share)
    if n_rows < len(ax.get_yticks()):  # the bar of the others would make all others short
        names.append(f"({n_others} other{'s' * (n_others > 1)})" if n_others else "")
        together = f" {1 - shares[shown].sum():.2f} together"
        ax.texts[0].set_text(together if n_others else "")
    ax.set_yticklabels(names)
