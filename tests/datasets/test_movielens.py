"""fetch_movielens on tiny files in the official layouts; see test_movielens_real for real ones."""

import zipfile

import numpy as np
import pandas as pd
import pytest

from skattnrec.datasets import _download, _movielens, fetch_movielens

_GENRES = ["unknown", "Comedy", "Drama"]

_TAB = {
    "u.data": "2\t7\t3\t50\n1\t5\t4\t0\n2\t5\t1\t60\n",
    "u.genre": "unknown|0\nComedy|1\nDrama|2\n\n",
    "u.item": (
        "5|Léon (1994)|01-Jan-1994||http://a|0|1|1\n"
        "6|Unrated (1990)|||http://b|1|0|0\n"
        '7|"Quoted (1991)|||http://c|0|0|1\n'
    ),
    "u.user": "1|24|M|technician|02139\n2|53|F|none|T8H1N\n",
}
_DAT = {
    "ratings.dat": "2::7::3::50\n1::5::4::0\n2::5::1::60\n",
    "movies.dat": (
        "5::Léon: The Pro (1994)::Comedy|Drama\n6::Unrated (1990)::Drama\n7::B (1991)::Drama\n"
    ),
    "users.dat": "1::M::25::10::02139\n2::F::1::0::55117-1\n",
}
_CSV = {
    "ratings.csv": "userId,movieId,rating,timestamp\n2,7,3.5,50\n1,5,4.0,0\n2,5,0.5,60\n",
    "movies.csv": (
        'movieId,title,genres\n5,"Léon, the (1994)",Comedy|Drama\n6,Unrated (1990),Drama\n'
        "7,None,(no genres listed)\n"
    ),
}
_LAYOUTS = {"100k": _TAB, "1m": _DAT, "20m": _CSV, "25m": _CSV, "latest-small": _CSV}


def write(folder, files, **changed):
    """Write the files of a layout, in the encoding it has."""
    folder.mkdir(parents=True)
    for name, text in {**files, **changed}.items():
        encoding = "utf-8" if name.endswith("csv") else "latin-1"
        (folder / name).write_bytes(text.encode(encoding))
    return folder


def pack(archive, folder):
    with zipfile.ZipFile(archive, "w") as content:
        for path in sorted(folder.iterdir()):
            content.write(path, f"{folder.name}/{path.name}")
    return archive


def entries(X):
    coo = X.tocoo()
    return dict(zip(zip(coo.row.tolist(), coo.col.tolist()), coo.data.tolist()))


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Serve a tiny ml-100k.zip from a file:// URL, with its checksum on record."""
    archive = pack(tmp_path / "ml-100k.zip", write(tmp_path / "source" / "ml-100k", _TAB))
    release = _movielens._RELEASES["100k"]._replace(
        url=archive.as_uri(), sha256=_download.sha256(archive)
    )
    monkeypatch.setitem(_movielens._RELEASES, "100k", release)
    return archive


# -- layouts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", _LAYOUTS)
def test_official_layouts(tmp_path, name):
    write(tmp_path / f"ml-{name}", _LAYOUTS[name])
    data = fetch_movielens(name, data_home=tmp_path, download_if_missing=False)
    low, half = (0.5, 3.5) if _LAYOUTS[name] is _CSV else (1, 3)
    assert entries(data.X) == {(0, 0): 4, (1, 0): low, (1, 1): half}
    assert entries(data.timestamps) == {(0, 0): 0, (1, 0): 60, (1, 1): 50}
    assert data.X.dtype == data.item_features.dtype == np.float32
    assert data.user_ids.tolist() == [1, 2]
    assert data.item_ids.tolist() == [5, 7]
    assert data.item_names[0].startswith("Léon")
    genres = dict(zip(data.feature_names, data.item_features.T.tolist()))
    assert genres["Comedy"] == [1, 0]
    assert genres["Drama"] == [1, 0 if _LAYOUTS[name] is _CSV else 1]
    assert data.frame is None
    assert "cite" in data.DESCR


