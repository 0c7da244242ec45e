r"""Attention as pure functions on arrays.

.. math:: A = \operatorname{softmax}\left(\frac{s \, Q K^\top}{\tau}\right), \qquad O = A V

with scale :math:`s = 1/\sqrt{d}` and temperature :math:`\tau`.

References
----------
Vaswani et al., Attention is all you need, NeurIPS 2017.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

__all__ = ["causal_mask", "multi_head_attention", "scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: ArrayLike,
    keys: ArrayLike,
    values: ArrayLike,
    *,
    temperature: float = 1.0,
    scale: float | None = None,
    mask: ArrayLike | str | None = None,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Let each query attend to all keys and average their values.

    Parameters
    ----------
    query : array-like of shape (d,) or (n_queries, d)
        What to look for. One query may be given as a vector.
    keys : array-like of shape (n_keys, d)
        What each value is found by.
    values : array-like of shape (n_keys,) or (n_keys, d_values)
        What is averaged.
    temperature : float, default=1.0
        Positive; small values sharpen the weights, ``inf`` makes them uniform.
    scale : float, default=None
        Factor of the dot products; None means ``1 / sqrt(d)``.
    mask : {"causal"} or array-like of bool of shape (n_queries, n_keys), default=None
        True where a query may attend. ``"causal"``: query ``i`` sees keys ``0..i``.

    Returns
    -------
    weights : ndarray of shape (n_keys,) or (n_queries, n_keys)
        Non-negative; each row sums to 1, or is 0 where the mask hides every key.
    outputs : ndarray of shape (), (d_values,), (n_queries,) or (n_queries, d_values)
        ``weights @ values``.

    Raises
    ------
    ValueError
        If shapes do not fit, an input has NaN or infinite values, ``temperature`` is not
        positive, or the logits overflow.

    References
    ----------
    Vaswani et al., Attention is all you need, NeurIPS 2017, equation 1.

    Examples
    --------
    >>> from skattnrec.attention import scaled_dot_product_attention
    >>> from skattnrec.datasets import load_books
    >>> books = load_books()
    >>> weights, rating = scaled_dot_product_attention(
    ...     [0.8, 0.7, 0.2], books.features, books.ratings, scale=1.0)
    >>> weights.round(4)
    array([0.2852, 0.2768, 0.1114, 0.1747, 0.1519])
    >>> round(float(rating), 4)
    4.6378
    """
    query, keys, values = _check_inputs(query, keys, values)
    _check_temperature(temperature)
    single = query.ndim == 1
    query = np.atleast_2d(query)  # (d,) -> (1, d)
    if scale is None:
        scale = 1.0 / np.sqrt(keys.shape[1])
    elif not np.isfinite(scale):
        raise ValueError(f"scale must be finite, got {scale!r}.")
    logits = _scaled_logits(query, keys, float(scale / temperature))
    weights = _masked_softmax(logits, _as_mask(mask, logits.shape))
    if single:
        weights = weights[0]  # (1, n_keys) -> (n_keys,)
    return weights, weights @ values


