"""What the parameters of the attention recommenders are: defaults, ranges and documentation."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np

from .._compat import HasMethods, Interval, StrOptions
from .._docstrings import descriptions_of, fill_in
from ._votes import DENSE_ITEMS

__all__ = ["CONSTRAINTS", "DEFAULTS", "PRIOR_WEIGHT", "documented"]

PRIOR_WEIGHT = 3.0  # beside user features; chosen on validation data, flat between 2 and 10

DEFAULTS: dict[str, Any] = {
    "temperature": 3.0,
    "temperature_ratio": 0.5,
    "n_heads": 2,
    "smoothing": 0.3,
    "dropout": 0.5,
    "regularization": None,
    "popularity_exponent": 0.05,
}

CONSTRAINTS: dict[str, list[Any]] = {
    "n_heads": [Interval(Integral, 1, None, closed="left")],
    "temperature": [Interval(Real, 0, np.inf, closed="right")],
    "temperature_ratio": [Interval(Real, 0, None, closed="neither")],
    "rating_center": [Interval(Real, None, None, closed="neither"), None],
    "rating_spread": [Interval(Real, 0, None, closed="neither"), None],
    "item_features": ["array-like", "sparse matrix", None],
    "content_weight": [Interval(Real, None, None, closed="neither"), None],
    "learn_projections": ["boolean"],
    "relevance_threshold": [Interval(Real, None, None, closed="neither"), None],
    "smoothing": [Interval(Real, 0, 1, closed="both")],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "regularization": [Interval(Real, 0, None, closed="neither"), None],
    "key_popularity_exponent": [Interval(Real, None, None, closed="neither")],
    "popularity_exponent": [Interval(Real, None, None, closed="neither")],
    "solver": [StrOptions({"auto", "dense", "sparse"})],
    "n_neighbors": [Interval(Integral, 1, None, closed="left"), None],
    "prior_weight": [Interval(Real, 0, None, closed="left"), None],
    "memory": [str, HasMethods("cache"), None],
    "verbose": ["verbose"],
}

_ENTRIES = f"""
n_heads : int
    Number of heads.
temperature : float
    Positive. In spreads of the ratings: a rating higher by ``temperature`` spreads gives e times
    the weight. ``inf`` weighs all entries alike.
temperature_ratio : float
    Positive. Head h has temperature ``temperature * temperature_ratio ** h``.
rating_center : float
    The rating that counts as usual. None learns the median of the known ratings.
rating_spread : float
    Positive. By how much ratings differ; how far a rating is from the centre counts in spreads, up
    to 2.5 of them. None learns the standard deviation of the known ratings, the lowest and the
    highest 5 % of them moved to where the others end.
item_features : {{array-like, sparse matrix, DataFrame}} of shape (n_items, d)
    What items are like: numbers in any units and any mix of one-hot columns, tf-idf and prices,
    which are scaled inside. With them, items that nobody has rated get votes, learned from the
    features of those that are; see Notes. Sparse ones stay sparse, and may have any number of
    columns.
content_weight : float
    Factor of the content logits; needs ``item_features``. None is 1, or 0 where these have more
    than 4096 columns.
learn_projections : bool
    Learn a query-key projection from ``item_features``, of at most 4096 columns: what the attention
    sees of the features of a history then also scores items by their features, whether or not they
    were ever seen together. Worth it where items have few ratings each.
relevance_threshold : float
    Ratings from here on are what the model learns to rank high (target 1, others 0). None grades
    the targets as the first head grades its input, scaled to a mean of 1 over the known ratings.
smoothing : float
    Exponent in [0, 1] of the softmax denominator: 1 lets every history speak with one
    voice, 0 lets long ones speak louder.
dropout : float
    Probability in [0, 1) that an entry is dropped from a history in training. Averaged over
    in closed form, never sampled.
regularization : float
    Positive ridge penalty, in pseudo-observations. None is one and a half times the mean length
    of the histories, and at least 50.
key_popularity_exponent : float
    Keys of item j are divided by its number of ratings, relative to the mean, to this power.
    Positive values let rare items speak louder.
popularity_exponent : float
    Scores of item i are divided by its number of ratings, relative to the mean, to this power.
    Positive values let rare items score higher.
solver : {{"auto", "dense", "sparse"}}
    "dense" lets all items vote for all: memory grows with the square of
    ``n_heads * n_items``, time with its cube. "sparse" lets ``n_neighbors`` items vote for
    each: time ``n_items * (n_heads * n_neighbors) ** 3 / 3``. "auto" is dense up to
    {DENSE_ITEMS} items.
n_neighbors : int
    How many items vote for each one under the sparse solver: those that occur most with it. None
    is 200. Refused where the solver is dense.
prior_weight : float
    Not negative. How many ratings the prior counts as: what is popular, and among users with the
    same ``user_features``. It is the whole score of an empty history, and fades as histories grow.
    None is 3 with user features. Without them it is 0: the prior scores empty histories, and the
    others are scored by their votes alone, which keeps the sparse solver fast.
memory : str or joblib.Memory
    Where the sums over users are kept: a fit to the same data that differs only in
    ``regularization``, ``dropout``, ``solver``, ``n_neighbors`` or a popularity exponent, as
    in a grid search, reads them from there. None keeps nothing.
verbose : bool
    Print the seconds of each step of a fit. scikit-learn's callbacks, where it has them, are
    told of the same steps.

values_ : ndarray of shape (n_heads, n_features_in_, n_features_in_) or csr_array
    ``values_[h, j, i]`` is the vote of item j for item i in head h; 0 where i = j. Under the
    sparse solver a csr_array of shape (n_heads * n_features_in_, n_features_in_) whose row
    ``h * n_features_in_ + j`` holds the votes of item j.
solver_ : {{"dense", "sparse"}}
    The solver used.
statistics_ : SufficientStatistics
    Sums over users. They are all that ``partial_fit`` and ``forget`` change, and 8 bytes for each
    number; :meth:`drop_statistics` makes the model small.
rating_center_, rating_spread_ : float
    Centre and spread of the ratings.
regularization_ : float
    The penalty.
temperatures_ : ndarray of shape (n_heads,)
    The temperature of each head, in spreads.
learned_projections_ : ndarray of shape (n_heads, d, d) or None
    The learned query-key projections.
prior_weight_ : float
    The weight of the prior.
token_values_ : ndarray of shape (n_tokens, n_features_in_) or None
    What user features, free of units, add to the prior: a row for each column of
    ``user_features``, or for each of the 1000 that most users have. None without them.
token_regularization_ : float or None
    The penalty of ``token_values_``, in users, by generalized cross-validation; infinite where user
    features tell nothing. None without them.
prior_ : ndarray of shape (n_features_in_,)
    Scores of an empty history, whose user is unknown: sums of relevance, or where ``prior_weight_``
    is not 0 or there are user features, their mean.
n_features_in_ : int
    Number of items.
feature_names_in_ : ndarray of shape (n_features_in_,)
    Item names, when ``fit`` got a DataFrame with string column names.
"""


Class = TypeVar("Class", bound=type)


def documented(cls: Class) -> Class:
    """Fill in what the attention estimators share: the lines ``{name}`` of the docstring."""
    return fill_in(cls, descriptions_of(_ENTRIES))
