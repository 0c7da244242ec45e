import numpy as np

from skattnrec._kernels.sgd import sgd_epoch


def test_one_step_by_hand():
    """Rating 2, biases .5 and .25, factors 1 and .5: the error is .75."""
    parts = [np.array([0.5]), np.array([[1.0]]), np.array([0.25]), np.array([[0.5]])]
    one = np.zeros(1, np.int32)
    sgd_epoch(
        np.array([0]),
        one,
        one,
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
    one = np.zeros(1, np.int32)
    sgd_epoch(np.array([0]), one, one, np.array([2.0]), *parts, np.ones(1), np.ones(1), 0.1, False)
    assert parts[0] == parts[2] == 0
    assert parts[1] != 1.0


def test_order_is_followed():
    """A permutation of ratings of distinct rows and columns does not matter; else it does."""
    rng = np.random.default_rng(0)

    def run(order, rows, columns):
        parts = [np.zeros(3), rng_factors.copy(), np.zeros(3), rng_factors[::-1].copy()]
        zeros = np.zeros(3)
        sgd_epoch(order, rows, columns, np.array([1.0, 2, 3]), *parts, zeros, zeros, 0.1, True)
        return np.concatenate([part.ravel() for part in parts])

    rng_factors = rng.normal(size=(3, 2))
    apart, shared = np.arange(3, dtype=np.int32), np.zeros(3, np.int32)
    forward, backward = np.arange(3), np.arange(3)[::-1].copy()
    np.testing.assert_array_equal(run(forward, apart, apart), run(backward, apart, apart))
    assert np.abs(run(forward, shared, apart) - run(backward, shared, apart)).max() > 1e-3