def multi_head_attention(
    query: ArrayLike,
    keys: ArrayLike,
    values: ArrayLike,
    projections: ArrayLike,
    *,
    value_projections: ArrayLike | None = None,
    output_projection: ArrayLike | None = None,
    temperature: float | ArrayLike = 1.0,
    scale: float | None = None,
    mask: ArrayLike | str | None = None,
) -> tuple[NDArray[Any], NDArray[Any]]:
    r"""Attend once per head, each head in its own projection of queries and keys.

    .. math:: O_h = \operatorname{softmax}\left(\frac{s\,(Q W_h)(K W_h)^\top}{\tau_h}\right) V U_h

    Parameters
    ----------
    query : array-like of shape (d,) or (n_queries, d)
        What to look for.
    keys : array-like of shape (n_keys, d)
        What each value is found by.
    values : array-like of shape (n_keys,) or (n_keys, d_values)
        What is averaged.
    projections : array-like of shape (n_heads, d, d_head)
        One matrix per head; queries and keys are multiplied by it from the right.
    value_projections : array-like of shape (n_heads, d_values, d_out), default=None
        One matrix per head for the values; None leaves them as they are.
    output_projection : array-like of shape (n_heads * d_out, d_model), default=None
        Mixes the concatenated outputs of all heads; None keeps the heads apart.
    temperature : float or array-like of shape (n_heads,), default=1.0
        Positive, for all heads or per head.
    scale : float, default=None
        Factor of the dot products; None means ``1 / sqrt(d_head)``.
    mask : {"causal"} or array-like of bool of shape (n_queries, n_keys), default=None
        True where a query may attend.

    Returns
    -------
    weights : ndarray of shape (n_heads, n_keys) or (n_heads, n_queries, n_keys)
        The weights of each head.
    outputs : ndarray
        Shape (n_heads,) followed by the shape of one head's output; with
        ``output_projection`` shape (d_model,) or (n_queries, d_model).

    Raises
    ------
    ValueError
        As :func:`scaled_dot_product_attention`, or when a projection does not fit.

    References
    ----------
    Vaswani et al., Attention is all you need, NeurIPS 2017, section 3.2.2.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec.attention import multi_head_attention
    >>> from skattnrec.datasets import load_books
    >>> books = load_books()
    >>> projections = [[[0.8, 0.2, 0.0], [0.2, 0.7, 0.1], [0.0, 0.1, 0.9]],
    ...                [[0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]]]
    >>> weights, _ = multi_head_attention(
    ...     [0.8, 0.7, 0.2], books.features, books.ratings, projections, scale=1.0)
    >>> weights.round(4)
    array([[0.2764, 0.2656, 0.1216, 0.1735, 0.1629],
           [0.265 , 0.2537, 0.1327, 0.1753, 0.1734]])
    """
    query, keys, values = _check_inputs(query, keys, values)
    projections = _check_finite(projections, "projections")
    d = keys.shape[1]
    if projections.ndim != 3 or projections.shape[1] != d:
        raise ValueError(
            f"projections must have shape (n_heads, {d}, d_head), got {projections.shape}."
        )
    n_heads = len(projections)
    temperatures = np.broadcast_to(np.asarray(temperature, dtype=float), (n_heads,))
    if value_projections is None:
        head_values: Any = [values] * n_heads
    else:
        head_values = _project_values(values, value_projections, n_heads)
    heads = [
        scaled_dot_product_attention(
            query @ W, keys @ W, v, temperature=float(t), scale=scale, mask=mask
        )
        for W, v, t in zip(projections, head_values, temperatures, strict=True)
    ]
    weights = np.stack([w for w, _ in heads])
    outputs = np.stack([o for _, o in heads])
    if output_projection is not None:
        outputs = _mix_heads(outputs, output_projection, single=query.ndim == 1)
    return weights, outputs


def causal_mask(n_queries: int, n_keys: int | None = None) -> NDArray[np.bool_]:
    """Mask that lets query ``i`` attend to keys ``0..i``, itself included.

    Parameters
    ----------
    n_queries : int
        Number of queries.
    n_keys : int, default=None
        Number of keys; None means as many as queries.

    Returns
    -------
    ndarray of bool of shape (n_queries, n_keys)
        True where attention is allowed.

    Examples
    --------
    >>> from skattnrec.attention import causal_mask
    >>> causal_mask(3).astype(int)
    array([[1, 0, 0],
           [1, 1, 0],
           [1, 1, 1]])
    """
    return np.tri(n_queries, n_queries if n_keys is None else n_keys, dtype=bool)


def _check_finite(array: ArrayLike, name: str) -> NDArray[Any]:
    array = np.asarray(array)
    if array.dtype != np.float32:
        array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has NaN or infinite values.")
    return array


