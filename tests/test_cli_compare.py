"""``skattnrec compare`` on a small file."""

import builtins
from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from skattnrec import (
    ALSFactorizer,
    AttentionRecommender,
    InteractionEncoder,
    ItemItemCF,
    MultiHeadAttentionRecommender,
    PopularityRecommender,
    RankingScorer,
    UserUserCF,
    compare_recommenders,
)
from skattnrec._cli import main
from skattnrec._cli._picture import save_picture
from skattnrec._cli._report import format_grid, format_leaderboard
from skattnrec.datasets import make_interactions

HEADS, TEMPERATURES = [1, 2], [1.0, 3.0, np.inf]
OPTIONS = ["--k=5", "--folds=3", "--heads=2,1", "--temperatures=3,inf,1"]
OPTIONS += ["--relevance-threshold=4"]
FILES = {"leaderboard.csv", "pairs.csv", "grid.csv", "grid.png"}


@pytest.fixture(scope="module")
def table():
    data = make_interactions(60, 30, n_interactions=600, min_interactions=5, random_state=0)
    (users, items), ratings = data.X.tocoo().coords, data.X.data
    columns = {"user": users, "item": items, "rating": ratings, "time": data.timestamps.data}
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    """What a run wrote: a folder and the text."""
    folder = tmp_path_factory.mktemp("run")
    table.to_csv(folder / "ratings.csv", index=False)
    out = folder / "deep" / "results"
    with redirect_stdout(StringIO()) as printed:
        assert main(["compare", str(folder / "ratings.csv"), *OPTIONS, "--out", str(out)]) == 0
    return out, printed.getvalue()


@pytest.fixture(scope="module")
def grid(run):
    return pd.read_csv(run[0] / "grid.csv")


def test_files(run):
    assert {path.name for path in run[0].iterdir()} == FILES


def test_leaderboard_is_that_of_the_function(run, table):
    board = pd.read_csv(run[0] / "leaderboard.csv", index_col="model")
    models = [
        PopularityRecommender(),
        ItemItemCF(),
        UserUserCF(),
        ALSFactorizer(random_state=0),
        AttentionRecommender(),
        MultiHeadAttentionRecommender(random_state=0),
    ]
    models = {type(model).__name__: model for model in models}
    scorer = RankingScorer(["ndcg@5", "recall@20"], relevance_threshold=4, random_state=0)
    X = InteractionEncoder().fit_transform(table)
    expected = compare_recommenders(models, X, scoring=scorer, cv=3)
    assert set(board.index) == set(models)
    assert board["ndcg@5"].is_monotonic_decreasing
    assert list(board.columns) == list(expected.columns)
    measured = [column for column in board if not column.endswith("_seconds")]
    assert_allclose(board.loc[expected.index, measured], expected[measured], rtol=1e-4, atol=1e-6)
    pairs = pd.read_csv(run[0] / "pairs.csv")
    expected_pairs = pd.DataFrame(expected.attrs["pairs"])
    assert len(pairs) == 2 * 15
    keys = ["metric", "better", "worse"]
    both = pairs.merge(expected_pairs, on=keys, suffixes=("", "_expected"))
    assert len(both) >= 28  # which of two equal models is called better is up to rounding
    assert_allclose(both["p_value"], both["p_value_expected"], rtol=1e-2, atol=1e-4)


def test_last_ratings_are_found_by_their_order(run, table, tmp_path):
    path = run[0].parents[1] / "ratings.csv"
    options = ["--k=5", "--folds=2", "--heads=1,2", "--temperatures=2,4", "--hide=last"]
    assert main(["compare", str(path), *options, "--out", str(tmp_path)]) == 0
    board = pd.read_csv(tmp_path / "leaderboard.csv", index_col="model")
    encoder = InteractionEncoder(timestamp="time")
    X, timestamps = encoder.fit_transform(table, return_timestamps=True)
    scorer = RankingScorer("ndcg@5", holdout="last", random_state=0)
    models = {"AttentionRecommender": AttentionRecommender(), "other": PopularityRecommender()}
    expected = compare_recommenders(models, X, scoring=scorer, cv=2, timestamps=timestamps)
    name = "AttentionRecommender"
    assert_allclose(board.at[name, "ndcg@5"], expected.at[name, "ndcg@5"], rtol=1e-4)


def test_next_command_sees_the_times_that_the_comparison_saw(run):
    """None, where ratings are hidden at random."""
    assert "--time none" in run[1]


def test_last_ratings_need_times(run, capsys):
    path = run[0].parents[1] / "ratings.csv"
    assert main(["compare", str(path), "--hide=last", "--time=none"]) == 2
    assert "--hide last needs the times" in capsys.readouterr().err


