"""The modes of ALSFactorizer: which parameters act in each, and their values where not given."""

from __future__ import annotations

from typing import Any

from .._ineffective import refuse_ineffective

__all__ = ["settings_of"]

_ALL = ("init", "max_iter", "verbose")  # what they mean does not depend on the mode

# parameter: its value where not given; None where it is chosen by the data, or off
_IMPLICIT = {"n_components": 128, "regularization": 0.2, "confidence": 3.0}
_EXPLICIT = {
    "n_components": 10,
    "regularization": None,
    "weighted_regularization": False,
    "bias": True,
    "tol": 1e-4,
    "validation_fraction": None,
}
_DESCENT = {"learning_rate": 0.02}


def settings_of(model: Any) -> dict[str, Any]:
    """Values of the parameters that act in the mode a model is in.

    Raises
    ------
    ValueError
        If a parameter of another mode is given.
    """
    implicit = model.feedback == "implicit"
    acting: dict[str, Any] = _IMPLICIT if implicit else _EXPLICIT
    others = {*_EXPLICIT, "solver"} - {*acting} if implicit else {*_IMPLICIT} - {*acting}
    refuse_ineffective(model, f'feedback="{model.feedback}"', *sorted(others))
    if model.solver == "sgd":
        acting = acting | _DESCENT
    else:
        why = 'feedback="implicit"' if implicit else 'solver="als"'
        refuse_ineffective(model, why, *_DESCENT)
    given = {name: getattr(model, name) for name in acting}
    chosen = {name: acting[name] if value is None else value for name, value in given.items()}
    return chosen | {name: getattr(model, name) for name in _ALL}
