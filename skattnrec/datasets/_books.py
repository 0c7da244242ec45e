"""Five books: the smallest data set on which attention can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

__all__ = ["load_books"]

_ITEMS = ("Harry Potter", "Lord of the Rings", "Romeo and Juliet", "Sherlock Holmes", "Twilight")
_FEATURES = ("magic", "adventure", "romance")
_DATA = (
    (0.9, 0.8, 0.3),
    (0.8, 0.9, 0.2),
    (0.1, 0.2, 0.9),
    (0.2, 0.9, 0.3),
    (0.4, 0.3, 0.9),
)
_RATINGS = (4.8, 4.9, 4.5, 4.6, 4.0)

_DESCR = """\
Five books
----------

:Items: 5 books
:Features: magic, adventure and romance, each between 0 and 1
:Ratings: one per book, on a scale of 1 to 5

A made-up example to follow the steps of attention with a pocket calculator. The features are the
keys, the ratings the values; a query of three numbers says how much a reader likes magic, adventure
and romance.
"""


def load_books(*, as_frame: bool = False) -> Bunch:
    """Load five books with features and ratings.

    Parameters
    ----------
    as_frame : bool, default=False
        Return the features as a DataFrame and the ratings as a Series, both indexed by title.

    Returns
    -------
    Bunch
        features : ndarray or DataFrame of shape (5, 3)
            Magic, adventure and romance of each book, between 0 and 1.
        ratings : ndarray or Series of shape (5,)
            The rating of each book, between 1 and 5.
        item_names : list of str
            The titles, in the order of the rows.
        feature_names : list of str
            The names of the columns.
        frame : DataFrame of shape (5, 4)
            Features and ratings; only with ``as_frame``, else None.
        DESCR : str
            What the data are.

    Examples
    --------
    >>> from skattnrec.datasets import load_books
    >>> books = load_books()
    >>> books.item_names[0], books.features[0]
    ('Harry Potter', array([0.9, 0.8, 0.3]))
    >>> books.ratings
    array([4.8, 4.9, 4.5, 4.6, 4. ])
    """
    features, ratings, frame = np.array(_DATA), np.array(_RATINGS), None
    if as_frame:
        features = pd.DataFrame(features, index=list(_ITEMS), columns=list(_FEATURES))
        ratings = pd.Series(ratings, index=list(_ITEMS), name="rating")
        frame = features.assign(rating=ratings)
    return Bunch(
        features=features,
        ratings=ratings,
        item_names=list(_ITEMS),
        feature_names=list(_FEATURES),
        frame=frame,
        DESCR=_DESCR,
    )
