"""Set up before any test imports scipy."""

import os

# scikit-learn's array API check skips itself where scipy does not know of other array types
os.environ.setdefault("SCIPY_ARRAY_API", "1")
