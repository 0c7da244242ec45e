"""``Explanation``: scores of one history, split into what each of their sources adds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ._names import label_items

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Explanation"]

_ROUNDING = 1e-4  # of all parts together: some models compute in float32 whatever they are given


@dataclass(frozen=True, repr=False)
class Explanation:
    """Scores of one history, split into the contributions of their sources.

    ``baseline + contributions.sum(axis=1) + feature_contributions.sum(axis=1) + remainder`` equals
    ``scores``; without user features their part is left out. The remainder is 0 for every model
    whose score is a sum over its sources.

    Attributes
    ----------
    items : ndarray of shape (n,), intp
        The explained item columns.
    scores : ndarray of shape (n,)
        What ``predict`` gives these items.
    baseline : ndarray of shape (n,)
        The part of each score that no source accounts for (a mean rating, the prior).
    sources : ndarray of shape (s,), intp
        Item columns of the history, or row numbers of the training matrix.
    contributions : ndarray of shape (n, s)
        What each source adds to each score.
    source : {"item", "user"}
        What ``sources`` counts.
    heads : ndarray of shape (n_heads, n, s) or None
        The contributions of each attention head; their sum over heads is ``contributions``.
    ratings : ndarray of shape (s,) or None
        The ratings that the history gives the sources; None where sources are users.
    weights : ndarray of shape (n, s) or (n_heads, n, s), or None
        How loud each source speaks for each item: an attention weight, a similarity, a share of
        an average. Contributions are weights times :attr:`values`. None where a model has no
        such factors.
    item_names : ndarray of shape (n_items,) or None
        The names of all item columns.
    features : ndarray of shape (f,), intp, or None
        The columns of ``user_features`` that play a part in this history; None for models without.
    feature_values : ndarray of shape (f,) or None
        Their values, as they were given.
    feature_contributions : ndarray of shape (n, f) or None
        What each of these features adds to each score.
    feature_names : ndarray of shape (n_user_features,) or None
        The names of all columns of ``user_features``.
    moves : ndarray of shape (n, 2), intp, or None
        Where rules reorder lists: the places of each item before and after them, counted from 0;
        -1 for one that is not among the candidates.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import AttentionRecommender
    >>> X = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 0, 5, 4], [1, 0, 4, 5]])
    >>> model = AttentionRecommender(regularization=1).fit(X)
    >>> parts = model.explain([[5, 4, 0, 0]], items=[2, 3])
    >>> parts.to_frame().columns.tolist()
    ['item', 'source', 'kind', 'rating', 'weight', 'value', 'contribution', 'share']
    >>> parts.to_text()[0]
    'item 2: because you rated item 0 5 and item 1 4'
    >>> parts
    <Explanation of item 2 (...), item 3 (...) by 2 items of the history>
    """

    items: np.ndarray
    scores: np.ndarray
    baseline: np.ndarray
    sources: np.ndarray
    contributions: np.ndarray
    source: str = "item"
    heads: np.ndarray | None = None
    ratings: np.ndarray | None = None
    weights: np.ndarray | None = None
    item_names: np.ndarray | None = None
    features: np.ndarray | None = None
    feature_values: np.ndarray | None = None
    feature_contributions: np.ndarray | None = None
    feature_names: np.ndarray | None = None
    moves: np.ndarray | None = None

    @property
    def remainder(self) -> np.ndarray:
        """What the parts do not account for, shape (n,); 0 where it is no more than rounding."""
        parts = np.hstack([self.contributions, self._feature_parts()])  # (n, s + f)
        rest = self.scores - self.baseline - parts.sum(axis=1)
        size = np.abs(self.baseline) + np.abs(parts).sum(axis=1)
        return np.where(np.abs(rest) <= _ROUNDING * size, 0, rest)

    @property
    def values(self) -> np.ndarray | None:
        """What each source says, contributions / weights; NaN where the weight is 0.

        The shape is that of ``weights``; None without them.
        """
        if self.weights is None:
            return None
        parts = self.heads if self.weights.ndim == 3 else self.contributions
        assert parts is not None
        nothing = np.full(self.weights.shape, np.nan, parts.dtype)
        return np.divide(parts, self.weights, out=nothing, where=self.weights != 0)

    @property
    def item_labels(self) -> list[str]:
        """Names of the explained items, or their columns as in "item 3"."""
        return label_items(self.items, self.item_names)

    @property
    def source_labels(self) -> list[str]:
        """Names of the sources, or their numbers as in "item 3" and "user 3"."""
        if self.source == "item":
            return label_items(self.sources, self.item_names)
        return [f"{self.source} {number}" for number in self.sources]

    @property
    def feature_labels(self) -> list[str]:
        """Names of the user features, or their columns as in "feature 3", and values but 1."""
        if self.features is None or self.feature_values is None:
            return []
        labels = label_items(self.features, self.feature_names, "feature")
        pairs = zip(labels, self.feature_values, strict=True)
        return [label if value == 1 else f"{label} {value:g}" for label, value in pairs]

    def __repr__(self) -> str:
        """Name the first items, with their scores, and count the sources."""
        shown = zip(label_items(self.items[:3], self.item_names), self.scores, strict=False)
        listed = ", ".join(f"{label} ({score:.3g})" for label, score in shown)
        more = f" and {len(self.items) - 3} more" if len(self.items) > 3 else ""
        sources = "items of the history" if self.source == "item" else "users"
        features = "" if self.features is None else f" and {len(self.features)} user features"
        return f"<Explanation of {listed}{more} by {len(self.sources)} {sources}{features}>"

    def only(self, position: int) -> Explanation:
        """Keep one of the items, ``items[position]``."""
        rows = [position]
        weights = self.weights
        return replace(
            self,
            items=self.items[rows],
            scores=self.scores[rows],
            baseline=self.baseline[rows],
            contributions=self.contributions[rows],
            heads=None if self.heads is None else self.heads[:, rows],
            weights=None if weights is None else weights[..., rows, :],
            feature_contributions=None if self.features is None else self._feature_parts()[rows],
            moves=None if self.moves is None else self.moves[rows],
        )

    def to_frame(self, *, heads: bool = False, max_sources: int | None = None) -> pd.DataFrame:
        """Make a table with a row for each part of each score.

        Parameters
        ----------
        heads : bool, default=False
            Give each attention head rows of its own, and a column ``head`` (-1 for parts that
            belong to none). Without it, weights and values of several heads are left out as NaN.
        max_sources : int, default=None
            How many sources, and how many user features, to list for each item: those with the
            largest contributions, positive or negative; the others, and those that contribute
            nothing, make one row. None lists all.

        Returns
        -------
        DataFrame
            ``item``, ``source``: labels; ``kind``: "baseline", "item" or "user" (a source),
            "feature" (of the user), "others" or "remainder"; ``rating``, ``weight``, ``value``: NaN
            where there is none; ``contribution``: adds up to the score within an item; ``share``:
            the contribution divided by the sum of the absolute contributions of the item. Sources
            come in the order of their absolute contributions, and features after them. Baseline and
            remainder have rows only where they are not 0.

        Raises
        ------
        ValueError
            If ``heads`` is asked for and there are none, or ``max_sources`` is below 1.
        """
        import pandas as pd

        if heads and self.heads is None:
            raise ValueError("heads=True needs the explanation of a model with attention heads.")
        if max_sources is not None and max_sources < 1:
            raise ValueError(f"max_sources must be at least 1 or None, got {max_sources}.")
        rows: list[dict[str, Any]] = []
        for position in range(len(self.items)):
            rows += self._rows(position, heads, max_sources)
        columns = ["item", "source", "kind", "rating", "weight", "value", "contribution", "share"]
        if heads:
            columns.insert(1, "head")
        return pd.DataFrame(rows, columns=columns)

    def to_text(self, max_sources: int = 2) -> list[str]:
        """Say in a line for each item where its score comes from.

        Parameters
        ----------
        max_sources : int, default=2
            How many sources in favour of an item to name, and how many user features. The
            strongest one against it is named too.

        Returns
        -------
        list of str
            Such as "Dune: because you rated Alien 5 and Solaris 4; in spite of Amelie 2", or "Up:
            because you rated Coco 5; because of age 18-24".
        """
        if max_sources < 1:
            raise ValueError(f"max_sources must be at least 1, got {max_sources}.")
        labels = self.item_labels
        return [f"{labels[n]}: {self._reason(n, max_sources)}" for n in range(len(self.items))]

    def in_favour(self, position: int, max_sources: int = 2) -> list[str]:
        """Name the sources that add most to a score, as in "Alien 5".

        Parameters
        ----------
        position : int
            Which item, ``items[position]``.
        max_sources : int, default=2
            How many sources to name.

        Returns
        -------
        list of str
            Largest contribution first; sources that add nothing are left out.
        """
        parts = self.contributions[position]
        order = np.argsort(-parts, kind="stable")
        return [self._cite(s) for s in order[:max_sources] if parts[s] > 0]

    # -- parts of the table -------------------------------------------------------------------

    def _rows(self, position: int, heads: bool, max_sources: int | None) -> list[dict[str, Any]]:
        """Rows of one explained item, baseline first."""
        listed, others = _largest(self.contributions[position], max_sources)
        rows = [_row("(baseline)", "baseline", self.baseline[position])]
        for head in range(len(self.heads)) if heads and self.heads is not None else [None]:
            rows += self._source_rows(position, head, listed)
            if len(others):
                rest = self._contributions_of(position, head)[others].sum()
                rows.append(_row(f"({len(others)} others)", "others", rest, head))
        rows += self._feature_rows(position, max_sources)
        rows.append(_row("(remainder)", "remainder", self.remainder[position]))
        total = sum(abs(row["contribution"]) for row in rows)
        item = self.item_labels[position]
        return [
            {**row, "item": item, "share": row["contribution"] / total if total else 0.0}
            for row in rows
            if row["contribution"] != 0 or row["kind"] not in ("baseline", "remainder")
        ]

    def _source_rows(
        self, position: int, head: int | None, listed: np.ndarray
    ) -> list[dict[str, Any]]:
        labels = self.source_labels
        nothing = np.full(len(self.sources), np.nan)
        ratings = nothing if self.ratings is None else self.ratings
        factors = [_factors_of(f, head, position) for f in (self.weights, self.values)]
        weights, values = (nothing if f is None else f for f in factors)
        parts = self._contributions_of(position, head)
        return [
            _row(labels[s], self.source, parts[s], head)
            | {"rating": float(ratings[s]), "weight": float(weights[s]), "value": float(values[s])}
            for s in listed
        ]

    def _feature_rows(self, position: int, max_sources: int | None) -> list[dict[str, Any]]:
        labels, parts = self.feature_labels, self._feature_parts()[position]
        listed, others = _largest(parts, max_sources)
        rows = [_row(labels[f], "feature", parts[f]) for f in listed]
        if len(others):
            rows.append(_row(f"({len(others)} other features)", "others", parts[others].sum()))
        return rows

    def _feature_parts(self) -> np.ndarray:
        """Contributions of user features, (n, f); f is 0 where the model has none."""
        if self.feature_contributions is None:
            return np.empty((len(self.items), 0), self.contributions.dtype)
        return self.feature_contributions

    def _contributions_of(self, position: int, head: int | None) -> np.ndarray:
        if head is None or self.heads is None:
            return self.contributions[position]
        return self.heads[head, position]

    # -- parts of the text --------------------------------------------------------------------

    def _reason(self, position: int, max_sources: int) -> str:
        in_favour = self.in_favour(position, max_sources)
        parts, labels = self._feature_parts()[position], self.feature_labels
        best = np.argsort(-parts, kind="stable")[:max_sources]
        features = [labels[f] for f in best if parts[f] > 0]
        against = self._against(position)
        clauses = []
        if in_favour:
            clauses.append(f"because {self._because(' and '.join(in_favour))}")
        if features:
            clauses.append(f"because of {' and '.join(features)}")
        if against:
            clauses.append(f"in spite of {against}")
        return "; ".join(clauses or ["the same whatever the history"]) + self._move(position)

    def _move(self, position: int) -> str:
        """Say what rules did to the place of an item, counted from 1; "" if it stayed."""
        if self.moves is None or self.moves[position, 0] == self.moves[position, 1]:
            return ""
        before, after = self.moves[position] + 1
        came = f" from place {before}" if before else ""
        return f"; moved by rules{came} to " + (f"place {after}" if after else "the others")

    def _against(self, position: int) -> str:
        """Name the source or user feature that takes most from a score; "" if none does."""
        parts = np.append(self.contributions[position], self._feature_parts()[position])
        last = len(parts) - 1 - int(np.argmin(parts[::-1])) if len(parts) else 0
        if not len(parts) or parts[last] >= 0:
            return ""
        n_sources = len(self.sources)
        return self._cite(last) if last < n_sources else self.feature_labels[last - n_sources]

    def _because(self, sources: str) -> str:
        if self.source == "user":
            return f"{sources}, like you in taste, vote for it"
        return f"you rated {sources}" if self._has_grades() else f"you know {sources}"

    def _cite(self, s: int) -> str:
        label = self.source_labels[s]
        return f"{label} {self.ratings[s]:g}" if self._has_grades() else label  # type: ignore[index]

    def _has_grades(self) -> bool:
        return self.ratings is not None and bool((self.ratings != 1).any())


def _largest(parts: np.ndarray, max_sources: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Places of the parts to list, the largest first, and of the others."""
    order = np.argsort(-np.abs(parts), kind="stable")
    n_listed = len(order)
    if max_sources is not None:
        n_listed = min(max_sources, int(np.count_nonzero(parts)))
    if n_listed == len(order) - 1:  # a row that stands for one source hides it for nothing
        n_listed += 1
    return order[:n_listed], order[n_listed:]


def _row(source: str, kind: str, contribution: Any, head: int | None = None) -> dict[str, Any]:
    """One row of the table, without the columns that only single sources have."""
    nothing = dict.fromkeys(("rating", "weight", "value"), np.nan)
    names = {"head": -1 if head is None else head, "source": source, "kind": kind}
    return {**names, **nothing, "contribution": float(contribution)}


def _factors_of(factors: np.ndarray | None, head: int | None, position: int) -> np.ndarray | None:
    """Weights or values of one item; None where several heads would have to be merged."""
    if factors is None or factors.ndim == 2:
        return factors if factors is None else factors[position]
    if head is None and len(factors) > 1:
        return None
    return factors[head or 0, position]
