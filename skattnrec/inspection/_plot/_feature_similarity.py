"""FeatureSimilarityDisplay: where items come close to a reader's taste, feature by feature."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from ..._names import aligned, columns_of, label_items, labels_of, name_all, name_items
from ..._validation import check_item_indices
from .._histories import Histories, attention_model, attention_shares
from .._parameters import checked
from ._display import Display
from ._drawing import draw_heatmap
from ._labels import head_labels, wrap

__all__ = ["FeatureSimilarityDisplay"]

_SPREAD = 1e-6  # of a feature that tells items apart


@dataclass(eq=False, repr=False)
class FeatureSimilarityDisplay(Display):
    r"""Heat map of how close each feature of each item is to the query.

    Parameters
    ----------
    query : array-like of shape (d,) or (n_heads, d)
        What is looked for, by each head.
    keys : array-like of shape (n_items, d)
        Features of the items.
    projections : array-like of shape (n_heads, d, d_head), default=None
        Projection of each head; None compares the features as they are.
    item_names, feature_names : sequence of str, default=None
        Names of the rows and columns of ``keys``; None takes those of a DataFrame. Features that a
        projection changes in number are numbered.
    {temperatures}

    Attributes
    ----------
    similarity : ndarray of shape (n_heads, n_items, n_features)
        :math:`1 - |q_f - k_{jf}|`: 1 where an item has exactly what is asked for.
    {axes}
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
    :math:`1 - |(W^\top q)_f - (W^\top k_j)_f|`. Features are best on a scale from 0 to 1;
    those of a model are in spreads.

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

    query: Any
    keys: Any
    _: KW_ONLY
    projections: Any = None
    item_names: Any = None
    feature_names: Any = None
    temperatures: Any = None

    def __post_init__(self) -> None:
        items = labels_of(self.keys, axis=0) if self.item_names is None else self.item_names
        names = labels_of(self.keys, axis=1) if self.feature_names is None else self.feature_names
        query = np.asarray(aligned(self.query, names, "query"), dtype=float)
        keys = np.asarray(self.keys, dtype=float)
        d = keys.shape[-1]
        if keys.ndim != 2 or query.ndim not in (1, 2) or query.shape[-1] != d:
            raise ValueError(
                "query must have shape (d,) or (n_heads, d) and keys (n_items, d), got "
                f"{query.shape} and {keys.shape}."
            )
        heads = np.eye(d)[None] if self.projections is None else np.asarray(self.projections)
        queries = np.atleast_2d(query)[:, None] @ heads  # (n_heads, 1, d_head)
        self.similarity = 1 - np.abs(queries - keys @ heads)
        n_items, n_features = self.similarity.shape[1:]
        self.item_names = name_all(items, n_items, "item", "item_names")
        if n_features != d and names is not None and len(names) == d:
            names = None  # of what is mixed
        word = "feature" if n_features == d else "component"
        self.feature_names = name_all(names, n_features, word, "feature_names")

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        items: Any = None,
        user_features: Any = None,
        item_names: Any = None,
        feature_names: Any = None,
        **options: Any,
    ) -> FeatureSimilarityDisplay:
        """Compare the profile of a history with the features of items.

        Parameters
        ----------
        estimator : object
            A fitted recommender whose attention reads ``item_features``, or a pipeline or search of
            one.
        X : {array-like, sparse matrix} of shape (1, n_items)
            One history. The query of a head is its profile: the mean of its items' features,
            weighted by ratings as the head weighs them.
        items : array-like of int or str, default=None
            The items to show, by column or name; None means those of the history, the most
            attended to first.
        user_features : {array-like, sparse matrix} of shape (1, d), default=None
            What is known of the user, if the model was fitted with it.
        {item_names}
        feature_names : sequence of str of length n_features, default=None
            Names of the features; None takes the columns of ``item_features``, if it has any.
        {options}
        """
        model, seen = attention_model(
            estimator, Histories.of(X, None, user_features).one(cls.__name__)
        )
        if getattr(model, "projections_", None) is None:
            raise ValueError(
                f"{cls.__name__} needs a model with item_features that its attention reads: an "
                "AttentionRecommender or a MultiHeadAttentionRecommender."
            )
        if not seen.X.nnz:
            raise ValueError("The history is empty: it has no profile to compare with.")
        names = name_items(item_names, X, model)
        entries = seen.X.indices
        if items is None:  # those most attended to first
            shares = sum(share.toarray()[0] for share in attention_shares(model, seen))
            columns = entries[np.argsort(-shares[entries], kind="stable")]
        else:
            columns = check_item_indices(columns_of(items, names), seen.X.shape[1])
        weights = np.exp(model._attention.ratings.of_heads(seen.X))
        profiles = weights @ model._keys[entries] / weights.sum(axis=1, keepdims=True)
        if feature_names is None:
            feature_names = labels_of(model.item_features, axis=1)
        return cls.from_predictions(
            profiles,
            model._keys[columns],
            projections=model.projections_,
            item_names=label_items(columns, names),
            feature_names=feature_names,
            temperatures=model.temperatures_,
            **options,
        )

    @checked()
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
        {ax}
        max_entries : int, default=20
            How many items to show, the first ones.
        max_features : int, default=12
            How many features to show, those in which the shown items differ most.
        {cmap}
        """
        n_heads = len(self.similarity)
        titles = head_labels(n_heads, self.temperatures)
        shown = self.similarity[:, :max_entries]
        features = _most_different(shown, max_features)
        shown = shown[:, :, features]
        n_items, n_features = shown.shape[1:]
        width = n_heads * max(2.0, 0.55 * n_features) + 2.6
        panels = self._begin(ax, (width, 1.5 + 0.36 * n_items), n_heads)
        self.images_, self.texts_ = [], []
        for head, panel in enumerate(panels):
            image, texts = draw_heatmap(
                panel,
                shown[head],
                self.item_names[:n_items],
                [self.feature_names[f] for f in features],
                cmap=cmap,
                vmin=min(0.0, float(shown.min(initial=0))),
                vmax=1,
                print_values=print_values,
            )
            if n_features > 4:
                for label in panel.get_xticklabels():
                    label.set(rotation=60, ha="right", rotation_mode="anchor")
            if n_heads > 1:
                panel.set_title(wrap(titles[head], 24))
            self.images_.append(image)
            self.texts_.append(texts)
        label = "1 - |query - key|"
        self.figure_.colorbar(self.images_[-1], ax=list(panels), label=label, pad=0.02)
        return self


def _most_different(similarity: np.ndarray, max_features: int) -> np.ndarray:
    """Features in which items differ most, in their order; all if there is room."""
    spread = similarity.std(axis=1).mean(axis=0)
    if len(spread) <= max_features:
        return np.arange(len(spread))
    features = np.sort(np.argsort(-spread, kind="stable")[:max_features])
    return features[spread[features] > _SPREAD]
