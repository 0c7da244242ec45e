"""What the package may answer to anything: a sound answer, or an error that explains itself."""

from __future__ import annotations

import functools
import os
import traceback
import warnings
from pathlib import Path

import numpy as np

__all__ = ["Refused", "ask", "assert_lists", "assert_refused", "assert_scores", "may_refuse"]

SPEAKERS = (f"{os.sep}skattnrec{os.sep}", f"{os.sep}sklearn{os.sep}")
LAST = Path(os.environ.get("SKATTNREC_FUZZ_LAST", os.devnull))


class Refused(Exception):
    """The package refused an input, with an error that explains itself."""


def ask(verb, *args, **kwargs):
    """Call a function; a documented error becomes ``Refused``, any other one is a fault."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            warnings.simplefilter("ignore", UserWarning)  # said to the user, not silent
            return verb(*args, **kwargs)
    except (ValueError, TypeError, NotImplementedError) as error:
        refusal = error
    where = traceback.extract_tb(refusal.__traceback__)[-1].filename
    if not any(name in where for name in SPEAKERS) or len(str(refusal)) < 20:
        raise AssertionError(f"{refusal!r} does not explain itself.") from refusal
    raise Refused(str(refusal)) from refusal


def may_refuse(test):
    """Let a test end where an input is refused, and keep the example in case of a crash."""

    @functools.wraps(test)
    def wrapped(*args, **kwargs):
        LAST.write_text(f"{test.__name__}: {kwargs}\n", encoding="utf-8")
        try:
            test(*args, **kwargs)
        except Refused:
            return

    return wrapped


def assert_refused(verb, *args, words=(), **kwargs):
    """Assert that a call is refused, and that the message has the words."""
    try:
        ask(verb, *args, **kwargs)
    except Refused as refusal:
        said = str(refusal)
    else:
        raise AssertionError("the call is accepted.")
    for word in words:
        assert str(word) in said, f"{word!r} is not in: {said}"


def assert_scores(scores, shape):
    """Scores are finite floats of a shape."""
    scores = np.asarray(scores)
    assert scores.shape == shape, f"{scores.shape} instead of {shape}"
    assert scores.dtype.kind == "f"
    assert np.isfinite(scores).all(), "an answer has NaN or infinite values."


def assert_lists(lists, k, candidates):
    """Lists name candidates at most once, best first; -1 and NaN fill them up.

    ``candidates`` is a mask of shape (n_rows, n_items).
    """
    indices, scores = lists
    assert indices.shape == scores.shape == (len(candidates), k)
    assert ((indices >= -1) & (indices < candidates.shape[1])).all()
    listed = indices >= 0
    assert np.isfinite(scores[listed]).all(), "a score is NaN or infinite."
    assert np.isnan(scores[~listed]).all()
    assert (listed.sum(axis=1) == np.minimum(candidates.sum(axis=1), k)).all()
    for row, columns, values in zip(range(len(indices)), indices, scores, strict=True):
        columns = columns[columns >= 0]
        assert (indices[row, : len(columns)] == columns).all(), "the filling is not at the end."
        assert candidates[row, columns].all(), "something is listed that is no candidate."
        assert len(set(columns)) == len(columns), "an item is listed twice."
        assert (np.diff(values[: len(columns)]) <= 0).all(), "a list is not in order."
