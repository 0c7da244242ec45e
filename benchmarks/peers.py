"""The models that ours are compared with: one adapter a library, all of the same two methods.

``fit(X)`` learns from training users. ``rank(H, seen, k)`` lists the best items that are not in
``seen`` for the users whose input is ``H``: rows of item numbers, best first, -1 where the model
has nothing left. ``H`` and ``seen`` differ when a model is given only the ratings of at least 4:
then the other rated items still must not be recommended. With ``known=True`` the rows of ``H`` are
the training users in order, and a factor model may use the factors it stored for them.

Libraries are imported when an adapter is made, so that none is needed for the others to run and
no import is part of a timing.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

__all__ = ["PEERS", "drop_seen"]

_THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
_BLOCK = 1000  # users scored at a time


class Scorer:
    """A model that scores all items; ranking is done here, in blocks of users."""

    def fit(self, X: sp.csr_matrix) -> None:
        raise NotImplementedError

    def scores(self, H: sp.csr_matrix, rows: range | None) -> Any:
        """Score all items for the users ``H``, who are training users ``rows`` if not None."""
        raise NotImplementedError

    def rank(self, H: sp.csr_matrix, seen: sp.csr_matrix, k: int, known: bool = False):
        lists = []
        for start in range(0, H.shape[0], _BLOCK):
            block = H[start : start + _BLOCK]
            rows = range(start, start + block.shape[0]) if known else None
            scores = self.scores(block, rows)
            scores = np.array(scores.toarray() if sp.issparse(scores) else scores, np.float32)
            lists.append(_best(scores, seen[start : start + _BLOCK], k))
        return np.concatenate(lists)


def _best(scores: np.ndarray, seen: sp.csr_matrix, k: int) -> np.ndarray:
    scores[np.repeat(np.arange(seen.shape[0]), seen.getnnz(axis=1)), seen.indices] = -np.inf
    top = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    values = np.take_along_axis(scores, top, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    top, values = np.take_along_axis(top, order, 1), np.take_along_axis(values, order, 1)
    return np.where(np.isfinite(values), top, -1)


def drop_seen(lists: np.ndarray, seen: sp.csr_matrix, k: int) -> np.ndarray:
    """Take seen items out of lists that are long enough, and cut them to ``k``."""
    row = np.arange(len(lists), dtype=np.int64)[:, None] * seen.shape[1]
    seen_keys = np.repeat(row.ravel(), seen.getnnz(axis=1)) + seen.indices
    gone = (lists < 0) | np.isin(row + lists, seen_keys)
    order = np.argsort(gone, axis=1, kind="stable")[:, :k]
    lists = np.take_along_axis(lists, order, axis=1)
    return np.where(np.take_along_axis(gone, order, axis=1), -1, lists)


def _long_enough(H: sp.csr_matrix, seen: sp.csr_matrix, k: int) -> int:
    """Tell how many items to ask of a library that leaves out only those of ``H``."""
    return min(k + int((seen.getnnz(axis=1) - H.getnnz(axis=1)).max()), H.shape[1])


# -- numpy ----------------------------------------------------------------------------------------


class Popularity(Scorer):
    """The number of users who know an item."""

    def fit(self, X):
        self.count = X.getnnz(axis=0)

    def scores(self, H, rows):
        return np.tile(self.count, (H.shape[0], 1))


class Ease(Scorer):
    """EASE: a linear model of every item from all others, in closed form.

    References
    ----------
    H. Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019.
    """

    def __init__(self, regularization: float):
        self.regularization = regularization

    def fit(self, X):
        G = (X.T @ X).toarray().astype(np.float64)
        G[np.diag_indices_from(G)] += self.regularization
        P = np.linalg.inv(G)
        B = P / -np.diag(P)
        np.fill_diagonal(B, 0)
        self.B = B.astype(np.float32)

    def scores(self, H, rows):
        return H @ self.B


# -- implicit -------------------------------------------------------------------------------------


class ImplicitALS:
    def __init__(self, **settings: Any):
        from implicit.cpu.als import AlternatingLeastSquares
        from threadpoolctl import threadpool_limits

        self.one_blas_thread = lambda: threadpool_limits(1, "blas")  # as the library asks for
        with self.one_blas_thread():
            self.model = AlternatingLeastSquares(num_threads=_THREADS, random_state=0, **settings)

    def fit(self, X):
        with self.one_blas_thread():
            self.model.fit(X, show_progress=False)

    def rank(self, H, seen, k, known=False):
        n = _long_enough(H, seen, k)
        with self.one_blas_thread():
            lists, _ = self.model.recommend(
                np.arange(H.shape[0]), H, N=n, recalculate_user=not known
            )
        return drop_seen(lists, seen, k)


class ImplicitKNN:
    def __init__(self, kind: str, **settings: Any):
        import implicit.nearest_neighbours

        recommender = getattr(implicit.nearest_neighbours, f"{kind}Recommender")
        self.model = recommender(num_threads=_THREADS, **settings)

    def fit(self, X):
        self.model.fit(X, show_progress=False)

    def rank(self, H, seen, k, known=False):
        lists, _ = self.model.recommend(np.arange(H.shape[0]), H, N=_long_enough(H, seen, k))
        return drop_seen(lists, seen, k)


# -- irspack --------------------------------------------------------------------------------------


class Irspack(Scorer):
    def __init__(self, kind: str, **settings: Any):
        import irspack.recommenders

        self.recommender = getattr(irspack.recommenders, f"{kind}Recommender")
        self.settings = settings

    def fit(self, X):
        self.model = self._learn(X.astype(np.float64))

    def _learn(self, X):
        with contextlib.redirect_stdout(io.StringIO()):  # it draws progress bars
            return self.recommender(X, **self.settings).learn()

    def scores(self, H, rows):
        if rows is not None:
            return self.model.get_score_block(rows.start, rows.stop)
        return self.model.get_score_cold_user(H.astype(np.float64))


class IrspackUserKNN(Irspack):
    """The library has no fold-in here: new users are appended and the model learns again."""

    def rank(self, H, seen, k, known=False):
        if known:
            return super().rank(H, seen, k, known)
        X = self.model.X_train_all
        both = sp.vstack([X, H.astype(np.float64)]).tocsr()
        model = self._learn(both)
        return _best(model.get_score_block(X.shape[0], both.shape[0]), seen, k)


# -- cmfrec ---------------------------------------------------------------------------------------


class Cmfrec(Scorer):
    def __init__(self, **settings: Any):
        from cmfrec import CMF_implicit

        self.model = CMF_implicit(nthreads=_THREADS, verbose=False, **settings)

    def fit(self, X):
        self.model.fit(X.tocoo())

    def scores(self, H, rows):
        known = rows is not None
        users = self.model.A_[rows] if known else self.model.factors_multiple(H)
        return users @ self.model.B_.T


# -- similaripy -----------------------------------------------------------------------------------


class Similaripy:
    """Item neighbours; a row of similarities holds the neighbours of one item.

    With ``of="candidate"`` a score sums over the candidate's neighbours, with ``of="seen"`` over
    the neighbours of what was seen.
    """

    def __init__(self, kind: str, weight: str | None = None, of: str = "candidate", **settings):
        import similaripy

        self.library, self.kind, self.weight, self.of = similaripy, kind, weight, of
        self.settings = {**settings, "num_threads": _THREADS, "verbose": False}

    def fit(self, X):
        if self.weight:
            X = getattr(self.library.normalization, self.weight)(X)
        similarity = getattr(self.library, self.kind)
        W = similarity(X.T.tocsr(), format_output="csr", **self.settings)
        self.W = W if self.of == "seen" else W.T.tocsr()

    def rank(self, H, seen, k, known=False):
        options = {"num_threads": _THREADS, "verbose": False, "format_output": "csr"}
        R = self.library.dot_product(H, self.W, k=k, filter_cols=seen, **options)
        row = np.repeat(np.arange(R.shape[0]), np.diff(R.indptr))
        order = np.lexsort((-R.data, row))
        lists = np.full((R.shape[0], k), -1)
        lists[row, np.arange(R.nnz) - R.indptr[row]] = R.indices[order]
        return lists


# -- sparse_dot_topn ------------------------------------------------------------------------------


class DotTopN(Scorer):
    """Item neighbours by cosine. The library multiplies and cuts; scores are a scipy product."""

    def __init__(self, k: int):
        from sparse_dot_topn import sp_matmul_topn

        self.multiply, self.k = sp_matmul_topn, k

    def fit(self, X):
        lengths = np.sqrt(X.power(2).sum(axis=0).A1)
        unit = (X @ sp.diags_array(1 / np.maximum(lengths, 1e-9))).tocsr().astype(np.float32)
        W = self.multiply(unit.T.tocsr(), unit, top_n=self.k + 1, n_threads=_THREADS)
        W.setdiag(0)  # the neighbour too many
        self.votes = W.T.tocsr()

    def scores(self, H, rows):
        return H @ self.votes


# -- LensKit --------------------------------------------------------------------------------------


class LensKit(Scorer):
    """Neighbourhood models, of implicit feedback; they score a user at a time."""

    def __init__(self, kind: str, **settings: Any):
        import lenskit.data
        import lenskit.knn

        self.data = lenskit.data
        self.model = getattr(lenskit.knn, f"{kind}KNNScorer")(feedback="implicit", **settings)

    def fit(self, X):
        import pandas as pd

        users, items = X.nonzero()
        self.is_known = X.getnnz(axis=0) > 0  # others make the library panic
        table = pd.DataFrame({"user_id": users, "item_id": items})
        self.model.train(self.data.from_interactions_df(table))

    def scores(self, H, rows):
        items = self.data.ItemList(item_ids=np.arange(H.shape[1]))
        scores = np.empty(H.shape, np.float32)
        for u in range(H.shape[0]):
            known = H.indices[H.indptr[u] : H.indptr[u + 1]]
            query = {"user_items": self.data.ItemList(item_ids=known[self.is_known[known]])}
            if rows is not None:
                query["user_id"] = rows[u]
            scores[u] = self.model(self.data.RecQuery(**query), items).scores()
        return np.nan_to_num(scores, nan=-1e9)  # items without neighbours come last


# -- the table ------------------------------------------------------------------------------------


PEERS: dict[str, Callable[..., Any]] = {
    "popularity": lambda: Popularity(),
    "ease": lambda **settings: Ease(**settings),
    "implicit-als": lambda **settings: ImplicitALS(**settings),
    "implicit-cosine": lambda **settings: ImplicitKNN("Cosine", **settings),
    "implicit-tfidf": lambda **settings: ImplicitKNN("TFIDF", **settings),
    "implicit-bm25": lambda **settings: ImplicitKNN("BM25", **settings),
    "irspack-ials": lambda **settings: Irspack("IALS", **settings),
    "irspack-edlae": lambda **settings: Irspack("EDLAE", **settings),
    "irspack-dense-slim": lambda **settings: Irspack("DenseSLIM", **settings),
    "irspack-item-knn": lambda **settings: Irspack("CosineKNN", **settings),
    "irspack-user-knn": lambda **settings: IrspackUserKNN("CosineUserKNN", **settings),
    "irspack-p3alpha": lambda **settings: Irspack("P3alpha", **settings),
    "irspack-rp3beta": lambda **settings: Irspack("RP3beta", **settings),
    "irspack-svd": lambda **settings: Irspack("TruncatedSVD", **settings),
    "sdtn-cosine": lambda **settings: DotTopN(**settings),
    "lenskit-item-knn": lambda **settings: LensKit("Item", **settings),
    "lenskit-user-knn": lambda **settings: LensKit("User", **settings),
    "cmfrec-implicit": lambda **settings: Cmfrec(**settings),
    "similaripy-cosine": lambda **settings: Similaripy("cosine", **settings),
    "similaripy-s-plus": lambda **settings: Similaripy("s_plus", **settings),
    "similaripy-rp3beta": lambda **settings: Similaripy("rp3beta", **settings),
}
