"""All or nothing: what a model learns takes effect at once, or not at all.

A model is learned in a copy of the object, and takes the object's place by one assignment. So an
error or an interrupt at any moment leaves the old model, and threads that ask it while another
learns get the answers of the old model or of the new one. A thread that learned more from a model
which is not there any more, as another thread was faster, is told so: nothing is lost silently.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted

from .exceptions import ChangedMeanwhileError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["LearnsAtOnce"]

_SWAP = threading.Lock()  # held for the moment in which one model takes the place of another

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_SWAP.acquire, after_in_parent=_SWAP.release, after_in_child=_SWAP.release
    )


class LearnsAtOnce:
    """Mixin of estimators whose learned attributes change together.

    Learned arrays are never changed in place, only replaced.
    """

    _learned: frozenset[str]  # names of what was learned, so that a refit leaves none of it

    def _blank(self) -> Self:
        """Copy the object without what it learned: parameters, callbacks and the like."""
        learned = self.__dict__.get("_learned", ())
        gone = {*learned, "_replaces"}
        return _sharing(
            self, {name: value for name, value in self.__dict__.items() if name not in gone}
        )

    def _draft(self) -> Self:
        """Copy the object with what it learned, to learn more."""
        now = self.__dict__
        return _sharing(self, {**now, "_replaces": now})

    def _commit(self, learned: Self) -> None:
        """Take over what a blank or a draft has learned.

        Raises
        ------
        ChangedMeanwhileError
            If another thread changed the object since the draft was made.
        """
        with _SWAP:
            now = self.__dict__
            if learned.__dict__.get("_replaces", now) is not now:
                raise ChangedMeanwhileError(
                    f"Another thread changed this {type(self).__name__} before what was learned "
                    "from it could take effect. It is as that thread left it: call again."
                )
            learned.__dict__.pop("_replaces", None)
            given = now.keys() - now.get("_learned", ())
            learned._learned = frozenset(learned.__dict__.keys() - given) | {"_learned"}
            self.__dict__ = learned.__dict__

    def _fitted(self) -> Self:
        """Return the model as it is now, whatever is learned meanwhile, or raise NotFittedError."""
        if "prior_" not in self.__dict__:
            check_is_fitted(self, "prior_")
        return _sharing(self, self.__dict__)


def _sharing(model: Any, attributes: dict[str, Any]) -> Any:
    """Make an object of the same class with these attributes."""
    other = object.__new__(type(model))
    other.__dict__ = attributes
    return other
