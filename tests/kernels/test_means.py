import numpy as np

from skattnrec._kernels.means import damped_means


def test_damped_means():
    groups, values = np.array([0, 2, 2, 0, 0]), np.array([1.0, 2.0, -6.0, 4.0, 1.0])
    np.testing.assert_allclose(damped_means(groups, values, 4), [2, 0, -2, 0])
    np.testing.assert_allclose(damped_means(groups, values, 4, 2.0), [6 / 5, 0, -1, 0])
