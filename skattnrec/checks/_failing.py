"""Laws of what goes wrong: a fit is all or nothing, and leaves nothing of the one before."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import get_tags

from ._agreement import assert_identical
from ._data import N_ITEMS, WithTimes, fresh, ratings, times_of
from ._parameters import alternatives
from ._verbs import answers, verbs

__all__ = ["LAWS"]

_N_FAULTS = 60  # more attributes than any fit sets


def check_refused_fit_changes_nothing(estimator):
    """After a fit that is refused the model answers as before, bit for bit, on the old width."""
    X, other = ratings(), ratings(1, n_users=20, n_items=12)
    model = fresh(estimator).fit(X)
    before = answers(model, X)
    bad, negative = other.copy(), other.copy()
    bad.data[3] = np.nan
    negative.data[3] = -1.0
    refused = {
        "timestamps of another width": {"X": other, "timestamps": times_of(other)[:, :-1]},
        "a rating that is NaN": {"X": bad},
        "a y of another length": {"X": other, "y": np.ones(other.shape[0] + 1)},
    }
    if get_tags(estimator).input_tags.positive_only:
        refused["a negative rating"] = {"X": negative}
    for what, given in refused.items():
        try:
            model.fit(given.pop("X"), **given)
        except ValueError:
            pass
        else:
            raise AssertionError(f"fit accepts {what}.")
        assert_identical(answers(model, X), before, f"after a fit refused for {what}")
        _assert_refuses(model, other, f"after a fit refused for {what}")


def check_failing_fit_changes_nothing(estimator):
    """A fit that fails at any moment leaves the old model, bit for bit.

    The fault is injected wherever an attribute is set on the object or a copy of it, one place
    after the other. The same is asked of ``partial_fit`` and ``forget``, where there are any.
    """
    X, other = ratings(), ratings(1, n_users=20, n_items=12)
    lessons = {"fit": other, "partial_fit": ratings(2, n_users=6), "forget": X[:5]}
    for verb, given in lessons.items():
        model = fresh(estimator).fit(X)
        if not hasattr(model, verb):
            continue
        before = answers(model, X)
        for n in range(_N_FAULTS):
            if not _fails(model, verb, given, after=n):
                break
            law = f"after a {verb} that failed when attribute {n} was set"
            assert_identical(answers(model, X), before, law)
        expected = fresh(estimator).fit(X)
        getattr(expected, verb)(given)
        asked = other if verb == "fit" else X  # what failed before counts for nothing
        law = f"a {verb} after others failed"
        assert_identical(answers(model, asked), answers(expected, asked), law)


def check_refit_leaves_no_attributes_behind(estimator):
    """A model that is fitted in another mode has the attributes of a fresh one, and no others."""
    X = ratings()
    for name, values in alternatives(fresh(estimator), X, modes_only=True).items():
        for value in values:
            expected = fresh(estimator).set_params(**{name: value})
            try:
                expected = expected.fit(X)
            except (TypeError, ValueError, ImportError):
                continue  # the mode does not go with the other parameters
            used = fresh(estimator).fit(X)
            used.set_params(**{name: value})
            used.fit(X)
            got, wanted = (_attributes(model) for model in (used, expected))
            assert got == wanted, (
                f"after a refit with {name}={value!r} the model has other attributes than a fresh "
                f"one: {sorted(got ^ wanted)}."
            )
            law = f"refit with {name}={value!r} and fresh fit"
            assert_identical(answers(used, X), answers(expected, X), law)


def check_fit_keeps_nothing_of_its_input(estimator):
    """A model does not change when the matrix it was learned from is changed afterwards."""
    X, times = ratings(), times_of(ratings())
    queries = ratings()
    model = fresh(estimator).fit(X, timestamps=times)
    before = answers(model, queries)
    X.data[:] = X.data[::-1].copy()
    for start, stop in zip(X.indptr[:-1], X.indptr[1:]):  # other items, still in order
        X.indices[start:stop] = N_ITEMS - 1 - X.indices[start:stop][::-1]
    times.data[:] = 7.0
    assert_identical(answers(model, queries), before, "after the matrix of fit was changed")


class _FaultError(Exception):
    """Raised where an attribute is set."""


def _fails(model: Any, verb: str, given: Any, *, after: int) -> bool:
    """Call a verb that fails when attribute number ``after`` is set; tell whether it did."""
    inner = model.model if isinstance(model, WithTimes) else model
    kind: Any = type(inner)
    left = [after]

    def set_attribute(self: Any, name: str, value: Any) -> None:
        if left[0] == 0:
            raise _FaultError
        left[0] -= 1
        kind.__setattr__(self, name, value)

    failing = type(kind.__name__, (kind,), {"__setattr__": set_attribute, "__module__": __name__})
    object.__setattr__(inner, "__class__", failing)
    try:
        getattr(model, verb)(given)
    except Exception:  # the fault, or what came of it
        return True
    finally:
        object.__setattr__(inner, "__class__", kind)
    return False


def _attributes(model: Any) -> set[str]:
    return set(vars(model.model if isinstance(model, WithTimes) else model))


def _assert_refuses(model: Any, other: Any, law: str) -> None:
    """Assert that histories of another width are refused by every verb."""
    for name, verb in verbs(model).items():
        try:
            verb(other)
        except (NotImplementedError, ValueError):
            continue
        raise AssertionError(f"{law}, {name} takes histories of the other width.")


LAWS = (
    check_refused_fit_changes_nothing,
    check_failing_fit_changes_nothing,
    check_refit_leaves_no_attributes_behind,
    check_fit_keeps_nothing_of_its_input,
)
