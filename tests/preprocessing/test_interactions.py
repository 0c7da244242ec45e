import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from skattnrec.baseline import PopularityRecommender
from skattnrec.preprocessing import InteractionEncoder


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "user": ["bob", "ann", "bob", "cas"],
            "item": ["tea", "tea", "jam", "rye"],
            "rating": [4.0, 5.0, 0.0, 2.5],
            "timestamp": [30, 10, 0, 20],
        }
    )


def entries(X):
    """Stored entries as {(row, column): value}, zeros included."""
    coo = X.tocoo()
    return dict(zip(zip(coo.row.tolist(), coo.col.tolist()), coo.data.tolist()))


# -- the matrix ---------------------------------------------------------------------------------


def test_known_answer(table):
    encoder = InteractionEncoder(timestamp="timestamp")
    X, timestamps = encoder.fit_transform(table, return_timestamps=True)
    assert encoder.user_ids_.tolist() == ["ann", "bob", "cas"]
    assert encoder.item_ids_.tolist() == ["jam", "rye", "tea"]
    assert (encoder.n_users_, encoder.n_items_) == (3, 3)
    assert entries(X) == {(0, 2): 5, (1, 0): 0, (1, 2): 4, (2, 1): 2.5}
    assert entries(timestamps) == {(0, 2): 10, (1, 0): 0, (1, 2): 30, (2, 1): 20}
    assert isinstance(X, sp.csr_array)
    assert X.has_canonical_format
    assert X.dtype == np.float32
    assert X.indices.dtype == X.indptr.dtype == np.int32
    assert timestamps.dtype == np.float64
    assert not np.shares_memory(X.indices, timestamps.indices)


interactions = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(-5, 5), st.integers(0, 3)),
    min_size=1,
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(interactions, st.sampled_from(["last", "sum", "mean", "max"]), st.booleans())
def test_matches_a_plain_loop(rows, duplicates, timed):
    frame = pd.DataFrame(rows, columns=["user", "item", "rating", "timestamp"])
    groups = {}
    for user, item, rating, time in rows:
        groups.setdefault((user, item), []).append((time, rating))
    merge = {
        "sum": lambda g: sum(r for _, r in g),
        "mean": lambda g: sum(r for _, r in g) / len(g),
        "max": lambda g: max(r for _, r in g),
        "last": lambda g: (sorted(g, key=lambda pair: pair[0]) if timed else g)[-1][1],
    }[duplicates]
    encoder = InteractionEncoder(
        timestamp="timestamp" if timed else None, duplicates=duplicates, dtype=np.float64
    )
    encoded = encoder.fit_transform(frame, return_timestamps=timed)
    X = encoded[0] if timed else encoded
    users, items = sorted({r[0] for r in rows}), sorted({r[1] for r in rows})
    expected = {(users.index(u), items.index(i)): merge(g) for (u, i), g in groups.items()}
    assert entries(X) == pytest.approx(expected)
    if timed:
        latest = {(users.index(u), items.index(i)): max(g)[0] for (u, i), g in groups.items()}
        assert entries(encoded[1]) == latest


def test_rows_of_the_table_may_come_in_any_order(table):
    X = InteractionEncoder().fit_transform(table)
    Y = InteractionEncoder().fit_transform(table.iloc[::-1])
    assert entries(X) == entries(Y)


def test_fit_transform_is_fit_then_transform(table):
    encoder = InteractionEncoder()
    X = encoder.fit_transform(table)
    assert entries(X) == entries(encoder.fit(table).transform(table))


@pytest.mark.parametrize(("dtype", "expected"), [(np.float32, "float32"), ("float64", "float64")])
def test_dtype(table, dtype, expected):
    assert InteractionEncoder(dtype=dtype).fit_transform(table).dtype == expected


def test_without_ratings_repeats_count_once_or_are_summed():
    frame = pd.DataFrame({"user": [1, 1, 1], "item": [7, 7, 8]})
    assert InteractionEncoder(rating=None).fit_transform(frame).toarray().tolist() == [[1, 1]]
    counts = InteractionEncoder(rating=None, duplicates="sum").fit_transform(frame)
    assert counts.toarray().tolist() == [[2, 1]]


