"""AttentionRecommender: one attention head whose votes are learned in closed form."""

from __future__ import annotations

from typing import Any

from ._closed_form import BaseAttentionRecommender

__all__ = ["AttentionRecommender"]


class AttentionRecommender(BaseAttentionRecommender):
    r"""Recommend by attention over the history, learned in closed form.

    Every item of a history votes for every other item. How loud it speaks is its attention
    weight, from its rating and, where item features are given, from how well it fits the rest of
    the history. What it votes for is learned by a ridge regression with a closed-form solution:
    no epochs, no learning rate, no seed.

    Parameters
    ----------
    temperature : float, default=3.0
        Positive. In units of the ratings: a rating higher by ``temperature`` gives e times the
        weight. ``inf`` weighs all entries alike.
    rating_weight : float, default=1.0
        Factor of the ratings in the logits; 0 reads ratings as mere presence.
    recency_weight : float, default=0.5
        Factor of the age of an entry, which lowers its logit; not negative. Read with timestamps
        only: a history's weight falls by ``exp(-recency_weight / temperature)`` with each step.
    age : {"rank", "time"}, default="rank"
        What age is: the number of later entries, or the time until the latest entry, in the unit
        of the timestamps.
    content_weight : float, default=1.0
        Factor of the content logits, which need ``item_features``; not used with timestamps.
    item_features : {array-like, sparse matrix} of shape (n_items, d), default=None
        What items are like. With them, items unknown in training borrow the votes of items
        with like features.
    learn_projections : bool, default=False
        Learn a query-key projection from ``item_features``: what the attention sees of the
        features of a history then also scores items by their features, whether or not they were
        ever seen together. Worth it where items have few ratings each.
    relevance_threshold : float, default=None
        Ratings from here on are what the model learns to rank high (target 1, others 0).
        None grades the targets as attention grades its input, by
        ``exp(rating_weight * r / temperature)``, scaled to a mean of 1 over the known ratings.
    lookahead : float, default=0
        In [0, 1). With timestamps the target of a history is the item that follows, and the s-th
        one that follows counts ``lookahead ** (s - 1)``.
    reverse_weight : float, default=0
        Weight of learning from every history read backwards as well, with timestamps. Helps where
        data are few and order is loose.
    smoothing : float, default=0.3
        Exponent in [0, 1] of the softmax denominator: 1 lets every history speak with one
        voice, 0 lets long ones speak louder.
    dropout : float, default=0.5
        Probability in [0, 1) that an entry is dropped from a history in training. Averaged over
        in closed form, never sampled.
    regularization : float, default=200
        Positive ridge penalty, in pseudo-observations.
    popularity_penalty : float, default=0
        Keys of item j are scaled by its number of ratings, relative to the mean, to minus this.
        Positive values let rare items speak louder.
    popularity_discount : float, default=0
        The votes for item i are scaled in the same way: positive values let rare items score
        higher. For next items .1 is often better than 0.
    solver : {"auto", "dense", "sparse"}, default="auto"
        "dense" lets all items vote for all: memory grows with the square of
        ``n_heads * n_items``, time with its cube. "sparse" lets ``n_neighbors`` items vote for
        each: time ``n_items * (n_heads * n_neighbors) ** 3 / 3``. "auto" is dense up to 8000 for
        ``n_heads * n_items`` if it fits in half of the memory.
    n_neighbors : int, default=200
        How many items vote for each one under the sparse solver: those that occur most with it.
    proba_temperature : float, default=1
        Positive. Temperature of ``predict_proba`` and ``sample``: low values bet on the best
        items, high ones on all alike. It has no part in the ranking.
    objective : {"ranking", "rating"}, default="ranking"
        "ranking": scores rank items. "rating": entries are ratings of any sign, and predictions are
        ratings; ``relevance_threshold`` and ``dropout`` play no part. See the notes.
    verbose : bool, default=False
        Print the seconds of each step of a fit. scikit-learn's callbacks, where it has them, are
        told of the same steps.

    Attributes
    ----------
    values_ : ndarray of shape (1, n_features_in_, n_features_in_) or csr_array
        ``values_[h, j, i]`` is the vote of item j for item i in head h; 0 where i = j. Under the
        sparse solver a csr_array of shape (n_features_in_, n_features_in_) whose row
        ``h * n_features_in_ + j`` holds the votes of item j.
        With ``objective="rating"`` a list of csr_array, one a head.
    presence_values_ : list of 1 csr_array of shape (n_features_in_, n_features_in_)
        Only with ``objective="rating"``: the votes that items cast whatever their rating.
    solver_ : {"dense", "sparse"}
        The solver used.
    statistics_ : SufficientStatistics
        Sums over users: ``gram``, ``cross``, ``item_counts`` and ``relevance``. They are all that
        ``partial_fit`` and ``forget`` change.
    learned_projections_ : ndarray of shape (1, d, d) or None
        The learned query-key projections.
    temperatures_ : ndarray of shape (1,)
        The temperature.
    projections_ : ndarray of shape (1, d, d) or None
        The identity, or None without item features.
    prior_ : ndarray of shape (n_features_in_,)
        Scores of an empty history: sums of relevance, or for ratings :math:`\mu + b_i`.
    n_features_in_ : int
        Number of items.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Item names, when ``fit`` got a DataFrame with string column names.

    See Also
    --------
    MultiHeadAttentionRecommender : Several heads, solved for jointly.
    skattnrec.neighbors.ItemItemCF : Votes from similarities instead of a regression.

    Notes
    -----
    For user u with history :math:`H(u)`, item keys :math:`k_j` of d features and the profile
    :math:`q_u` (the rating-weighted mean of the keys of the history),

    .. math::

        l_{uj} &= \left(w_r r_{uj} + w_c \langle q_u, k_j \rangle / \sqrt d\right) / \tau \\
        a_{uj} &= e^{l_{uj}} \big/ \Big(\sum_{m \in H(u)} e^{l_{um}}\Big)^{\beta} \\
        s_{ui} &= \sum_{j \in H(u)} a_{uj} V_{ji}

    with temperature :math:`\tau` and smoothing :math:`\beta`. With the weights as rows of A,
    targets Y, dropout p and :math:`\lambda` = regularization times the mean of :math:`a^2`,

    .. math::

        V = \arg\min \|A V - Y\|^2 + \lambda \|V\|^2
            + \tfrac{p}{1-p} \|\operatorname{diag}(A^\top A)^{1/2} V\|^2,
            \quad V_{ii} = 0.

    With timestamps the model learns to recommend the next item. Logits lose
    :math:`w_a \,\mathrm{age}_{uj}`, the rows of A are all prefixes of all histories, and those of Y
    hold the item that follows. :math:`A^\top A` and :math:`A^\top Y` are then sums over pairs of
    entries of a user, and no prefix is ever formed. Pairs are left out where the attention has
    fallen below :math:`10^{-7}`, the rounding of single precision.

    At infinite temperature with smoothing 0 and dropout 0 this is EASE [1]_. The smoothed
    softmax is from [2]_, dropout in closed form from [3]_. The projection that
    ``learn_projections`` adds is :math:`q_u^\top W k_i` with
    :math:`q_u = \sum_j a_{uj} k_j` and W from a ridge regression of Y on :math:`q_u k_i^\top`.

    With ``objective="rating"`` an item votes by how far its rating is off the baseline
    :math:`b_{ui} = \mu + b_u + b_i`, and by being there at all:

    .. math::
        \hat r_{ui} = b_{ui}
            + \sum_{j \in H(u)} a_{uj} \big((r_{uj} - b_{uj}) V_{ji} + s P_{ji}\big)

    with s the root mean square of :math:`r_{uj} - b_{uj}`. The votes for an item are a ridge
    regression on the users who rated it, over the 200 items whose ratings are most like or unlike
    its own, with the penalty :math:`s^2 \lambda` [4]_. They are sparse, so that memory grows with
    the number of items only. The baseline is that of :class:`~skattnrec.BaselinePredictor`.

    References
    ----------
    .. [1] Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019.
    .. [2] He et al., NAIS: neural attentive item similarity model for recommendation, TKDE 2018.
    .. [3] Steck, Autoencoders that don't overfit towards the identity, NeurIPS 2020.
    .. [4] Koren, Factor in the neighbors: scalable and accurate collaborative filtering, ACM TKDD
       4(1), 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import AttentionRecommender
    >>> X = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 0, 5, 4], [1, 0, 4, 5]])
    >>> model = AttentionRecommender(regularization=1).fit(X)
    >>> indices, _ = model.recommend([[5, 0, 0, 0], [0, 0, 0, 5]], k=1)
    >>> indices.ravel()
    array([1, 2])
    >>> model.attention_weights([[5, 2, 0, 0]])[0].toarray().round(2)
    array([[0.91, 0.33, 0.  , 0.  ]])
    """

    def __init__(
        self,
        temperature: float = 3.0,
        *,
        rating_weight: float = 1.0,
        recency_weight: float = 0.5,
        age: str = "rank",
        content_weight: float = 1.0,
        item_features: Any = None,
        learn_projections: bool = False,
        relevance_threshold: float | None = None,
        lookahead: float = 0.0,
        reverse_weight: float = 0.0,
        smoothing: float = 0.3,
        dropout: float = 0.5,
        regularization: float = 200.0,
        popularity_penalty: float = 0.0,
        popularity_discount: float = 0.0,
        solver: str = "auto",
        n_neighbors: int = 200,
        proba_temperature: float = 1.0,
        objective: str = "ranking",
        verbose: bool = False,
    ):
        self.temperature = temperature
        self.rating_weight = rating_weight
        self.recency_weight = recency_weight
        self.age = age
        self.content_weight = content_weight
        self.item_features = item_features
        self.learn_projections = learn_projections
        self.relevance_threshold = relevance_threshold
        self.lookahead = lookahead
        self.reverse_weight = reverse_weight
        self.smoothing = smoothing
        self.dropout = dropout
        self.regularization = regularization
        self.popularity_penalty = popularity_penalty
        self.popularity_discount = popularity_discount
        self.solver = solver
        self.n_neighbors = n_neighbors
        self.proba_temperature = proba_temperature
        self.objective = objective
        self.verbose = verbose
