"""Accuracy of all our estimators beside their peers: ``python benchmarks/accuracy.py``.

One process, models one after the other, equal threads. Prints a markdown table for each data set
and protocol (see ``protocols.py``), best NDCG@100 first. The data is looked for in the folder that
the environment variable SKATTNREC_DATA names. The settings of the peers are those that ``tune.py``
chose on validation users (``settings.json``), a line for each input they were tuned with (with
``--best-inputs`` the one that did best there); ours are the defaults, and where ``settings.json``
has an entry for one of ours also a line "tuned".

fit s, recommend s
    Wall time of fit, and of the ten best items for all training users.
NDCG@100 / best
    NDCG@100 divided by that of the best baseline, with the standard error that the differences
    between the two on the same users give. Baselines are all models but the attention ones.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measure import Measured, load_settings, make, measure, warm_up
from ours import OURS
from peers import PEERS
from protocols import DATASETS, PROTOCOLS, Split, strong_generalization
from threads import use_threads

METRICS = ("NDCG@10", "NDCG@100", "Recall@20")
TUNED = ", tuned"


@dataclass(frozen=True)
class Line:
    """One model with its input and settings."""

    label: str
    name: str
    takes: str
    settings: dict[str, Any]

    @property
    def is_baseline(self) -> bool:
        return self.name not in OURS or not OURS[self.name].attention


@dataclass
class Result:
    """One line measured on one split after another, or the reason why not."""

    line: Line
    runs: list[Measured]
    missing: str = ""

    def users(self, metric: str) -> np.ndarray:
        """Its metric for all judged users of all splits."""
        return np.concatenate([run.metrics[metric] for run in self.runs])


def lines(dataset: str, protocol: str, names: list[str], n_inputs: int | None) -> Iterator[Line]:
    """Ours out of the box, ours tuned, and peers tuned with their ``n_inputs`` best inputs."""
    chosen = load_settings(dataset, protocol)
    for name in names:
        choices = chosen.get(name, [])
        if name in OURS and protocol not in OURS[name].protocols:
            continue
        if name in OURS:
            takes = OURS[name].takes if protocol == "ratings" else "all"
            yield Line(name, name, takes, {})
        elif not choices:
            print(f"{name} has no settings for {dataset}, {protocol}: run tune.py", file=sys.stderr)
        for choice in choices[:n_inputs]:
            label = name + TUNED if name in OURS else name
            yield Line(label, name, choice["takes"], choice["settings"])


def run(line: Line, split: Split, part: str) -> Measured:
    """Make, fit and judge one line."""
    if line.name in OURS:
        warm_up(make(line.name, line.settings), split, line.takes)
    model = make(line.name, line.settings)
    return measure(model, split, getattr(split, part), line.takes)


def compare(
    wanted: list[Line], dataset: str, protocol: str, seeds: list[int], part: str
) -> list[Result]:
    """Measure every line on every seed's split."""
    results = [Result(line, []) for line in wanted]
    for seed in seeds:
        split = strong_generalization(dataset, protocol, seed)
        for result in results:
            if result.missing:
                continue
            print(f"{dataset} {protocol} seed {seed}: {result.line.label}", file=sys.stderr)
            try:
                result.runs.append(run(result.line, split, part))
            except ImportError:
                result.missing = "not in skattnrec" if result.line.name in OURS else "not installed"
    return results


def table(results: list[Result]) -> Iterator[str]:
    """Lines of a markdown table, best first."""
    measured = sorted(
        (result for result in results if result.runs),
        key=lambda result: -result.users("NDCG@100").mean(),
    )
    best = next((result for result in measured if result.line.is_baseline), None)
    yield "| model | input | " + " | ".join(METRICS) + " | fit s | recommend s | NDCG@100 / best |"
    yield "|---|---|" + "---:|" * 6
    for result in measured:
        cells = [result.line.label, result.line.takes]
        cells += [
            _spread([run.metrics[metric].mean() for run in result.runs]) for metric in METRICS
        ]
        cells += [f"{np.mean([run.fit_s for run in result.runs]):.2f}"]
        cells += [f"{np.mean([run.recommend_s for run in result.runs]):.2f}"]
        cells += [_ratio(result, best)]
        yield "| " + " | ".join(cells) + " |"
    for result in results:
        if result.missing:
            yield f"| {result.line.label} | {result.missing} |" + " |" * 6


def _spread(means: list[float]) -> str:
    """Mean over splits, and their standard deviation if there are several."""
    text = f"{np.mean(means):.4f}"
    return text if len(means) == 1 else f"{text} ± {np.std(means, ddof=1):.4f}"


def _ratio(result: Result, best: Result | None) -> str:
    if best is None:
        return ""
    ours, theirs = result.users("NDCG@100"), best.users("NDCG@100")
    ratio = ours.mean() / theirs.mean()
    if result is best:
        return "1"
    error = np.std(ours - theirs, ddof=1) / np.sqrt(len(ours)) / theirs.mean()
    return f"{ratio:.3f} ± {error:.3f}"


def rows(
    dataset: str, protocol: str, part: str, seeds: list[int], results: list[Result]
) -> Iterator[dict[str, Any]]:
    """What ``--out`` writes: a row for each line and seed."""
    for result in results:
        for seed, measured in zip(seeds, result.runs):
            yield {
                "dataset": dataset,
                "protocol": protocol,
                "part": part,
                "seed": seed,
                "model": result.line.label,
                "input": result.line.takes,
                "settings": json.dumps(result.line.settings),
                "users": len(measured.metrics["NDCG@100"]),
                **{metric: round(measured.metrics[metric].mean(), 5) for metric in METRICS},
                "fit s": round(measured.fit_s, 3),
                "recommend s": round(measured.recommend_s, 3),
            }


def main() -> None:
    names = [*OURS, *PEERS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=list(PROTOCOLS))
    parser.add_argument("--models", nargs="+", choices=names, default=names, metavar="MODEL")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], metavar="SEED")
    parser.add_argument("--part", choices=["val", "test"], default="test")
    parser.add_argument(
        "--best-inputs", action="store_true", help="of each peer only its best input in validation"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, metavar="CSV")
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    n_inputs = 1 if arguments.best_inputs else None
    table_rows: list[dict[str, Any]] = []
    for dataset in arguments.datasets:
        for protocol in arguments.protocols:
            seeds, part = arguments.seeds, arguments.part
            wanted = list(lines(dataset, protocol, arguments.models, n_inputs))
            results = compare(wanted, dataset, protocol, seeds, part)
            print(f"\n### {dataset}, {protocol}, {part}, seeds {' '.join(map(str, seeds))}\n")
            print(*table(results), sep="\n", flush=True)
            table_rows += rows(dataset, protocol, part, seeds, results)
    if arguments.out:
        with arguments.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, table_rows[0])
            writer.writeheader()
            writer.writerows(table_rows)


if __name__ == "__main__":
    main()
