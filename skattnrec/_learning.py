"""All or nothing: what a model learns takes effect at once, or not at all.

A model is learned in a copy of the object, and takes the object's place by one assignment. So an
error or an interrupt at any moment leaves the old model, and threads that ask it while another
learns get the answers of the old model or of the new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["LearnsAtOnce"]


class LearnsAtOnce:
    """Mixin of estimators whose learned attributes change together.

    Learned arrays are never changed in place, only replaced.
    """

    _learned: frozenset[str]  # names of what was learned, so that a refit leaves none of it

    def _blank(self) -> Self:
        """Copy the object without what it learned: parameters, callbacks and the like."""
        learned = self.__dict__.get("_learned", ())
        return _sharing(
            self, {name: value for name, value in self.__dict__.items() if name not in learned}
        )

    def _draft(self) -> Self:
        """Copy the object with what it learned, to learn more."""
        return _sharing(self, dict(self.__dict__))

    def _commit(self, learned: Self) -> None:
        """Take over what a blank or a draft has learned."""
        given = self.__dict__.keys() - self.__dict__.get("_learned", ())
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
