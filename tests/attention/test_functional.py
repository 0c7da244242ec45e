"""Attention functions against the book tutorial's numbers and the laws of attention."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skattnrec.attention import causal_mask, multi_head_attention, scaled_dot_product_attention
from skattnrec.datasets import load_books

READER = np.array([0.8, 0.7, 0.2])
PROJECTIONS = np.array(
    [
        [[0.8, 0.2, 0.0], [0.2, 0.7, 0.1], [0.0, 0.1, 0.9]],
        [[0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]],
    ]
)
matrices = hnp.arrays(np.float64, (4, 3), elements=st.floats(-3, 3))


def test_book_tutorial_single_head():
    books = load_books()
    weights, rating = scaled_dot_product_attention(READER, books.features, books.ratings, scale=1)
    np.testing.assert_array_equal(weights.round(4), [0.2852, 0.2768, 0.1114, 0.1747, 0.1519])
    assert round(float(rating), 4) == 4.6378


def test_book_tutorial_two_heads():
    books = load_books()
    weights, outputs = multi_head_attention(
        READER, books.features, books.ratings, PROJECTIONS, scale=1
    )
    expected = [
        [0.2764, 0.2656, 0.1216, 0.1735, 0.1629],
        [0.2650, 0.2537, 0.1327, 0.1753, 0.1734],
    ]
    np.testing.assert_array_equal(weights.round(4), expected)
    # the tutorial's final rating of a book: its rating times its mean weight over the heads
    final = books.ratings * weights.mean(axis=0)
    np.testing.assert_array_equal(final.round(4), [1.2994, 1.2722, 0.5721, 0.8022, 0.6725])
    np.testing.assert_allclose(final.sum(), outputs.mean())


def test_scale_defaults_to_one_over_root_d():
    rng = np.random.default_rng(0)
    query, keys, values = rng.normal(size=(2, 4)), rng.normal(size=(5, 4)), rng.normal(size=(5, 3))
    weights, outputs = scaled_dot_product_attention(query, keys, values)
    logits = query @ keys.T / 2
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(weights, expected)
    np.testing.assert_allclose(outputs, expected @ values)


@given(matrices, matrices, st.floats(0.1, 10))
def test_rows_are_distributions_and_temperature_is_a_scale(query, keys, temperature):
    weights, outputs = scaled_dot_product_attention(query, keys, keys, temperature=temperature)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert (outputs >= keys.min(axis=0) - 1e-9).all()
    assert (outputs <= keys.max(axis=0) + 1e-9).all()
    scaled, _ = scaled_dot_product_attention(query, keys, keys, scale=1 / (3**0.5 * temperature))
    np.testing.assert_allclose(weights, scaled)


def test_extreme_temperatures():
    keys = np.eye(3)
    weights, _ = scaled_dot_product_attention([1.0, 0.5, 0.0], keys, keys, temperature=np.inf)
    np.testing.assert_allclose(weights, 1 / 3)
    weights, _ = scaled_dot_product_attention([1.0, 0.5, 0.0], keys, keys, temperature=1e-4)
    np.testing.assert_allclose(weights, [1, 0, 0], atol=1e-12)
    weights, _ = scaled_dot_product_attention([1e300, 0, 0], keys, keys, scale=1)
    np.testing.assert_array_equal(weights, [1, 0, 0])


def test_causal_mask_hides_the_future():
    rng = np.random.default_rng(1)
    sequence, later = rng.normal(size=(5, 2)), rng.normal(size=(2, 2))
    _, before = scaled_dot_product_attention(sequence, sequence, sequence, mask="causal")
    sequence[3:] = later
    _, after = scaled_dot_product_attention(sequence, sequence, sequence, mask="causal")
    np.testing.assert_array_equal(before[:3], after[:3])
    assert not np.allclose(before[3:], after[3:])


def test_hidden_key_counts_for_nothing_and_a_row_without_keys_is_zero():
    keys = np.array([[1.0, 0], [0, 1], [1, 1]])
    mask = np.array([[True, True, False], [False, False, False]])
    weights, outputs = scaled_dot_product_attention(keys[:2], keys, keys, mask=mask)
    alone, _ = scaled_dot_product_attention(keys[:1], keys[:2], keys[:2])
    np.testing.assert_allclose(weights[0, :2], alone[0])
    np.testing.assert_array_equal(weights[:, 2], 0)
    np.testing.assert_array_equal(outputs[1], 0)


def test_one_head_without_projection_is_single_attention():
    rng = np.random.default_rng(2)
    query, keys, values = rng.normal(size=(2, 3)), rng.normal(size=(4, 3)), rng.normal(size=4)
    weights, outputs = multi_head_attention(query, keys, values, np.eye(3)[None])
    single = scaled_dot_product_attention(query, keys, values)
    np.testing.assert_allclose(weights[0], single[0])
    np.testing.assert_allclose(outputs[0], single[1])


def test_value_and_output_projections():
    rng = np.random.default_rng(3)
    query, keys, values = rng.normal(size=(2, 3)), rng.normal(size=(4, 3)), rng.normal(size=(4, 5))
    W, U, M = rng.normal(size=(2, 3, 2)), rng.normal(size=(2, 5, 4)), rng.normal(size=(8, 6))
    weights, mixed = multi_head_attention(
        query, keys, values, W, value_projections=U, output_projection=M, temperature=[1, 2]
    )
    heads = []
    for h, temperature in enumerate([1, 2]):
        logits = (query @ W[h]) @ (keys @ W[h]).T / 2**0.5 / temperature
        a = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(weights[h], a)
        heads.append(a @ values @ U[h])
    np.testing.assert_allclose(mixed, np.hstack(heads) @ M)
    _, one = multi_head_attention(
        query[0], keys, values, W, value_projections=U, output_projection=M, temperature=[1, 2]
    )
    np.testing.assert_allclose(one, mixed[0])


def test_causal_mask():
    np.testing.assert_array_equal(causal_mask(2, 3), [[1, 0, 0], [1, 1, 0]])


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"temperature": 0}, "temperature must be in"),
        ({"temperature": np.nan}, "temperature must be in"),
        ({"scale": np.inf}, "scale must be finite"),
        ({"mask": "future"}, '"causal"'),
        ({"mask": np.ones((1, 3))}, "dtype bool"),
        ({"mask": np.ones((1, 4), bool)}, r"shape \(1, 4\), expected \(1, 3\)"),
        ({"query": [1, 2, 3]}, "last dimensions must be equal"),
        ({"query": [1, np.nan]}, "query has NaN"),
        ({"values": [1, 2]}, "one value per key"),
        ({"keys": np.empty((0, 2))}, "non-empty"),
    ],
)
def test_bad_input_is_named(kwargs, message):
    arguments = {"query": [1.0, 0], "keys": np.ones((3, 2)), "values": np.ones(3), **kwargs}
    query, keys, values = (arguments.pop(name) for name in ("query", "keys", "values"))
    with pytest.raises(ValueError, match=message):
        scaled_dot_product_attention(query, keys, values, **arguments)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        (
            {"projections": np.ones((2, 3, 2))},
            r"projections must have shape \(n_heads, 2, d_head\)",
        ),
        ({"value_projections": np.ones((1, 1, 1))}, "value_projections must have shape"),
        ({"output_projection": np.ones((3, 3))}, "output_projection must have shape"),
    ],
)
def test_bad_projections_are_named(kwargs, message):
    arguments = {"projections": np.ones((2, 2, 2)), **kwargs}
    with pytest.raises(ValueError, match=message):
        multi_head_attention([1.0, 0], np.ones((3, 2)), np.ones(3), **arguments)


@pytest.mark.parametrize("mask", [None, "causal"])
def test_logits_that_overflow_are_refused(mask):
    keys = np.array([[3e38], [-3e38]], np.float32)
    with pytest.raises(ValueError, match="overflow float32"):
        scaled_dot_product_attention(keys, keys, [1.0, 2.0], mask=mask)
    with pytest.raises(ValueError, match="raise temperature"):
        scaled_dot_product_attention([[1.0]], [[1e300]], [1.0], temperature=1e-10, mask=mask)


@pytest.mark.parametrize("sign", [1, -1])
def test_logits_as_large_as_may_be(sign):
    limit = np.finfo(float).max / 2
    keys = np.array([[limit], [-limit], [-limit]])
    mask = np.array([[True, True, False]])
    weights, _ = scaled_dot_product_attention([[sign * 1.0]], keys, [1.0, 2.0, 3.0], mask=mask)
    np.testing.assert_array_equal(weights, [[1, 0, 0] if sign > 0 else [0, 1, 0]])