def _check_inputs(
    query: ArrayLike, keys: ArrayLike, values: ArrayLike
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    query = _check_finite(query, "query")
    keys = _check_finite(keys, "keys")
    values = _check_finite(values, "values")
    if keys.ndim != 2 or 0 in keys.shape:
        raise ValueError(f"keys must be a non-empty (n_keys, d) array, got shape {keys.shape}.")
    if query.ndim not in (1, 2) or query.shape[-1] != keys.shape[1]:
        raise ValueError(
            f"query has shape {query.shape}, keys have {keys.shape}: "
            "their last dimensions must be equal."
        )
    if values.ndim not in (1, 2) or len(values) != len(keys):
        raise ValueError(
            f"values have shape {values.shape}, keys have {keys.shape}: "
            "there must be one value per key."
        )
    return query, keys, values


def _check_temperature(temperature: float) -> None:
    if not temperature > 0:
        raise ValueError(f"temperature must be in (0, inf], got {temperature!r}.")


def _scaled_logits(query: NDArray[Any], keys: NDArray[Any], factor: float) -> NDArray[Any]:
    with np.errstate(over="ignore", invalid="ignore"):
        logits = (query @ keys.T) * factor
    if not (np.abs(logits) <= np.finfo(logits.dtype).max / 2).all():  # so that differences fit
        raise ValueError(
            f"the logits overflow {logits.dtype}: scale query and keys down, raise temperature, "
            "or pass float64."
        )
    return logits


def _as_mask(mask: ArrayLike | str | None, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    if mask is None:
        return None
    if isinstance(mask, str):
        if mask != "causal":
            raise ValueError(f'mask must be "causal" or an array of bool, got {mask!r}.')
        return causal_mask(*shape)
    allowed = np.asarray(mask)
    if allowed.dtype != bool:
        raise ValueError(f"mask must have dtype bool (True = may attend), got {allowed.dtype}.")
    try:
        return np.broadcast_to(allowed, shape)
    except ValueError:
        raise ValueError(f"mask has shape {allowed.shape}, expected {shape}.") from None


def _masked_softmax(logits: NDArray[Any], allowed: NDArray[np.bool_] | None) -> NDArray[Any]:
    if allowed is None:
        return softmax(logits, axis=1)
    lowest = np.finfo(logits.dtype).min / 2  # finite, so that a row hidden as a whole stays finite
    weights = softmax(np.where(allowed, logits, lowest), axis=1)
    return np.where(allowed, weights, 0)


def _project_values(
    values: NDArray[Any], value_projections: ArrayLike, n_heads: int
) -> NDArray[Any]:
    values = values.reshape(len(values), -1)  # (n_keys,) -> (n_keys, 1)
    U = _check_finite(value_projections, "value_projections")
    if U.ndim != 3 or U.shape[:2] != (n_heads, values.shape[1]):
        raise ValueError(
            f"value_projections must have shape ({n_heads}, {values.shape[1]}, d_out), "
            f"got {U.shape}."
        )
    return values @ U  # (n_keys, d_values) @ (n_heads, d_values, d_out) -> (n_heads, n_keys, d_out)


def _mix_heads(
    outputs: NDArray[Any], output_projection: ArrayLike, *, single: bool
) -> NDArray[Any]:
    n_heads = len(outputs)
    n_queries = 1 if single else outputs.shape[1]
    # (n_heads, [n_queries,] [d_out]) -> (n_queries, n_heads * d_out)
    rows = outputs.reshape(n_heads, n_queries, -1).transpose(1, 0, 2).reshape(n_queries, -1)
    W = _check_finite(output_projection, "output_projection")
    if W.ndim != 2 or len(W) != rows.shape[1]:
        raise ValueError(
            f"output_projection must have shape ({rows.shape[1]}, d_model), got {W.shape}."
        )
    mixed = rows @ W
    return mixed[0] if single else mixed
