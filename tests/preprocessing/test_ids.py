"""Ids are taken as they are: exact, of their own type, and never guessed."""

import numpy as np
import pandas as pd
import pytest

from skattnrec.preprocessing import InteractionEncoder

BIG = 2**60


def encoder_of(users, items=None):
    table = {"user": users, "item": range(len(users)) if items is None else items}
    return InteractionEncoder(rating=None).fit(pd.DataFrame(table))


@pytest.mark.parametrize("dtype", ["int64", "uint64", "Int64", "UInt64", "int64[pyarrow]", object])
def test_large_integers_stay_apart(dtype):
    users = pd.Series([BIG + 2, BIG, BIG + 1]).astype(dtype)
    encoder = encoder_of(users)
    assert encoder.user_ids_.tolist() == [BIG, BIG + 1, BIG + 2]
    X = encoder.transform({"user": users, "item": [0, 1, 2]}, users=[BIG + 1, BIG + 2, BIG])
    assert X.toarray().tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]


def test_integers_beyond_signed_ones():
    users = np.array([2**63, 2**63 + 1, 2**64 - 1], np.uint64)
    encoder = encoder_of(users)
    assert encoder.user_ids_.tolist() == users.tolist()
    # looked up as Python objects: the types differ, the numbers are exact
    table = {"user": [2**63 + 1], "item": [2]}
    assert encoder.transform(table, users=encoder.user_ids_).nnz == 1
    mixed = pd.DataFrame({"user": pd.Series([1, 2]), "item": [0, 1]})
    with pytest.raises(ValueError, match="2 ids in column 'user' are not in the list"):
        encoder.transform(mixed, users=encoder.user_ids_)


@pytest.mark.parametrize("known", ["int64", "uint64", "Int64", "int32"])
@pytest.mark.parametrize("asked", ["int64", "uint64", "Int64", "float64", "int16", object])
def test_equal_numbers_of_other_types_are_the_same_id(known, asked):
    encoder = InteractionEncoder(rating=None, unknown="ignore")
    encoder.fit({"user": [1, 2], "item": pd.array([7, 300], known)})
    table = pd.DataFrame({"user": [1, 1], "item": pd.Series([300, 8]).astype(asked)})
    assert encoder.transform(table).toarray().tolist() == [[0, 1]]


def test_large_integers_are_not_rounded_to_be_looked_up():
    """In a common type they would be one float: nothing could be looked up any more."""
    encoder = encoder_of([1, 2, 3], [2**53, 2**53 + 1, 5])
    asked = {"user": [1, 1], "item": np.array([5.0, 6.0])}
    assert encoder.set_params(unknown="ignore").transform(asked).toarray().tolist() == [[1, 0, 0]]


@pytest.mark.parametrize(
    ("ids", "limit"),
    [([2.0**53, 1.0], 2**53), ([1.0, -(2.0**60)], 2**53), ([np.inf, 1.0], 2**53)],
)
def test_rounded_ids_are_refused(ids, limit):
    with pytest.raises(ValueError, match=rf"Column .user. has the id .*, which from {limit}"):
        encoder_of(ids)
    with pytest.raises(ValueError, match=f"float32, which from {2**24}"):
        encoder_of(np.array([2**24, 1], np.float32))
    encoder = encoder_of([1, 2])
    with pytest.raises(ValueError, match="Column 'item' has the id"):
        encoder.transform({"user": [1, 1], "item": ids})
    with pytest.raises(ValueError, match="users has the id"):
        encoder.transform({"user": [1], "item": [1]}, users=ids)
    assert encoder_of([2.0**53 - 1, 1.0]).user_ids_.tolist() == [1, 2**53 - 1]


def test_an_array_that_rounded_ids_is_refused_and_a_list_is_exact():
    rows = [[BIG, 1, 3.5], [BIG + 1, 2, 4.0]]
    encoder = InteractionEncoder().fit(rows)
    assert encoder.user_ids_.tolist() == [BIG, BIG + 1]
    with pytest.raises(ValueError, match="does not tell neighbouring integers apart"):
        InteractionEncoder().fit(np.array(rows))
    # a list of numbers and words is no list of words
    encoder = InteractionEncoder().fit([[1, "tea", 5], [2, "jam", 4]])
    assert encoder.user_ids_.tolist() == [1, 2]
    assert encoder.user_ids_.dtype == np.int64


