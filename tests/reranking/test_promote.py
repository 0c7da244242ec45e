"""Who is shown what is to be tried, at which place, and how likely that was."""

import numpy as np
import pytest
import scipy.sparse as sp

from skattnrec.reranking import Promote, promote

N = 4000
LISTS = np.tile(np.arange(6), (N, 1)), np.tile(np.arange(6.0)[::-1], (N, 1))
USERS = np.arange(N)


def test_promoted_items_take_their_places():
    indices, scores, chances = promote(
        *LISTS, [8, 9], USERS, 4, share=0.5, positions=[3, 1], random_state=1
    )
    is_met = indices[:, 1] >= 8
    assert np.array_equal(indices[~is_met], LISTS[0][~is_met, :4])
    assert (np.sort(indices[is_met][:, [1, 3]], axis=1) == [8, 9]).all()
    assert (indices[is_met][:, [0, 2]] == [0, 1]).all(), "the others keep their order"
    assert np.isnan(scores[is_met][:, [1, 3]]).all()
    assert (scores[is_met][:, [0, 2]] == [5.0, 4.0]).all()
    assert (chances[is_met] == [1.0, 0.5, 1.0, 0.5]).all()
    assert (chances[~is_met] == [1.0, 1.0, 0.5, 0.5]).all()


def test_propensities_are_frequencies():
    """Over seeds, an item is shown as often as its propensity says."""
    new, share, k = [7, 8, 9], 0.4, 4
    shown, told = np.zeros(10), np.full(10, np.nan)
    for seed in range(5):
        indices, _, chances = promote(
            *LISTS, new, USERS, k, share=share, positions=[0, 2], random_state=seed
        )
        shown += np.bincount(indices.ravel(), minlength=10) / (5 * N)
        told[indices.ravel()] = chances.ravel()
    expected = np.array([1, 1, 0.6, 0.6, 0, 0, 0, 0.8 / 3, 0.8 / 3, 0.8 / 3])
    assert np.abs(shown - expected).max() < 0.015
    listed = expected > 0
    assert np.allclose(told[listed], expected[listed])


def test_who_is_met_depends_on_the_key_alone():
    options = {"share": 0.3, "positions": [2], "random_state": 5}
    everybody = promote(*LISTS, [8, 9], USERS, **options)[0]
    some = np.random.default_rng(0).permutation(N)[:50]
    again = promote(LISTS[0][some], LISTS[1][some], [9, 8], USERS[some].astype(np.int32), **options)
    assert np.array_equal(again[0], everybody[some])
    names = np.array([f"user {n}" for n in USERS])
    by_name = promote(*LISTS, [8, 9], names, **options)[0]
    assert np.array_equal(promote(*LISTS, [8, 9], list(names), **options)[0], by_name)
    assert not np.array_equal(by_name, everybody)
    other = promote(*LISTS, [8, 9], USERS, share=0.3, positions=[2], random_state=6)[0]
    assert not np.array_equal(other, everybody)
    more = promote(*LISTS, [8, 9], USERS, share=0.6, positions=[2], random_state=5)[0]
    was_met = everybody[:, 2] >= 8
    assert np.array_equal(more[was_met], everybody[was_met]), "a larger share meets the same users"


def test_what_is_known_or_shown_is_not_drawn():
    seen = np.zeros((N, 10), bool)
    seen[: N // 2, 8] = True
    seen[: N // 4, 9] = True
    indices, _, chances = promote(
        *LISTS, [2, 8, 9], USERS, 4, share=1.0, positions=[0], exclude=seen
    )
    assert np.array_equal(indices[: N // 4], LISTS[0][: N // 4, :4]), "nothing is left to promote"
    assert (chances[: N // 4] == 1).all()
    assert (indices[N // 4 : N // 2, 0] == 9).all()
    assert (chances[N // 4 : N // 2] == [1, 1, 1, 1]).all()
    assert set(indices[N // 2 :, 0]) == {8, 9}
    assert (chances[N // 2 :, 0] == 0.5).all()
    # item 5 is in the list given, but not among the first four: it moves up with its score
    indices, scores, _ = promote(*LISTS, [5], USERS, 4, share=1.0, positions=[1])
    assert (indices == [0, 5, 1, 2]).all()
    assert (scores == [5.0, 0.0, 4.0, 3.0]).all()


def test_short_lists_get_it_at_their_end():
    indices, _, chances = promote(
        [[3, -1, -1], [-1, -1, -1]],
        [[1.0, np.nan, np.nan]] * 2,
        [8, 9],
        [1, 2],
        3,
        share=1.0,
        positions=[2],
    )
    assert indices[0, 0] == 3
    assert indices[0, 1] in (8, 9)
    assert indices[1, 0] in (8, 9)
    assert (indices[:, 2] == -1).all()
    assert np.array_equal(np.isnan(chances), indices < 0)


def test_rule_draws_by_histories_and_takes_the_least_known():
    X = sp.csr_array(np.tri(20, 30, 9))
    rule = Promote(share=0.5, positions=[1]).fit(X, None)
    assert rule.items_.tolist() == [27, 28, 29]
    indices = np.tile(np.arange(10), (20, 1))
    found = rule.reorder(indices, np.zeros(indices.shape), sp.csr_array((20, 30)))
    assert (found == found[0]).all(), "users of the same history share their luck"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"share": 2}, "share"),
        ({"positions": [3]}, "positions"),
        ({"positions": [-1]}, "positions"),
        ({"positions": [1, 1]}, "repeat"),
        ({"positions": []}, "positions"),
        ({"positions": [0.5]}, "positions"),
        ({"items": []}, "items"),
        ({"items": [4, 4]}, "twice"),
        ({"users": [1, 2]}, "users must hold a key for each"),
        ({"users": [0.5]}, "integers or text"),
        ({"exclude": np.zeros((1, 4), bool)}, "item 4 included"),
        ({"scores": [[np.nan, 1.0, 0.0]]}, "finite"),
    ],
)
def test_errors(change, words):
    options = {
        "indices": [[0, 1, 2]],
        "scores": [[2.0, 1.0, 0.0]],
        "items": [4],
        "users": [1],
        "k": 3,
        "positions": [1],
        **change,
    }
    with pytest.raises(ValueError, match=words):
        promote(**options)
