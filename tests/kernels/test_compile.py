"""Compiled code is that of the source, wherever the package lies."""

import importlib
import os
import pathlib
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import scipy.sparse as sp

import skattnrec
from skattnrec._kernels import products, topk
from skattnrec._kernels._compile import _Cache, compiled, csr_arrays, read_only

PACKAGE = pathlib.Path(skattnrec.__file__).parent


def run(program, folder, **environment):
    """Run a program on the package in a folder."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        env={**os.environ, "PYTHONPATH": str(folder), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_edit_of_an_imported_file_reaches_the_kernels_that_use_it(tmp_path):
    kernels = tmp_path / "package"
    kernels.mkdir()
    (kernels / "__init__.py").touch()
    for name in ("_compile.py", "_parallel.py", "entries.py", "topk.py"):
        shutil.copy(PACKAGE / "_kernels" / name, kernels)
    (kernels / "doubled.py").write_text(
        "from ._compile import compiled\n\n\n@compiled\ndef factor(x):\n    return 2 * x\n"
    )
    (kernels / "caller.py").write_text(
        "from ._compile import compiled\nfrom .doubled import factor\n\n\n"
        "@compiled\ndef call(x):\n    return factor(x)\n"
    )
    program = """
        from package.caller import call
        print(call(3.0), sum(call.stats.cache_hits.values()))
    """
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    assert run(program, tmp_path, **cache).stdout.split() == ["6.0", "0"]
    assert run(program, tmp_path, **cache).stdout.split() == ["6.0", "1"]
    source = (kernels / "doubled.py").read_text()
    (kernels / "doubled.py").write_text(source.replace("2 * x", "5 * x"))
    assert run(program, tmp_path, **cache).stdout.split() == ["15.0", "0"]


def test_edit_of_another_file_leaves_compiled_code_as_it_is(tmp_path):
    """Only files that are imported count: compiling takes its time."""
    from skattnrec._kernels._compile import _source_stamp

    for name in ("_compile.py", "_parallel.py", "entries.py", "topk.py", "sgd.py"):
        shutil.copy(PACKAGE / "_kernels" / name, tmp_path)
    before = _source_stamp(str(tmp_path / "topk.py"))
    _source_stamp.cache_clear()
    (tmp_path / "sgd.py").write_text("")
    assert _source_stamp(str(tmp_path / "topk.py")) == before
    _source_stamp.cache_clear()
    (tmp_path / "entries.py").write_text("")
    assert _source_stamp(str(tmp_path / "topk.py")) != before
    _source_stamp.cache_clear()


def test_nothing_can_be_written(tmp_path):
    """Neither beside the package nor in the user's folder, nor where numba is told to."""
    (tmp_path / "file").touch()
    shutil.copytree(PACKAGE, tmp_path / "skattnrec", ignore=shutil.ignore_patterns("__pycache__"))
    kernels = tmp_path / "skattnrec" / "_kernels"
    (kernels / "__pycache__").touch()  # a file where numba wants a folder: also for root
    nowhere = str(tmp_path / "file" / "folder")
    program = """
        import numpy as np
        from skattnrec import PopularityRecommender
        print(PopularityRecommender().fit(np.eye(4) + 1).recommend(np.eye(4)[:1], 2)[0].tolist())
    """
    done = run(
        program,
        tmp_path,
        HOME=nowhere,
        XDG_CACHE_HOME=nowhere,
        NUMBA_CACHE_DIR="",
        PYTHONDONTWRITEBYTECODE="1",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[[1, 2]]"
    assert (kernels / "__pycache__").is_file()


@pytest.mark.parametrize("verb", ["save", "load"])
def test_cache_folder_fails_later(monkeypatch, verb):
    """The disk is full, or was taken away."""

    def fail(*args):
        raise OSError("No space left on device")

    @compiled
    def double(x):
        return 2 * x

    if not isinstance(double._cache, _Cache):
        pytest.skip("nothing can be written here")
    monkeypatch.setattr(type(double._cache._cache_file), verb, fail)
    assert double(4) == 8


def signatures(*modules):
    from numba.core.dispatcher import Dispatcher

    kernels = [f for module in modules for f in vars(module).values() if isinstance(f, Dispatcher)]
    return {kernel.__name__ + str(kernel.signatures) for kernel in kernels}


def test_read_only_and_mapped_arrays_are_not_compiled_for_anew(tmp_path):
    rng = np.random.default_rng(0)
    A = sp.random_array((4, 30), density=0.3, format="csr", rng=rng)
    B = sp.random_array((30, 50), density=0.3, format="csr", rng=rng)
    dense = rng.random((30, 50))

    def answers(a, b, dense):
        score = products.csr_times_csr(a, b, 50)
        return (
            score,
            products.csr_times_dense(*a, dense),
            *products.top_k_of_product(a, b, 5, None, 50, (a[0], a[1])),
            *topk.top_k(read_only(score), np.arange(0, 50, 2), 5),
        )

    def mapped(array, name):
        np.save(tmp_path / f"{name}.npy", array)
        return np.load(tmp_path / f"{name}.npy", mmap_mode="r")

    a, b = (A.indptr, A.indices, A.data), (B.indptr, B.indices, B.data)
    expected = answers(a, b, dense)
    before = signatures(products, topk)
    for number, same in enumerate((read_only, lambda x: mapped(x, id(x)), np.asfortranarray)):
        x, y = (tuple(same(part) for part in parts) for parts in (a, b))
        for actual, right in zip(answers(x, y, same(dense)), expected, strict=True):
            np.testing.assert_array_equal(actual, right, err_msg=str(number))
    wide = tuple(part.astype(np.int64) for part in a[:2])
    np.testing.assert_array_equal(products.csr_times_csr((*wide, a[2]), b, 50), expected[0])
    assert signatures(products, topk) == before


def test_views_for_kernels_leave_the_arrays_as_they_are():
    array = np.arange(5)
    view = read_only(array)
    assert array.flags.writeable
    assert not view.flags.writeable
    assert np.shares_memory(array, view)
    indptr, indices = csr_arrays(np.array([0, 1], np.int32), np.array([3], np.int32))
    assert (indptr.dtype, indices.dtype) == (np.int32, np.uint32)


@pytest.mark.parametrize("file", sorted((PACKAGE / "_kernels").glob("*.py")), ids=lambda f: f.stem)
def test_kernels_run_without_the_lock_and_without_threads_of_numba(file):
    from numba.core.dispatcher import Dispatcher

    module = importlib.import_module(f"skattnrec._kernels.{file.stem}")
    for kernel in vars(module).values():
        if isinstance(kernel, Dispatcher):
            assert kernel.targetoptions["nogil"]
            assert not kernel.targetoptions.get("parallel")
