import numpy as np

from skattnrec._kernels.sgd import sgd_epoch


def test_one_step_by_hand():
    """Rating 2, biases .5 and .25, factors 1 and .5: the error is .75."""
    parts = [np.array([0.5]), np.array([[1.0]]), np.array([0.25]), np.array([[0.5]])]
    sgd_epoch(
        np.array([0]),
        np.array([0, 1]),
        np.array([0]),
        np.array([2.0]),
        *parts,
        np.array([0.2]),
        np.array([0.4]),
        0.1,
        True,
    )
    expected = (
        0.5 + 0.1 * (0.75 - 0.2 * 0.5),
        1.0 + 0.1 * (0.75 * 0.5 - 0.2 * 1.0),
        0.25 + 0.1 * (0.75 - 0.4 * 0.25),
        0.5 + 0.1 * (0.75 * 1.0 - 0.4 * 0.5),
    )
    np.testing.assert_allclose([part.item() for part in parts], expected)


def test_without_bias_only_factors_move():
    parts = [np.zeros(1), np.array([[1.0]]), np.zeros(1), np.array([[0.5]])]
    entry = np.array([0, 1]), np.array([0]), np.array([2.0])
    sgd_epoch(np.array([0]), *entry, *parts, np.ones(1), np.ones(1), 0.1, False)
    assert parts[0] == parts[2] == 0
    assert parts[1] != 1.0


def test_order_is_followed():
    """The order of rows without a common column does not matter; else it does."""
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(3, 2))

    def run(order, columns):
        parts = [np.zeros(3), factors.copy(), np.zeros(3), factors[::-1].copy()]
        entries = np.arange(4), columns, np.array([1.0, 2, 3])
        sgd_epoch(order, *entries, *parts, np.zeros(3), np.zeros(3), 0.1, True)
        return np.concatenate([part.ravel() for part in parts])

    apart, shared = np.arange(3), np.zeros(3, int)
    forward, backward = np.arange(3), np.arange(3)[::-1].copy()
    np.testing.assert_array_equal(run(forward, apart), run(backward, apart))
    assert np.abs(run(forward, shared) - run(backward, shared)).max() > 1e-3


def test_an_epoch_against_plain_python():
    rng = np.random.default_rng(1)
    known = rng.random((4, 5)) < 0.6
    ratings = rng.normal(size=known.shape)
    parts = [rng.normal(size=shape) for shape in (4, (4, 3), 5, (5, 3))]
    row_penalties, column_penalties = rng.random(4), rng.random(5)
    a, x, b, y = (part.copy() for part in parts)
    order = np.array([2, 0, 3, 1])
    for u in order:
        for i in np.flatnonzero(known[u]):
            error = ratings[u, i] - a[u] - b[i] - x[u] @ y[i]
            a[u] += 0.1 * (error - row_penalties[u] * a[u])
            b[i] += 0.1 * (error - column_penalties[i] * b[i])
            x[u], y[i] = (
                x[u] + 0.1 * (error * y[i] - row_penalties[u] * x[u]),
                y[i] + 0.1 * (error * x[u] - column_penalties[i] * y[i]),
            )
    indptr = np.r_[0, known.sum(axis=1).cumsum()]
    entries = indptr, np.nonzero(known)[1], ratings[known]
    sgd_epoch(order, *entries, *parts, row_penalties, column_penalties, 0.1, True)
    for found, expected in zip(parts, (a, x, b, y)):
        np.testing.assert_allclose(found, expected)