@pytest.mark.parametrize("unknown", ["error", "ignore"])
@pytest.mark.parametrize(
    ("known", "asked", "says"),
    [
        ([1, 2], ["1", "2"], r"ids that are text \(such as '1'\), the items of fit are numbers"),
        (["1", "2"], [1, 2], r"ids that are numbers \(such as 1\), the items of fit are text"),
        (["1", "2"], pd.array([1, 2], "Int64"), "numbers"),
        ([1, 2], [True, False], "truth values"),
        ([1, 2], [("a", 1), ("b", 2)], "tuple objects"),
        ([1, 2], pd.to_datetime(["2020-01-01", "2020-01-02"]), "dates"),
        ([1, 2], pd.array(["1", "2"], "string"), "text"),
        ([1, 2], pd.Categorical(["1", "2"]), "text"),
        ([1, 2], pd.array(["1", "2"], "string[pyarrow]"), "text"),
        ([1, 2], [1, "2"], "text"),
    ],
)
def test_another_type_of_ids_is_an_error(known, asked, says, unknown):
    encoder = encoder_of([1, 2], known).set_params(unknown=unknown)
    table = pd.DataFrame({"user": [1, 2], "item": pd.Series(asked)})
    with pytest.raises(TypeError, match=rf"Column 'item' .*{says}.*Convert the column"):
        encoder.transform(table)
    users = pd.DataFrame({"user": pd.Series(asked), "item": pd.Series(known)})
    with pytest.raises(TypeError, match=r"Column .user. .*the list passed as users"):
        encoder.transform(users, users=known)


def test_every_type_of_mixed_ids_is_known():
    encoder = InteractionEncoder(rating=None, unknown="ignore")
    encoder.fit({"user": [1, 2], "item": pd.Series([3, "a"], dtype=object)})
    asked = {"user": [1, 1, 1], "item": pd.Series(["a", "3", 5], dtype=object)}
    assert encoder.transform(asked).toarray().tolist() == [[0, 1]]


@pytest.mark.parametrize("dtype", ["string", "string[pyarrow]", "category", object])
def test_types_of_text(dtype):
    encoder = encoder_of(pd.Series(["b", "a"]).astype(dtype))
    assert encoder.user_ids_.tolist() == ["a", "b"]
    assert encoder.user_ids_.dtype == object
    X = encoder.transform({"user": ["a"], "item": [0]}, users=encoder.user_ids_)
    assert X.toarray().tolist() == [[1, 0], [0, 0]]


def test_tables_without_rows_have_no_types():
    table = pd.DataFrame({"user": pd.Series([], dtype=object), "item": []})
    assert encoder_of([1, 2]).transform(table, users=[1]).nnz == 0


def test_users_of_rows_have_to_be_said():
    """Rows of another table are other users, also where there are as many."""
    encoder = encoder_of(["ann", "bob"])
    visitors = {"user": ["cat", "dan"], "item": [1, 0]}
    X = encoder.transform(visitors)
    with pytest.raises(TypeError, match="users"):
        encoder.decode([[0], [1]], [[1.0], [1.0]])
    with pytest.raises(TypeError, match="users"):
        encoder.inverse_transform(X)
    assert encoder.inverse_transform(X, users=encoder.row_users(visitors))["user"].tolist() == [
        "cat",
        "dan",
    ]


@pytest.mark.parametrize(
    ("table", "error"),
    [
        ({"user": [1], "item": [None], "rating": [1]}, ValueError),
        ({"user": [1], "item": [[1]], "rating": [1]}, TypeError),
        ({"user": [1], "item": [1], "rating": ["good"]}, ValueError),
        ({"user": [1, 1], "item": [1, 1], "rating": [1, 2]}, ValueError),
    ],
)
def test_a_refused_fit_leaves_the_encoder_as_it_was(table, error):
    good = {"user": [5, 6], "item": ["a", "b"], "rating": [1, 2]}
    encoder = InteractionEncoder(duplicates="error").fit(good)
    before = dict(vars(encoder))
    with pytest.raises(error):
        encoder.fit_transform(table)
    assert vars(encoder) == before
    if table["rating"] == [1]:
        with pytest.raises(error):
            encoder.fit(table)
        assert vars(encoder) == before
