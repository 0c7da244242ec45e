"""Ctrl-C at random moments: afterwards a model is the old one or the new one, bit for bit.

``SKATTNREC_INTERRUPTS=500 pytest tests/test_interrupts.py`` tries as many moments; by default there
are a few of each kind.
"""

import os
import signal
import time
import zlib

import numpy as np
import pytest

from skattnrec.checks import all_modes
from skattnrec.checks._data import fresh, ratings
from skattnrec.checks._verbs import answers

KINDS = {" ".join(repr(mode).split()): mode for mode in all_modes()}
VERBS = ("fit", "partial_fit", "forget", "recommend")
CASES = [
    (kind, verb) for kind, mode in KINDS.items() for verb in VERBS if hasattr(fresh(mode), verb)
]
N_MOMENTS = max(1, int(os.environ.get("SKATTNREC_INTERRUPTS", "0")) // len(CASES) or 1)
OLD, OTHER, MORE = ratings(), ratings(1, n_users=40, n_items=20), ratings(2, n_users=10)
GIVEN = {"fit": OTHER, "partial_fit": MORE, "forget": OLD[:6], "recommend": OLD}

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer that interrupts"),
    pytest.mark.filterwarnings("ignore::skattnrec.exceptions.IneffectiveParameterWarning"),
    # what is raised while an object is destroyed or garbage is collected cannot be passed on
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Alarm:
    """Raise KeyboardInterrupt after some seconds, unless the work is done before."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.is_set = False

    def __enter__(self):
        self.is_set = True
        self.old = signal.signal(signal.SIGALRM, self.ring)
        signal.setitimer(signal.ITIMER_REAL, self.seconds)

    def __exit__(self, *_):
        self.is_set = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.old)

    def ring(self, *_):
        if self.is_set:
            raise KeyboardInterrupt


def same(model, X, expected):
    try:
        found = answers(model, X)
    except ValueError:  # another width
        return False
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize(("kind", "verb"), CASES)
def test_interrupted_model_is_the_old_or_the_new_one(kind, verb):
    given = GIVEN[verb]
    new = fresh(KINDS[kind]).fit(OLD)
    before = answers(new, OLD)
    getattr(new, verb)(given)
    asked = OTHER if verb == "fit" else OLD
    after = answers(new, asked)
    start = time.perf_counter()
    getattr(fresh(KINDS[kind]).fit(OLD), verb)(given)  # compiled by now
    duration = time.perf_counter() - start
    rng = np.random.default_rng(zlib.crc32(f"{kind} {verb}".encode()))
    for delay in rng.uniform(1e-6, 1.1 * duration, N_MOMENTS):
        model = fresh(KINDS[kind]).fit(OLD)
        try:
            with Alarm(delay):
                getattr(model, verb)(given)
        except KeyboardInterrupt:
            pass
        assert same(model, OLD, before) or same(model, asked, after), (
            f"interrupted after {delay:.6f} s of {duration:.6f} s, the model is neither the old "
            "one nor the new one."
        )
