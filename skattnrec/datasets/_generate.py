"""``make_interactions``: synthetic interactions with a long tail, taste, drift, ratings and times.

A topic model with moods: a user is a mixture of topics, an item belongs to a few of them, and for
a while a user's mood stays with a handful of similar items.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import Bunch, check_random_state

from .._compat import Interval, validate_params

__all__ = ["make_interactions"]

_TASTE = 0.2  # Dirichlet parameter of users over topics: small means few topics per user
_GENRE = 0.1  # Dirichlet parameter of items over topics
_EXPLORATION = 0.15  # share of interactions with what is popular, whatever the taste
_MOOD_LENGTH = 10  # mean number of interactions until a mood may change
_TAG_NOISE = 0.05  # share of item features that are wrong
_STARS = (0.06, 0.11, 0.27, 0.34, 0.22)  # shares of the ratings 1 to 5
_NICHE_SIZE = 15  # items among which a mood picks
_MOOD_PATIENCE, _PATIENCE = 5, 20  # draws until a mood, then a topic, is taken for exhausted
_START, _YEAR, _DAY = 1_500_000_000, 31_536_000, 86_400  # seconds


@validate_params(
    {
        "n_users": [Interval(Integral, 1, None, closed="left")],
        "n_items": [Interval(Integral, 2, None, closed="left")],
        "n_interactions": [Interval(Integral, 1, None, closed="left")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "min_interactions": [Interval(Integral, 1, None, closed="left")],
        "popularity_decay": [Interval(Real, 0, None, closed="left")],
        "drift": [Interval(Real, 0, 1, closed="both")],
        "ratings": ["boolean"],
        "random_state": ["random_state"],
        "dtype": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def make_interactions(
    n_users: int = 1000,
    n_items: int = 1000,
    *,
    n_interactions: int = 50_000,
    n_components: int = 10,
    min_interactions: int = 10,
    popularity_decay: float = 1.0,
    drift: float = 0.5,
    ratings: bool = True,
    random_state: Any = None,
    dtype: Any = np.float32,
) -> Bunch:
    r"""Generate interactions of users with items.

    Few items are popular, users differ in taste and in how much they do, ratings tell taste from
    mere curiosity, and the last interactions tell more about the next one than the first.

    Parameters
    ----------
    n_users : int, default=1000
        Number of users, the rows.
    n_items : int, default=1000
        Number of items, the columns.
    n_interactions : int, default=50_000
        Number of stored entries, exactly. At least ``n_users * min_interactions``, at most
        ``n_users * (n_items // 2)``.
    n_components : int, default=10
        Number of topics that make up taste.
    min_interactions : int, default=10
        Length of the shortest histories; lengths above it are log-normal, up to ``n_items // 2``.
    popularity_decay : float, default=1.0
        How steeply popularity falls with rank; 0 makes all items about equally popular.
    drift : float, default=0.5
        Share of interactions that follow the mood of the moment rather than lasting taste,
        between 0 and 1. With 0, neighbours in time are no more alike than others.
    ratings : bool, default=True
        Whether entries are stars from 1 to 5 (6, 11, 27, 34 and 22 % of them) or all 1.
    random_state : int, RandomState instance or None, default=None
        Determines everything random; pass an int for the same data every time.
    dtype : {np.float32, np.float64}, default=np.float32
        Type of the ratings and item features.

    Returns
    -------
    Bunch
        X : csr_array of shape (n_users, n_items)
            The interactions.
        timestamps : csr_array of shape (n_users, n_items), float64
            When each of them happened, in whole seconds since 1970-01-01; all times of a user
            differ.
        item_features : ndarray of shape (n_items, n_components)
            1 where an item is tagged with a topic, else 0; one tag in twenty is wrong.
        user_factors : ndarray of shape (n_users, n_components)
            The true taste of each user; rows sum to 1.
        item_factors : ndarray of shape (n_items, n_components)
            The true topics of each item; rows sum to 1.
        popularity : ndarray of shape (n_items,)
            The true appeal of each item, apart from taste; sums to 1.

    Raises
    ------
    ValueError
        If ``n_interactions`` does not fit the other sizes, or ``dtype`` is neither float32 nor
        float64.

    Notes
    -----
    An interaction of user :math:`u` picks a topic :math:`c` from the user's taste :math:`\pi_u`
    and then an item by

    .. math:: P(i \mid c) \propto m_{ic} \, \rho_i^{-s}

    with the topics :math:`m_i` of the item, its rank :math:`\rho_i` in popularity and the
    ``popularity_decay`` :math:`s`. About one in seven is exploration, which ignores topics and
    follows popularity alone. This is latent Dirichlet allocation [1]_, to which moods add order: a
    mood is set off by one such item, lasts for ten interactions on average, and lets the share
    ``drift`` of them pick among fifteen items of the same main topic. An item that the user has
    already is drawn again.

    Ratings are quantiles of the sum of :math:`\sqrt{\langle \pi_u, m_i \rangle}`, biases of user
    and item, and noise.

    Time and memory grow with ``n_interactions`` and ``n_items * n_components``, never with
    ``n_users * n_items``.

    References
    ----------
    .. [1] D. Blei, A. Ng, M. Jordan (2003). Latent Dirichlet allocation. Journal of Machine
       Learning Research 3, 993-1022.

    Examples
    --------
    >>> from skattnrec.datasets import make_interactions
    >>> data = make_interactions(100, 50, n_interactions=1500, random_state=0)
    >>> data.X.shape, data.X.nnz
    ((100, 50), 1500)
    """
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, got {dtype}.")
    random = check_random_state(random_state)
    lengths = _history_lengths(n_users, n_items, n_interactions, min_interactions, random)
    users = np.repeat(np.arange(n_users), lengths)
    first = np.cumsum(lengths) - lengths  # where each history begins

    taste = random.dirichlet(np.full(n_components, _TASTE), n_users)
    genre = random.dirichlet(np.full(n_components, _GENRE), n_items)
    ranks = random.permutation(n_items) + 1.0
    popularity = ranks**-popularity_decay
    popularity /= popularity.sum()

    changes = random.random_sample(n_interactions) < 1 / _MOOD_LENGTH
    changes[first] = True
    items = _draw_items(taste, genre, popularity, users, changes, drift, random)
    times = _draw_times(lengths, first, changes, random)
    values = np.ones(n_interactions)
    if ratings:
        values = _draw_ratings(taste, genre, popularity, users, items, random)

    order = np.argsort(users * np.int64(n_items) + items)
    columns = items[order].astype(np.int32)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    if n_interactions <= np.iinfo(np.int32).max:
        indptr = indptr.astype(np.int32)
    shape = n_users, n_items
    stamped = (times[order].astype(np.float64), columns.copy(), indptr.copy())
    return Bunch(
        X=sp.csr_array((values[order].astype(dtype), columns, indptr), shape=shape),
        timestamps=sp.csr_array(stamped, shape=shape),
        item_features=_tag(genre, random).astype(dtype),
        user_factors=taste,
        item_factors=genre,
        popularity=popularity,
    )


def _history_lengths(
    n_users: int, n_items: int, total: int, shortest: int, random: np.random.RandomState
) -> np.ndarray:
    """Split the interactions among users, log-normally above the shortest length."""
    longest = n_items // 2
    if not n_users * shortest <= total <= n_users * longest:
        raise ValueError(
            f"n_interactions must be in [{n_users * shortest}, {n_users * longest}] = n_users * "
            f"[min_interactions, n_items // 2], got {total}."
        )
    activity = random.lognormal(size=n_users)
    lengths = np.full(n_users, shortest)
    while left := total - int(lengths.sum()):
        open_activity = np.where(lengths < longest, activity, 0)
        shares = left * open_activity / open_activity.sum()
        extra = np.minimum(shares.astype(np.int64), longest - lengths)
        if not extra.any():  # fewer left than users to take them: one each to the most active
            extra[np.argsort(-shares, kind="stable")[:left]] = 1
        lengths += extra
    return lengths


def _cumulative(weights: np.ndarray) -> np.ndarray:
    """Make one ascending array of the cumulative distributions of rows of weights.

    Row ``r`` runs from ``r`` to ``r + 1``, so that one binary search serves all rows.
    """
    cumulative = np.cumsum(weights, axis=1)
    cumulative /= cumulative[:, -1:]
    cumulative += np.arange(len(weights))[:, None]
    return cumulative


def _draw(cumulative: np.ndarray, rows: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Draw one column from the distribution of each of the given rows."""
    n_columns = cumulative.shape[1]
    wanted = rows + random.random_sample(len(rows))
    columns = np.searchsorted(cumulative.ravel(), wanted, side="right") - rows * n_columns
    return np.clip(columns, 0, n_columns - 1)  # rounding may step over the edge of a row


def _draw_items(
    taste: np.ndarray,
    genre: np.ndarray,
    popularity: np.ndarray,
    users: np.ndarray,
    changes: np.ndarray,
    drift: float,
    random: np.random.RandomState,
) -> np.ndarray:
    """Draw the item of each interaction, no item twice for a user."""
    n_items, n_topics = genre.shape
    of_topic = _cumulative(np.concatenate([genre.T, np.ones((1, n_items))]) * popularity)
    topics = _draw(_cumulative(taste), users, random)
    niches, niche_of = _niches(genre, random)
    of_niche = _cumulative(popularity[niches])
    seeds = _draw(of_topic, topics[changes], random)  # what sets off each mood
    moods = niche_of[seeds][np.cumsum(changes) - 1]  # and lasts until the next
    topics[random.random_sample(len(users)) < _EXPLORATION] = n_topics  # the row of ones
    moody = random.random_sample(len(users)) < drift

    def draw(which: np.ndarray, n_tries: int) -> np.ndarray:
        if n_tries >= _PATIENCE:
            return random.randint(n_items, size=len(which))
        items = _draw(of_topic, topics[which], random)
        if n_tries < _MOOD_PATIENCE:
            in_mood = which[moody[which]]
            items[moody[which]] = niches[moods[in_mood], _draw(of_niche, moods[in_mood], random)]
        return items

    return _draw_distinct(users, n_items, draw)


def _niches(genre: np.ndarray, random: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    """Divide the items of like main topic, at random, into small niches of equal size.

    Returns
    -------
    niches : ndarray of shape (n_niches, size)
        Their items; the last niche is filled up with items of the first.
    niche_of : ndarray of shape (n_items,)
        The niche of each item.
    """
    n_items = len(genre)
    size = min(_NICHE_SIZE, n_items)
    order = np.lexsort((random.random_sample(n_items), genre.argmax(axis=1)))
    n_niches = -(-n_items // size)
    niches = np.resize(order, (n_niches, size))
    niche_of = np.empty(n_items, np.intp)
    niche_of[order] = np.arange(n_items) // size
    return niches, niche_of


def _draw_distinct(
    users: np.ndarray, n_items: int, draw: Callable[[np.ndarray, int], np.ndarray]
) -> np.ndarray:
    """Draw again what repeats an earlier item of the same user, until nothing does."""
    pending = np.arange(len(users))  # interactions of users with repeated items
    items = draw(pending, 0)
    n_tries = 1
    while len(pending):
        _, firsts = np.unique(
            users[pending] * np.int64(n_items) + items[pending], return_index=True
        )
        repeats = np.delete(pending, firsts)
        items[repeats] = draw(repeats, n_tries)
        n_tries += 1
        pending = pending[np.isin(users[pending], users[repeats])]
    return items


def _draw_times(
    lengths: np.ndarray, first: np.ndarray, changes: np.ndarray, random: np.random.RandomState
) -> np.ndarray:
    """Draw ascending times, whole seconds: minutes apart within a mood, days between moods."""
    scale = np.where(changes, 3 * _DAY, 120)
    gaps = 1 + random.exponential(scale).astype(np.int64)
    clock = np.cumsum(gaps)
    starts = _START + random.randint(2 * _YEAR, size=len(lengths))
    return clock + np.repeat(starts - clock[first], lengths)


def _draw_ratings(
    taste: np.ndarray,
    genre: np.ndarray,
    popularity: np.ndarray,
    users: np.ndarray,
    items: np.ndarray,
    random: np.random.RandomState,
) -> np.ndarray:
    """Draw 1 to 5 stars: taste, how generous the user and how good the item is, and chance."""
    match = np.zeros(len(users))
    for component in range(taste.shape[1]):  # one at a time: n_interactions numbers, no more
        match += taste[users, component] * genre[items, component]
    quality = _standardized(np.log(popularity)) + random.standard_normal(len(popularity))
    liking = _standardized(np.sqrt(match)) + 0.3 * quality[items]
    liking += 0.4 * random.standard_normal(len(taste))[users]
    liking += 0.6 * random.standard_normal(len(users))
    return 1.0 + np.searchsorted(np.quantile(liking, np.cumsum(_STARS)[:-1]), liking)


def _standardized(values: np.ndarray) -> np.ndarray:
    spread = values.std()
    return (values - values.mean()) / (spread if spread > 0 else 1)


def _tag(genre: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Tag items with the topics they belong to, with some mistakes."""
    tags = genre >= np.minimum(genre.max(axis=1, keepdims=True), 0.25)
    return tags ^ (random.random_sample(tags.shape) < _TAG_NOISE)
