"""The k most similar columns of every row: one parallel pass over sparse data.

Row i of a matrix A is compared with all columns of a matrix B that shares A's inner dimension:
with ``A = X.T, B = X`` items are compared with items, with ``A = X, B = X.T`` users with users.
All similarities are one accumulation and one formula at its end. A row of A meets the rows of B
at its entries; what they have in common is summed, per column, into up to six *moments*

    sum xy, number of common terms, sum x, sum y, sum x^2, sum y^2        (over common terms)

of which a similarity needs the first one, two or six. A formula turns the moments of a pair into a
number, and only the k largest numbers of a row are kept. There is never more than one
row of moments per thread.
"""

from __future__ import annotations

import numpy as np

from ._compile import compiled, csr_arrays, read_only
from ._parallel import run_workers
from .products import add_products, add_products_and_list

__all__ = ["CORRELATION", "OVERLAP_COSINE", "PRODUCT", "TANIMOTO", "most_similar"]

PRODUCT = 0  # sum xy * row_norm * column_norm: cosine, conditional probability
TANIMOTO = 1  # sum xy / (row_norm + column_norm - sum xy): Jaccard
OVERLAP_COSINE = 2  # cosine over the common terms only: adjusted cosine
CORRELATION = 3  # the same, centred by the means over the common terms: Pearson

_DOT, _COUNT, _SUM_X, _SUM_Y, _SUM_XX, _SUM_YY = range(6)
_N_BINS = 256

# position of the only bit set in a 64-bit word, by de Bruijn multiplication
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_BIT_POSITION = np.empty(64, dtype=np.uint8)
for _bit in range(64):
    _BIT_POSITION[((int(_DE_BRUIJN) << _bit) & (2**64 - 1)) >> 58] = _bit
_ONE = np.uint64(1)


@compiled
def _add_moments(moments, value, columns, data):
    """Add to the moments beyond the first, as many as there are."""
    if len(moments) > _COUNT:
        count = moments[_COUNT]
        for q in range(len(columns)):
            count[columns[q]] += 1
    if len(moments) > _SUM_X:
        sum_x, sum_y = moments[_SUM_X], moments[_SUM_Y]
        sum_xx, sum_yy = moments[_SUM_XX], moments[_SUM_YY]
        for q in range(len(columns)):
            j = columns[q]
            y = data[q]
            sum_x[j] += value
            sum_y[j] += y
            sum_xx[j] += value * value
            sum_yy[j] += y * y


@compiled(error_model="numpy")
def _from_products(form, dot, count, row_norm, column_norm, shrinkage):
    """Similarity of a pair that needs no more than the products; 0 if they are 0."""
    if form == PRODUCT:
        similarity = dot * (row_norm * column_norm)
    else:
        union = row_norm + column_norm - dot
        similarity = dot / union if union > 0 else dot - dot
    if shrinkage > 0:
        similarity *= count / (count + shrinkage)
    return similarity


@compiled(error_model="numpy")
def _from_overlap(form, moments, j, shrinkage, negligible):
    """Similarity of a pair over its common terms alone; 0 without any, or without variance."""
    count = moments[_COUNT, j]
    dot, xx, yy = moments[_DOT, j], moments[_SUM_XX, j], moments[_SUM_YY, j]
    var_x, var_y, covariance = xx, yy, dot
    if form == CORRELATION and count > 0:
        sum_x, sum_y = moments[_SUM_X, j], moments[_SUM_Y, j]
        var_x -= sum_x * sum_x / count
        var_y -= sum_y * sum_y / count
        covariance -= sum_x * sum_y / count
    if not (var_x > 1e-10 * xx and var_y > 1e-10 * yy):  # what rounding leaves is no variance
        return dot - dot
    if np.abs(covariance) <= negligible * (np.sqrt(xx) * np.sqrt(yy)):
        return dot - dot
    similarity = covariance / (np.sqrt(var_x) * np.sqrt(var_y))
    if np.abs(similarity) >= 1 - negligible:  # a single common term: ties are broken by the column
        similarity = np.sign(similarity)
    return similarity * (count / (count + shrinkage))


@compiled
def _drain(
    touched, form, moments, row_norm, column_norms, shrinkage, threshold, negligible, columns,
    values,
):  # fmt: skip
    """Turn the moments of the touched columns into similarities, zero them, keep those that count.

    Two loops, because the slow formula inside the fast loop would make it four times slower.
    """
    n = 0
    count_at = min(_COUNT, len(moments) - 1)  # where nothing was counted, products of ones count
    if form in (PRODUCT, TANIMOTO):
        for q in range(len(touched)):
            j = touched[q]
            similarity = _from_products(
                form, moments[_DOT, j], moments[count_at, j], row_norm, column_norms[j], shrinkage
            )
            moments[_DOT, j] = 0
            moments[count_at, j] = 0
            columns[n] = j
            values[n] = similarity
            size = np.abs(similarity)
            n += (similarity > threshold) & (size > negligible) & (size < np.inf)
    else:
        for q in range(len(touched)):
            j = touched[q]
            similarity = _from_overlap(form, moments, j, shrinkage, negligible)
            for moment in range(len(moments)):
                moments[moment, j] = 0
            columns[n] = j
            values[n] = similarity
            size = np.abs(similarity)
            n += (similarity > threshold) & (size > negligible) & (size < np.inf)
    return n