def test_grid_agrees_with_the_leaderboard(run, grid):
    """The defaults of the model are one cell, on the same folds and hidden ratings."""
    assert list(zip(grid["n_heads"], grid["temperature"], strict=True)) == [
        (n_heads, temperature) for n_heads in HEADS for temperature in TEMPERATURES
    ]
    board = pd.read_csv(run[0] / "leaderboard.csv", index_col="model")
    default = MultiHeadAttentionRecommender()
    place = (grid["n_heads"] == default.n_heads) & (grid["temperature"] == default.temperature)
    expected = board.at[type(default).__name__, "ndcg@5"]
    # means over folds and over users differ a little
    assert_allclose(grid.loc[place, "ndcg@5"], expected, rtol=0.05)
    assert grid["ndcg@5"].between(0, 1).all()
    assert grid["ndcg@5"].nunique() > 1


def test_printed_report(run, grid):
    text = run[1]
    assert max(map(len, text.splitlines()[2:-6])) <= 100
    board = pd.read_csv(run[0] / "leaderboard.csv")
    positions = [text.index(f"{place}  {name}") for place, name in enumerate(board["model"], 1)]
    assert positions == sorted(positions)
    assert f"{board['ndcg@5'][0]:.4f} ± " in text
    best = grid.loc[grid["ndcg@5"].idxmax()]
    assert f"{best['ndcg@5']:.4f}*" in text
    assert (
        f"--param n_heads={best['n_heads']:g} --param temperature={best['temperature']:g}" in text
    )
    assert text.count("*") == 2  # the best cell and the legend


def test_significance_column():
    values = {
        "ndcg@5": [0.4, 0.3, 0.2],
        "ndcg@5_low": [0.3, 0.2, 0.1],
        "ndcg@5_high": [0.5, 0.4, 0.3],
    }
    seconds = {"fit_seconds": [1.0, 0.5, 200.0], "recommend_seconds": [0.1, 0.2, 0.3]}
    board = pd.DataFrame({**values, **seconds}, index=["a", "b", "c"])
    pair = {"metric": "ndcg@5", "better": "a"}
    board.attrs = {
        "n_users": 1234,
        "pairs": [
            {**pair, "worse": "b", "p_value": 0.04},
            {**pair, "worse": "c", "p_value": 0.0},
            {"metric": "ndcg@5", "better": "b", "worse": "c", "p_value": 0.05},
            {"metric": "recall@20", "better": "b", "worse": "c", "p_value": 0.0},
        ],
    }
    lines = format_leaderboard(board, ["ndcg@5"], 5).splitlines()
    assert "1,234 users" in lines[0]
    assert lines[4].split() == ["1", "a", "0.4000", "±", "0.1000", "1.00", "0.10", "2-3"]
    assert lines[5].split()[-1] == "-"  # 0.05 is not below 0.05, and recall does not count
    assert lines[6].split()[5] == "200"


def test_grid_report_marks_one_of_equals():
    grid = pd.DataFrame({"n_heads": [1, 1], "temperature": [1.0, np.inf], "ndcg@5": [0.25, 0.25]})
    text = format_grid(grid, "ndcg@5", 5)
    assert text.count("0.2500*") == 1
    assert text.count("0.2500") == 2


def test_picture_shows_the_grid(grid, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: drawn.append(figure))
    shuffled = grid.sample(frac=1, random_state=0)
    with pytest.raises(FileNotFoundError):  # nothing was written that could take the name
        save_picture(shuffled, "ndcg@5", "some data", 3, tmp_path / "grid.png")
    axes, bar = drawn[0].axes
    expected = grid["ndcg@5"].to_numpy().reshape(len(HEADS), len(TEMPERATURES))
    assert_allclose(axes.images[0].get_array(), expected)
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written == {
        (column, row): f"{expected[row, column]:.4f}" for row, column in np.ndindex(expected.shape)
    }
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "3", "∞"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["1", "2"]
    assert axes.get_title("left") == "NDCG@5 of multi-head attention on some data"
    assert bar.get_ylabel() == "mean of 3 folds"


def test_without_matplotlib(run, tmp_path, monkeypatch, capsys):
    """The run completes and says what to install."""
    imported = builtins.__import__

    def importing(name, *arguments, **options):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return imported(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", importing)
    path = run[0].parents[1] / "ratings.csv"
    options = ["--k=5", "--folds=2", "--heads=1", "--temperatures=2", "--time=none", "--n-jobs=1"]
    assert main(["compare", str(path), *options, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    hint = "skattnrec: no picture without matplotlib: pip install 'skattnrec[plot]'"
    assert printed.err.splitlines() == [hint]
    assert "Wrote leaderboard.csv, pairs.csv, grid.csv to" in printed.out
    assert {path.name for path in tmp_path.iterdir()} == FILES - {"grid.png"}


def test_failure_leaves_no_files(run, tmp_path, monkeypatch, capsys):
    path = run[0].parents[1] / "ratings.csv"
    options = ["--k=5", "--folds=2", "--heads=1", "--temperatures=2", "--relevance-threshold=9"]
    assert main(["compare", str(path), *options, "--out", str(tmp_path / "out")]) == 2
    assert "relevance_threshold must be in reach" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
