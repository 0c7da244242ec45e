"""The triangle by popularity holds C'C, and the small systems are those of dense algebra."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skattnrec._kernels.support_ridge import keep_by_rank, select_supports, solve_supports

N_ITEMS, N_HEADS = 40, 2


@pytest.fixture
def product():
    """Half of C'C by blocks, C'C itself, Y'C by blocks and whole, and ranks by popularity."""
    rng = np.random.default_rng(0)
    popularity = np.r_[np.full(4, 0.7), np.full(36, 0.03)][rng.permutation(N_ITEMS)]
    C = (rng.random((60, N_ITEMS)) < popularity)[:, :, None] * rng.normal(size=(60, 1, N_HEADS))
    Y = rng.normal(size=(60, N_ITEMS)) * (C[:, :, 0] != 0)
    gram = np.einsum("rig,rjh->ijgh", C, C)
    cross = np.einsum("ri,rjh->ijh", Y, C)
    share = rng.random((N_ITEMS, N_ITEMS))  # each pair is split between both places at random
    share = np.triu(share, 1) + np.tril(1 - share.T, -1) + np.eye(N_ITEMS) / 2
    half = gram * share[:, :, None, None]
    is_met = (gram != 0).any(axis=(2, 3))
    indptr = np.r_[0, np.cumsum(is_met.sum(axis=1))]
    indices = np.nonzero(is_met)[1].astype(np.int32)
    rank = np.empty(N_ITEMS, np.int64)
    rank[np.argsort(-np.count_nonzero(C[:, :, 0], axis=0), kind="stable")] = np.arange(N_ITEMS)
    return (indptr, indices), half[is_met], gram, cross[is_met][:, None], cross, rank


def test_each_pair_stands_once_in_the_row_of_the_rarer_item(product):
    places, half, gram, _, _, rank = product
    scale = np.random.default_rng(1).uniform(1, 2, (N_ITEMS, N_HEADS))
    starts, lengths, is_full, partners, blocks, diagonal = keep_by_rank(*places, half, rank, scale)
    assert 0 < is_full.sum() < N_ITEMS  # rows of both kinds
    expected = gram * scale[:, None, :, None] * scale[None, :, None, :]
    found = np.zeros_like(expected)
    order = np.argsort(rank)
    for i in range(N_ITEMS):
        n_places = rank[i] if is_full[i] else lengths[i]
        row = slice(starts[i], starts[i] + n_places)
        listed = order[:n_places] if is_full[i] else partners[row]
        assert (rank[listed] < rank[i]).all()
        assert len(set(listed)) == n_places
        found[i, listed] = blocks[row]
    found += found.transpose(1, 0, 3, 2)
    found[np.arange(N_ITEMS), np.arange(N_ITEMS)] = diagonal
    assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("n_neighbors", [1, 6, N_ITEMS - 1])
def test_votes_solve_the_normal_equations_of_the_support(product, n_neighbors):
    places, half, gram, blocks, cross, rank = product
    ones = np.ones((N_ITEMS, N_HEADS))
    supports, votes = select_supports(*places, blocks, ones, n_neighbors)
    by_rank = np.argsort(np.where(supports < 0, N_ITEMS, rank[supports]), axis=1)
    supports = np.take_along_axis(supports, by_rank, axis=1)
    votes = np.take_along_axis(votes, by_rank[:, :, None], axis=1)
    *triangle, diagonal = keep_by_rank(*places, half, rank, ones)
    values = solve_supports(supports, votes, rank, tuple(triangle), diagonal, 2.0, 0.25)
    for i in range(N_ITEMS):
        S = supports[i][supports[i] >= 0]
        assert i not in S
        assert not values[i, len(S) :].any()
        system = gram[np.ix_(S, S)].transpose(0, 2, 1, 3).copy()
        for a, j in enumerate(S):
            system[a, :, a] = gram[j, j] / 0.75 + 2 * np.eye(N_HEADS)
        size = len(S) * N_HEADS
        expected = np.linalg.solve(system.reshape(size, size), cross[i, S].ravel())
        assert_allclose(values[i, : len(S)].ravel(), expected, atol=1e-10)


def test_a_system_without_factor_gives_nan_for_its_target_only():
    places = np.array([0, 1, 2, 3]), np.arange(3, dtype=np.int32)
    half = np.array([0.5, 0.5, -5.0])[:, None, None]  # the last item's own block is negative
    rank = np.arange(3)
    *triangle, diagonal = keep_by_rank(*places, half, rank, np.ones((3, 1)))
    supports = np.array([[1], [0], [2]], np.int32)
    values = solve_supports(supports, np.ones((3, 1, 1)), rank, tuple(triangle), diagonal, 1.0, 0.0)
    assert_allclose(values[:2, 0, 0], 0.5)
    assert np.isnan(values[2]).all()
