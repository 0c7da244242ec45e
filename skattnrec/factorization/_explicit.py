r"""Explicit feedback: the squared error over known ratings, by alternating least squares or SGD.

With the bias as one more factor, a half-step is one ridge regression per row,

.. math:: \Big(\sum_j z_j z_j^\top + \lambda_u I\Big) v_u = \sum_j z_j t_{uj},
          \qquad z_j = (1, y_j), \quad t_{uj} = r_{uj} - \mu - b_j, \quad v_u = (b_u, x_u),

and the same for columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from tqdm import tqdm

from .._kernels.als import fold_in, squared_errors
from .._kernels.sgd import sgd_epoch

__all__ = [
    "AlternatingLeastSquares",
    "Penalty",
    "Side",
    "StochasticDescent",
    "half_step",
    "hold_out",
    "learn",
]


@dataclass(frozen=True)
class Side:
    """What is learned of the users, or of the items.

    Attributes
    ----------
    biases : ndarray of shape (n,)
    factors : ndarray of shape (n, n_components)
    """

    biases: np.ndarray
    factors: np.ndarray

    def squares(self) -> np.ndarray:
        """Squared length of each row, bias included, in float64."""
        lengths = np.square(self.factors, dtype=np.float64).sum(axis=1)
        return lengths + np.square(self.biases, dtype=np.float64)


@dataclass(frozen=True)
class Penalty:
    """The weight of squared biases and factors.

    Attributes
    ----------
    value : float
        Of every row; or, if ``weighted``, of every known rating of the row.
    weighted : bool
    bias : bool
        Whether there are biases.
    """

    value: float
    weighted: bool
    bias: bool

    @classmethod
    def choose(cls, value: float | None, R: sp.csr_array, *, weighted: bool, bias: bool) -> Penalty:
        """Use the value given, or else one that suits the ratings R.

        What is best hardly depends on the number of ratings, unless there are few.
        """
        if value is None:
            value = 0.1 if weighted else min(15.0, max(R.nnz, 1) / sum(R.shape) / 2)
        return cls(float(value), weighted, bias)

    def of_rows(self, R: sp.csr_array) -> np.ndarray:
        """Penalty of each row, (n_rows,) float64."""
        return self._of(np.diff(R.indptr))

    def of_columns(self, R: sp.csr_array) -> np.ndarray:
        """Penalty of each column, (n_columns,) float64."""
        return self._of(np.bincount(R.indices, minlength=R.shape[1]))

    def _of(self, counts: np.ndarray) -> np.ndarray:
        return self.value * (counts if self.weighted else np.ones(len(counts)))


def half_step(R: sp.csr_array, columns: Side, penalty: Penalty) -> Side:
    """Fit the rows of R to what is known of its columns, exactly.

    Parameters
    ----------
    R : csr_array of shape (n_rows, n_columns)
        Ratings less their mean.
    columns : Side
        Of the columns.
    penalty : Penalty

    Returns
    -------
    Side
        Of the rows; zeros for rows without entries.
    """
    design = columns.factors
    if penalty.bias:
        design = np.hstack([np.ones((len(design), 1), design.dtype), design])
    counts = np.diff(R.indptr)
    known = counts > 0
    # dividing by the penalty makes it the identity, as fold_in has it
    shrink = np.repeat((1 / penalty.of_rows(R)[known]).astype(design.dtype), counts[known])
    targets = shrink * (R.data - columns.biases[R.indices])
    solved = fold_in(R.indptr, R.indices, shrink, targets, np.ascontiguousarray(design))
    if penalty.bias:
        return Side(solved[:, 0].copy(), np.ascontiguousarray(solved[:, 1:]))
    return Side(np.zeros(len(solved), solved.dtype), solved)


class AlternatingLeastSquares:
    """An iteration fits all users to the items, then all items to the users."""

    def __init__(self, R: sp.csr_array, penalty: Penalty):
        self.R, self.T = R, R.T.tocsr()
        self.penalty = penalty

    def step(self, users: Side, items: Side) -> tuple[Side, Side]:
        """Iterate once."""
        users = half_step(self.R, items, self.penalty)
        return users, half_step(self.T, users, self.penalty)

    def refine(self) -> bool:
        """Exact steps that gain nothing cannot be made to gain more."""
        return False


class StochasticDescent:
    """An iteration visits all users in random order, and follows the gradient of each rating.

    The penalty of a row is dealt out over its ratings, so that an epoch as a whole follows the
    gradient of the same loss. The learning rate is halved after an epoch that does not lower it.
    """

    def __init__(
        self,
        R: sp.csr_array,
        penalty: Penalty,
        learning_rate: float,
        random_state: np.random.RandomState,
    ):
        self.R, self.random_state = R, random_state
        self.learning_rate = learning_rate
        self.bias = penalty.bias
        sides = (
            (penalty.of_rows(R), np.diff(R.indptr)),
            (penalty.of_columns(R), np.bincount(R.indices, minlength=R.shape[1])),
        )
        self.shares = [(of / np.maximum(counts, 1)).astype(R.dtype) for of, counts in sides]

    def step(self, users: Side, items: Side) -> tuple[Side, Side]:
        """Run an epoch."""
        parts = [part.copy() for side in (users, items) for part in (side.biases, side.factors)]
        R = self.R
        order = self.random_state.permutation(R.shape[0])
        rate = R.dtype.type(self.learning_rate)
        arguments = (order, R.indptr, R.indices, R.data, *parts, *self.shares, rate, self.bias)
        sgd_epoch(*arguments)
        return Side(*parts[:2]), Side(*parts[2:])

    def refine(self) -> bool:
        """Take shorter steps from now on."""
        self.learning_rate /= 2
        return True


def hold_out(
    R: sp.csr_array, fraction: float | None, random_state: np.random.RandomState
) -> tuple[sp.csr_array, tuple[np.ndarray, np.ndarray, np.ndarray] | None]:
    """Take a random share of the entries out of R: what is left, and (rows, columns, values)."""
    if fraction is None:
        return R, None
    n_held_out = round(fraction * R.nnz)
    if not 0 < n_held_out < R.nnz:
        raise ValueError(
            f"validation_fraction={fraction} holds out {n_held_out} of {R.nnz} ratings: "
            "both parts need some. Pass more ratings, or validation_fraction=None."
        )
    out = np.zeros(R.nnz, bool)
    out[random_state.permutation(R.nnz)[:n_held_out]] = True
    C = R.tocoo()
    kept = sp.csr_array((C.data[~out], (C.row[~out], C.col[~out])), shape=R.shape)
    return kept, (C.row[out], C.col[out], C.data[out])


def learn(
    solver: AlternatingLeastSquares | StochasticDescent,
    items: Side,
    penalty: Penalty,
    *,
    max_iter: int,
    tol: float,
    held_out: tuple[np.ndarray, np.ndarray, np.ndarray] | None,
    verbose: bool,
) -> tuple[Side, Side, list[float], list[float]]:
    """Iterate until the loss, or the error on held-out ratings, gets no lower.

    Parameters
    ----------
    solver : AlternatingLeastSquares or StochasticDescent
    items : Side
        Where to start.
    penalty : Penalty
    max_iter : int
    tol : float
        Stop when an iteration lowers the loss by less than this share of it.
    held_out : tuple of (rows, columns, ratings less the mean) or None
        Stop when the error on these rises, and return what was best.
    verbose : bool

    Returns
    -------
    users, items : Side
    losses, errors : list of float
        The loss, and the error on held-out ratings, after each iteration.
    """
    R = solver.R
    n, f = R.shape[0], items.factors.shape[1]
    users = Side(np.zeros(n, R.dtype), np.zeros((n, f), R.dtype))
    weights = penalty.of_rows(R), penalty.of_columns(R)
    current = _loss(R, users, items, weights)
    losses: list[float] = []
    errors: list[float] = []
    best = users, items
    for _ in tqdm(range(max_iter), disable=not verbose):
        proposal = solver.step(users, items)
        proposed = _loss(R, *proposal, weights)
        gain = current - proposed
        if gain >= 0 and np.isfinite(proposed):
            users, items = proposal
            current = proposed
        losses.append(current)
        if held_out is not None:
            errors.append(_error(held_out, users, items))
            if errors[-1] == min(errors):
                best = users, items
            elif gain >= 0:
                break
        if not gain >= 0:
            if not solver.refine():
                break
        elif gain < tol * current:
            break
    users, items = best if held_out is not None else (users, items)
    return users, items, losses, errors


def _loss(
    R: sp.csr_array, users: Side, items: Side, weights: tuple[np.ndarray, np.ndarray]
) -> float:
    """Squared errors plus penalties, in float64; not finite after too long a step."""
    errors = squared_errors(
        R.indptr, R.indices, R.data, users.biases, users.factors, items.biases, items.factors
    )
    with np.errstate(over="ignore", invalid="ignore"):
        return float(errors.sum() + weights[0] @ users.squares() + weights[1] @ items.squares())


def _error(held_out: tuple[np.ndarray, np.ndarray, np.ndarray], users: Side, items: Side) -> float:
    """Root mean squared error."""
    rows, columns, ratings = held_out
    products = np.einsum("pf,pf->p", users.factors[rows], items.factors[columns])
    errors = ratings - users.biases[rows] - items.biases[columns] - products
    return float(np.sqrt(np.mean(np.square(errors, dtype=np.float64))))
