"""docs/guide/names.rst has every constructor parameter once, with the range the code takes."""

import importlib
import inspect
import re
from numbers import Integral
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator

TABLE = Path(__file__).parents[1] / "docs" / "guide" / "names.rst"
MODULES = (
    "attention",
    "baseline",
    "content",
    "ensemble",
    "factorization",
    "metrics",
    "neighbors",
    "preprocessing",
    "rating",
    "reranking",
)
WORDS = {
    "boolean": "bool",
    "verbose": "bool",
    "array-like": "array",
    "sparse matrix": "array",
    "random_state": "seed",
    "no_validation": "anything",
    str: "text",
    int: "integer",
    list: "list",
    callable: "function",
}
ENDS = {  # closed, has a right end
    ("left", False): "from {0}",
    ("neither", False): "above {0}",
    ("right", True): "above {0}, up to {1}",
    ("both", True): "{0} to {1}",
    ("left", True): "{0} to below {1}",
    ("neither", True): "between {0} and {1}",
}


def public_estimators():
    """Every concrete estimator, scorer and encoder that users construct."""
    found = {}
    for name in MODULES:
        module = importlib.import_module(f"skattnrec.{name}")
        for member in (getattr(module, public) for public in module.__all__):
            is_class = inspect.isclass(member) and issubclass(member, BaseEstimator)
            if is_class and not inspect.isabstract(member):
                found[member.__name__] = member
    return found


def words_of(constraint):
    """Say one constraint of scikit-learn's validation in words."""
    if constraint is None:
        return []
    if hasattr(constraint, "options"):
        return [f'``"{option}"``' for option in sorted(constraint.options)]
    if hasattr(constraint, "closed"):
        left, right = constraint.left, constraint.right
        is_integer = constraint.type is Integral
        if left is None:
            return ["integer" if is_integer else "any number"]
        shape = ENDS[constraint.closed, right is not None]
        text = shape.format(f"{left:g}", "``inf``" if right == float("inf") else f"{right or 0:g}")
        return [f"integer {text}" if is_integer else text]
    if hasattr(constraint, "methods"):
        return ["object"]
    if getattr(constraint, "__name__", "") in ("Real", "float"):
        return ["any number"]
    return [WORDS[constraint]]


def kind_of(constraints):
    """Say the constraints of one parameter of one class in words, without None."""
    if isinstance(constraints, str):
        constraints = [constraints]
    return ", ".join(dict.fromkeys(word for one in constraints for word in words_of(one)))


def kinds():
    """For every parameter its kinds, more than one where classes differ."""
    found = {}
    for cls in public_estimators().values():
        for name in inspect.signature(cls).parameters:
            kind = kind_of(cls._parameter_constraints[name])
            found.setdefault(name, {}).setdefault(kind, []).append(cls.__name__)
    return found


def rows():
    """The rows of the table of parameters: (name, meaning, range)."""
    text = TABLE.read_text("utf-8").split("Arguments")[0]
    cells = re.findall(r"(?ms)^   \* - (.*?)\n     - (.*?)\n     - (.*?)\n(?=   \* - |\n|\Z)", text)
    return [tuple(" ".join(cell.split()) for cell in row) for row in cells][1:]


def test_every_parameter_has_one_row():
    names = [name.strip("`") for name, _, _ in rows()]
    assert len(names) == len(set(names)), "a name has two rows"
    assert set(names) == set(kinds()), "not in table, or nowhere else: " + str(
        sorted(set(names) ^ set(kinds()))
    )
    assert names == sorted(names, key=str.lower), "the table is in the order of the alphabet"


def test_every_range_is_that_of_the_code():
    expected = {name: "; ".join(sorted(found)) for name, found in kinds().items()}
    written = {name.strip("`"): "; ".join(sorted(cell.split("; "))) for name, _, cell in rows()}
    wrong = {name: expected[name] for name in expected if written.get(name) != expected[name]}
    assert not wrong


def test_meanings_differ():
    meanings = [meaning for _, meaning, _ in rows()]
    assert all(len(meaning) > 10 for meaning in meanings)
    assert len(meanings) == len(set(meanings)), "two names for one meaning"


@pytest.mark.parametrize("name", sorted(kinds()))
def test_kinds_agree(name):
    """A parameter takes values of one kind, whichever class has it: names, or numbers."""
    sorts = set()
    for kind in set(kinds()[name]) - {"anything"}:
        has_names = re.search('``"|text', kind) is not None
        has_numbers = re.search(r"number|integer|from|above|between|\d to", kind) is not None
        sorts.add((has_names, has_numbers))
    assert len(sorts) <= 1, kinds()[name]


def test_arguments_are_not_parameters_of_another_meaning():
    """Arguments of functions and methods that share a name with a parameter mean the same."""
    same = {
        "diversity",
        "dtype",
        "estimator",
        "estimators",
        "gain",
        "groups",
        "item",
        "item_features",
        "item_similarity",
        "items",
        "k",
        "likeness",
        "max_per_group",
        "metric",
        "n_components",
        "n_given",
        "positions",
        "projections",
        "share",
        "weights",
    }
    same |= {"random_state", "relevance_threshold", "temperature", "timestamp", "user"}
    modules = (*MODULES, "datasets", "inspection", "model_selection")
    for module in (importlib.import_module(f"skattnrec.{name}") for name in modules):
        for member in (getattr(module, public) for public in module.__all__):
            if inspect.isfunction(member):
                shared = set(inspect.signature(member).parameters) & set(kinds())
                assert shared <= same, f"{member.__name__}: {shared - same}"
