"""Weights of information retrieval, for what is rare among users or items says more.

What is compared (items, or users) is a document, what it is described by (its users, or items) are
its terms.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from .._kernels.entries import rows_of_entries

__all__ = ["TermWeighting"]

_SATURATION = 1.2  # k1 of BM25
_LENGTH_PENALTY = 0.75  # b of BM25


class TermWeighting:
    r"""Weights of the entries of documents, learned once and applied to others as well.

    With :math:`N` documents of which :math:`n_t` have term t, and :math:`l_d` the sum of the
    entries of document d,

    .. math::
        \text{tf-idf: } x_{dt} \Big(1 + \ln\frac{1 + N}{1 + n_t}\Big) \qquad
        \text{BM25: } \frac{x_{dt} (k_1 + 1)}{x_{dt} + k_1 (1 - b + b\, l_d / \bar l)}
        \ln\Big(1 + \frac{N - n_t + 1/2}{n_t + 1/2}\Big)

    with :math:`k_1 = 1.2, b = 0.75`. The former is the smooth idf of
    :class:`sklearn.feature_extraction.text.TfidfTransformer`, the latter from S. Robertson,
    H. Zaragoza, "The probabilistic relevance framework: BM25 and beyond", 2009.
    """

    def __init__(self, documents: sp.csr_array, kind: str):
        n, dtype = documents.shape[0], documents.dtype
        known = np.bincount(documents.indices, minlength=documents.shape[1])
        self.kind = kind
        if kind == "tfidf":
            self.idf = (1 + np.log((1 + n) / (1 + known))).astype(dtype)
        elif kind == "bm25":
            self.idf = np.log1p((n - known + 0.5) / (known + 0.5)).astype(dtype)
            self.mean_length = documents.data.sum(dtype=np.float64) / n

    def apply(self, documents: sp.csr_array) -> sp.csr_array:
        """Weigh documents; a new matrix, unless there is nothing to do."""
        if self.kind == "uniform":
            return documents
        data = documents.data
        if self.kind == "bm25" and self.mean_length > 0:
            rows = rows_of_entries(documents.indptr)
            length = np.bincount(rows, data, minlength=documents.shape[0]) / self.mean_length
            norm = _SATURATION * (1 - _LENGTH_PENALTY + _LENGTH_PENALTY * length)
            data = data * (_SATURATION + 1) / (data + norm.astype(data.dtype)[rows])
        weights = data * self.idf[documents.indices]
        return sp.csr_array((weights, documents.indices, documents.indptr), documents.shape)