def test_arrays_and_mappings_are_tables(table):
    expected = entries(InteractionEncoder().fit_transform(table))
    three = table[["user", "item", "rating"]]
    assert entries(InteractionEncoder().fit_transform(three.to_numpy())) == expected
    mapping = {name: three[name].to_numpy() for name in three}
    assert entries(InteractionEncoder().fit_transform(mapping)) == expected


# -- ids ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ids",
    [
        [3, 1, 2, 3],
        np.array([2.5, -1.0, 0.0, 2.5]),
        ["c", "a", "b", "c"],
        [("s", 2), ("s", 1), ("r", 9), ("s", 2)],
        [3, "a", ("t", 1), 3],
        pd.Categorical(["c", "a", "b", "c"]),
        pd.array([3, 1, 2, 3], dtype="Int64"),
        pd.to_datetime(["2020-01-03", "2020-01-01", "2020-01-02", "2020-01-03"]),
    ],
    ids=["int", "float", "str", "tuple", "mixed", "categorical", "Int64", "datetime"],
)
def test_any_hashable_id_survives_the_round_trip(ids):
    frame = pd.DataFrame({"user": pd.Series(list(ids)), "item": pd.Series(list(ids))})
    frame["user"] = pd.Series(ids)
    frame["rating"] = [1.0, 2.0, 3.0, 4.0]
    encoder = InteractionEncoder().fit(frame)
    assert encoder.n_users_ == encoder.n_items_ == 3
    back = encoder.inverse_transform(encoder.transform(frame), users=encoder.user_ids_)
    pairs = {(u, i): r for u, i, r in back.itertuples(index=False)}
    expected = {(u, i): r for u, i, r in frame.itertuples(index=False)}
    assert pairs == expected
    assert len(encoder.get_feature_names_out()) == 3


def test_ids_are_sorted_or_in_order_of_appearance():
    frame = pd.DataFrame({"user": [9, 7, 8], "item": pd.Series(["x", 3, "a"])})
    encoder = InteractionEncoder(rating=None).fit(frame)
    assert encoder.user_ids_.tolist() == [7, 8, 9]
    assert encoder.item_ids_.tolist() == ["x", 3, "a"]


def test_column_names_are_parameters(table):
    names = {"user": "who", "item": "what", "rating": "stars", "timestamp": ("when", 0)}
    encoder = InteractionEncoder(**names)
    X = encoder.fit_transform(table.rename(columns=names))
    assert entries(X) == entries(InteractionEncoder().fit_transform(table))
    assert list(encoder.inverse_transform(X, users=encoder.user_ids_)) == ["who", "what", "stars"]
    back = encoder.inverse_transform(X, users=encoder.user_ids_, timestamps=X)
    assert list(back) == list(names.values())


# -- transform of other tables ------------------------------------------------------------------


def test_new_users_become_rows_over_the_item_columns_of_fit(table):
    encoder = InteractionEncoder().fit(table)
    new = pd.DataFrame({"user": ["zoe", "eve"], "item": ["rye", "tea"], "rating": [1, 2]})
    X = encoder.transform(new)
    assert encoder.row_users(new).tolist() == ["eve", "zoe"]
    assert X.toarray().tolist() == [[0, 0, 2], [0, 1, 0]]
    assert encoder.user_ids_.tolist() == ["ann", "bob", "cas"]


def test_users_fixes_the_rows(table):
    encoder = InteractionEncoder().fit(table)
    held_out = pd.DataFrame({"user": ["cas"], "item": ["tea"], "rating": [3]})
    aligned = encoder.transform(held_out, users=encoder.user_ids_)
    assert aligned.toarray().tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 3]]
    assert encoder.transform(held_out, users=["cas", "new"]).toarray()[0].tolist() == [0, 0, 3]
    empty = encoder.transform(held_out.iloc[:0], users=["cas"])
    assert empty.shape == (1, 3)
    assert empty.nnz == 0


