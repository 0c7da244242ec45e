"""Whatever is wrong, the command line says so in one line and leaves no files behind."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import skattnrec
from skattnrec._cli import _files, _main, _recommend, main

PLACES = [(user, item) for user in range(6) for item in range(user, user + 4)]
GOOD = "user,item,rating\n" + "".join(f"u{u},i{i},{1 + (u + i) % 5}\n" for u, i in PLACES)

BAD_FILES = {
    "empty": ("", "is empty"),
    "header": ("user,item,rating\n", "0 rows"),
    "column": ("who,item,rating\na,x,1\n", "['who', 'item', 'rating']"),
    "nan": ("user,item,rating\na,x,1\nb,y,nan\n", "row 1 has 'nan'"),
    "blank": ("user,item,rating\na,x,1\nb,y,\n", "row 1"),
    "words": ("user,item,rating\na,x,good\nb,y,1\n", "row 0 has 'good'"),
    "one user": ("user,item,rating\na,x,1\na,y,2\n", "one user only"),
    "one item": ("user,item,rating\na,x,1\nb,x,2\n", "one item only"),
    "no id": ("user,item,rating\na,x,1\n,y,2\n", "'user' has no id in row 1"),
    "ragged": ("user,item,rating\na,x,1\na,b,c,d\n", "not a CSV file"),
    "surplus": ("user,item,rating\na,x,1,4\nb,y,1,5\n", "not a CSV file"),
    "date": ("user,item,date\na,x,01/02/2020\nb,y,noon\n", "ISO 8601"),
    "binary": (bytes(range(128, 256)) * 9, "not a CSV file"),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.csv").write_text(GOOD)
    return tmp_path


def complaint(capsys, *arguments):
    """Run a command that fails; return what it says."""
    try:
        status = main(arguments)
    except SystemExit as end:
        status = end.code
    assert status == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("skattnrec: error: ")
    assert printed.err.endswith("\n")
    assert printed.err.count("\n") == 1
    return printed.err


@pytest.mark.parametrize("command", ["compare", "recommend"])
@pytest.mark.parametrize(("content", "says"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files(command, content, says, folder, capsys):
    path = folder / "ratings.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = sorted(folder.iterdir())
    told = complaint(capsys, command, "ratings.csv", "--out", "new.csv")
    assert "ratings.csv" in told
    assert says in told
    assert sorted(folder.iterdir()) == before


def test_parquet_that_is_none(folder, capsys):
    (folder / "ratings.parquet").write_bytes(b"none")
    assert "not a Parquet file" in complaint(capsys, "compare", "ratings.parquet")


def test_parquet_without_pyarrow(folder, capsys, monkeypatch):
    (folder / "ratings.parquet").write_bytes(b"none")

    def missing(*args, **kwargs):
        raise ImportError("no engine")

    monkeypatch.setattr(pd, "read_parquet", missing)
    assert "pip install pyarrow" in complaint(capsys, "compare", "ratings.parquet")
    monkeypatch.setattr(_recommend.importlib.util, "find_spec", lambda name: None)
    out = ["--out", "recs.parquet"]
    assert "pip install pyarrow" in complaint(capsys, "recommend", "good.csv", *out)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("", "required: COMMAND"),
        ("rank good.csv", "invalid choice: 'rank'"),
        ("recommend", "required: RATINGS"),
        ("recommend good.csv --model best", "invalid choice: 'best'"),
        ("recommend good.csv --k 10", "k must be in [1, 9]"),
        ("recommend good.csv --k 0", "k must be in [1, 9]"),
        ("recommend good.csv --k 2 --param heat=1", "Invalid parameter 'heat'"),
        ("recommend good.csv --k 2 --param heat", "NAME=VALUE"),
        ("recommend good.csv --k 2 --param temperature=-1", "'temperature' parameter"),
        ("recommend good.csv --k 2 --param temperature=warm", "'temperature' parameter"),
        ("recommend good.csv --out recs.txt", ".csv or .parquet"),
        ("recommend good.csv --out good.csv/recs.csv", "not a folder"),
        ("recommend good.csv --out dir.csv", "dir.csv is a folder"),
        ("recommend missing.csv", "missing.csv: no such file"),
        ("recommend dir.csv", "dir.csv is not a file"),
        ("recommend good.csv --user who", "no column 'who' (--user)"),
        ("recommend good.csv --time when", "no column 'when' (--time)"),
        ("compare good.csv --k 10", "k must be in [1, 9]"),
        ("compare good.csv --k 2 --folds 7", "--folds must be in [2, 6]"),
        ("compare good.csv --k 2 --folds 1", "--folds must be in [2, 6]"),
        ("compare good.csv --k 2 --heads 0", "'n_heads' parameter"),
        ("compare good.csv --k 2 --heads one", "--heads: must be numbers"),
        ("compare good.csv --k 2 --temperatures nan", "'temperature' parameter"),
        ("compare good.csv --out good.csv", "not a folder"),
        ("recommend good.csv --k 2 --out good.csv", "good.csv holds the ratings"),
        ("recommend good.csv --k 2 --sep=", "--sep: must not be empty"),
        ("recommend good.csv --k 2 --repeats first", "invalid choice: 'first'"),
        ("recommend good.csv --k 2 --no-header --user 9", "--user must be a position from 1 to 3"),
        ("recommend good.csv --k 2 --sep ;", "no column that looks like the user"),
    ],
)
def test_bad_arguments(arguments, says, folder, capsys):
    (folder / "dir.csv").mkdir()
    before = sorted(folder.iterdir())
    assert says in complaint(capsys, *arguments.split())
    assert sorted(folder.iterdir()) == before


def test_negative_ratings(folder, capsys):
    (folder / "good.csv").write_text(GOOD.replace("u0,i0,1", "u0,i0,-1"))
    assert main(["recommend", "good.csv", "--model", "als", "--k", "2"]) == 2
    *told, last = capsys.readouterr().err.splitlines()
    assert last.startswith("skattnrec: error: Negative values")
    assert told[0].startswith("good.csv: 6 users")  # what is done is told before it takes its time


def test_interruption(folder, capsys, monkeypatch):
    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(_main, "recommend", interrupted)
    assert main(["recommend", "good.csv"]) == 130
    assert capsys.readouterr().err == "\nskattnrec: interrupted\n"


@pytest.mark.parametrize("reason", [KeyboardInterrupt, OSError])
def test_interrupted_writing_leaves_the_old_file(reason, tmp_path):
    path = tmp_path / "kept.csv"
    path.write_text("old")

    def fail(part):
        part.write_text("half of the n")
        raise reason

    with pytest.raises(reason), _files.replacing(path) as part:
        fail(part)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_version(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"skattnrec {skattnrec.__version__}\n"


@pytest.mark.parametrize("command", [[], ["compare"], ["recommend"]])
def test_help_fits_the_terminal(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 5
    assert max(map(len, lines)) <= 100


def test_a_closed_pipe_is_no_error(folder):
    """As in ``skattnrec recommend good.csv | head -1``."""
    command = [sys.executable, "-m", "skattnrec", "recommend", "good.csv", "--k", "1"]
    environment = {**os.environ, "PYTHONPATH": str(Path(skattnrec.__file__).parents[1])}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, env=environment) as process:
        process.stdout.close()
        told = process.stderr.read().decode()
    assert process.returncode == 0
    assert "rror" not in told
