"""The one place that imports private names of scikit-learn.

When a scikit-learn release moves one of them, only this file changes.
"""

from sklearn.base import _fit_context as fit_context
from sklearn.utils._openmp_helpers import _openmp_effective_n_threads as openmp_threads
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions, validate_params

__all__ = [
    "HasMethods",
    "Interval",
    "StrOptions",
    "fit_context",
    "openmp_threads",
    "validate_params",
]
