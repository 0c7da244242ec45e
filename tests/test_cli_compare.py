"""``skattnrec compare`` on a small file."""

import builtins
import shlex
import warnings
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
from skattnrec._cli import _main, _progress, main
from skattnrec._cli._models import MODELS, make_model
from skattnrec._cli._picture import save_picture
from skattnrec._cli._report import format_grid, format_leaderboard
from skattnrec.datasets import make_interactions

HEADS, TEMPERATURES = [1, 2], [1.0, 3.0, np.inf]
OPTIONS = ["--k=5", "--folds=3", "--heads=2,1", "--temperatures=3,inf,1"]
OPTIONS += ["--relevance-threshold=4", "--hide=random"]
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
    names = ["popularity", "item-item", "user-user", "als", "attention", "multi-head"]
    models = dict(zip(names, models, strict=True))
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


@pytest.fixture(scope="module")
def timed_run(run, tmp_path_factory):
    """A run that hides the last rating, since there are times and nothing else is asked for."""
    out = tmp_path_factory.mktemp("timed")
    path = run[0].parents[1] / "ratings.csv"
    options = ["--k=5", "--folds=2", "--heads=1,2", "--temperatures=2,4", "--random-state=0"]
    with redirect_stdout(StringIO()) as printed:
        assert main(["compare", str(path), *options, "--out", str(out)]) == 0
    return path, pd.read_csv(out / "leaderboard.csv", index_col="model"), printed.getvalue()


