"""Explicit feedback: learning by alternating least squares, or by stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from tqdm import tqdm

from .._kernels.als import squared_errors
from .._kernels.baseline import fit_baseline
from .._kernels.sgd import sgd_epoch
from ._explicit import Penalty, Scale, Side, half_step, less_biases
from ._fold_in import ExplicitFoldIn
from ._start import first_factors

__all__ = ["factorize_ratings"]


def factorize_ratings(
    X: sp.csr_array,
    random_state: np.random.RandomState,
    *,
    n_components: int,
    regularization: float | None,
    weighted_regularization: bool,
    bias: bool,
    init: str,
    max_iter: int,
    tol: float,
    validation_fraction: float | None,
    verbose: bool,
    learning_rate: float | None = None,
) -> tuple[ExplicitFoldIn, dict[str, Any]]:
    """Learn from ratings; how to fold in histories, and what ``ALSFactorizer`` tells of the fit.

    The parameters are those of the estimator.
    """
    mean, offsets, _ = fit_baseline(X.indptr, X.indices, X.data, X.shape[1])
    scale = Scale.fit(X, mean, bias=bias)
    biases = (offsets / scale.spread if bias else np.zeros(len(offsets))).astype(X.dtype)
    R, held_out = _hold_out(scale.standardize(X), validation_fraction, random_state)
    penalty = Penalty.choose(regularization, R, weighted=weighted_regularization, bias=bias)
    start = first_factors(less_biases(R, biases), n_components, init, random_state)
    method: _AlternatingLeastSquares | _StochasticDescent
    if learning_rate is None:
        method = _AlternatingLeastSquares(R, penalty)
    else:
        method = _StochasticDescent(R, penalty, learning_rate, random_state)
    users, items, losses, errors = _learn(
        method, Side(biases, start), penalty, max_iter=max_iter, tol=tol, held_out=held_out,
        verbose=verbose,
    )  # fmt: skip
    user_biases, user_factors = scale.of_ratings(users)
    item_biases, item_factors = scale.of_ratings(items)
    prior = scale.mean + item_biases if bias else mean + offsets
    return ExplicitFoldIn(scale, items, penalty), {
        "user_factors_": user_factors,
        "item_factors_": item_factors,
        "user_biases_": user_biases,
        "item_biases_": item_biases,
        "mean_": scale.mean,
        "rating_spread_": scale.spread,
        "penalty_": penalty.value,
        "loss_curve_": [loss * scale.spread**2 for loss in losses],
        "validation_curve_": [error * scale.spread for error in errors],
        "n_iter_": len(losses),
        "prior_": prior.astype(X.dtype),
    }


class _AlternatingLeastSquares:
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


class _StochasticDescent:
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


def _hold_out(
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


def _learn(
    method: _AlternatingLeastSquares | _StochasticDescent,
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
    method : _AlternatingLeastSquares or _StochasticDescent
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
    R = method.R
    n, f = R.shape[0], items.factors.shape[1]
    users = Side(np.zeros(n, R.dtype), np.zeros((n, f), R.dtype))
    weights = penalty.of_rows(R), penalty.of_columns(R)
    current = _loss(R, users, items, weights)
    losses: list[float] = []
    errors: list[float] = []
    best = users, items
    for _ in tqdm(range(max_iter), disable=not verbose):
        proposal = method.step(users, items)
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
            if not method.refine():
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