def test_unknown_ids(table):
    encoder = InteractionEncoder().fit(table)
    new = pd.DataFrame({"user": ["ann"] * 8, "item": [*"abcdefg", "tea"], "rating": [1.0] * 8})
    with pytest.raises(ValueError, match=r"7 ids in column 'item'.*'a', 'b', 'c', 'd', 'e', \.\."):
        encoder.transform(new)
    with pytest.raises(ValueError, match=r"1 ids in column 'user' are not in the list.*'ann'\. Se"):
        encoder.transform(new, users=["bob"])
    ignoring = clone(encoder).set_params(unknown="ignore").fit(table)
    assert entries(ignoring.transform(new)) == {(0, 2): 1}
    assert ignoring.transform(new.iloc[:3]).shape == (1, 3)  # an empty history, not a lost user
    assert ignoring.transform(new, users=["bob"]).nnz == 0


# -- back to tables -----------------------------------------------------------------------------


def test_inverse_transform_restores_the_table(table):
    encoder = InteractionEncoder(timestamp="timestamp")
    X, timestamps = encoder.fit_transform(table, return_timestamps=True)
    back = encoder.inverse_transform(X, users=encoder.user_ids_, timestamps=timestamps)
    expected = table.sort_values(["user", "item"], ignore_index=True)
    pd.testing.assert_frame_equal(back, expected, check_dtype=False)


def test_decode(table):
    encoder = InteractionEncoder(user="user", item="item").fit(table)
    indices = np.array([[2, 0], [1, -1]])
    scores = np.array([[0.9, 0.4], [0.7, np.nan]], np.float32)
    decoded = encoder.decode(indices, scores, users=["x", "y"])
    expected = pd.DataFrame(
        {
            "user": ["x", "x", "y"],
            "item": ["tea", "jam", "rye"],
            "rank": [1, 2, 1],
            "score": np.array([0.9, 0.4, 0.7], np.float32),
        }
    )
    pd.testing.assert_frame_equal(decoded, expected)
    nothing = encoder.decode(np.full((3, 2), -1), np.full((3, 2), np.nan), users=[1, 2, 3])
    assert len(nothing) == 0
    assert list(nothing) == ["user", "item", "rank", "score"]


def test_decode_of_tuple_users(table):
    encoder = InteractionEncoder().fit(table)
    decoded = encoder.decode([[0], [1]], [[1.0], [2.0]], users=[("a", 1), ("b", 2)])
    assert decoded["user"].tolist() == [("a", 1), ("b", 2)]


@pytest.mark.parametrize(
    ("indices", "scores", "users", "message"),
    [
        ([[0, 1]], [[0.5]], ["x"], "same shape"),
        ([[0.0]], [[0.5]], ["x"], "integers"),
        ([[3]], [[0.5]], ["x"], r"in \[0, 2\] or -1"),
        ([[0]], [[0.5]], ["x", "y"], "There are 1 rows, but users lists 2 users"),
    ],
)
def test_decode_errors(table, indices, scores, users, message):
    encoder = InteractionEncoder().fit(table)
    with pytest.raises(ValueError, match=message):
        encoder.decode(indices, scores, users=users)


def test_inverse_transform_errors(table):
    encoder = InteractionEncoder().fit(table)
    with pytest.raises(ValueError, match="2 columns, the encoder has 3 items"):
        encoder.inverse_transform(np.ones((3, 2)), users=encoder.user_ids_)
    with pytest.raises(ValueError, match="There are 2 rows, but users lists 3 users"):
        encoder.inverse_transform(np.ones((2, 3)), users=encoder.user_ids_)