def test_where_there_are_times_the_last_rating_is_hidden(timed_run, table):
    """And every model is the one that the function compares under that name, with the times."""
    _, board, text = timed_run
    assert "To be found: the last rating of each test user" in text
    assert "--time none" not in text
    encoder = InteractionEncoder(timestamp="time")
    X, timestamps = encoder.fit_transform(table, return_timestamps=True)
    scorer = RankingScorer("ndcg@5", holdout="last", random_state=0)
    models = {name: make_model(name, 0) for name in MODELS}
    expected = compare_recommenders(models, X, scoring=scorer, cv=2, timestamps=timestamps)
    assert set(board.index) == set(MODELS)
    assert_allclose(board["ndcg@5"], expected.loc[board.index, "ndcg@5"], rtol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_recommend_fits_the_model_that_was_compared(name, timed_run, table, tmp_path):
    path, board, _ = timed_run
    assert name in board.index
    out = tmp_path / "recs.csv"
    assert main(["recommend", str(path), "--model", name, "--k", "5", "--out", str(out)]) == 0
    encoder = InteractionEncoder(timestamp="time")
    X, timestamps = encoder.fit_transform(table, return_timestamps=True)
    model = make_model(name, 0).fit(X, timestamps=timestamps)
    lists = model.recommend(X, 5, timestamps=timestamps)
    expected = encoder.decode(*lists, users=encoder.user_ids_)
    assert pd.read_csv(out)["item"].tolist() == expected["item"].tolist()


def test_the_printed_command_runs(timed_run, run, tmp_path, monkeypatch, capsys):
    """In the shell, as it stands; it takes the times that the comparison took."""
    monkeypatch.chdir(tmp_path)
    for text, times in ((timed_run[2], True), (run[1], False)):
        command = text.split("Recommend with the best:")[1].replace("\\\n", " ")
        words = shlex.split(command)
        assert words[:3] == ["python", "-m", "skattnrec"]
        assert ("none" in words) != times
        assert main([*words[3:], "--k=2"]) == 0
        assert len(pd.read_csv("recs.csv")) == 2 * 60


def test_models_that_need_times_are_left_out_without(run):
    board = pd.read_csv(run[0] / "leaderboard.csv", index_col="model")
    assert set(board.index) == {n for n in MODELS if not make_model(n, 0)._needs_times()}


def test_the_input_is_not_overwritten(run, tmp_path, capsys):
    path = tmp_path / "grid.csv"
    path.write_bytes((run[0].parents[1] / "ratings.csv").read_bytes())
    before = path.read_text()
    assert main(["compare", str(path), "--out", str(tmp_path)]) == 2
    assert "holds the ratings" in capsys.readouterr().err
    assert path.read_text() == before


@pytest.mark.parametrize("seconds", [0, 1e9])
def test_progress_where_there_is_no_terminal(seconds, monkeypatch, capsys):
    monkeypatch.setattr(_progress, "_SECONDS", seconds)
    with _progress.Progress("grid", 3) as progress:
        for name in "abc":
            progress.step(name)
    lines = capsys.readouterr().err.splitlines()
    if seconds:
        assert lines == []
    else:
        expected = [
            f"skattnrec: grid: {n} of 3 after 0 s ({name})"
            for n, name in ((1, "a"), (2, "b"), (3, "c"))
        ]
        assert lines == expected


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
    expected = board.at["multi-head", "ndcg@5"]
    # means over folds and over users differ a little
    assert_allclose(grid.loc[place, "ndcg@5"], expected, rtol=0.05)
    assert grid["ndcg@5"].between(0, 1).all()
    assert grid["ndcg@5"].nunique() > 1


def test_settings_that_are_the_same_are_fitted_once(run, grid):
    """At an infinite temperature all heads are."""
    same = grid[np.isinf(grid["temperature"])]
    assert same["n_heads"].tolist() == HEADS
    assert same["ndcg@5"].nunique() == same["fit_seconds"].nunique() == 1


def test_equal_ratings_need_no_grid(table, tmp_path, capsys):
    path, out = tmp_path / "clicks.csv", tmp_path / "out"
    table[["user", "item", "time"]].to_csv(path, index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("always")  # what models say is told in a line
        assert main(["compare", str(path), "--k=5", "--folds=2", "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert "No grid: all ratings are equal" in printed.out
    assert "--param" not in printed.out
    assert {path.name for path in out.iterdir()} == {"leaderboard.csv", "pairs.csv"}
    told = printed.err.splitlines()
    assert len(told) == len(set(told))
    assert all(line.startswith("skattnrec: ") for line in told)


def test_warnings_take_one_line_each(tmp_path, monkeypatch, capsys):
    def run(options):
        for _ in range(3):
            warnings.warn("half a\nwarning", UserWarning, stacklevel=1)

    monkeypatch.setattr(_main, "compare", run)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main(["compare"]) == 0
    assert capsys.readouterr().err == "skattnrec: warning: half a warning\n"


def test_printed_report(run, grid):
    text = run[1]
    assert max(map(len, text.splitlines()[3:-6])) <= 100
    board = pd.read_csv(run[0] / "leaderboard.csv")
    positions = [text.index(f"{place}  {name}") for place, name in enumerate(board["model"], 1)]
    assert positions == sorted(positions)
    assert f"{board['ndcg@5'][0]:.4f} ± " in text
    best = grid.loc[grid["ndcg@5"].idxmax()]
    assert f"{best['ndcg@5']:.4f}*" in text
    first = board["model"][0]
    if first == "multi-head" or best["ndcg@5"] > board["ndcg@5"][0]:
        first = f"multi-head --param n_heads={best['n_heads']:g} --param temp"
    assert f"--model {first}" in text
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
    assert [line for line in printed.err.splitlines() if " after " not in line] == [hint]
    assert "Wrote leaderboard.csv, pairs.csv, grid.csv to" in printed.out
    assert {path.name for path in tmp_path.iterdir()} == FILES - {"grid.png"}


def test_failure_leaves_no_files(run, tmp_path, monkeypatch, capsys):
    path = run[0].parents[1] / "ratings.csv"
    options = ["--k=5", "--folds=2", "--heads=1", "--temperatures=2", "--relevance-threshold=9"]
    assert main(["compare", str(path), *options, "--out", str(tmp_path / "out")]) == 2
    assert "relevance_threshold must be in reach" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
