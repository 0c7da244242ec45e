"""What the property run gives to the package: matrices, times and models of every kind.

A drawn matrix is a small description, a seed among it, from which the matrix is made. So examples
are drawn fast, shrink to few rows and plain values, and print as the line that makes them again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import scipy.sparse as sp
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from sklearn.base import clone

from skattnrec.checks import all_modes

__all__ = ["Matrix", "Times", "fit_times", "fresh", "fuzz", "matrices", "modes", "times_of"]

patient = {"deadline": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile(
    "quick", max_examples=15, derandomize=True, database=None, phases=[Phase.generate], **patient
)
many = int(os.environ.get("SKATTNREC_FUZZ_EXAMPLES", "10000"))
settings.register_profile("nightly", max_examples=many, **patient)
fuzz = settings(settings.get_profile(os.environ.get("SKATTNREC_FUZZ", "quick")))

VALUES = {
    "ones": lambda rng, n: np.ones(n),
    "stars": lambda rng, n: rng.integers(1, 6, n).astype(float),
    "halves": lambda rng, n: rng.integers(1, 11, n) / 2,
    "equal": lambda rng, n: np.full(n, 4.0),
    "zeros": lambda rng, n: np.zeros(n),
    "stars and zeros": lambda rng, n: rng.integers(0, 6, n).astype(float),
    "counts": lambda rng, n: np.minimum(np.ceil(rng.pareto(0.5, n) + 1e-9), 1e6),
    "one outlier": lambda rng, n: np.where(np.arange(n) == n // 2, 1e6, rng.integers(1, 6, n)),
    "negative": lambda rng, n: rng.normal(0, 3, n),
    "below zero": lambda rng, n: -rng.integers(1, 6, n).astype(float),
    "shifted": lambda rng, n: 1e6 + rng.integers(0, 5, n),
    "tiny": lambda rng, n: rng.uniform(1, 5, n) * 1e-30,
    "huge": lambda rng, n: rng.choice([3e38, 1e30, 1.0], n),
    "huge of both signs": lambda rng, n: rng.choice([3e38, -3e38, 1e20, -1.0, 0.0], n),
    "subnormal": lambda rng, n: rng.choice([1e-40, 1e-45, 1.0, 0.0], n),
}
FLOATS = ("float64", "float32")
INTEGERS = ("int64", "int32", "uint8", "bool")
DENSE = ("ndarray", "fortran", "read-only", "strided", "list", "frame", "named frame")
SPARSE = (
    "csr_array",
    "csr_matrix",
    "csc_array",
    "csc_matrix",
    "coo_array",
    "coo_matrix",
    "lil_array",
    "unsorted",
    "repeated",
    "repeated coo",
    "long indices",
    "read-only csr",
)


@dataclass(frozen=True)
class Matrix:
    """A description of a matrix of users x items; ``make`` makes it."""

    n_users: int
    n_items: int
    density: float = 0.4
    values: str = "stars"
    dtype: str = "float64"
    layout: str = "csr_array"
    seed: int = 0

    def pattern(self) -> np.ndarray:
        """Which entries are known; some rows and columns are empty."""
        rng = np.random.default_rng(self.seed)
        shape = (self.n_users, self.n_items)
        known = rng.random(shape) < self.density
        known &= (rng.random(shape[0]) > 0.1)[:, None] & (rng.random(shape[1]) > 0.1)
        return known & (self.dense() != 0) if self.layout in DENSE else known

    def stored(self) -> np.ndarray:
        """Which entries the matrix has: where an entry is repeated, another one is missing."""
        made = self.make()
        if not sp.issparse(made):
            return self.pattern()
        stored = np.zeros(made.shape, bool)
        stored[made.tocoo().row, made.tocoo().col] = True
        return stored

    def dense(self) -> np.ndarray:
        """The values, whether known or not."""
        rng = np.random.default_rng(self.seed + 1)
        n_users, n_items = self.n_users, self.n_items
        values = VALUES[self.values](rng, n_users * n_items).reshape(n_users, n_items)  # (u, i)
        if self.dtype in FLOATS:
            return values.astype(self.dtype)
        if self.dtype == "bool":
            return values != 0
        limits = np.iinfo(self.dtype)
        return np.clip(np.round(values), limits.min, 2**31 - 1 if limits.bits > 8 else 255).astype(
            self.dtype
        )

    def make(self):
        """Make the matrix in its layout."""
        known, values = self.pattern(), self.dense()
        if self.layout in DENSE:
            return _dense(np.where(known, values, np.zeros((), values.dtype)), self.layout)
        rows, columns = np.nonzero(known)
        return _sparse(values[known], rows, columns, known.shape, self.layout, self.seed)


def _dense(X, layout):
    if layout == "fortran":
        return np.asfortranarray(X)
    if layout == "read-only":
        X.flags.writeable = False
    if layout == "strided":
        wide = np.zeros((2 * X.shape[0], 2 * X.shape[1]), X.dtype)
        wide[::2, ::2] = X
        return wide[::2, ::2]
    if layout == "list":
        return X.tolist()
    if layout == "frame":
        return pd.DataFrame(X)
    if layout == "named frame":
        return pd.DataFrame(X, columns=[f"item {i}" for i in range(X.shape[1])])
    return X


def _sparse(data, rows, columns, shape, layout, seed):
    coo = sp.coo_array((data, (rows, columns)), shape=shape)
    if layout == "repeated coo":
        twice = [np.r_[part, part[:2]] for part in (data, rows, columns)]
        return sp.coo_array((twice[0], (twice[1], twice[2])), shape=shape)
    if layout.split("_")[-1] in ("array", "matrix"):
        return getattr(sp, layout)(coo)
    X = sp.csr_array(coo)
    if layout in ("unsorted", "repeated"):
        order = np.random.default_rng(seed + 2).permutation(X.nnz)
        order = order[np.argsort(rows[order], kind="stable")]
        X = sp.csr_array((X.data[order], X.indices[order], X.indptr), shape=shape)
        if layout == "repeated" and X.nnz:
            X.indices[X.indptr[:-1][np.diff(X.indptr) > 0]] = X.indices[
                X.indptr[1:][np.diff(X.indptr) > 0] - 1
            ]
    elif layout == "long indices":
        X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    elif layout == "read-only csr":
        for part in (X.data, X.indices, X.indptr):
            part.flags.writeable = False
    return X


@dataclass(frozen=True)
class Times:
    """A description of times for the entries of a matrix."""

    kind: str = "distinct"
    layout: str = "csr_array"
    seed: int = 0

    def make(self, X: Matrix):
        """Make a matrix of times with the pattern of ``X``."""
        known = X.pattern()
        rng = np.random.default_rng(self.seed)
        n = int(known.sum())
        times = {
            "distinct": lambda: rng.permutation(n) + 1,
            "ties": lambda: rng.integers(0, 3, n),
            "equal": lambda: np.full(n, 5),
            "seconds": lambda: rng.integers(1_500_000_000, 1_700_000_000, n),
            "nanoseconds": lambda: rng.integers(1.5e18, 1.7e18, n),
            "negative": lambda: -rng.exponential(1e3, n),
            "far apart": lambda: rng.choice([-1e300, 0.0, 1.0, 1e300], n),
            "float32": lambda: rng.random(n).astype(np.float32),
        }[self.kind]()
        if self.layout == "ndarray":
            dense = np.zeros(known.shape, times.dtype)
            dense[known] = times
            return dense
        rows, columns = np.nonzero(known)
        return getattr(sp, self.layout)(sp.coo_array((times, (rows, columns)), shape=known.shape))


TIMES = ("distinct", "ties", "equal", "seconds", "nanoseconds", "negative", "far apart", "float32")
sizes = st.integers(1, 40)
seeds = st.integers(0, 2**16)


@st.composite
def matrices(draw, n_items=None, n_users=sizes, values=tuple(VALUES), layouts=DENSE + SPARSE):
    """Matrices of 1 to 40 users and items in every layout, type and range."""
    kind = draw(st.sampled_from(values))
    whole = kind not in ("halves", "negative", "tiny", "subnormal") and "huge" not in kind
    signed = kind != "below zero"
    types = FLOATS + (INTEGERS if signed else INTEGERS[:2]) if whole else FLOATS
    layout = draw(st.sampled_from(layouts))
    return Matrix(
        draw(n_users),
        draw(sizes) if n_items is None else n_items,
        draw(st.sampled_from([0.4, 0.1, 0.9, 0.0, 1.0])),
        kind,
        draw(st.sampled_from(types)),
        layout,
        draw(seeds),
    )


def times_of():
    """Descriptions of times of every kind."""
    return st.builds(
        Times, st.sampled_from(TIMES), st.sampled_from(("csr_array", "ndarray", "coo_array")), seeds
    )


@cache
def modes(verb="fit"):
    """Unfitted estimators of every mode that has a verb."""
    return st.sampled_from([mode for mode in all_modes() if hasattr(mode, verb)])


def fresh(mode, n_items):
    """Clone a mode: few iterations, a fixed seed, and features for the items there are."""
    model = clone(mode)
    parameters = model.get_params()
    cheap = {"random_state": 0, "max_iter": 3, "n_components": 4}
    if parameters.get("item_features") is not None:
        cheap["item_features"] = np.random.default_rng(n_items).normal(size=(n_items, 4))
    return model.set_params(**{name: cheap[name] for name in cheap if name in parameters})


def fit_times(model, X: Matrix, times: Times):
    """The keyword arguments that pass times to a model that needs them."""
    return {"timestamps": times.make(X)} if model._needs_times() else {}
