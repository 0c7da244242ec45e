"""Print the lowest versions that pyproject.toml declares, as constraints for pip.

python tests/oldest_versions.py > oldest.txt
python -m pip install --constraint oldest.txt --editable ".[test]"
"""

import re
import sys
from pathlib import Path

try:
    import tomllib
except ImportError:  # Python 3.10
    from pip._vendor import tomli as tomllib

ROOT = Path(__file__).parents[1]

# What the oldest packages need in their turn, where newer versions warn of how they are called.
COMPANIONS = ["pyparsing<3.3"]  # of matplotlib 3.7


def lowest_versions(extras=("plot", "ann", "test")):
    """Pin every requirement of the package and of some extras to its floor.

    Returns
    -------
    list of str
        Lines like ``numpy==1.24``, sorted. A requirement without a floor is a ValueError, and so
        are two floors of one package.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    floors = {}
    for requirement in wanted:
        match = re.fullmatch(r"([A-Za-z0-9_.-]+)>=([0-9.]+)", requirement)
        if match is None:
            raise ValueError(f"{requirement!r} should name a package and its lowest version.")
        name, version = match.groups()
        if floors.setdefault(name, version) != version:
            raise ValueError(f"{name} has two lowest versions: {floors[name]} and {version}.")
    return sorted(f"{name}=={version}" for name, version in floors.items())


if __name__ == "__main__":
    sys.stdout.write("\n".join([*lowest_versions(), *COMPANIONS]) + "\n")
