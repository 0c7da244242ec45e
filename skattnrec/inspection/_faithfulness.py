"""Do explanations tell the truth? Delete or insert entries, and see what moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch, check_random_state

from ..model_selection._significance import mean_interval
from ._follow import Followed, follow, removal_ranks
from ._histories import Histories, unwrap
from ._parameters import checked

__all__ = ["deletion_curve", "faithfulness", "insertion_curve"]

ORDERS = ("contribution", "attention", "random")


@checked(order=set(ORDERS), first={"most", "least"})
def deletion_curve(
    estimator: Any,
    X: Any,
    items: Any = None,
    *,
    order: Any = "contribution",
    first: str = "most",
    max_fraction: float = 1.0,
    n_steps: int = 10,
    timestamps: Any = None,
    user_features: Any = None,
    random_state: Any = 0,
) -> Bunch:
    r"""Delete entries of histories one after the other, and follow the score of an item.

    Parameters
    ----------
    estimator : object
        A fitted recommender, pipeline or search.
    X : {array-like, sparse matrix} of shape (n_users, n_items)
        Histories; those with fewer than two entries are left out. Each of them is explained by a
        call of its own: pass a sample of a few hundred.
    items : array-like of int of shape (n_users,), default=None
        The item of each user whose score is followed; None means the best recommendation.
    order : {"contribution", "attention", "random"} or matrix, default="contribution"
        What matters most: what contributes most to the score, what gets the most attention
        (mean of the heads), or anything. A matrix of shape (n_items, n_items), dense or sparse,
        tells how much item j (row) matters for item i (column), such as a similarity. Ties are
        broken at random.
    first : {"most", "least"}, default="most"
        Whether to delete first what matters most or what matters least.
    max_fraction : float in (0, 1], default=1.0
        The share of a history to delete in the end; at least one entry, never all.
    n_steps : int, default=10
        In how many steps.
    {times}
    {random_state}

    Returns
    -------
    Bunch
        fractions : ndarray of shape (n_steps + 1,)
            Shares of the history that are deleted, from 0 to ``max_fraction``.
        scores : ndarray of shape (n_curves, n_steps + 1)
            The scores of the item.
        ranks : ndarray of shape (n_curves, n_steps + 1)
            Its places, from 1, among the items that are not in the whole history.
        drops : ndarray of shape (n_curves, n_steps + 1)
            What is lost of the score, as a share of its absolute value at the start.
        area : ndarray of shape (n_curves,)
            Area under the drops divided by ``max_fraction``: the mean drop.
        users : ndarray of shape (n_curves,)
            Rows of ``X``; of a DataFrame, their labels.
        item : ndarray of shape (n_curves,)
            The items followed, by column or label.

    Raises
    ------
    ValueError
        If no history has two entries, or as ``predict`` does.

    See Also
    --------
    insertion_curve : Puts entries into an empty history.
    faithfulness : Compares the orders.

    References
    ----------
    W. Samek, A. Binder, G. Montavon, S. Lapuschkin, K.-R. Müller, "Evaluating the visualization of
    what a deep neural network has learned", IEEE TNNLS 28(11), 2017.

    Examples
    --------
    >>> from skattnrec import ItemItemCF
    >>> from skattnrec.datasets import make_interactions
    >>> from skattnrec.inspection import deletion_curve
    >>> X = make_interactions(100, 50, n_interactions=1500, random_state=0).X
    >>> curve = deletion_curve(ItemItemCF().fit(X), X[:20], max_fraction=0.5)
    >>> curve.drops.shape
    (20, 11)
    >>> bool((curve.drops[:, -1] > 0).all())
    True
    """
    followed = follow(estimator, X, items, timestamps, user_features, min_entries=2)
    ranks = removal_ranks(followed, order, check_random_state(random_state))
    fractions = np.linspace(0, max_fraction, n_steps + 1)
    return _deleted(followed, ranks if first == "most" else _reversed(followed, ranks), fractions)


@checked(order=set(ORDERS))
def insertion_curve(
    estimator: Any,
    X: Any,
    items: Any = None,
    *,
    order: Any = "contribution",
    max_fraction: float = 1.0,
    n_steps: int = 10,
    timestamps: Any = None,
    user_features: Any = None,
    random_state: Any = 0,
) -> Bunch:
    """Put entries of histories into empty ones, what matters most first, and follow a score.

    Parameters
    ----------
    estimator, X, items, order, n_steps, timestamps, user_features, random_state
        As for :func:`deletion_curve`.
    max_fraction : float in (0, 1], default=1.0
        The share of a history to insert in the end; at least one entry.

    Returns
    -------
    Bunch
        As of :func:`deletion_curve`, with ``shares`` in the place of ``drops``: the part of the
        score by the whole history that is reached. Without entries it is 0 by definition, and
        score and rank are not known (NaN, 0). ``area`` is the mean share.

    Examples
    --------
    >>> from skattnrec import ItemItemCF
    >>> from skattnrec.datasets import make_interactions
    >>> from skattnrec.inspection import insertion_curve
    >>> X = make_interactions(100, 50, n_interactions=1500, random_state=0).X
    >>> curve = insertion_curve(ItemItemCF().fit(X), X[:20])
    >>> curve.shares[:, -1].round(6).tolist() == [1.0] * 20
    True
    """
    followed = follow(estimator, X, items, timestamps, user_features, min_entries=2)
    ranks = removal_ranks(followed, order, check_random_state(random_state))
    return _inserted(followed, ranks, np.linspace(0, max_fraction, n_steps + 1))


@checked()
def faithfulness(
    estimator: Any,
    X: Any,
    items: Any = None,
    *,
    orders: Sequence[str] | Mapping[str, Any] | None = None,
    max_fraction: float = 1.0,
    n_steps: int = 10,
    n_repeats: int = 5,
    k: int = 10,
    timestamps: Any = None,
    user_features: Any = None,
    random_state: Any = 0,
) -> pd.DataFrame:
    r"""Compare how far scores and lists move when entries go, or come, in different orders.

    An explanation is faithful if deleting what it names moves the score further than deleting
    anything else.

    Parameters
    ----------
    estimator, X, items, max_fraction, n_steps, timestamps, user_features, random_state
        As for :func:`deletion_curve`.
    orders : list of {"contribution", "attention", "random"} or dict, default=None
        The orders to compare with "random"; a dict names orders, matrices among them. None means
        all that the model has.
    n_repeats : int, default=5
        How many random orders to average over.
    k : int, default=10
        Length of the lists.

    Returns
    -------
    DataFrame with a row for each order
        ``area``: the mean drop of the score, as a share of it, over deletions and users; ``low``,
        ``high``: its 95 % confidence interval over users; ``ratio``: ``area`` divided by that of
        random deletions. Then the measures of [1]_, means over steps and users: ``del``, the share
        of the score that is left while what matters most is deleted (low is good); ``ins``, the
        share that is reached while it is inserted (high); ``pos@k``, how often the item is among
        the k best while what matters most is deleted (low); ``neg@k``, while what matters least
        is deleted (high); ``cndcg``, the discount :math:`1 / \log_2(1 + \text{rank})` of the item
        while what matters most is deleted (low).

        ``attrs["curves"]`` holds their means over users at each step, ``curves[measure][order]``
        of shape (n_steps + 1,), and ``attrs["fractions"]`` their horizontal axis.

    See Also
    --------
    skattnrec.inspection.FaithfulnessDisplay : The curves as a picture.
    skattnrec.inspection.stability : Whether explanations stay when a history changes a little.

    Notes
    -----
    Measures are means over the steps after the first, at which nothing has changed. In [1]_ the
    last step has no history left; here one entry stays, as the score of an empty history is on
    another scale.

    References
    ----------
    .. [1] O. Barkan, V. Bogina, L. Gurevitch, Y. Asher, N. Koenigstein, "A counterfactual framework
       for learning and evaluating explanations for recommender systems", WWW 2024.

    Examples
    --------
    >>> from skattnrec import AttentionRecommender
    >>> from skattnrec.datasets import make_interactions
    >>> from skattnrec.inspection import faithfulness
    >>> X = make_interactions(100, 50, n_interactions=1500, random_state=0).X
    >>> table = faithfulness(AttentionRecommender().fit(X), X[:30])
    >>> table.index.tolist()
    ['contribution', 'attention', 'random']
    >>> bool(table.loc["contribution", "ratio"] > 1)
    True
    """
    if orders is None:
        model, _ = unwrap(estimator, Histories.of(X, timestamps, user_features).rows([0]))
        orders = [o for o in ORDERS if o != "attention" or hasattr(model, "attention_weights")]
    named = dict(orders) if isinstance(orders, Mapping) else {name: name for name in orders}
    _check_orders(named)
    named["random"] = "random"
    random = check_random_state(random_state)
    followed = follow(estimator, X, items, timestamps, user_features, min_entries=2)
    fractions = np.linspace(0, max_fraction, n_steps + 1)
    curves: dict[str, dict[str, np.ndarray]] = {}
    rows = {}
    for name, order in named.items():
        repeats = [
            _measures(followed, removal_ranks(followed, order, random), fractions, k)
            for _ in range(n_repeats if name == "random" else 1)
        ]
        area = np.mean([_area(1 - repeat["del"]) for repeat in repeats], axis=0)
        rows[name] = dict(zip(("area", "low", "high"), mean_interval(area), strict=True))
        for measure in repeats[0]:
            means = np.mean([repeat[measure].mean(axis=0) for repeat in repeats], axis=0)
            curves.setdefault(measure, {})[name] = means
            rows[name][measure] = means[1:].mean()
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index.name = "order"
    table.insert(3, "ratio", table["area"] / table.loc["random", "area"])
    table.attrs = {"curves": curves, "fractions": fractions}
    return table


def _check_orders(named: Mapping[str, Any]) -> None:
    for name, order in named.items():
        if isinstance(order, str) and order not in ORDERS:
            raise ValueError(f"orders must be among {ORDERS} or matrices, got {order!r}.")
        if name == "random" and not (isinstance(order, str) and order == "random"):
            raise ValueError("The name 'random' in orders is taken by random orders.")


def _measures(
    followed: Followed, ranks: np.ndarray, fractions: np.ndarray, k: int
) -> dict[str, np.ndarray]:
    """Give each measure of each user at each step, (n_users, n_steps + 1)."""
    most = _deleted(followed, ranks, fractions)
    least = _deleted(followed, _reversed(followed, ranks), fractions)
    return {
        "del": 1 - most.drops,
        "ins": _inserted(followed, ranks, fractions).shares,
        f"pos@{k}": (most.ranks <= k).astype(float),
        f"neg@{k}": (least.ranks <= k).astype(float),
        "cndcg": 1 / np.log2(1 + most.ranks),
    }


def _deleted(followed: Followed, ranks: np.ndarray, fractions: np.ndarray) -> Bunch:
    """Delete entries by their ranks, a share of each history after the other."""
    curve = _curve(followed, fractions, lambda n: ranks >= n, most=-1)
    curve["drops"] = _shares(curve.scores[:, :1] - curve.scores, curve.scores[:, :1])
    curve["area"] = _area(curve.drops)
    return curve


def _inserted(followed: Followed, ranks: np.ndarray, fractions: np.ndarray) -> Bunch:
    """Insert entries by their ranks, a share of each history after the other."""
    curve = _curve(followed, fractions, lambda n: ranks < n, most=0)
    curve["shares"] = _shares(curve.scores, curve.scores[:, :1])
    curve["shares"][:, 0], curve.scores[:, 0], curve.ranks[:, 0] = 0.0, np.nan, 0
    curve["area"] = _area(curve.shares)
    return curve


def _curve(followed: Followed, fractions: np.ndarray, keep: Any, most: int) -> Bunch:
    """Score what ``keep`` leaves of the histories, given how many entries of each went or came.

    Column 0 is by the whole history.
    """
    histories = followed.histories
    lengths = np.diff(histories.X.indptr)
    placed = [followed.score(histories)]
    for fraction in fractions[1:]:
        n_moved = np.clip(np.floor(fraction * lengths + 0.5), 1, lengths + most)
        placed.append(followed.score(histories.keep(keep(np.repeat(n_moved, lengths)))))
    scores, ranks = (np.stack(columns, axis=1) for columns in zip(*placed, strict=True))
    of_curves = {"users": followed.users, "item": followed.labels}
    return Bunch(fractions=fractions, scores=scores, ranks=ranks, **of_curves)


def _reversed(followed: Followed, ranks: np.ndarray) -> np.ndarray:
    """Ranks with what matters least first."""
    lengths = np.diff(followed.histories.X.indptr)
    return np.repeat(lengths, lengths) - 1 - ranks


def _shares(values: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Values as shares of the size of the score at the start; 0 where that is 0."""
    size = np.abs(start)
    return np.divide(values, size, out=np.zeros_like(values), where=size > 0)


def _area(curves: np.ndarray) -> np.ndarray:
    """Mean height of curves by the trapezoidal rule."""
    return (curves[:, 1:] + curves[:, :-1]).mean(axis=1) / 2