def test_details_of_each_layout(tmp_path):
    names = {}
    for name in ("100k", "1m", "latest-small"):
        write(tmp_path / f"ml-{name}", _LAYOUTS[name])
        names[name] = fetch_movielens(name, data_home=tmp_path).item_names.tolist()
    assert names == {
        "100k": ["Léon (1994)", '"Quoted (1991)'],
        "1m": ["Léon: The Pro (1994)", "B (1991)"],
        "latest-small": ["Léon, the (1994)", "None"],
    }


def test_demographics(tmp_path):
    write(tmp_path / "ml-100k", _TAB)
    write(tmp_path / "ml-1m", _DAT)
    write(tmp_path / "ml-latest-small", _CSV)
    users = fetch_movielens("100k", data_home=tmp_path).user_features
    assert users.loc[2].to_dict() == {
        "age": 53,
        "gender": "F",
        "occupation": "none",
        "zip_code": "T8H1N",
    }
    users = fetch_movielens("1m", data_home=tmp_path).user_features
    assert users.loc[1].to_dict() == {
        "gender": "M",
        "age": 25,
        "occupation": 10,
        "zip_code": "02139",
    }
    assert fetch_movielens("latest-small", data_home=tmp_path).user_features is None


def test_as_frame_and_dtype(tmp_path):
    write(tmp_path / "ml-100k", _TAB)
    data = fetch_movielens(data_home=tmp_path, as_frame=True, dtype=np.float64)
    expected = {"user": [2, 1, 2], "item": [7, 5, 5], "rating": [3, 4, 1], "timestamp": [50, 0, 60]}
    pd.testing.assert_frame_equal(data.frame, pd.DataFrame(expected))
    assert data.X.dtype == np.float64
    assert data.item_features.index.tolist() == [5, 7]
    assert list(data.item_features) == data.feature_names == _GENRES


# -- where the data come from -------------------------------------------------------------------


def test_data_home_may_be_the_folder_itself(tmp_path):
    folder = write(tmp_path / "ml-100k", _TAB)
    data = fetch_movielens(data_home=str(folder), download_if_missing=False)
    assert data.X.nnz == 3


def test_download_checks_unpacks_and_cleans_up(tmp_path, served):
    home = tmp_path / "new" / "home"
    assert fetch_movielens(data_home=home).X.nnz == 3
    assert [path.name for path in home.iterdir()] == ["ml-100k"]
    served.unlink()
    assert fetch_movielens(data_home=home).X.nnz == 3  # from disk


def test_default_home_is_that_of_scikit_learn(tmp_path, monkeypatch):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    write(tmp_path / "ml-100k", _TAB)
    assert fetch_movielens(download_if_missing=False).X.nnz == 3


def test_archive_on_disk_is_unpacked_and_kept(tmp_path, served):
    data = fetch_movielens(data_home=tmp_path, download_if_missing=False)
    assert data.X.nnz == 3
    assert served.exists()
    assert (tmp_path / "ml-100k" / "u.data").exists()


