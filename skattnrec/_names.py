"""Names of items and users, found by label wherever tables have labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = [
    "aligned",
    "columns_of",
    "label_items",
    "labelled",
    "labels_of",
    "name_all",
    "name_items",
]


def name_items(item_names: Any, X: Any, model: Any) -> np.ndarray | None:
    """Names of the item columns: those given, else those of ``X`` or of the fitted model.

    Returns
    -------
    ndarray of shape (n_items,), object, or None
    """
    n_items = np.shape(X)[1]
    known = labels_of(X, axis=1)
    if known is None:
        known = getattr(model, "feature_names_in_", None)
    names = known if item_names is None else aligned(item_names, known, "item_names")
    if names is None:
        return None
    names = np.asarray(names, dtype=object)
    if names.shape != (n_items,):
        raise ValueError(
            f"item_names must hold a name for each of the {n_items} items, got shape {names.shape}."
        )
    return names


def columns_of(items: Any, names: np.ndarray | None) -> Any:
    """Turn item names into columns; columns stay as they are.

    Raises
    ------
    ValueError
        If a name is unknown, or could be meant in two ways: several items have it, or it is an
        integer, as columns are.
    """
    listed = np.atleast_1d(np.asarray(items, dtype=object))
    if not any(isinstance(item, str) for item in listed):
        if names is not None and any(_is_other_number(name, j) for j, name in enumerate(names)):
            raise ValueError(
                f"items={items!r} may be columns or names, as names of items are integers too: "
                "pass item_names as strings, such as X.columns.astype(str); then strings are "
                "names, and integers are columns."
            )
        return items
    if names is None:
        raise ValueError(f"items are names ({listed[0]!r}): pass item_names, or item columns.")
    columns = []
    for item in listed:
        found = np.flatnonzero(names == item)
        if len(found) != 1:
            fault = "is not" if not len(found) else f"is there {len(found)} times: name its column"
            raise ValueError(f"items must be in item_names; {item!r} {fault}.")
        columns.append(found[0])
    return np.array(columns)


def _is_other_number(name: Any, column: int) -> bool:
    """Tell whether a name is an integer, and not its own column."""
    return isinstance(name, (int, np.integer)) and name != column


def name_all(
    names: Sequence[Any] | None, n: int, word: str, parameter: str, what: str | None = None
) -> list[str]:
    """Names as strings, or numbers as in "item 3"; ``what`` says what is to have ``n`` of them."""
    if names is None:
        return [f"{word} {number}" for number in range(n)]
    if len(names) != n:
        raise ValueError(f"{parameter} holds {len(names)} names for {n} {what or f'{word}s'}.")
    return [str(name) for name in names]


def label_items(columns: np.ndarray, names: np.ndarray | None, kind: str = "item") -> list[str]:
    """Names of item columns, or their numbers as in "item 3"; or of columns of another kind."""
    if names is None:
        return [f"{kind} {column}" for column in columns]
    return [str(name) for name in names[columns]]


def labels_of(table: Any, axis: int) -> Any:
    """Labels along an axis of a DataFrame or Series; None for other things and for mere numbers."""
    if not hasattr(table, "iloc"):
        return None
    labels = table.axes[axis]
    return None if list(labels) == list(range(len(labels))) else labels


def labelled(numbers: np.ndarray, table: Any, axis: int) -> Any:
    """Labels of rows or columns of a table by their numbers, which stay where it has none."""
    labels = labels_of(table, axis)
    return numbers if labels is None else labels[numbers].to_numpy()


def aligned(given: Any, names: Any, parameter: str) -> Any:
    """Bring a Series or DataFrame with an index into the order of names; leave other things alone.

    Raises
    ------
    ValueError
        If some names are not in the index, or there are no names to look for.
    """
    import pandas as pd

    index = labels_of(given, axis=0)
    if index is None or (names is not None and index.equals(pd.Index(names))):
        return given
    by_position = f"To take it as it stands, pass {parameter}.reset_index(drop=True)."
    if names is None:
        raise ValueError(
            f"{parameter} has an index, from {index[0]!r} on, but X has no names to find there: "
            f"pass X as a DataFrame. {by_position}"
        )
    names = pd.Index(names)
    if not (index.is_unique and names.is_unique and names.isin(index).all()):
        strange = names[~names.isin(index)]
        fault = f"{strange[0]!r} is not in it" if len(strange) else "a label is there twice"
        raise ValueError(
            f"The index of {parameter} must name what it is of, but {fault}. {by_position}"
        )
    return given.loc[names]
