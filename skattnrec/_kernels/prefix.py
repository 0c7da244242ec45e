r"""Attention of every prefix of a history at once, in factors that need no prefix matrix.

Prefix t of a history holds its entries up to t, and its attention to entry j <= t in head h is

.. math:: a^h_{tj} = \frac{e^h_j \, D^h(j, t)}{(Z^h_t)^{\beta}}, \quad
          D^h(j, t) = \prod_{m = j + 1}^{t} \delta^h_m, \quad Z^h_t = \sum_{j \le t} e^h_j D^h(j, t)

with e the exponential of the logits that do not depend on age and :math:`\delta_m` the decay from
entry m - 1 to entry m. Two entries :math:`j \le k` meet in all prefixes from k on, so

.. math:: \sum_{t \ge k} a^g_{tj} a^h_{tk} = e^g_j D^g(j, k) \, e^h_k \, S^{gh}_k, \quad
          S^{gh}_k = (Z^g_k Z^h_k)^{-\beta} + \delta^g_{k+1} \delta^h_{k+1} S^{gh}_{k+1}

which ends at the last entry that is followed by another one, as only those prefixes are rows.
Entries of one time are simultaneous: between them nothing decays, and no prefix ends.
"""

from __future__ import annotations

import numpy as np

from ._compile import compiled, read_only
from ._parallel import run_workers

__all__ = ["prefix_sums"]


def prefix_sums(indptr, is_end, weights, decays, smoothing):
    """Factors of the attention of all prefixes.

    Parameters
    ----------
    indptr : ndarray of shape (n_users + 1,)
    is_end : ndarray of shape (n_entries,), bool
        Whether a prefix may end at the entry: False where the next one is of the same time.
    weights : ndarray of shape (n_heads, n_entries), float64
        e, entries oldest first.
    decays : ndarray of shape (n_heads, n_entries), float64
        From the entry before; that of a first entry is not read.
    smoothing : float
        The exponent beta.

    Returns
    -------
    norms : ndarray of shape (n_heads, n_entries)
        ``Z ** -beta`` of the prefix that ends at the entry; 0 where none ends.
    meetings : ndarray of shape (n_entries, n_heads, n_heads)
        S; 0 at entries of the last time.
    """
    n_heads, n_entries = weights.shape
    norms = np.zeros((n_heads, n_entries))
    meetings = np.zeros((n_entries, n_heads, n_heads))
    arrays = indptr.astype(np.int64, copy=False), is_end, weights, decays
    inputs = (*(read_only(array) for array in arrays), float(smoothing))
    work = 16 * meetings.size
    run_workers(_sum_prefixes, len(indptr) - 1, *inputs, norms, meetings, work=work)
    return norms, meetings


@compiled
def _sum_prefixes(share, n_shares, indptr, is_end, weights, decays, smoothing, norms, meetings):
    n_heads = len(weights)
    for user in range(share, len(indptr) - 1, n_shares):
        first, last = indptr[user], indptr[user + 1]
        for h in range(n_heads):
            total = 0.0
            for p in range(first, last):
                total = weights[h, p] + (total * decays[h, p] if p > first else 0.0)
                if is_end[p]:
                    norms[h, p] = total**-smoothing if smoothing > 0 else 1.0
        for p in range(last - 2, first - 1, -1):
            for g in range(n_heads):
                for h in range(n_heads):
                    later = decays[g, p + 1] * decays[h, p + 1] * meetings[p + 1, g, h]
                    meetings[p, g, h] = norms[g, p] * norms[h, p] + later
