"""How far a command is: a bar on the terminal, a line now and then where stderr goes elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

from tqdm import tqdm

__all__ = ["Progress"]

_BAR = "{desc} {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} {elapsed}<{remaining} {postfix}"
_SECONDS = 10.0  # between two lines


class Progress:
    """Counts steps, as a context manager.

    Parameters
    ----------
    what : str
        What the steps lead to.
    total : int
        How many there are.
    """

    def __init__(self, what: str, total: int):
        self.what, self.total, self.done = what, total, 0
        self.begun = self.told = time.monotonic()
        self.bar = tqdm(
            total=total, desc=what, leave=False, disable=None, bar_format=_BAR, ncols=88
        )

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: Any) -> None:
        self.bar.close()

    def step(self, name: str) -> None:
        """Tell that one more is done."""
        self.done += 1
        self.bar.set_postfix_str(name, refresh=False)
        self.bar.update()
        now = time.monotonic()
        if self.bar.disable and now - self.told >= _SECONDS:
            self.told = now
            seconds = now - self.begun
            print(
                f"skattnrec: {self.what}: {self.done} of {self.total} after {seconds:.0f} s "
                f"({name})",
                file=sys.stderr,
                flush=True,
            )
