"""Histories laid out for the sums over pairs of entries: in order of time, and by item."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .entries import rows_of_entries

__all__ = ["Histories", "lay_out"]


class Histories(NamedTuple):
    """Entries of all users, oldest first within a user, and where each item occurs.

    Attributes
    ----------
    indptr : ndarray of shape (n_users + 1,), int64
        The entries of user u are ``indptr[u]:indptr[u + 1]``.
    items : ndarray of shape (n_entries,), int32
        Item of each entry.
    users : ndarray of shape (n_entries,), int32
        User of each entry.
    item_indptr : ndarray of shape (n_items + 1,), int64
        The entries of item i are ``positions[item_indptr[i]:item_indptr[i + 1]]``.
    positions : ndarray of shape (n_entries,), int64
    """

    indptr: np.ndarray
    items: np.ndarray
    users: np.ndarray
    item_indptr: np.ndarray
    positions: np.ndarray


def lay_out(indptr: np.ndarray, items: np.ndarray, n_items: int) -> Histories:
    """Index histories, whose entries are in order already, by item."""
    indptr = indptr.astype(np.int64)
    users = rows_of_entries(indptr).astype(np.int32)
    item_indptr = np.zeros(n_items + 1, np.int64)
    np.cumsum(np.bincount(items, minlength=n_items), out=item_indptr[1:])
    positions = np.argsort(items, kind="stable").astype(np.int64, copy=False)
    return Histories(indptr, items.astype(np.int32, copy=False), users, item_indptr, positions)
