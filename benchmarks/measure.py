"""Fit one model, time it, judge it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from ours import OURS
from peers import PEERS
from protocols import RELEVANT, HeldOut, Split, ranking_metrics

__all__ = [
    "INPUTS",
    "SETTINGS",
    "Measured",
    "as_input",
    "load_settings",
    "make",
    "measure",
    "warm_up",
]

INPUTS = {"ratings": ("values", "all", "liked"), "binary": ("all",)}
SETTINGS = Path(__file__).with_name("settings.json")


@dataclass(frozen=True)
class Measured:
    """Metrics of every judged user, and seconds."""

    metrics: dict[str, np.ndarray]
    fit_s: float
    recommend_s: float


def as_input(X: sp.csr_matrix, takes: str) -> sp.csr_matrix:
    """Turn ratings into what a model is given.

    ``values``: the ratings; ``all``: a one for each; ``liked``: a one for each of at least 4.
    """
    X = X.copy()
    if takes == "all":
        X.data[:] = 1
    elif takes == "liked":
        X.data = (X.data >= RELEVANT).astype(X.dtype)
        X.eliminate_zeros()
    return X


def measure(model: Any, split: Split, part: HeldOut, takes: str, *, timed: bool = True) -> Measured:
    """Fit on the training users and judge on held-out ones.

    The time to recommend is that of the ten best items for every training user.
    """
    X = as_input(split.train, takes)
    start = time.perf_counter()
    model.fit(X)
    fitted = time.perf_counter()
    if timed:
        model.rank(X, X, 10, known=True)
    recommended = time.perf_counter()
    lists = model.rank(as_input(part.history, takes), part.history, 100)
    return Measured(ranking_metrics(lists, part.target), fitted - start, recommended - fitted)


def warm_up(model: Any, split: Split, takes: str) -> None:
    """Run once on a few users, so that compiling kernels is in no timing."""
    X = as_input(split.train[:50], takes)
    model.fit(X)
    model.rank(X, X, 10)


def make(name: str, settings: dict[str, Any]) -> Any:
    """Construct a model by its name in the table of ours or of the peers."""
    if name in OURS:
        return OURS[name].make(settings)
    return PEERS[name](**settings)


def load_settings(dataset: str, protocol: str) -> dict[str, Any]:
    """Read what ``tune.py`` chose: for each model its input and its constructor's arguments."""
    if not SETTINGS.exists():
        return {}
    return json.loads(SETTINGS.read_text()).get(dataset, {}).get(protocol, {})
