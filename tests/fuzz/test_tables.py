"""Tables of anything are encoded, decoded and regressed soundly, or refused clearly."""

import numpy as np
import pandas as pd
from answers import ask, assert_scores, may_refuse
from hypothesis import given
from hypothesis import strategies as st
from strategies import fuzz, seeds

from skattnrec import BaselinePredictor, InteractionEncoder, ItemItemCF, RatingRegressor
from skattnrec.datasets import make_interactions

ids = st.sampled_from(
    [
        "small integers",
        "large integers",
        "negative integers",
        "text",
        "numbers as text",
        "floats",
        "dates",
        "booleans",
        "mixture",
        "tuples",
        "with missing",
        "categories",
    ]
)
RATINGS = {
    "stars": lambda rng, n: rng.integers(1, 6, n),
    "counts": lambda rng, n: np.ceil(rng.pareto(0.5, n)).clip(0, 1e6),
    "negative": lambda rng, n: rng.normal(0, 3, n),
    "huge": lambda rng, n: rng.choice([3e38, -3e38, 1.0], n),
    "missing": lambda rng, n: rng.choice([1.0, np.nan], n),
    "text": lambda rng, n: rng.choice(["1", "2.5"], n).astype(object),
    "zeros": lambda rng, n: np.zeros(n),
}
TIMES = {
    "none": None,
    "integers": lambda rng, n: rng.integers(0, 5, n),
    "seconds": lambda rng, n: rng.integers(1_500_000_000, 1_700_000_000, n),
    "dates": lambda rng, n: pd.to_datetime(rng.integers(0, 10**9, n), unit="s"),
    "zones": lambda rng, n: pd.to_datetime(rng.integers(0, 10**9, n), unit="s", utc=True),
    "text": lambda rng, n: np.array(["2024-01-01", "2024-02-30"], object)[rng.integers(0, 2, n)],
    "missing": lambda rng, n: np.where(rng.random(n) < 0.2, np.nan, 1.0),
}


def column(kind, rng, n):
    """A column of ids."""
    numbers = rng.integers(0, rng.integers(1, 40), n)
    if kind == "large integers":
        return numbers + 2**60
    if kind == "negative integers":
        return numbers - 20
    if kind == "text":
        return np.array([f"id {number}" for number in numbers], object)
    if kind == "numbers as text":
        return numbers.astype(str).astype(object)
    if kind == "floats":
        return numbers / 4
    if kind == "dates":
        return pd.to_datetime(numbers, unit="D")
    if kind == "booleans":
        return numbers % 2 == 0
    if kind == "categories":
        return pd.Categorical([f"c{number}" for number in numbers])
    if kind == "mixture":
        return np.array([str(i) if i % 2 else int(i) for i in numbers], object)
    if kind == "tuples":
        made = np.empty(n, object)
        made[:] = [(int(i), "x") for i in numbers]
        return made
    if kind == "with missing":
        return np.where(rng.random(n) < 0.1, None, numbers.astype(object))
    return numbers


@st.composite
def tables(draw):
    """A table of interactions as a description: kinds of columns, number of rows, seed."""
    return {
        "user": draw(ids),
        "item": draw(ids),
        "rating": draw(st.sampled_from(list(RATINGS))),
        "time": draw(st.sampled_from(list(TIMES))),
        "n": draw(st.integers(1, 60)),
        "seed": draw(seeds),
    }


def make(table):
    """Make the table of a description."""
    rng, n = np.random.default_rng(table["seed"]), table["n"]
    columns = {name: column(table[name], rng, n) for name in ("user", "item")}
    columns["rating"] = RATINGS[table["rating"]](rng, n)
    if TIMES[table["time"]]:
        columns["time"] = TIMES[table["time"]](rng, n)
    return pd.DataFrame(columns)


@fuzz
@given(
    table=tables(),
    other=tables(),
    duplicates=st.sampled_from(["last", "sum", "mean", "max"]),
    unknown=st.sampled_from(["error", "ignore"]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
@may_refuse
def test_encoder(table, other, duplicates, unknown, dtype):
    frame = make(table)
    timestamp = "time" if "time" in frame else None
    encoder = InteractionEncoder(
        timestamp=timestamp, duplicates=duplicates, unknown=unknown, dtype=dtype
    )
    X = ask(encoder.fit_transform, frame)
    pairs = set(zip(frame["user"].tolist(), frame["item"].tolist(), strict=True))
    assert X.dtype == dtype
    assert X.nnz == len(pairs), "entries are not the distinct pairs."
    assert X.shape == (frame["user"].nunique(), frame["item"].nunique())
    assert np.isfinite(X.data).all()
    back = ask(encoder.inverse_transform, X, users=encoder.user_ids_)
    assert set(zip(back["user"].tolist(), back["item"].tolist(), strict=True)) == pairs
    lists, scores = ask(ItemItemCF(feedback="explicit").fit(X).recommend, X, 1)
    decoded = ask(encoder.decode, lists, scores, users=encoder.user_ids_)
    assert len(decoded) == (lists >= 0).sum()
    assert set(decoded["user"]) <= set(frame["user"])
    ask(encoder.transform, make({**other, "time": table["time"]}))


@fuzz
@given(table=tables(), other=tables(), seed=seeds)
@may_refuse
def test_regressor(table, other, seed):
    frame, asked = make(table), make(other)
    model = RatingRegressor(BaselinePredictor(), user="user", item="item")
    ask(model.fit, frame[["user", "item"]], frame["rating"])
    known = ask(model.predict, frame[["user", "item"]])
    assert_scores(known, (len(frame),))
    ratings = pd.to_numeric(frame["rating"])
    assert (known >= ratings.min()).all()
    assert (known <= ratings.max()).all()
    assert_scores(ask(model.predict, asked[["user", "item"]]), (len(asked),))


@fuzz
@given(
    n_users=st.integers(1, 40),
    n_items=st.integers(1, 40),
    n=st.integers(1, 400),
    seed=seeds,
)
@may_refuse
def test_generated_interactions(n_users, n_items, n, seed):
    data = ask(make_interactions, n_users, n_items, n_interactions=n, random_state=seed)
    assert data.X.shape == data.timestamps.shape == (n_users, n_items)
    assert np.isfinite(data.X.data).all()
    assert np.isfinite(data.timestamps.data).all()
    assert data.X.nnz == data.timestamps.nnz
