"""Which files the command line reads, and what it takes their columns for."""

import numpy as np
import pandas as pd
import pytest

from skattnrec import ItemItemCF, PopularityRecommender
from skattnrec._cli import _recommend, main
from skattnrec._cli._columns import Columns, is_header
from skattnrec._cli._table import read_table

ROWS = [(196, 242, 3, 881250949), (186, 302, 3, 891717742), (22, 377, 1, 878887116)]
EXPECTED = pd.DataFrame(ROWS, columns=["user", "item", "rating", "time"])


def lines(separator, rows=ROWS):
    return "".join(separator.join(map(str, row)) + "\n" for row in rows)


def read(path, asked=None, **options):
    """The table, its columns called by their roles."""
    table, columns = read_table(path, asked or Columns(), **options)
    names = {name: role for role, name in columns._asdict().items() if name is not None}
    table = table[list(names)].rename(columns=names)
    return table.astype({"user": object, "item": object}).convert_dtypes()


def assert_read(path, expected=EXPECTED, **options):
    expected = expected.astype({"user": object, "item": object}).convert_dtypes()
    pd.testing.assert_frame_equal(read(path, **options), expected, check_dtype=False)


@pytest.mark.parametrize("separator", ["\t", "::", ",", ";", "|"])
def test_a_file_without_header_loses_no_row(separator, tmp_path, capsys):
    """As u.data and ratings.dat of MovieLens."""
    path = tmp_path / "u.data"
    path.write_text(lines(separator))
    assert_read(path)
    told = capsys.readouterr().err
    assert "no header line: column 1 is the user, 2 is the item, 3 is the rating, 4 is" in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("separator", ["\t", "::", ",", ";", "|"])
def test_a_file_with_header(separator, tmp_path, capsys):
    path = tmp_path / "u.csv"
    path.write_text(separator.join(["userId", "movieId", "rating", "timestamp"]) + "\n")
    path.write_text(path.read_text() + lines(separator))
    assert_read(path)
    assert capsys.readouterr().err == ""


def test_positions(tmp_path):
    path = tmp_path / "u.data"
    path.write_text(lines("\t", [(t, r, i, u) for u, i, r, t in ROWS]))
    assert_read(path, asked=Columns("4", "3", "2", "1"))
    assert_read(path, EXPECTED[["user", "item"]], asked=Columns("4", "3", "none", "none"))
    six = tmp_path / "six.csv"
    six.write_text(lines(",", [(u, "a", i, "b", r, t) for u, i, r, t in ROWS]))
    assert_read(six, EXPECTED[["user", "item", "rating"]], asked=Columns("1", "3", "5"))
    with pytest.raises(ValueError, match="6 columns: say which of them, from 1 on, is the user"):
        read(six)
    with pytest.raises(ValueError, match="is the item, for example --item 2"):
        read(six, Columns("1"))


def test_other_separators(tmp_path):
    path = tmp_path / "u.txt"
    for separator in (" ", "~", "@@", "||"):
        path.write_text(lines(separator))
        assert_read(path, separator=separator)


def test_text_ids_without_header(tmp_path, capsys):
    """Words alone look like names: the advice of the error does not lose them."""
    path = tmp_path / "pairs.csv"
    path.write_text("ann,tea\nann,jam\nbob,tea\n")
    with pytest.raises(ValueError, match=r"\['ann', 'tea'\].*first line of the data, say --no-hea"):
        read(path)
    expected = pd.DataFrame({"user": ["ann", "ann", "bob"], "item": ["tea", "jam", "tea"]})
    assert_read(path, expected, has_header=False)
    path.write_text("ann,tea,5\nbob,jam,4\n")  # a number is no name
    assert read(path)["rating"].tolist() == [5, 4]


