"""Numerical kernels: pure functions, arrays in, arrays out, compiled with numba.

A kernel knows nothing of scikit-learn. Sparse matrices arrive as ``indptr, indices, data``.
"""
