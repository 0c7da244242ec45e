"""How a fit goes: told to scikit-learn's callbacks, and printed where ``verbose`` asks for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ._compat import CallbackSupportMixin

__all__ = ["ReportsProgress"]


class ReportsProgress(CallbackSupportMixin):
    """Mixin of estimators whose fit is watched, as a whole and in steps.

    Where scikit-learn has no callbacks (before 1.9), only ``verbose`` is left.
    """

    def _n_steps(self) -> int:
        """Count the steps of a fit, at most; 0 if it is told of as a whole only."""
        return 0

    @contextmanager
    def _fit_progress(self, X: Any, y: Any, **metadata: Any) -> Iterator[None]:
        """Tell callbacks when a fit begins and, unless it fails, when it ends."""
        if not hasattr(self, "_init_callback_context"):
            yield
            return
        context = self._init_callback_context(max_subtasks=self._n_steps())
        metadata = {name: value for name, value in metadata.items() if value is not None}
        told = {"estimator": self, "X": X, "y": y, "metadata": metadata}
        context.call_on_fit_task_begin(**told)
        yield
        context.call_on_fit_task_end(**told, reconstruction_attributes={})

    @contextmanager
    def _step_progress(self, name: str) -> Iterator[None]:
        """Tell callbacks when a step begins and ends; outside of ``fit`` it is only printed."""
        context = getattr(self, "_callback_fit_ctx", None)
        step = None if context is None else context.subcontext(task_name=name)
        if step is not None:
            step.call_on_fit_task_begin(estimator=self)
        start = time.perf_counter()
        yield
        if getattr(self, "verbose", False):
            print(f"[{type(self).__name__}] {name}: {time.perf_counter() - start:.1f} s")
        if step is not None:
            step.call_on_fit_task_end(estimator=self)
