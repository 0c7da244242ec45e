"""The items of highest score without scoring all: approximate search among item vectors.

Candidates come from a graph of near items (Y. Malkov, D. Yashunin, "Efficient and robust
approximate nearest neighbor search using hierarchical navigable small world graphs", IEEE TPAMI
42(4), 2020) of the library ``faiss``; their scores are exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy.sparse as sp

from ._implicit import threads_for

__all__ = ["ApproximateSearch", "rank_candidates", "rank_others"]

_N_LINKS = 32  # of each item in the graph
_LEAST_BREADTH = 128  # items kept in view while building and searching; more is more exact
_BLOCK = 2**22  # elements of vectors compared at a time


class ApproximateSearch:
    """Find vectors with a large product with a query.

    Parameters
    ----------
    vectors : ndarray of shape (n, m)
        What is searched.

    Raises
    ------
    ImportError
        If faiss is not installed.
    """

    def __init__(self, vectors: np.ndarray):
        try:
            import faiss
        except ImportError as error:
            raise ImportError(
                'retrieval="approximate" needs the library faiss: install "skattnrec[ann]", or use '
                'retrieval="exact".'
            ) from error
        self.vectors = np.ascontiguousarray(vectors)
        self._index: Any = faiss.IndexHNSWFlat(
            vectors.shape[1], _N_LINKS, faiss.METRIC_INNER_PRODUCT
        )
        self._index.hnsw.efConstruction = _LEAST_BREADTH
        with _threads(vectors.size * _LEAST_BREADTH):
            self._index.add(np.asarray(self.vectors, dtype=np.float32))

    def query(self, queries: np.ndarray, n: int) -> np.ndarray:
        """Numbers of n vectors for each query, (n_queries, n), in no order; -1 for none."""
        n = min(n, len(self.vectors))
        self._index.hnsw.efSearch = max(2 * n, _LEAST_BREADTH)
        with _threads(queries.size * _LEAST_BREADTH):
            found = self._index.search(np.ascontiguousarray(queries, dtype=np.float32), n)[1]
        return found.astype(np.intp)


@contextmanager
def _threads(work: int) -> Iterator[None]:
    """Hold faiss, as this thread calls it, to the threads that some work is worth."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads_for(work))
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def rank_candidates(
    search: ApproximateSearch, queries: np.ndarray, hidden: sp.csr_array, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rank vectors by their products with queries, hidden ones left out.

    Parameters
    ----------
    search : ApproximateSearch
    queries : ndarray of shape (n_queries, m)
    hidden : csr_array of shape (n_queries, n)
        Its pattern: what may not be listed.
    k : int

    Returns
    -------
    indices : ndarray of shape (n_queries, k), intp
        Best first, ties to the lower index; -1 where fewer than k were found.
    scores : ndarray of shape (n_queries, k)
        Their products, exact; NaN where the index is -1.
    """
    n_hidden = np.diff(hidden.indptr)
    found = np.sort(search.query(queries, k + int(n_hidden.max(initial=0))), axis=1)
    scores = np.empty(found.shape, queries.dtype)
    step = max(1, _BLOCK // (found.shape[1] * queries.shape[1]))
    for start in range(0, len(queries), step):
        rows = slice(start, start + step)
        near = search.vectors[found[rows]]  # (step, n_found, m)
        scores[rows] = np.einsum("qm,qnm->qn", queries[rows], near)
    width = hidden.shape[1]
    places = np.arange(len(queries))[:, None] * width + found
    own = np.repeat(np.arange(len(queries)), n_hidden) * width + hidden.indices
    out = (found < 0) | np.isin(places, own)
    scores[out] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    indices = np.full((len(queries), k), -1, np.intp)
    best = np.full((len(queries), k), np.nan, queries.dtype)
    kept = np.take_along_axis(scores, order, axis=1)
    found = np.take_along_axis(found, order, axis=1)
    indices[:, : order.shape[1]] = np.where(kept > -np.inf, found, -1)
    best[:, : order.shape[1]] = np.where(kept > -np.inf, kept, np.nan)
    return indices, best


def rank_others(search: ApproximateSearch, items: np.ndarray, k: int) -> tuple[np.ndarray, Any]:
    """Rank vectors by their products with some of them, never a vector itself."""
    itself = sp.csr_array(
        (np.ones(len(items)), items, np.arange(len(items) + 1)),
        shape=(len(items), len(search.vectors)),
    )
    return rank_candidates(search, search.vectors[items], itself, k)