# -- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="item"), r"'item' \(parameter item\).*\['user', 'rating', 'ti"),
        (lambda t: t.iloc[:0], "table is empty"),
        (lambda t: t.assign(user=["a", None, "b", None]), r"'user' has no id in row 1 \(2 such"),
        (lambda t: t.assign(item=[1.0, 2.0, 3.0, np.nan]), "'item' has no id in row 3"),
        (lambda t: t.assign(rating=[1, 2, np.inf, np.nan]), r"'rating'.*row 2 has.*inf \(2 such"),
        (lambda t: t.assign(rating=["1", "2", "good", "3"]), "row 2 has 'good'"),
        (lambda t: t.assign(rating=[1, 2, 1e39, 3]), r"row 2 has.*1e.*dtype=np\.float64"),
        (lambda t: t.assign(timestamp=[1, np.nan, 2, 3]), "'timestamp'.*row 1"),
        (lambda t: t.assign(timestamp=pd.to_datetime([None] * 4)), "'timestamp'.*row 0"),
        (lambda t: pd.concat([t, t[["user"]]], axis=1), "'user' occurs more than once"),
        (lambda t: t.to_numpy()[:, :2], r"needs 4 columns \(user, item, rating, timestamp\)"),
        (lambda t: [1, 2, 3], r"got shape \(3,\)"),
    ],
)
def test_bad_tables(table, change, message):
    with pytest.raises(ValueError, match=message):
        InteractionEncoder(timestamp="timestamp").fit_transform(change(table))


@pytest.mark.parametrize(("dtype", "large"), [(np.float32, 3e38), (np.float64, 1.7e308)])
@pytest.mark.parametrize("policy", ["sum", "mean"])
def test_ratings_too_large_to_be_added_up(dtype, large, policy):
    table = {"user": [1, 2, 2], "item": ["a", "b", "b"], "rating": [1.0, large, large]}
    encoder = InteractionEncoder(duplicates=policy, dtype=dtype)
    if policy == "mean" and dtype is np.float32:
        assert encoder.fit_transform(table).max() == pytest.approx(large, rel=1e-6)
        return
    with pytest.raises(ValueError, match=r"user 2 and item 'b' together are too large for float"):
        encoder.fit_transform(table)


def test_users_are_no_items(table):
    with pytest.raises(ValueError, match="user and item are the same column, 'user'"):
        InteractionEncoder(item="user").fit(table)


def test_row_numbers_count_rows_of_unknown_ids_too(table):
    encoder = InteractionEncoder(unknown="ignore").fit(table)
    new = {"user": ["a", "b", "c"], "item": ["?", "tea", "jam"], "rating": [1, 2, np.nan]}
    with pytest.raises(ValueError, match="row 2"):
        encoder.transform(new)


def test_duplicates_error_names_the_first_pair(table):
    twice = pd.concat([table, table.iloc[[1, 3]]], ignore_index=True)
    message = r"2 pairs.*user 'ann', item 'tea'\) in rows 1 and 4"
    with pytest.raises(ValueError, match=message):
        InteractionEncoder(duplicates="error").fit_transform(twice)
    assert InteractionEncoder(duplicates="error").fit_transform(table).nnz == 4


def test_unhashable_ids(table):
    with pytest.raises(TypeError, match="'user' must be hashable"):
        InteractionEncoder().fit(table.assign(user=pd.Series([[1], [2], [3], [4]])))


def test_repeated_or_missing_users(table):
    encoder = InteractionEncoder().fit(table)
    with pytest.raises(ValueError, match="'ann' repeatedly"):
        encoder.transform(table, users=["ann", "bob", "cas", "ann"])
    with pytest.raises(ValueError, match="a missing id"):
        encoder.transform(table, users=["ann", "bob", "cas", None])


