"""``skattnrec recommend`` on small files."""

import numpy as np
import pandas as pd
import pytest

from skattnrec import (
    AttentionRecommender,
    InteractionEncoder,
    PopularityRecommender,
    SequentialAttentionRecommender,
)
from skattnrec._cli import main
from skattnrec._cli._models import MODELS
from skattnrec.datasets import make_interactions

K = 3


@pytest.fixture(scope="module")
def table():
    """Ratings of users u0, u1, ... and items i0, i1, ..."""
    X = make_interactions(30, 20, n_interactions=150, min_interactions=3, random_state=0).X.tocoo()
    users, items = X.coords
    return pd.DataFrame(
        {
            "userId": [f"u{user}" for user in users],
            "movieId": [f"i{item}" for item in items],
            "rating": X.data,
        }
    )


@pytest.fixture
def ratings(table, tmp_path):
    path = tmp_path / "ratings.csv"
    table.to_csv(path, index=False)
    return path


def recommended(path, *arguments):
    out = path.parent / "recs.csv"
    assert main(["recommend", str(path), "--k", str(K), "--out", str(out), *arguments]) == 0
    return pd.read_csv(out)


@pytest.mark.parametrize("model", [name for name in MODELS if name != "sequential"])
def test_every_user_gets_k_new_items(model, ratings, table):
    recs = recommended(ratings, "--model", model)
    assert list(recs) == ["user", "item", "rank", "score"]
    assert set(recs["user"]) == set(table["userId"])
    assert set(recs["item"]) <= set(table["movieId"])
    for _, best in recs.groupby("user"):
        assert best["rank"].tolist() == [1, 2, 3]
        assert best["score"].is_monotonic_decreasing
    seen = set(zip(table["userId"], table["movieId"], strict=True))
    assert not seen & set(zip(recs["user"], recs["item"], strict=True))


def test_recommendations_are_those_of_the_model(ratings, table):
    recs = recommended(ratings, "--param", "temperature=2", "--param", "regularization=10")
    encoder = InteractionEncoder(user="userId", item="movieId")
    X = encoder.fit_transform(table)
    model = AttentionRecommender(temperature=2, regularization=10).fit(X)
    expected = encoder.decode(*model.recommend(X, K), users=encoder.user_ids_)
    assert recs["item"].tolist() == expected["movieId"].tolist()
    np.testing.assert_allclose(recs["score"], expected["score"], rtol=1e-5)


def test_a_sequential_model_needs_times(ratings, table, tmp_path, capsys):
    assert main(["recommend", str(ratings), "--model", "sequential", "--k", str(K)]) == 2
    assert "--model sequential needs the times" in capsys.readouterr().err
    timed = table.assign(timestamp=np.random.default_rng(0).permutation(len(table)) + 1.5e9)
    path = tmp_path / "timed.csv"
    timed.to_csv(path, index=False)
    recs = recommended(path, "--model", "sequential")
    names = {"user": "userId", "item": "movieId", "timestamp": "timestamp"}
    encoder = InteractionEncoder(**names)
    X, T = encoder.fit_transform(timed, return_timestamps=True)
    lists = SequentialAttentionRecommender().fit(X, timestamps=T).recommend(X, K, timestamps=T)
    expected = encoder.decode(*lists, users=encoder.user_ids_)
    assert recs["item"].tolist() == expected["movieId"].tolist()


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_and_compression(separator, table, tmp_path, ratings):
    other = tmp_path / "other.csv.gz"
    table.to_csv(other, index=False, sep=separator)
    expected = recommended(ratings, "--model", "popularity")
    pd.testing.assert_frame_equal(recommended(other, "--model", "popularity"), expected)


def test_parquet_in_and_out(table, tmp_path, ratings):
    path, out = tmp_path / "ratings.parquet", tmp_path / "new" / "recs.parquet"
    table.to_parquet(path)
    arguments = ["--model", "popularity", "--k", str(K), "--out", str(out)]
    assert main(["recommend", str(path), *arguments]) == 0
    expected = recommended(ratings, "--model", "popularity")
    pd.testing.assert_frame_equal(pd.read_parquet(out), expected, check_dtype=False)


