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
    content_weight : float, default=1.0
        Factor of the content logits, which need ``item_features``.
    item_features : {array-like, sparse matrix} of shape (n_items, d), default=None
        What items are like. With them, items unknown in training borrow the votes of items
        with like features.
    relevance_threshold : float, default=None
        Ratings from here on are what the model learns to rank high (target 1, others 0).
        None grades the targets as attention grades its input:
        ``exp(rating_weight * (r - r_max) / temperature)``.
    smoothing : float, default=0.3
        Exponent in [0, 1] of the softmax denominator: 1 lets every history speak with one
        voice, 0 lets long ones speak louder.
    dropout : float, default=0.5
        Probability in [0, 1) that an entry is dropped from a history in training. Averaged over
        in closed form, never sampled.
    regularization : float, default=200
        Positive ridge penalty, in pseudo-observations.
    objective : {"ranking", "rating"}, default="ranking"
        "ranking": scores rank items. "rating": entries are ratings of any sign, and predictions are
        ratings; ``relevance_threshold`` and ``dropout`` play no part. See the notes.

    Attributes
    ----------
    values_ : ndarray of shape (1, n_features_in_, n_features_in_)
        ``values_[0, j, i]`` is the vote of item j for item i; the diagonal is 0.
        With ``objective="rating"`` a list of csr_array, one a head.
    presence_values_ : list of 1 csr_array of shape (n_features_in_, n_features_in_)
        Only with ``objective="rating"``: the votes that items cast whatever their rating.
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

    At infinite temperature with smoothing 0 and dropout 0 this is EASE [1]_. The smoothed
    softmax is from [2]_, dropout in closed form from [3]_. Memory and time grow with the square
    and the cube of the number of items.

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
        content_weight: float = 1.0,
        item_features: Any = None,
        relevance_threshold: float | None = None,
        smoothing: float = 0.3,
        dropout: float = 0.5,
        regularization: float = 200.0,
        objective: str = "ranking",
    ):
        self.temperature = temperature
        self.rating_weight = rating_weight
        self.content_weight = content_weight
        self.item_features = item_features
        self.relevance_threshold = relevance_threshold
        self.smoothing = smoothing
        self.dropout = dropout
        self.regularization = regularization
        self.objective = objective
