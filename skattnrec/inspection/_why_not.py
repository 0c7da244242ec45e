"""``why_not``: what keeps an item off a list, and how far it is from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from .._explanation import Explanation
from .._names import label_items
from ._histories import Histories
from ._parameters import checked
from ._place import Place

__all__ = ["WhyNot", "why_not"]


@dataclass(frozen=True, repr=False)
class WhyNot:
    """Why an item is not in the list of a history, or that it is.

    Attributes
    ----------
    item : int
        Its column.
    k : int
        Length of the list.
    reasons : tuple of str
        All that apply; empty if the item is listed.

        - "seen": it is in the history.
        - "not a candidate": it is not among ``items``.
        - "excluded": it is in ``exclude``.
        - "cold": nobody rated it in training. Without features of items a model knows nothing of
          it, with them its votes are learned from the features.
        - "outranked": k candidates have higher scores, or equal ones and lower columns.
        - "passed over": its score would do, but the model, such as one that makes lists diverse,
          prefers others.
    score : float
        Its score.
    rank : int
        Its place among the candidates, itself included, from 1.
    rival : int
        The k-th best of the other candidates, which the item has to beat; -1 where there are fewer.
    rival_score : float
        Its score; NaN without one.
    explanation : Explanation or None
        Of the scores of the item and of the rival; None without a rival, and for models that do
        not split their scores.
    has_features : bool
        Whether the model knows features of items.
    rating : float
        The rating of the item in the history; NaN if it is not there.
    item_names : ndarray of shape (n_items,) or None
        The names of all item columns.
    """

    item: int
    k: int
    reasons: tuple[str, ...]
    score: float
    rank: int
    rival: int
    rival_score: float
    explanation: Explanation | None
    has_features: bool
    rating: float
    item_names: np.ndarray | None

    @property
    def is_listed(self) -> bool:
        """Whether the item is in the list after all."""
        return not self.reasons

    @property
    def shortfall(self) -> float:
        """What the score lacks to that of the rival; negative if it is higher."""
        return self.rival_score - self.score

    @property
    def difference(self) -> Explanation | None:
        """The shortfall, split: what each source adds to the rival less what it adds to the item.

        An :class:`~skattnrec.base.Explanation` of one row, whose score is the shortfall.
        """
        parts = self.explanation
        if parts is None:
            return None

        def differ(values: Any) -> Any:
            return (
                None if values is None else values[..., [1], :].astype(float) - values[..., [0], :]
            )

        return replace(
            parts.only(0),
            scores=np.array([self.shortfall]),
            baseline=np.diff(parts.baseline.astype(float)),
            contributions=differ(parts.contributions),
            heads=differ(parts.heads),
            feature_contributions=differ(parts.feature_contributions),
            weights=None,
        )

    @property
    def item_label(self) -> str:
        """The name of the item, or its column as in "item 3"."""
        return label_items(np.array([self.item]), self.item_names)[0]

    @property
    def rival_label(self) -> str:
        """The name of the rival, or its column; "" without one."""
        return label_items(np.array([self.rival]), self.item_names)[0] if self.rival >= 0 else ""

    def __repr__(self) -> str:
        """Give the sentence."""
        return f"<WhyNot: {self.to_text()}>"

    def to_frame(self, *, max_sources: int | None = None) -> pd.DataFrame:
        """Make a table with a row for each part of the shortfall.

        Parameters
        ----------
        max_sources : int, default=None
            How many sources to list, those with the largest parts of either sign; the others make
            one row. None lists all.

        Returns
        -------
        DataFrame
            ``source``: its label; ``kind``: "baseline", "item" or "user" (a source), "feature"
            (of the user), "others" or "remainder"; ``rating``: that of the history; ``item``,
            ``rival``: what it adds to each of the two scores; ``shortfall``: the difference. The
            columns add up to the scores and the shortfall.

        Raises
        ------
        ValueError
            If the model does not split its scores, or there is no rival.
        """
        parts = self.explanation
        if parts is None:
            why = "the model does not split its scores" if self.rival >= 0 else "there is no rival"
            raise ValueError(f"There are no parts of the shortfall: {why}.")
        labels = parts.source_labels
        ratings = np.full(len(labels), np.nan) if parts.ratings is None else parts.ratings
        rows = [("(baseline)", "baseline", np.nan, *parts.baseline)]
        rows += _largest(parts.source, labels, ratings, parts.contributions, max_sources)
        if parts.feature_contributions is not None:
            values = np.full(len(parts.feature_labels), np.nan)
            told = parts.feature_labels, values, parts.feature_contributions
            rows += _largest("feature", *told, max_sources)
        rows.append(("(remainder)", "remainder", np.nan, *parts.remainder))
        table = pd.DataFrame(rows, columns=["source", "kind", "rating", "item", "rival"])
        table["shortfall"] = table["rival"] - table["item"]
        is_source = table["kind"].isin(["item", "user", "feature"])
        said = is_source | (table["item"] != 0) | (table["rival"] != 0)
        return table[said].reset_index(drop=True)

    def to_text(self, max_sources: int = 2) -> str:
        """Say in a sentence why the item is not there.

        Parameters
        ----------
        max_sources : int, default=2
            How many sources to name that speak more for the rival.

        Returns
        -------
        str
            Such as "Dune is number 14, and 10 are shown: Amelie 5 and Chocolat 4 speak more for
            Notting Hill".
        """
        if max_sources < 1:
            raise ValueError(f"max_sources must be at least 1, got {max_sources}.")
        if self.is_listed:
            return f"{self.item_label} is shown: it is number {self.rank} of {self.k}"
        # what a rule leaves out need not be told its rank
        told = [reason for reason in self.reasons if reason != "outranked"] or ["outranked"]
        if told == ["cold"]:
            told = list(self.reasons)
        first, *others = (self._clause(reason, max_sources) for reason in told)
        return f"{self.item_label} {first}" + "".join(f"; it {clause}" for clause in others)

    def _clause(self, reason: str, max_sources: int) -> str:
        if reason == "seen":
            rated = "" if np.isnan(self.rating) or self.rating == 1 else f" (rated {self.rating:g})"
            return f"is left out: you know it already{rated}"
        if reason == "not a candidate":
            return "is left out: it is not among the items to choose from"
        if reason == "excluded":
            return "is left out: it is excluded"
        if reason == "cold":
            told = ", only its features tell of it" if self.has_features else ""
            return f"is new: nobody has rated it yet{told}"
        if reason == "passed over":
            return f"would be number {self.rank} by its score, but other items were preferred"
        place = f"is number {self.rank}, and {self.k} {'is' if self.k == 1 else 'are'} shown"
        return f"{place}: {self._lead(max_sources)}"

    def _lead(self, max_sources: int) -> str:
        """Say what puts the rival before the item."""
        difference = self.difference
        if self.shortfall <= 0:
            return f"{self.rival_label} has the same score and comes first"
        cited = [] if difference is None else difference.in_favour(0, max_sources)
        if difference is not None and difference.feature_contributions is not None and not cited:
            parts = difference.feature_contributions[0]
            cited = [difference.feature_labels[f] for f in parts.argsort()[-1:] if parts[f] > 0]
        if not cited:
            return f"its score is {self.shortfall:.3g} below that of {self.rival_label}"
        speak = "speaks" if len(cited) == 1 else "speak"
        return f"{' and '.join(cited)} {speak} more for {self.rival_label}"


def _largest(
    kind: str, labels: list[str], ratings: Any, parts: np.ndarray, max_sources: int | None
) -> list[tuple[Any, ...]]:
    """Rows of parts of two scores, (2, s), the largest differences first; the others make one."""
    both = parts.T.astype(float)  # (s, 2)
    order = np.argsort(-np.abs(both[:, 1] - both[:, 0]), kind="stable")
    n_listed = len(order) if max_sources is None else max_sources
    if n_listed >= len(order) - 1:  # a row that stands for one source hides it for nothing
        n_listed = len(order)
    listed, others = order[:n_listed], order[n_listed:]
    rows: list[tuple[Any, ...]] = [(labels[s], kind, float(ratings[s]), *both[s]) for s in listed]
    word = "other features" if kind == "feature" else "others"
    rows.append((f"({len(others)} {word})", "others", np.nan, *both[others].sum(axis=0)))
    return rows


@checked()
def why_not(
    estimator: Any,
    X: Any,
    item: Any,
    *,
    k: int = 10,
    items: Any = None,
    exclude: Any = None,
    item_names: Any = None,
    timestamps: Any = None,
    user_features: Any = None,
) -> WhyNot:
    r"""Tell why an item is not in the list of one history, and what it lacks.

    Parameters
    ----------
    estimator : object
        A fitted recommender, a pipeline that ends in one, or a search over either; or anything
        with a ``predict`` that scores all items.
    {one_history}
    item : int or str
        The item: its column, or its name from ``item_names``.
    k : int, default=10
        Length of the list.
    {rules}
    {item_names}
    {times}

    Returns
    -------
    WhyNot
        The reasons, the rank, and the shortfall to the list, split into the parts that the
        sources of the scores have in it.

    Raises
    ------
    ValueError
        If ``X`` is not one history, or the item is unknown.

    Notes
    -----
    The item is listed if its score is above that of its rival r, the k-th best of the other
    candidates. With the contributions c of :func:`explain` and the baselines b the shortfall is

    .. math:: s_r - s_i = b_r - b_i + \sum_j (c_{rj} - c_{ij}).

    See Also
    --------
    skattnrec.inspection.explain : Why an item is there.
    skattnrec.inspection.counterfactual : What would have to be different.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import ItemItemCF
    >>> from skattnrec.inspection import why_not
    >>> X = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 0, 5, 4], [1, 0, 4, 5]])
    >>> model = ItemItemCF(shrinkage=0).fit(X)
    >>> films = ["Alien", "Dune", "Amelie", "Chocolat"]
    >>> why = why_not(model, [[4, 0, 5, 0]], "Dune", k=1, item_names=films)
    >>> why
    <WhyNot: Dune is number 2, and 1 is shown: Amelie 5 speaks more for Chocolat>
    >>> why.to_frame()[["source", "item", "rival", "shortfall"]].round(2)
       source  item  rival  shortfall
    0  Amelie  0.12   1.21       1.09
    1   Alien  0.97   0.10      -0.87
    """
    history = Histories.of(X, timestamps, user_features)
    rules = {"k": k, "items": items, "exclude": exclude, "item_names": item_names}
    place = Place.of(estimator, history, X, item, "why_not", **rules)
    rivals = place.rivals
    n_ahead = int(place.is_ahead(rivals).sum())
    rival = int(rivals[k - 1]) if len(rivals) >= k else -1
    of_history = dict(zip(history.X.indices.tolist(), history.X.data.tolist(), strict=True))
    rules_and_scores = rival, float(place.scores[rival]) if rival >= 0 else np.nan
    return WhyNot(
        place.item,
        k,
        _reasons(place, n_ahead, rival),
        float(place.scores[place.item]),
        n_ahead + 1,
        *rules_and_scores,
        _explain_both(place, rival),
        getattr(place.model, "item_features", None) is not None,
        float(of_history.get(place.item, np.nan)),
        place.names,
    )


def _reasons(place: Place, n_ahead: int, rival: int) -> tuple[str, ...]:
    """Name all that keeps the item from the list."""
    if place.is_listed:
        return ()
    is_cold = getattr(place.model, "_is_cold", None)
    rules = {
        "seen": bool((place.known == place.item).any()),
        "not a candidate": not place.is_candidate[place.item],
        "excluded": bool(place.is_excluded[place.item]),
    }
    reasons = [reason for reason, holds in rules.items() if holds]
    if is_cold is not None and is_cold[place.item] and "seen" not in reasons:
        reasons.append("cold")
    if n_ahead >= place.k:
        reasons.append("outranked")
    elif not any(rules.values()):  # a list that does not follow the scores, or only rounding
        follows = rival >= 0 and not place.is_clear(rival)
        reasons.append("outranked" if follows else "passed over")
    return tuple(reasons)


def _explain_both(place: Place, rival: int) -> Explanation | None:
    """Split the scores of the item and of its rival."""
    return place.explain([place.item, rival]) if rival >= 0 else None