def test_standard_output_is_csv(ratings, capsys):
    assert main(["recommend", str(ratings), "--model", "popularity", "--k", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "user,item,rank,score"
    assert len(lines) == 1 + 30


def test_named_columns(table, tmp_path, ratings):
    renamed = tmp_path / "renamed.csv"
    named = table.rename(columns={"userId": "who", "movieId": "what", "rating": "mark"})
    named.assign(user="decoy").to_csv(renamed, index=False)
    columns = ["--user", "who", "--item", "what", "--rating", "mark"]
    pd.testing.assert_frame_equal(recommended(renamed, *columns), recommended(ratings))


def test_interactions_without_ratings(table, tmp_path, ratings):
    bare = tmp_path / "bare.csv"
    table.drop(columns="rating").to_csv(bare, index=False)
    ignored = recommended(ratings, "--rating", "none")
    pd.testing.assert_frame_equal(recommended(bare), ignored)
    assert not ignored.equals(recommended(ratings))


@pytest.mark.parametrize("time", [["2", "1"], ["2020-01-02", "2020-01-01"]])
def test_the_latest_of_repeated_ratings_counts(time, tmp_path):
    path = tmp_path / "repeated.csv"
    # by its later line, user 1 would no more have rated b highest
    path.write_text(
        "user,item,rating,date\n"
        f"1,a,1,{time[1]}\n1,b,5,{time[0]}\n1,b,1,{time[1]}\n2,a,2,{time[0]}\n2,c,1,{time[1]}\n"
    )
    recs = recommended(path, "--model", "popularity", "--param", "popularity=sum")
    assert recs.loc[recs["user"] == 2, "item"].tolist() == ["b"]
    assert recs.loc[recs["user"] == 2, "score"].tolist() == [5.0]
    recs = recommended(path, "--model", "popularity", "--param", "popularity=sum", "--time", "none")
    assert recs.loc[recs["user"] == 2, "score"].tolist() == [1.0]


def test_ids_are_written_as_they_were_read(tmp_path):
    path = tmp_path / "codes.csv"
    path.write_text("user,item\n007,NA\n8,0010\n007,x\n8,None\n")
    out = tmp_path / "recs.csv"
    arguments = ["--model", "popularity", "--k", "4", "--out", str(out)]
    assert main(["recommend", str(path), *arguments]) == 0
    recs = pd.read_csv(out, dtype=str, keep_default_na=False)
    assert recs[["user", "item"]].to_numpy().tolist() == [
        ["007", "0010"],
        ["007", "None"],
        ["8", "NA"],
        ["8", "x"],
    ]


def test_numbers_are_sorted_as_numbers(tmp_path):
    path = tmp_path / "numbers.csv"
    path.write_text("user,item\n10,1\n9,2\n")
    assert recommended(path, "--model", "popularity", "--k", "1")["user"].tolist() == [9, 10]


def test_known_data_sets(monkeypatch, tmp_path):
    """A folder in the official layout is found through SKATTNREC_DATA, with and without raw."""
    files = {
        "u.data": "2\t7\t3\t50\n1\t5\t4\t0\n2\t5\t1\t60\n",
        "u.genre": "Comedy|0\n",
        "u.item": "5|A|||u|1\n7|B|||u|0\n",
        "u.user": "1|24|M|other|02139\n2|53|F|none|T8H1N\n",
    }
    for parent in (tmp_path / "one", tmp_path / "two" / "raw"):
        folder = parent / "ml-100k"
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text)
    arguments = ["recommend", "ml-100k", "--model", "popularity", "--k", "1", "--out"]
    for named in ("one", "two"):
        monkeypatch.setenv("SKATTNREC_DATA", str(tmp_path / named))
        out = tmp_path / f"{named}.csv"
        assert main([*arguments, str(out)]) == 0
        assert out.read_text().splitlines()[1:] == ["1,7,1,1.0"]


def test_a_model_for_popularity_only_needs_no_seed(ratings):
    """Settings that a model does not have are left out."""
    recs = recommended(ratings, "--model", "popularity", "--random-state", "3")
    table = pd.read_csv(ratings)
    encoder = InteractionEncoder(user="userId", item="movieId")
    X = encoder.fit_transform(table)
    expected = encoder.decode(
        *PopularityRecommender().fit(X).recommend(X, K), users=encoder.user_ids_
    )
    assert recs["item"].tolist() == expected["movieId"].tolist()