@pytest.mark.parametrize(
    "parameters", [{"duplicates": "first"}, {"unknown": "drop"}, {"dtype": "int"}]
)
def test_bad_parameters(table, parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        InteractionEncoder(**parameters).fit_transform(table)


def test_timestamps_need_a_column(table):
    with pytest.raises(ValueError, match="set timestamp"):
        InteractionEncoder().fit_transform(table, return_timestamps=True)


def test_must_be_fitted(table):
    with pytest.raises(NotFittedError):
        InteractionEncoder().transform(table)


# -- scikit-learn -------------------------------------------------------------------------------


def test_clone_pickle_and_parameters(table):
    encoder = InteractionEncoder(rating=None, duplicates="sum", unknown="ignore").fit(table)
    assert clone(encoder).get_params() == encoder.get_params()
    restored = pickle.loads(pickle.dumps(encoder))
    assert entries(restored.transform(table)) == entries(encoder.transform(table))


def test_first_step_of_a_pipeline(table):
    pipeline = make_pipeline(InteractionEncoder(), MaxAbsScaler())
    assert pipeline.fit_transform(table).max() == 1
    assert pipeline.get_feature_names_out().tolist() == ["jam", "rye", "tea"]


def test_from_table_to_recommendations_of_new_users(table):
    encoder = InteractionEncoder()
    model = PopularityRecommender().fit(encoder.fit_transform(table))
    new = pd.DataFrame({"user": ["zoe", "eve"], "item": ["tea", "rye"], "rating": [1, 2]})
    indices, scores = model.recommend(encoder.transform(new), k=3)
    decoded = encoder.decode(indices, scores, users=encoder.row_users(new))
    expected = pd.DataFrame(
        {
            "user": ["eve", "eve", "zoe", "zoe"],
            "item": ["tea", "jam", "jam", "rye"],  # two like tea; ties in the order of columns
            "rank": [1, 2, 1, 2],
            "score": np.array([2, 1, 1, 1], np.float32),
        }
    )
    pd.testing.assert_frame_equal(decoded, expected)


# -- a catalogue larger than what was sold ------------------------------------------------------


def test_a_catalogue_has_its_own_columns_and_order(table):
    encoder = InteractionEncoder(items=["tea", "oat", "rye", "jam"])
    X = encoder.fit_transform(table)
    assert X.shape == (3, 4)
    assert encoder.item_ids_.tolist() == ["tea", "oat", "rye", "jam"]
    assert encoder.get_feature_names_out().tolist() == ["tea", "oat", "rye", "jam"]
    assert entries(X) == {(0, 0): 5, (1, 0): 4, (1, 3): 0, (2, 2): 2.5}
    assert (encoder.fit(table).transform(table) != X).nnz == 0
    later = pd.DataFrame({"user": ["eve"], "item": ["oat"], "rating": [3.0]})
    assert entries(encoder.transform(later)) == {(0, 1): 3}
    back = encoder.inverse_transform(X, users=encoder.user_ids_)
    assert back["item"].tolist() == ["tea", "tea", "jam", "rye"]
    assert encoder.decode([[1]], [[0.5]], users=["eve"])["item"].tolist() == ["oat"]


@pytest.mark.parametrize("verb", ["fit", "fit_transform"])
def test_items_outside_of_the_catalogue_are_named(table, verb):
    encoder = InteractionEncoder().fit(table)
    before = dict(encoder.__dict__)
    encoder.set_params(items=["tea", "jam"])
    with pytest.raises(ValueError, match=r"1 ids in column 'item' are not in .* items: 'rye'"):
        getattr(encoder, verb)(table)
    assert encoder.item_ids_ is before["item_ids_"]
    encoder.set_params(unknown="ignore")
    getattr(encoder, verb)(table)
    assert encoder.transform(table).toarray().tolist() == [[5, 0], [4, 0], [0, 0]]
    assert encoder.user_ids_.tolist() == ["ann", "bob", "cas"]


@pytest.mark.parametrize(
    ("items", "error", "message"),
    [
        (["tea", "jam", "rye", "tea"], ValueError, "items must list distinct ids, .*'tea'"),
        (["tea", None, "jam", "rye"], ValueError, "items must list distinct ids, it has a missing"),
        ([1, 2, 3], TypeError, "Convert the column"),
    ],
)
def test_wrong_catalogues_are_refused(table, items, error, message):
    with pytest.raises(error, match=message):
        InteractionEncoder(items=items).fit(table)


def test_a_catalogue_is_cloned_and_pickled(table):
    encoder = clone(InteractionEncoder(items=np.array(["tea", "oat", "rye", "jam"], object)))
    X = encoder.fit_transform(table)
    again = pickle.loads(pickle.dumps(encoder)).transform(table)
    assert (again != X).nnz == 0
