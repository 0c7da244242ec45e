"""FeatureSimilarityDisplay: where items come close to a reader's taste, feature by feature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array

from ..._explanation import label_items
from .._unwrap import attention_model, attention_shares, name_items, one_history
from ._canvas import axes_for
from ._heatmap import draw_heatmap
from ._labels import head_labels, wrap

__all__ = ["FeatureSimilarityDisplay"]


_SPREAD = 1e-6  # of a feature that tells items apart


class FeatureSimilarityDisplay:
    r"""Heat map of how close each feature of each item is to the query.

    It is best made by :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    similarity : ndarray of shape (n_heads, n_items, n_features)
        :math:`1 - |q_f - k_{jf}|`: 1 where an item has exactly what is asked for.
    item_names : list of str
        Names of the items.
    feature_names : list of str
        Names of the features.
    temperatures : ndarray of shape (n_heads,), default=None
        Temperature of each head, for the titles.

    Attributes
    ----------
    ax_ : Axes or ndarray of Axes
        One for each head.
    figure_ : Figure
        The figure they are in.
    images_ : list of AxesImage
        The heat map of each head.
    texts_ : list of (ndarray of Text, or None)
        The values printed in each, None where there is no room.

    See Also
    --------
    AttentionDisplay : What the heads make of it.

    Notes
    -----
    With a head's projection W, query and keys are compared after projection,
    :math:`1 - |(W^\top q)_f - (W^\top k_j)_f|`. Features are best on a scale from 0 to 1.

    Examples
    --------
    >>> from skattnrec.datasets import load_books
    >>> from skattnrec.inspection import FeatureSimilarityDisplay
    >>> books = load_books()
    >>> display = FeatureSimilarityDisplay.from_predictions(
    ...     [0.8, 0.7, 0.2], books.features,
    ...     item_names=books.item_names, feature_names=books.feature_names)
    >>> display.similarity[0, 0].round(2)
    array([0.9, 0.9, 0.9])
    """

    def __init__(
        self,
        similarity: np.ndarray,
        *,
        item_names: Sequence[str],
        feature_names: Sequence[str],
        temperatures: np.ndarray | None = None,
    ):
        self.similarity = similarity
        self.item_names = item_names
        self.feature_names = feature_names
        self.temperatures = temperatures

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        items: Any = None,
        item_names: Any = None,
        feature_names: Sequence[str] | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> FeatureSimilarityDisplay:
        """Compare the profile of a history with the features of items.

        Parameters
        ----------
        estimator : object
            A fitted attention recommender with ``item_features``, or a pipeline or search of one.
        X : {array-like, sparse matrix} of shape (1, n_items)
            One history. The query is its profile, the mean of its items' features weighted by
            ratings.
        items : array-like of int, default=None
            The items to show; None means those of the history, the most attended to first.
        item_names : array-like of shape (n_items,), default=None
            Names of all items.
        feature_names : sequence of str of length n_features, default=None
            Names of the features; None takes the columns of ``item_features``, if it has any.
        ax : Axes or array-like of Axes, default=None
            Where to draw, one for each head; None makes a new figure.
        **kwargs
            Passed to :meth:`plot`.

        Returns
        -------
        FeatureSimilarityDisplay
            The display, drawn.
        """
        model, seen = attention_model(estimator, X)
        if model.item_features is None:
            raise ValueError(
                "FeatureSimilarityDisplay needs a model with item_features; this one has none."
            )
        history = one_history(seen, "FeatureSimilarityDisplay")
        keys = check_array(model.item_features, accept_sparse="csr", dtype=np.float64)
        keys = keys.toarray() if hasattr(keys, "toarray") else keys
        if feature_names is None and hasattr(model.item_features, "columns"):
            feature_names = list(model.item_features.columns)
        if not history.nnz:
            raise ValueError("The history is empty: it has no profile to compare with.")
        columns = _by_attention(model, history) if items is None else np.asarray(items)
        labels = label_items(columns, name_items(item_names, X, model))
        total = history.data.sum()
        shares = history.data / total if total > 0 else np.full(history.nnz, 1 / history.nnz)
        return cls.from_predictions(
            shares @ keys[history.indices],
            keys[columns],
            projections=model.projections_,
            item_names=labels,
            feature_names=feature_names,
            temperatures=model.temperatures_,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        query: Any,
        keys: Any,
        *,
        projections: Any = None,
        item_names: Sequence[str] | None = None,
        feature_names: Sequence[str] | None = None,
        temperatures: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> FeatureSimilarityDisplay:
        """Compare a query with keys.

        Parameters
        ----------
        query : array-like of shape (d,)
            What is looked for.
        keys : array-like of shape (n_items, d)
            Features of the items.
        projections : array-like of shape (n_heads, d, d_head), default=None
            Projection of each head; None compares the features as they are.
        item_names, feature_names : sequence of str, default=None
            Names of the rows and columns of ``keys``. Features that a projection changes in
            number are numbered.
        temperatures : array-like of shape (n_heads,), default=None
            Temperature of each head, for the titles.
        ax : Axes or array-like of Axes, default=None
            Where to draw, one for each head; None makes a new figure.
        **kwargs
            Passed to :meth:`plot`.

        Returns
        -------
        FeatureSimilarityDisplay
            The display, drawn.
        """
        query, keys = np.asarray(query, dtype=float), np.asarray(keys, dtype=float)
        if keys.ndim != 2 or query.shape != keys.shape[1:]:
            raise ValueError(
                f"query must have shape (d,) and keys (n_items, d), got {query.shape} and "
                f"{keys.shape}."
            )
        heads = np.eye(len(query))[None] if projections is None else np.asarray(projections)
        # (n_heads, d_head) against (n_heads, n_items, d_head)
        similarity = 1 - np.abs((query @ heads)[:, None] - keys @ heads)
        n_items, n_features = similarity.shape[1:]
        if feature_names is None or len(feature_names) != n_features:
            word = "feature" if n_features == len(query) else "component"
            feature_names = [f"{word} {f}" for f in range(n_features)]
        if item_names is None:
            item_names = [f"item {j}" for j in range(n_items)]
        display = cls(
            similarity,
            item_names=list(item_names),
            feature_names=list(feature_names),
            temperatures=None if temperatures is None else np.asarray(temperatures),
        )
        return display.plot(ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        max_entries: int = 20,
        max_features: int = 12,
        cmap: str = "cividis",
        print_values: bool | str = "auto",
    ) -> FeatureSimilarityDisplay:
        """Draw a heat map for each head.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Where to draw, one for each head; None makes a new figure.
        max_entries : int, default=20
            How many items to show, the first ones.
        max_features : int, default=12
            How many features to show, those in which the shown items differ most.
        cmap : str, default="cividis"
            A colour map.
        print_values : bool or "auto", default="auto"
            Whether to print the values; "auto" does so where there is room.

        Returns
        -------
        FeatureSimilarityDisplay
            This object.
        """
        n_heads = len(self.similarity)
        shown = self.similarity[:, :max_entries]
        spread = shown.std(axis=1).mean(axis=0)
        features = np.arange(len(spread))
        if len(spread) > max_features:
            features = np.sort(np.argsort(-spread, kind="stable")[:max_features])
            features = features[spread[features] > _SPREAD]
        shown = shown[:, :, features]
        n_items, n_features = shown.shape[1:]
        width = n_heads * max(2.0, 0.55 * n_features) + 2.6
        axes = axes_for(ax, type(self).__name__, (width, 1.5 + 0.36 * n_items), n_heads)
        self.images_, self.texts_ = [], []
        lowest = min(0.0, float(shown.min(initial=0)))
        for head, panel in enumerate(axes):
            image, texts = draw_heatmap(
                panel,
                shown[head],
                self.item_names[:n_items],
                [self.feature_names[int(f)] for f in features],
                cmap=cmap,
                vmin=lowest,
                vmax=1,
                print_values=print_values,
            )
            if n_features > 4:
                for label in panel.get_xticklabels():
                    label.set(rotation=60, ha="right", rotation_mode="anchor")
            if n_heads > 1:
                panel.set_title(wrap(head_labels(self.temperatures, n_heads)[head], 24))
            self.images_.append(image)
            self.texts_.append(texts)
        self.ax_ = axes if n_heads > 1 else axes[0]
        self.figure_ = axes[0].figure
        self.figure_.colorbar(self.images_[-1], ax=list(axes), label="1 - |query - key|", pad=0.02)
        return self


def _by_attention(model: Any, history: Any) -> np.ndarray:
    """Item columns of a history, those with the largest mean attention first."""
    shares = sum(share.toarray()[0] for share in attention_shares(model, history))
    return history.indices[np.argsort(-shares[history.indices], kind="stable")]