def test_nothing_on_disk(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*ml-1m and .*download_if_missing=Tr"):
        fetch_movielens("1m", data_home=tmp_path / "nowhere", download_if_missing=False)
    assert not (tmp_path / "nowhere").exists()


def test_unreachable_url(tmp_path, served):
    served.unlink()
    home = tmp_path / "home"
    with pytest.raises(OSError, match=r"Could not download file:.*ml-100k\.zip"):
        fetch_movielens(data_home=home)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("on_disk", [True, False])
def test_wrong_checksum(tmp_path, served, on_disk):
    expected = _download.sha256(served)
    served.write_bytes(served.read_bytes() + b"!")
    actual = _download.sha256(served)
    home = tmp_path if on_disk else tmp_path / "home"
    remedy = "Delete it" if on_disk else "has been deleted"
    with pytest.raises(OSError, match=f"is {actual}, expected is {expected}.*{remedy}"):
        fetch_movielens(data_home=home)
    assert not (home / "ml-100k").exists()


def test_another_latest_small_is_accepted_with_a_warning(tmp_path):
    archive = pack(tmp_path / "ml-latest-small.zip", write(tmp_path / "a/ml-latest-small", _CSV))
    with pytest.warns(UserWarning, match=f"{_download.sha256(archive)}.*September 2018") as record:
        data = fetch_movielens("latest-small", data_home=tmp_path)
    assert data.X.nnz == 3
    assert record[0].filename == __file__


def test_broken_connection_leaves_nothing(tmp_path, monkeypatch):
    class Response:
        headers = {"Content-Length": "10"}  # noqa: RUF012
        parts = iter([b"abc", b""])

        def read(self, size):
            return next(self.parts)

        def __enter__(self):
            return self

        def __exit__(self, *exception):
            pass

    monkeypatch.setattr(_download, "urlopen", lambda url, timeout: Response())
    with pytest.raises(OSError, match="broke off after 3 of 10 bytes"):
        _download.download("https://example.org/x.zip", tmp_path / "x.zip")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../evil", "/evil", "ml-100k/../../evil", "..\\evil", "other/x"])
def test_archives_may_not_write_outside_their_folder(tmp_path, name):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("ml-100k/u.data", "")
        content.writestr(name, "")
    home = tmp_path / "home"
    home.mkdir()
    with pytest.raises(OSError, match="not inside 'ml-100k'"):
        _download.unpack(archive, home / "ml-100k")
    assert list(home.iterdir()) == []


def test_damaged_archive(tmp_path):
    archive = tmp_path / "a.zip"
    archive.write_bytes(b"this is not a zip file")
    with pytest.raises(OSError, match=r"a\.zip is damaged"):
        _download.unpack(archive, tmp_path / "ml-100k")


def test_sha256_of_the_standard_example(tmp_path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")  # FIPS 180-4, example 1
    assert _download.sha256(path) == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


# -- malformed files ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "file", "text", "message"),
    [
        (
            "100k",
            "u.data",
            "1\t5\t4\t0\n1\tx\t4\t0\n",
            r"u\.data is malformed in line 2: item is 'x",
        ),
        ("100k", "u.data", "1\t5\t4\t0\n1\t7\t4\n", "line 2: timestamp is nan"),
        ("100k", "u.data", "1\t5\t4\t0\n1\t7\t4\t0\t9\n", "Expected 4 fields in line 2, saw 5"),
        ("100k", "u.data", "1\t5\t4\t0\t9\n", r"u\.data is malformed: Length"),
        ("100k", "u.data", "", r"u\.data is malformed: it has no rows"),
        ("100k", "u.data", "1\t5\t4\t0\n1\t5\t3\t0\n", "1 pairs of user and item"),
        ("100k", "u.data", "1\t9\t4\t0\n", r"ratings of item 9, which its list of items"),
        ("100k", "u.data", "8\t5\t4\t0\n", r"ratings of user 8, which its list of users"),
        ("1m", "ratings.dat", "1::5::4::0\n\n1::7::4::0\n", "line 2: user is nan"),
        ("1m", "ratings.dat", "1::5::4::0\n1::7::nan::0\n", "line 2: rating is 'nan'"),
        ("20m", "ratings.csv", "", r"ratings\.csv is malformed: No columns"),
        ("20m", "ratings.csv", "userId,movieId,rating\n1,5,4\n", r"line 1 has \['userId', 'mov"),
        ("20m", "ratings.csv", _CSV["ratings.csv"] + "3,5,good,1\n", "line 5: rating is 'good'"),
    ],
)
def test_malformed_files(tmp_path, name, file, text, message):
    write(tmp_path / f"ml-{name}", _LAYOUTS[name], **{file: text})
    with pytest.raises(ValueError, match=message):
        fetch_movielens(name, data_home=tmp_path)


def test_wrong_encoding(tmp_path):
    folder = write(tmp_path / "ml-25m", _CSV)
    (folder / "movies.csv").write_bytes(_CSV["movies.csv"].encode("latin-1"))
    with pytest.raises(ValueError, match=r"movies\.csv is malformed: 'utf-8' codec"):
        fetch_movielens("25m", data_home=tmp_path)


def test_missing_file(tmp_path):
    (write(tmp_path / "ml-100k", _TAB) / "u.user").unlink()
    with pytest.raises(FileNotFoundError, match=r"u\.user is missing"):
        fetch_movielens(data_home=tmp_path)


def test_unknown_name():
    with pytest.raises(ValueError, match="'name' parameter"):
        fetch_movielens("10m")
