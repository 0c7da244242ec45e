"""Neighbourhood models: recommend what resembles the history, or what similar users know."""

from ._item import ItemItemCF
from ._user import UserUserCF

__all__ = ["ItemItemCF", "UserUserCF"]
