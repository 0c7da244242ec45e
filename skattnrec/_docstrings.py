"""Descriptions that several docstrings share: written once, and filled in where they are named."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from textwrap import indent
from typing import TypeVar

__all__ = ["descriptions_of", "fill_in"]

Described = TypeVar("Described")


def descriptions_of(text: str) -> dict[str, str]:
    """Split a list of parameters and attributes: the description of each by its (first) name."""
    parts = re.split(r"(?m)^(?=\w)", text.strip())
    return {re.match(r"\w+", part)[0]: part.rstrip() for part in parts if part}  # type: ignore[index]


def fill_in(thing: Described, descriptions: Mapping[str, str]) -> Described:
    """Put descriptions in the place of the lines of a docstring that hold a name in braces.

    Those that say no default get that of the signature.
    """
    if not thing.__doc__:  # python -OO takes docstrings away
        return thing
    parameters = inspect.signature(thing).parameters if inspect.isclass(thing) else {}

    def describe(line: re.Match[str]) -> str:
        first, *others = descriptions[line[2]].split("\n")
        if line[2] in parameters and "default=" not in first:
            first += f", default={parameters[line[2]].default!r}".replace("'", '"')
        return indent("\n".join([first, *others]), line[1])

    thing.__doc__ = re.sub(r"(?m)^( *)\{(\w+)\}$", describe, thing.__doc__)
    return thing
