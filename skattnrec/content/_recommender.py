"""Recommend items whose features are like those of the items a user likes.

P. Lops, M. de Gemmis, G. Semeraro, "Content-based recommender systems: state of the art and
trends", in Recommender Systems Handbook, 2011; the profile of a user goes back to J. Rocchio,
"Relevance feedback in information retrieval", 1971.
"""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from .._compat import Interval, StrOptions
from .._context import Context
from .._explanation import Explanation
from .._features import FeatureScaling, check_features, unit_rows
from .._ineffective import refuse_ineffective
from .._spreads import in_spreads, spread_of
from .._user_features import check_same_names, column_names
from ..base import BaseRecommender
from ._preferences import encode_preferences
from ._profiles import ItemProfiles, Tastes, inverse_frequencies, product_with_transposed

__all__ = ["ContentRecommender"]

_FARTHEST = 2.5  # spreads from the centre that a rating may count as
_PREFERENCE_WEIGHT = 5.0


class ContentRecommender(BaseRecommender):
    r"""Recommend items whose features are like those of the items a user likes.

    Items nobody knows yet are recommended as any other. So are items to users without a history who
    say what they like: ``user_features`` are stated preferences, a weight for each item feature.

    Parameters
    ----------
    item_features : {array-like, sparse matrix} of shape (n_items, d), default=None
        What items are like, a row for each column of ``X``: one-hot groups, tags, tf-idf of a text,
        numbers of any unit. 0 says nothing; a row of zeros is an item of which nothing is known.
        Sparse features stay sparse. None: an item is described by the users of ``fit`` who know it.
    weighting : {"idf", "uniform"}, default="idf"
        "idf": features count by the logarithm of how few items have them. Columns of numbers, of
        which most are not 0, count 1. "uniform": all features count alike.
    rating_weight : float, default=0.5
        How much a rating says: an entry that is z spreads above the usual rating counts
        ``1 + rating_weight * z``, with z in [-2.5, 2.5]. Where that is negative, the item counts
        against what is like it. 0: all entries count alike.
    rating_center : float, default=None
        The rating that counts as usual. None learns the median of the known ratings.
    rating_spread : float, default=None
        Positive. By how much ratings differ. None learns the standard deviation of the known
        ratings, the lowest and the highest 5 % of them moved to where the others end.
    preference_weight : float, default=None
        Stated preferences count as this many liked items beside a history; needs ``item_features``.
        None is 5.

    Attributes
    ----------
    item_profiles_ : {ndarray, csr_array} of shape (n_features_in_, d)
        Features, free of units and weighted, each row of length 1 (of length 0 for items of which
        nothing is known).
    feature_weights_ : ndarray of shape (d,)
        What features count.
    item_feature_names_, user_feature_names_in_ : ndarray of shape (d,) or None
        Names of the features, when ``item_features`` is a DataFrame with string column names.
        Preferences have the same columns.
    rating_center_, rating_spread_ : float
        What ratings are measured by.
    prior_ : ndarray of shape (n_features_in_,)
        Scores of users without a profile: the number of known ratings of each item.
    n_features_in_ : int
        Number of items.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Item names, when ``fit`` got a DataFrame with string column names.

    See Also
    --------
    AttentionRecommender : Learns from ratings, and lends what it learned to items nobody knows.
    ItemItemCF : Items are alike if the same users know them.

    Notes
    -----
    With :math:`p_i` the profile of item i, of length 1, and their mean :math:`\bar p`,

    .. math::
        t_u = \sum_{j \in H(u)} \left(1 + c \, z_{uj}\right) (p_j - \bar p) + m \, q_u
        \qquad
        s_{ui} = \frac{t_u \cdot p_i}{|t_u|}

    with c the ``rating_weight``, m the ``preference_weight`` and :math:`q_u` the stated
    preferences, weighted as features are, of length 1. Scores are cosines, in [-1, 1]. The mean is
    subtracted because what most items are like says nothing about a user. A user's profile is of
    length 0 where all items known are alike in all features that tell items from each other, or
    have no features; then the scores are ``prior_``.

    With idf, feature f has the weight :math:`\ln((1 + n) / (1 + n_f))`, where :math:`n_f` of the n
    items have it.

    Stated preferences are weights of features, of either sign: more of it, less of it, and 0 for
    no matter. Only their proportions count. Unlike other models, this one takes ``user_features``
    whether or not it was fitted with them, and does without.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import ContentRecommender
    >>> from skattnrec.datasets import load_books
    >>> books = load_books(as_frame=True)
    >>> X = np.array([[5, 4, 0, 0, 0], [0, 0, 5, 0, 4], [4, 0, 0, 5, 0]])  # readers x books
    >>> model = ContentRecommender(books.features).fit(X)
    >>> preferences = model.encode_preferences(["magic", "adventure"])
    >>> indices, _ = model.recommend(np.zeros((1, 5)), k=2, user_features=preferences)
    >>> [books.item_names[item] for item in indices[0]]
    ['Lord of the Rings', 'Harry Potter']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "item_features": ["array-like", "sparse matrix", None],
        "weighting": [StrOptions({"idf", "uniform"})],
        "rating_weight": [Interval(Real, 0, None, closed="left")],
        "rating_center": [Interval(Real, None, None, closed="neither"), None],
        "rating_spread": [Interval(Real, 0, None, closed="neither"), None],
        "preference_weight": [Interval(Real, 0, None, closed="left"), None],
    }

    def __init__(
        self,
        item_features: Any = None,
        *,
        weighting: str = "idf",
        rating_weight: float = 0.5,
        rating_center: float | None = None,
        rating_spread: float | None = None,
        preference_weight: float | None = None,
    ):
        self.item_features = item_features
        self.weighting = weighting
        self.rating_weight = rating_weight
        self.rating_center = rating_center
        self.rating_spread = rating_spread
        self.preference_weight = preference_weight

    def _fit(self, X: sp.csr_array, context: Context) -> None:
        self._refuse_ineffective()
        features, is_number, names = self._features(X)
        self.item_feature_names_ = self.user_feature_names_in_ = names  # of preferences, too
        weights = np.ones(features.shape[1])
        if self.weighting == "idf":
            weights = np.where(is_number, weights, inverse_frequencies(features))
        center, spread = spread_of(X.data)
        self.rating_center_ = center if self.rating_center is None else float(self.rating_center)
        self.rating_spread_ = spread if self.rating_spread is None else float(self.rating_spread)
        # what answers depend on, whatever is set later
        self._rating_weight = self.rating_weight
        count = self.preference_weight
        self._preference_weight = _PREFERENCE_WEIGHT if count is None else count
        self.feature_weights_, self._has_features = weights, self.item_features is not None
        self._profiles = ItemProfiles.from_features(features, weights)
        self.item_profiles_ = self._profiles.units

    def _reads_user_features(self) -> bool:
        """Tell whether there are item features that preferences may be stated over."""
        return self.__dict__.get("_has_features", self.item_features is not None)

    def _check_user_features(
        self, given: Any, features: sp.csr_array | None, *, reset: bool
    ) -> None:
        """Check that preferences are stated over the item features; they may always be left out."""
        if features is None:
            return
        names, stated = (column_names(table) for table in (self.item_features, given))
        n_features = np.shape(self.item_features)[1]
        if not reset:
            names, n_features = self.item_feature_names_, self.item_profiles_.shape[1]
        if features.shape[1] != n_features:
            raise ValueError(
                f"user_features has {features.shape[1]} columns, there are {n_features} item "
                f"features: {type(self).__name__} takes a weight for each of them, 0 for no matter."
            )
        check_same_names(stated, names)

    def _refuse_ineffective(self) -> None:
        if self.item_features is None:
            refuse_ineffective(self, "item_features=None", "preference_weight")
        if self.rating_weight == 0:
            refuse_ineffective(self, "rating_weight=0", "rating_center", "rating_spread")

    def _features(self, X: sp.csr_array) -> tuple[sp.csr_array, np.ndarray, np.ndarray | None]:
        """Features free of units, (n_items, d), which of them are numbers, and their names."""
        if self.item_features is None:  # who knows them
            known = sp.csr_array((np.ones(X.nnz), X.indices, X.indptr), shape=X.shape)
            return sp.csr_array(known.T), np.zeros(X.shape[0], bool), None
        table = check_features(self.item_features, X.shape[1])
        scaling = FeatureScaling.learn(table)
        return scaling.scale(table), scaling.is_number, column_names(self.item_features)

    def _score(self, X: sp.csr_array, context: Context) -> np.ndarray:
        tastes = self._tastes(X, context)
        scores = self._profiles.cosines(tastes).astype(self.prior_.dtype)
        scores[tastes.lengths == 0] = self.prior_
        return scores

    def _score_empty(self, X: sp.csr_array, context: Context) -> np.ndarray:
        return self._score(X, context)

    def _tastes(self, X: sp.csr_array, context: Context) -> Tastes:
        """Profiles of users, from their histories and what they say."""
        weights = sp.csr_array((self._entry_weights(X), X.indices, X.indptr), shape=X.shape)
        return self._profiles.tastes(weights, self._stated(context))

    def _entry_weights(self, X: sp.csr_array) -> np.ndarray:
        """Give what each stored entry counts, (nnz,)."""
        distances = in_spreads(X.data, self.rating_center_, self.rating_spread_, _FARTHEST)
        return 1 + self._rating_weight * distances

    def _stated(self, context: Context) -> sp.csr_array | None:
        """Stated preferences, (n_rows, d), as long as they count."""
        if context.features is None:
            return None
        weighted = context.features @ sp.diags_array(self.feature_weights_)
        return self._preference_weight * unit_rows(weighted)

    def _explain(
        self, X: sp.csr_array, context: Context, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Contribution of item j of the history: its part of the profile times the profile of i."""
        history = X.indices.astype(np.intp)
        length = self._tastes(X, context).lengths[0]
        if length == 0:
            baseline = self.prior_[items]
            return baseline, history, np.zeros((len(items), len(history)), baseline.dtype), {}
        weights = np.tile(self._entry_weights(X) / length, (len(items), 1))  # (n, s)
        contributions = weights * self._profiles.by_item(history, items)
        extra = self._explain_stated(context, items, length)
        return np.zeros(len(items)), history, contributions, {"weights": weights, **extra}

    def _explain_stated(self, context: Context, items: np.ndarray, length: float) -> dict[str, Any]:
        """Contributions of the preferences that one user states, as fields of an explanation."""
        stated = self._stated(context)
        if stated is None or context.features is None:
            return {}
        columns = stated.indices.astype(np.intp)
        profiles = self.item_profiles_[items][:, columns]  # (n, f)
        dense = profiles.toarray() if sp.issparse(profiles) else profiles
        return {
            "features": columns,
            "feature_values": context.features[:, columns].toarray()[0],
            "feature_contributions": dense * stated.data / length,
        }

    def explain_features(
        self, X: Any, items: Any = None, *, timestamps: Any = None, user_features: Any = None
    ) -> Explanation:
        """Split the scores of one user into the contributions of item features.

        :meth:`explain` splits the same scores by the items of the history. A cosine is a sum over
        features, so that both add up.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (1, n_items)
            One history; it may be empty.
        items : array-like of int, default=None
            The item columns to explain; None means the (at most ten) recommended ones.
        timestamps : {array-like, sparse matrix} of shape (1, n_items), default=None
            Checked and ignored.
        user_features : {array-like, sparse matrix} of shape (1, d), default=None
            Stated preferences.

        Returns
        -------
        Explanation
            Without sources; ``features`` are the columns of ``item_features`` that the profiles of
            the user and of an explained item share, and ``feature_contributions`` what they add.
            Users without a profile have ``prior_`` as the baseline.

        Raises
        ------
        ValueError
            As :meth:`explain` does.

        Examples
        --------
        >>> import pandas as pd
        >>> from skattnrec import ContentRecommender
        >>> features = pd.DataFrame({"magic": [1, 0, 1, 0], "love": [0, 1, 1, 0]})
        >>> model = ContentRecommender(features).fit([[5, 0, 0, 1], [0, 4, 0, 2]])
        >>> model.explain_features([[5, 0, 0, 0]], items=[2]).to_text()
        ['item 2: because of magic; in spite of love']
        """
        model = self._fitted()
        whole = model.explain(X, items, timestamps=timestamps, user_features=user_features)
        history, context = model._validate(X, timestamps, user_features, reset=False)
        tastes = model._tastes(history, context)
        n, length = len(whole.items), tastes.lengths[0]
        parts = model._profiles.by_feature(tastes, whole.items)  # (n, d)
        columns = np.unique(parts.indices).astype(np.intp)
        contributions = (
            parts[:, columns].toarray() / length if length else np.zeros((n, len(columns)))
        )
        return Explanation(
            whole.items,
            whole.scores,
            np.zeros(n) if length else whole.scores,
            np.empty(0, np.intp),
            np.empty((n, 0)),
            item_names=whole.item_names,
            features=columns,
            feature_values=np.ones(len(columns)),
            feature_contributions=contributions,
            feature_names=model.item_feature_names_,
        )

    def _item_similarity(self, items: np.ndarray) -> np.ndarray:
        """Cosines of the profiles of items, (len(items), n_items)."""
        units = self.item_profiles_
        return product_with_transposed(units[items], units).astype(self.prior_.dtype)

    def _accepts_negative(self) -> bool:
        return True

    def encode_preferences(self, preferences: Any) -> sp.csr_array:
        """Turn stated preferences by name into what ``user_features`` takes.

        Parameters
        ----------
        preferences : mapping of str to float, list of str, or list of either
            Weights of features by name, or names of features that all count 1; a list of these has
            a row each.

        Returns
        -------
        csr_array of shape (n_rows, d)
            A weight for each feature, 0 where nothing is said.

        Raises
        ------
        ValueError
            If a name is none of a feature, a weight is not finite, nothing is said, or
            ``item_features`` of fit had no names.

        Examples
        --------
        >>> import pandas as pd
        >>> from skattnrec import ContentRecommender
        >>> features = pd.DataFrame({"magic": [1, 0], "love": [0, 1], "crime": [1, 1]})
        >>> model = ContentRecommender(features).fit([[5, 0], [0, 4]])
        >>> model.encode_preferences(["magic"]).toarray()
        array([[1., 0., 0.]])
        >>> model.encode_preferences([{"magic": 2, "crime": -1}, ["love"]]).toarray()
        array([[ 2.,  0., -1.],
               [ 0.,  1.,  0.]])
        """
        model = self._fitted()
        return encode_preferences(preferences, model.item_feature_names_)