@compiled
def _quickselect(values, k):
    """Find the k-th largest of ``values``, which are reordered."""
    low, high, target = 0, len(values) - 1, k - 1
    while low < high:
        x, y, z = values[low], values[(low + high) >> 1], values[high]
        pivot = max(min(x, y), min(max(x, y), z))
        i, j = low, high
        while i <= j:
            while values[i] > pivot:
                i += 1
            while values[j] < pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if target <= j:
            high = j
        elif target >= i:
            low = i
        else:
            break
    return values[target]


@compiled(inline="always")
def _bin(place, last):
    """Cast to the number of a bin; 0 for what is not a number, whose cast could give anything."""
    return np.int32(min(place, last)) if place > 0 else np.int32(0)


@compiled
def _kth_largest(values, k, bins, buffer):
    """Find the k-th largest of ``values``: its bin by a histogram, the rest by quickselect.

    Unlike a heap or a plain quickselect, counting has no branches to mispredict.
    """
    low = high = values[0]
    last = len(bins) - 1.0
    for value in values:
        low = min(low, value)
        high = max(high, value)
    scale = last / (high - low) if high > low else np.inf
    if not scale < np.inf:  # equal, or too close to be told apart by a bin
        scale = 0.0
    for bin_ in range(len(bins)):
        bins[bin_] = 0
    for value in values:
        bins[_bin((value - low) * scale, last)] += 1
    above = 0
    chosen = len(bins) - 1
    while above + bins[chosen] < k:
        above += bins[chosen]
        chosen -= 1
    n = 0
    for value in values:
        buffer[n] = value
        n += _bin((value - low) * scale, last) == chosen
    return _quickselect(buffer[:n], k - above)


@compiled
def _keep_largest(columns, values, k, bins, buffer, scratch, bits, out_columns, out_values):
    """Write the k largest in the order of their columns; at equal values the lower column wins.

    ``scratch`` and ``bits`` come and go all zero: they sort the survivors by column.
    """
    smallest = values.dtype.type(-np.inf)
    spare = 0  # how many of those equal to the smallest may stay
    if len(values) > k:
        smallest = _kth_largest(values, k, bins, buffer)
        spare = k
        for value in values:
            spare -= value > smallest
    for q in range(len(values)):
        if values[q] >= smallest:
            j = columns[q]
            scratch[j] = values[q]
            bits[j >> np.uint32(6)] |= _ONE << np.uint64(j & np.uint32(63))
    n = 0
    for word_index in range(len(bits)):
        word = bits[word_index]
        bits[word_index] = 0
        while word:
            lowest = word & (~word + _ONE)
            word ^= lowest
            j = (word_index << 6) + _BIT_POSITION[(lowest * _DE_BRUIJN) >> np.uint64(58)]
            value = scratch[j]
            scratch[j] = 0
            if value == smallest:
                if spare == 0:
                    continue
                spare -= 1
            out_columns[n] = j
            out_values[n] = value
            n += 1
    return n


