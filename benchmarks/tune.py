"""Choose the settings of every model on validation users: ``python benchmarks/tune.py``.

For each input a model may be given (see ``measure.as_input``) a search climbs the model's ladders
below; with the best input, further searches start elsewhere. A search moves one setting at a time
up or down its ladder for as long as NDCG@100 of the validation users of seed 0 rises, and ends
where no single step raises it. Every input with its best settings goes to ``settings.json``.
Test users are never looked at.

``--trials FILE`` keeps every trial in a CSV file and repeats none, so that a search can be cut
short and taken up again. ``--like ml-100k`` starts every search where that on ml-100k ended, which
on ml-1m saves the way there.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import INPUTS, SETTINGS, load_settings, make, measure
from ours import OURS
from peers import PEERS
from protocols import DATASETS, PROTOCOLS, Split, strong_generalization
from threads import use_threads


def _decades(first: float, last: float, digits: tuple[float, ...] = (1, 2, 5)) -> list[float]:
    """1, 2, 5, 10, 20, ... from ``first`` to ``last``."""
    steps = (digit * 10.0**power for power in range(-6, 7) for digit in digits)
    return [float(f"{step:.6g}") for step in steps if first <= step <= last]


_COUNTS = [5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000]
_RANKS = [8, 16, 32, 64, 128, 256]
_SHRINKAGE = [0, 1, 5, 10, 20, 50, 100, 200, 500, 1000]
_FINE = (1, 1.5, 2, 3, 5, 7)

# A list is a ladder, climbed a step at a time; a tuple is a choice, all of which are tried.
LADDERS: dict[str, dict[str, list | tuple]] = {
    "popularity": {},
    "ease": {"regularization": _decades(20, 50000, _FINE)},
    "implicit-als": {
        "factors": _RANKS,
        "regularization": _decades(0.1, 2000),
        "alpha": _decades(0.05, 50),
        "iterations": [8, 15, 30],
    },
    "implicit-cosine": {"K": _COUNTS},
    "implicit-tfidf": {"K": _COUNTS},
    "implicit-bm25": {
        "K": _COUNTS,
        "K1": [0.1, 0.3, 0.6, 1.2, 2.5, 5, 10, 20, 50, 100],
        "B": [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0],
    },
    "irspack-ials": {
        "n_components": _RANKS,
        "alpha0": _decades(0.01, 10),
        "reg": _decades(0.0001, 0.1),
        "nu": [0.25, 0.5, 0.75, 1.0],
        "train_epochs": [8, 16, 32],
    },
    "irspack-edlae": {
        "reg": _decades(10, 20000, _FINE),
        "dropout_p": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
    },
    "irspack-dense-slim": {"reg": _decades(20, 50000, _FINE)},
    "irspack-item-knn": {
        "top_k": _COUNTS,
        "shrinkage": _SHRINKAGE,
        "normalize": (True, False),
        "feature_weighting": ("NONE", "TF_IDF", "BM_25"),
    },
    "irspack-user-knn": {
        "top_k": _COUNTS,
        "shrinkage": _SHRINKAGE,
        "feature_weighting": ("NONE", "TF_IDF", "BM_25"),
    },
    "irspack-p3alpha": {
        "top_k": _COUNTS,
        "alpha": [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0],
        "normalize_weight": (True, False),
    },
    "irspack-rp3beta": {
        "top_k": _COUNTS,
        "alpha": [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0],
        "beta": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
        "normalize_weight": (True, False),
    },
    "irspack-svd": {"n_components": [4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64, 96]},
    "sdtn-cosine": {"k": _COUNTS},
    "lenskit-item-knn": {"max_nbrs": _COUNTS},
    "lenskit-user-knn": {"max_nbrs": _COUNTS},
    "cmfrec-implicit": {
        "k": _RANKS,
        "lambda_": _decades(0.1, 2000),
        "alpha": _decades(0.05, 50),
    },
    "similaripy-cosine": {
        "k": _COUNTS,
        "shrink": _SHRINKAGE,
        "weight": (None, "tfidf", "bm25", "bm25plus"),
        "of": ("candidate", "seen"),
    },
    "similaripy-s-plus": {
        "k": _COUNTS,
        "shrink": _SHRINKAGE,
        "l1": [0.0, 0.25, 0.5, 0.75, 1.0],
        "l2": [0.0, 0.25, 0.5, 0.75, 1.0],
        "weight": (None, "tfidf", "bm25", "bm25plus"),
        "of": ("candidate", "seen"),
    },
    "similaripy-rp3beta": {
        "k": _COUNTS,
        "alpha": [0.25, 0.5, 0.75, 1.0, 1.5, 2.0],
        "beta": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
        "of": ("seen", "candidate"),
    },
}

# Where searches start, if not in the middle of the ladders.
STARTS: dict[str, list[dict[str, Any]]] = {
    "implicit-als": [
        {"factors": 64, "regularization": 10.0, "alpha": 2.0, "iterations": 15},
        {"factors": 128, "regularization": 50.0, "alpha": 1.0, "iterations": 15},
    ],
    "irspack-ials": [
        {"n_components": 64, "alpha0": 0.5, "reg": 0.005, "nu": 1.0, "train_epochs": 16},
        {"n_components": 128, "alpha0": 1.0, "reg": 0.002, "nu": 0.75, "train_epochs": 16},
    ],
    "cmfrec-implicit": [{"k": 64, "lambda_": 20.0, "alpha": 5.0}],
}

# Ranks that take minutes to fit are tried once, where the search ended.
LARGER: dict[str, dict[str, int]] = {
    "implicit-als": {"factors": 512},
    "irspack-ials": {"n_components": 512},
    "cmfrec-implicit": {"k": 512},
}


def climb(judge: Callable[[dict], float], ladders: dict, start: dict) -> tuple[dict, float]:
    """Find settings that no single step improves.

    Parameters
    ----------
    judge : callable
        Its value for a dict of settings is what to maximise.
    ladders : dict
        The values of each setting: a list is ordered, a tuple is not.
    start : dict
        Where to start; the middle of the ladder for a setting that is not in it.

    Returns
    -------
    tuple of dict and float
        The settings, and what ``judge`` says of them.
    """
    best = {name: start.get(name, _middle(values)) for name, values in ladders.items()}
    score = judge(best)
    since_better = 0
    while since_better < len(ladders):
        for name, values in ladders.items():
            since_better += 1
            while True:
                trials = [{**best, name: value} for value in _steps(values, best[name])]
                candidate, value = max(((t, judge(t)) for t in trials), key=lambda pair: pair[1])
                if value <= score:
                    break
                best, score, since_better = candidate, value, 0
            if since_better >= len(ladders):
                break
    return best, score


def _middle(values: list | tuple) -> Any:
    return values[0] if isinstance(values, tuple) else values[len(values) // 2]


def _steps(values: list | tuple, here: Any) -> list:
    if isinstance(values, tuple):
        return [value for value in values if value != here]
    i = values.index(here)
    return values[max(i - 1, 0) : i] + values[i + 1 : i + 2]


class Judge:
    """NDCG@100 of the validation users, each trial at most once, on file if there is one."""

    columns = ("dataset", "protocol", "model", "takes", "settings", "NDCG@100", "fit s")

    def __init__(self, path: Path | None):
        self.path, self.known = path, {}
        if path and path.exists():
            with path.open(newline="") as file:
                for row in csv.DictReader(file):
                    key = tuple(row[name] for name in self.columns[:5])
                    self.known[key] = float(row["NDCG@100"])

    def __call__(self, key: tuple[str, str, str, str], split: Split, settings: dict) -> float:
        _, _, name, takes = key
        full = (*key, json.dumps(settings, sort_keys=True))
        if full not in self.known:
            model = make(name, settings)
            result = measure(model, split, split.val, takes, timed=False)
            self.known[full] = float(result.metrics["NDCG@100"].mean())
            print(f"{self.known[full]:.4f} {result.fit_s:7.2f} s", *full, file=sys.stderr)
            self._keep((*full, self.known[full], round(result.fit_s, 3)))
        return self.known[full]

    def _keep(self, row: tuple) -> None:
        if self.path is None:
            return
        new = not self.path.exists()
        with self.path.open("a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(self.columns)
            writer.writerow(row)


def tune(
    name: str, dataset: str, protocol: str, split: Split, judge: Judge, like: str | None
) -> list[dict[str, Any]]:
    """Climb with each input, then from other starts with the best one; best input first.

    With ``like`` climbs start where those of this data set ended.
    """

    def search(takes: str, start: dict[str, Any]) -> tuple[float, str, dict[str, Any]]:
        key = (dataset, protocol, name, takes)
        settings, score = climb(lambda s: judge(key, split, s), LADDERS[name], start)
        return score, takes, settings

    first, *others = STARTS.get(name, [{}])
    starts = dict.fromkeys(INPUTS[protocol], first)
    for choice in load_settings(like, protocol).get(name, []) if like else []:
        starts[choice["takes"]], others = _on_ladders(name, choice["settings"]), []
    best, *rest = sorted(
        (search(takes, start) for takes, start in starts.items()), key=_score, reverse=True
    )
    best = max((best, *(search(best[1], start) for start in others)), key=_score)
    score, takes, settings = best
    if name in LARGER:
        larger = {**settings, **LARGER[name]}
        better = judge((dataset, protocol, name, takes), split, larger)
        if better > score:
            best = better, takes, larger
    return [
        {"takes": takes, "settings": settings, "NDCG@100": round(score, 4)}
        for score, takes, settings in (best, *rest)
    ]


def _on_ladders(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if value in LADDERS[name][key]}


def _score(found: tuple[float, str, dict[str, Any]]) -> float:
    return found[0]


def write(chosen: dict[str, dict[str, dict[str, Any]]]) -> None:
    """Write all settings as JSON, an input of a model a line."""
    blocks = []
    for dataset, protocols in sorted(chosen.items()):
        parts = []
        for protocol, models in sorted(protocols.items()):
            lines = [
                f"      {json.dumps(model)}: [\n"
                + ",\n".join(f"        {json.dumps(choice)}" for choice in models[model])
                + "\n      ]"
                for model in sorted(models)
            ]
            parts.append(f'    "{protocol}": {{\n' + ",\n".join(lines) + "\n    }")
        blocks.append(f'  "{dataset}": {{\n' + ",\n".join(parts) + "\n  }")
    SETTINGS.write_text("{\n" + ",\n".join(blocks) + "\n}\n")


def main() -> None:
    names = [*PEERS, *OURS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=DATASETS)
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=PROTOCOLS)
    parser.add_argument("--models", nargs="+", choices=names, default=[*LADDERS], metavar="MODEL")
    parser.add_argument("--trials", type=Path, metavar="CSV", help="keep trials, take up from them")
    parser.add_argument(
        "--like", choices=DATASETS, help="start where the searches on this data set ended"
    )
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    judge = Judge(arguments.trials)
    for dataset in arguments.datasets:
        for protocol in arguments.protocols:
            split = strong_generalization(dataset, protocol)
            for name in arguments.models:
                start = time.perf_counter()
                try:
                    best = tune(name, dataset, protocol, split, judge, arguments.like)
                except ImportError as error:
                    print(f"{name}: not installed ({error})")
                    continue
                chosen = json.loads(SETTINGS.read_text()) if SETTINGS.exists() else {}
                chosen.setdefault(dataset, {}).setdefault(protocol, {})[name] = best
                write(chosen)
                print(dataset, protocol, name, best, f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
