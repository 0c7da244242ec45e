"""The layers of the package: imports point down, and siblings do not know each other."""

import ast
import importlib.util
import pathlib
import re
import subprocess
import sys

import pytest

import skattnrec

try:
    import tomllib
except ImportError:  # Python 3.10
    from pip._vendor import tomli as tomllib

TESTS = pathlib.Path(__file__).parent
ROOT = pathlib.Path(skattnrec.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

# Lower layers first. A module belongs to the longest path here that its own path starts with.
LAYERS = [
    [
        "_compat",
        "_docstrings",
        "_kernels",
        "_long_table",
        "_names",
        "_spreads",
        "_structure",
        "_times",
        "exceptions",
    ],
    [
        "_blocks",
        "_explanation",
        "_features",
        "_ineffective",
        "_learning",
        "_progress",
        "_validation",
    ],
    ["_user_features"],
    ["_context"],
    ["_lists", "_scores"],
    ["_members"],
    ["_hooks", "_recommend"],
    ["metrics"],
    ["_next_item", "base"],
    ["_additive"],
    ["attention", "baseline", "content", "factorization", "neighbors", "preprocessing"],
    ["datasets"],
    ["ensemble", "model_selection", "onboarding", "rating", "reranking"],
    ["__init__"],
    ["checks", "inspection"],
    ["_cli"],
    ["__main__"],
]
LEVEL = {name: level for level, layer in enumerate(LAYERS) for name in layer}
ESTIMATOR_PACKAGES = {"attention", "baseline", "content", "factorization", "neighbors"}
PANDAS = {
    "preprocessing",
    "datasets",
    "model_selection",
    "rating",
    "inspection",
    "_cli",
    "__main__",
}


def place_of(path):
    """The entry of LAYERS that a module, given by its path within the package, belongs to."""
    fitting = [name for name in LEVEL if path == name or path.startswith(name + "/")]
    return max(fitting, key=len) if fitting else None


def path_of(file):
    return file.relative_to(ROOT).with_suffix("").as_posix()


def imports_of(file):
    """Yield (dotted name, imported names, at module level) of every import of a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    type_only = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            type_only.update(id(inner) for statement in node.body for inner in ast.walk(statement))
    package = ("skattnrec", *file.relative_to(ROOT).parent.parts)
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if id(node) in type_only:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, [], id(node) in top
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            name = ".".join([*base, *(node.module or "").split(".")]).rstrip(".")
            yield name, [alias.name for alias in node.names], id(node) in top


def own_imports(file):
    """Yield the paths within the package that a file imports."""
    for name, members, _ in imports_of(file):
        if name.split(".")[0] != "skattnrec":
            continue
        path = "/".join(name.split(".")[1:])
        for member in members or [""]:
            deeper = f"{path}/{member}".strip("/")
            is_module = (ROOT / deeper).is_dir() or (ROOT / f"{deeper}.py").is_file()
            yield (deeper if is_module and deeper else path) or "__init__"


@pytest.mark.parametrize("file", MODULES, ids=path_of)
def test_module_has_a_layer(file):
    assert place_of(path_of(file)) is not None


@pytest.mark.parametrize("file", MODULES, ids=path_of)
def test_imports_point_down(file):
    own = place_of(path_of(file))
    for imported in own_imports(file):
        place = place_of(imported)
        assert place is not None, f"{imported} has no layer"
        if place == own:
            continue
        assert LEVEL[place] < LEVEL[own], f"{path_of(file)} imports {imported}, which is not below"


@pytest.mark.parametrize("file", MODULES, ids=path_of)
def test_estimator_packages_do_not_import_each_other(file):
    own = path_of(file).split("/")[0]
    if own in ESTIMATOR_PACKAGES:
        others = {imported.split("/")[0] for imported in own_imports(file)} - {own}
        assert not others & ESTIMATOR_PACKAGES


@pytest.mark.parametrize("file", MODULES, ids=path_of)
def test_private_names_of_scikit_learn_come_through_compat(file):
    if path_of(file) == "_compat":
        return
    for name, members, _ in imports_of(file):
        if name.split(".")[0] == "sklearn":
            private = [part for part in (*name.split("."), *members) if part.startswith("_")]
            assert not private, f"{name} {members}"


@pytest.mark.parametrize("file", MODULES, ids=path_of)
def test_heavy_libraries_stay_where_they_belong(file):
    path = path_of(file)
    for name, _, at_top in imports_of(file):
        library = name.split(".")[0]
        if library == "pandas":
            assert place_of(path) in PANDAS or not at_top
        if library in ("matplotlib", "seaborn", "pytest"):
            assert not at_top, f"{library} must be imported where it is used"


@pytest.mark.parametrize("file", MODULES, ids=path_of)
def test_kernels_are_pure(file):
    """Kernels know arrays only."""
    if path_of(file).startswith("_kernels/"):
        libraries = {name.split(".")[0] for name, _, _ in imports_of(file)} - {"__future__"}
        standard = {"collections", "contextlib", "functools", "hashlib", "math", "os", "pathlib"}
        standard |= {"_thread", "re", "threading", "typing"}
        assert libraries <= {"numpy", "numba", "scipy", "skattnrec", "threadpoolctl"} | standard


@pytest.mark.parametrize("file", MODULES, ids=path_of)
def test_file_is_short(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("file", MODULES, ids=path_of)
def test_functions_are_short(file):
    """At most 50 lines of code, docstrings and signatures not counted."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length <= 50, f"{node.name} has {length} lines"


@pytest.mark.parametrize("file", MODULES, ids=path_of)
def test_numba_is_met_in_one_place(file):
    """Kernels are compiled one way, and run on plain threads: no OpenMP, no threading layer."""
    source = file.read_text(encoding="utf-8")
    for word in ("prange", "parallel=True", "get_num_threads", "threading_layer"):
        assert word not in source, f"{word} has no place in the package"
    if path_of(file) not in ("_kernels/_compile", "_kernels/_parallel"):
        assert "numba" not in {name.split(".")[0] for name, _, _ in imports_of(file)}
    if path_of(file) != "_kernels/_compile":
        assert "njit" not in source


def test_attention_stays_small():
    """As many files as one can keep in mind."""
    assert len(list((ROOT / "attention").glob("*.py"))) <= 15  # fourteen, and __init__


def test_inspection_stays_small():
    """As many lines as one can read in an afternoon."""
    lines = sum(
        len(file.read_text("utf-8").splitlines()) for file in (ROOT / "inspection").rglob("*.py")
    )
    assert lines <= 4700


def test_import_needs_no_extra():
    """What comes with extras, or is slow to import, is imported where it is used."""
    heavy = ["matplotlib", "faiss", "pytest", "hypothesis", "seaborn"]
    code = f"import sys, skattnrec; print([name for name in {heavy} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_every_dependency_is_used():
    """What is declared has code behind it, and what is imported is declared."""
    project = tomllib.loads((TESTS.parent / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    modules = {"scikit-learn": "sklearn", "faiss-cpu": "faiss"}
    names = [
        re.match(r"[A-Za-z0-9_-]+", requirement).group()
        for requirement in [*project["dependencies"], *extras["plot"], *extras["ann"]]
    ]
    declared = {modules.get(name, name) for name in names}
    imported = {name.split(".")[0] for file in MODULES for name, _, _ in imports_of(file)}
    assert declared <= imported, f"nothing imports {declared - imported}"
    optional = {
        "pyarrow",
        "pytest",
    }  # the command reads Parquet, checks make tests, if they are there
    others = imported - declared - set(sys.stdlib_module_names) - {"skattnrec"}
    assert others <= optional, f"{others} are not declared"
    assert set(extras) == {"ann", "docs", "plot", "test"}


def test_lowest_versions_are_declared_once():
    spec = importlib.util.spec_from_file_location("oldest_versions", TESTS / "oldest_versions.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    lines = module.lowest_versions()
    assert any(line.startswith("numpy==") for line in lines)
    assert len(lines) == len({line.split("==")[0] for line in lines})


def test_rules_see_the_offences():
    """The helpers find what the tests above forbid."""
    files = [ROOT / "metrics" / name for name in ("_scorer.py", "_held_out.py")]
    names = {name for file in files for name, _, _ in imports_of(file)}
    assert "skattnrec._kernels.entries" in names
    assert "skattnrec._scores" in names
    assert place_of("model_selection/_compare") == "model_selection"
    assert place_of("_compatible") is None
    assert "base" in set(own_imports(ROOT / "factorization" / "_als.py"))