@compiled
def _search_rows(
    share, n_shares, a_indptr, a_indices, a_data, b_indptr, b_indices, b_data, row_norms,
    column_norms, twins, twin_ranges, form, n_moments, shrinkage, threshold, negligible, k, work,
    starts, out_columns, out_values, lengths,
):  # fmt: skip
    """Search a share of the rows; row i of the result has room from ``starts[i]`` on."""
    n_columns = len(column_norms)
    moments = np.zeros((n_moments, n_columns), b_data.dtype)
    bits = np.zeros((n_columns + 63) // 64, np.uint64)
    every = np.arange(n_columns).astype(np.uint32)
    # one more than can be filled: lists are written to before it is known whether to advance
    touched = np.empty(n_columns + 1, np.uint32)
    columns = np.empty(n_columns + 1, np.uint32)
    values = np.empty(n_columns + 1, b_data.dtype)
    buffer = np.empty(n_columns + 1, b_data.dtype)
    bins = np.empty(_N_BINS, np.int32)
    dot = moments[_DOT]
    for row in range(share, len(lengths), n_shares):
        listing = work[row] < n_columns  # else it is faster to look at all columns
        n_touched = 0
        for p in range(a_indptr[row], a_indptr[row + 1]):
            term = a_indices[p]
            b_columns = b_indices[b_indptr[term] : b_indptr[term + 1]]
            b_values = b_data[b_indptr[term] : b_indptr[term + 1]]
            if listing:
                n_touched = add_products_and_list(
                    dot, a_data[p], b_columns, b_values, touched, n_touched
                )
            else:
                add_products(dot, a_data[p], b_columns, b_values)
            _add_moments(moments, a_data[p], b_columns, b_values)
        for t in range(twin_ranges[row, 0], twin_ranges[row, 1]):
            for moment in range(n_moments):
                moments[moment, twins[t]] = 0
        candidates = touched[:n_touched] if listing else every
        n = _drain(
            candidates, form, moments, row_norms[row], column_norms, shrinkage, threshold,
            negligible, columns, values,
        )  # fmt: skip
        kept = slice(starts[row], starts[row + 1])
        lengths[row] = _keep_largest(
            columns[:n], values[:n], k, bins, buffer, dot, bits, out_columns[kept],
            out_values[kept],
        )  # fmt: skip


@compiled
def _products_per_row(a_indptr, a_indices, b_indptr):
    """Count the products that each row of A B sums up."""
    work = np.zeros(len(a_indptr) - 1, np.int64)
    for row in range(len(work)):
        for p in range(a_indptr[row], a_indptr[row + 1]):
            work[row] += b_indptr[a_indices[p] + 1] - b_indptr[a_indices[p]]
    return work


@compiled
def _close_gaps(columns, values, starts, indptr):
    """Move rows that start at ``starts`` to where ``indptr`` says."""
    packed_columns = np.empty(indptr[-1], columns.dtype)
    packed_values = np.empty(indptr[-1], values.dtype)
    for row in range(len(indptr) - 1):
        for q in range(indptr[row + 1] - indptr[row]):
            packed_columns[indptr[row] + q] = columns[starts[row] + q]
            packed_values[indptr[row] + q] = values[starts[row] + q]
    return packed_columns, packed_values


def most_similar(
    A, B, row_norms, column_norms, form, k, twins, twin_ranges, shrinkage, threshold, negligible=0.0
):  # fmt: skip
    """Find the k columns of B most similar to each row of A.

    Parameters
    ----------
    A : tuple of (indptr, indices, data)
        CSR arrays, n_rows x n_terms, int32 indices.
    B : tuple of (indptr, indices, data)
        CSR arrays, n_terms x n_columns, of the same dtypes, without duplicates.
    row_norms, column_norms : ndarray of shape (n_rows,) and (n_columns,), dtype of the data
        PRODUCT: factors of the similarity. TANIMOTO: sums of squares. Else unused.
    form : {PRODUCT, TANIMOTO, OVERLAP_COSINE, CORRELATION}
        The formula. The last two should be given float64 data: they subtract.
    k : int
    twins : ndarray of int
    twin_ranges : ndarray of shape (n_rows, 2), int
        Row i may not have the columns ``twins[start:stop]``, (start, stop) = ``twin_ranges[i]``.
    shrinkage : float
        Similarities are multiplied by n / (n + shrinkage), n the number of common terms.
    threshold : float
        Only similarities above it, other than 0, count.
    negligible : float
        Similarities of this size or less count as 0, and where terms of either sign cancel out to
        this share of their lengths.

    Returns
    -------
    indptr, indices, data : ndarray
        CSR arrays, n_rows x n_columns, sorted, at most k entries a row; at equal similarities the
        lower column is kept. The same for any number of threads.
    """
    if form in (PRODUCT, TANIMOTO):
        ones = shrinkage > 0 and bool(np.all(A[2] == 1) and np.all(B[2] == 1))
        n_moments = 2 if shrinkage > 0 and not ones else 1
    else:
        n_moments = 6
    A, B = csr_arrays(*A), csr_arrays(*B)
    dtype = B[2].dtype.type
    work = _products_per_row(A[0], A[1], B[0])
    starts = _offsets(np.minimum(work, min(k, len(column_norms))))
    columns = np.empty(starts[-1], np.int32)
    values = np.empty(starts[-1], dtype)
    lengths = np.empty(len(work), np.int64)
    run_workers(
        _search_rows, len(work), *A, *B, read_only(row_norms), read_only(column_norms),
        read_only(twins), read_only(twin_ranges), form, n_moments, dtype(shrinkage),
        dtype(threshold), dtype(negligible), k, work, starts, columns, values, lengths,
        work=work.sum(),
    )  # fmt: skip
    indptr = _offsets(lengths)
    return indptr, *_close_gaps(columns, values, starts, indptr)


def _offsets(lengths):
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets
