"""Features in any unit and any mix: checked, scaled, and scaled later as they were at first."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from skattnrec._features import FeatureScaling, check_features


def mixed(n_rows=60, seed=0):
    rng = np.random.default_rng(seed)
    prices = np.exp(rng.normal(3, 1, size=(n_rows, 1)))
    years = rng.integers(1950, 2020, size=(n_rows, 1)).astype(float)
    genres = np.eye(6)[rng.integers(6, size=n_rows)]
    text = rng.random((n_rows, 20)) * (rng.random((n_rows, 20)) < 0.15)
    return np.hstack([prices, years, genres, text])


def scaled(features):
    table = check_features(features, len(features))
    return FeatureScaling.learn(table).scale(table).toarray()


def test_it_is_the_documented_scaling():
    features = mixed()
    is_number = np.count_nonzero(features, axis=0) > 30
    assert is_number.sum() == 2
    sizes = np.array([np.median(column[column > 0]) for column in features.T])
    usual = np.median(sizes[~is_number])
    for column, got, number, size in zip(
        features.T, scaled(features).T, is_number, sizes, strict=True
    ):
        if number:
            low, high = np.quantile(column, [0.05, 0.95])
            spread = np.std(np.clip(column, low, high))
            expected = np.clip((column - np.median(column)) / spread, -4, 4)
        else:
            weight = np.clip(size / usual, 0.1, 10)
            expected = np.clip(np.clip(column / size, -10, 10) * weight, -10, 10)
        assert_allclose(got, expected, atol=1e-12)


def test_dense_sparse_and_tables_are_scaled_alike():
    features = mixed()
    expected = scaled(features)
    with_zeros = sp.coo_array(features)
    with_zeros = sp.coo_array(
        (
            np.append(with_zeros.data, 0.0),
            (np.append(with_zeros.row, 3), np.append(with_zeros.col, 5)),
        ),
        shape=features.shape,
    )
    for given in (sp.csr_matrix(features), sp.csc_array(features), with_zeros, features.tolist()):
        table = check_features(given, 60)
        assert isinstance(table, sp.csr_array)
        assert_array_equal(FeatureScaling.learn(table).scale(table).toarray(), expected)
    frame = pd.DataFrame(features, columns=[f"f{j}" for j in range(28)])
    assert_array_equal(scaled(frame), expected)


def test_later_rows_are_scaled_as_the_first_were():
    first, later = mixed(60, 0), mixed(10, 1)
    scaling = FeatureScaling.learn(check_features(first, 60))
    both = check_features(np.vstack([first, later]), 70)
    assert_array_equal(scaling.scale(both)[60:].toarray(), scaling.scale(both[60:]).toarray())
    assert_array_equal(scaling.scale(both)[:60].toarray(), scaled(first))


def test_what_was_given_is_not_changed():
    features = sp.csr_array(mixed())
    features.data[3] = 0
    before = features.copy()
    table = check_features(features, 60)
    FeatureScaling.learn(table).scale(table)
    assert_array_equal(features.data, before.data)
    assert_array_equal(features.indices, before.indices)


@pytest.mark.parametrize("constant", [0, 1, -3.5, 1e300])
def test_constant_columns_vanish(constant):
    features = np.column_stack([mixed(), np.full(60, constant)])
    assert_array_equal(scaled(features)[:, -1], 0)
    assert_array_equal(scaled(features)[:, :-1], scaled(mixed()))


@pytest.mark.parametrize("factor", [1e-300, 1e-5, 1e300])
def test_numbers_may_be_of_any_size(factor):
    features = mixed()
    features[:, :2] /= features[:, :2].max(axis=0)
    moved = features.copy()
    moved[:, :2] *= factor
    assert_allclose(scaled(moved), scaled(features), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array, pd.DataFrame])
def test_missing_features_are_named(kind, value):
    features = mixed()
    features[7, 4] = value
    with pytest.raises(ValueError, match=r"contains (NaN|infinity): row 7, column 4"):
        check_features(kind(features), 60)


def test_missing_features_of_a_table_are_named_by_column():
    frame = pd.DataFrame({"price": [1.0, np.nan, 2.0], "new": [True, False, True]})
    with pytest.raises(ValueError, match=r"row 1, column 'price'.*SimpleImputer"):
        check_features(frame, 3)


@pytest.mark.parametrize(
    "column",
    [["red", "blue", "red"], pd.Categorical(["a", "b", "a"]), pd.to_datetime(["2020-01-01"] * 3)],
)
def test_text_is_refused_with_advice(column):
    frame = pd.DataFrame({"price": [1.0, 2.0, 3.0], "colour": column})
    with pytest.raises(ValueError, match=r"column 'colour' is of type .*OneHotEncoder"):
        check_features(frame, 3)


def test_an_array_of_text_is_refused_with_advice():
    with pytest.raises(ValueError, match=r"must be numbers, but .*OneHotEncoder"):
        check_features([["red"], ["blue"]], 2)


@pytest.mark.parametrize(("of", "name"), [("items", "item_features"), ("users", "user_features")])
def test_the_number_of_rows_is_checked(of, name):
    with pytest.raises(ValueError, match=f"{name} must have one row for each of the 9 {of} of X"):
        check_features(np.ones((8, 2)), 9, name, of)