def test_times_are_not_taken_for_ratings(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(lines(",", [(u, i, t) for u, i, _, t in ROWS]))
    with pytest.raises(ValueError, match=r"looks like times.*say --rating none --time 3"):
        read(path)
    assert_read(path, EXPECTED[["user", "item", "time"]], asked=Columns(None, None, "none", "3"))
    assert read(path, Columns(rating="3"))["rating"].min() > 1e8


@pytest.mark.parametrize(
    ("line", "asked", "expected"),
    [
        (["user", "item", "2020"], Columns(), True),
        (["who", "what", "2020"], Columns("who", "what"), True),
        (["who", "what", "mark"], Columns(), True),
        (["196", "242"], Columns(), False),
        (["196", "242"], Columns("196", "242"), False),
        (["1", "user-7", "4,5"], Columns(), False),
        (["User ID", "5"], Columns(), True),
        (["ann", "tea", "1e3"], Columns(), False),
    ],
)
def test_what_a_header_is(line, asked, expected):
    assert is_header(line, asked) == expected


@pytest.mark.parametrize("header", ["user;item;rating\n", ""])
def test_decimal_commas(header, tmp_path):
    path = tmp_path / "stars.csv"
    path.write_text(header + "1;7;4,5\n2;8;3\n2;7;-0,25\n")
    assert read(path)["rating"].tolist() == [4.5, 3, -0.25]
    path.write_text(header + "1;7;1,234\n2;8;3\n")
    with pytest.raises(ValueError, match="'1,234', which may be thousands"):
        read(path)
    path.write_text(header + "1;7;1,2,3\n2;8;3\n")
    # the encoder refuses it
    assert read(path, separator=";")["rating"].tolist() == ["1,2,3", "3"]


def recommend(path, *options):
    out = path.parent / "recs.csv"
    assert main(["recommend", str(path), "--model", "popularity", "--out", str(out), *options]) == 0
    return pd.read_csv(out)


def test_commands_read_them_too(tmp_path):
    path = tmp_path / "ratings.dat"
    rows = [(1, 10, 5, 100), (1, 20, 3, 200), (2, 20, 4, 100), (2, 30, 2, 300)]
    path.write_text(lines("::", rows))
    recs = recommend(path, "--k=1")
    assert recs[["user", "item"]].to_numpy().tolist() == [[1, 30], [2, 10]]
    same = recommend(path, "--k=1", "--sep=::", "--no-header", "--user=1", "--item=2")
    pd.testing.assert_frame_equal(same, recs)
    path.write_text(lines("\t", rows))
    pd.testing.assert_frame_equal(recommend(path, "--k=1", "--sep=tab"), recs)


@pytest.mark.parametrize(
    ("repeats", "score", "said"),
    [
        ("last", 2, "1 repeated ones replaced by the last"),
        ("sum", 7, "1 repeated ones added up"),
        ("mean", 3.5, "averaged"),
        ("max", 5, "replaced by the largest"),
    ],
)
def test_repeats(repeats, score, said, tmp_path, capsys):
    path = tmp_path / "plays.csv"
    path.write_text("user,item,rating,time\n1,a,5,1\n1,a,2,2\n1,b,1,3\n2,b,1,1\n2,c,1,2\n")
    recs = recommend(path, "--k=1", "--param=popularity=sum", "--repeats", repeats)
    assert recs.loc[recs["user"] == 2, "score"].tolist() == [score]
    assert said in capsys.readouterr().err


def test_dates(tmp_path, capsys):
    path = tmp_path / "dates.csv"
    text = (
        "user,item,date\n1,a,2024-05-01\n1,b,2024-05-02T10:00:00Z\n2,a,2024-05-03\n2,c,2024-05-04\n"
    )
    path.write_text(text)
    recommend(path, "--k=1")
    path.write_text(text.replace("2024-05-03", "03/05/2024"))
    assert main(["recommend", str(path), "--model", "popularity", "--k=1"]) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert "row 2 has '03/05/2024'" in told
    assert "--time none" in told
    recommend(path, "--k=1", "--time=none")


def test_the_same_list_for_everybody_is_told(tmp_path, capsys, monkeypatch):
    """Not with status 0 and no word: something drowned out all tastes."""
    rng = np.random.default_rng(0)
    users, items = np.nonzero(rng.random((60, 30)) < 0.3)
    path = tmp_path / "clicks.csv"
    pd.DataFrame({"user": users, "item": items}).to_csv(path, index=False)
    told = []
    for made in (PopularityRecommender, ItemItemCF):
        monkeypatch.setattr(_recommend, "make_model", lambda name, seed, made=made: made())
        for model in ("als", "popularity"):
            arguments = ["--model", model, "--k=3", "--out", str(tmp_path / "recs.csv")]
            assert main(["recommend", str(path), *arguments]) == 0
            error = capsys.readouterr().err
            told.append("warning: for 100% of users the best 3 items are the same" in error)
    # of a model called popularity nothing else is expected
    assert told == [True, False, False, False]
