"""New users: by what is known of them, and by what they are asked.

    python benchmarks/coldstart_users.py                    # test users of ml-100k and ml-1m
    python benchmarks/coldstart_users.py --part val
    python benchmarks/coldstart_users.py --interviews       # which questions to ask

A share of .15 of the users each is for validation and for test; models learn from the others. Of a
held-out user some ratings, drawn at random, are given, and what is liked (4 or 5 stars) among the
others is the target; ``warm`` gives four fifths. User features are one-hot: age group, gender,
occupation.

Interviews ask one question after the other; a question is answered if the user has rated the item.
The target is a fifth of each user's ratings, which cannot be told, so that it is the same for all
ways to ask (``fifth``). With ``rest`` it is what was not asked about: whoever asks for what all
know has nothing easy left to recommend, and random questions look best.

Prints tables and writes them to ``results/coldstart_users.csv``, or ``results/interviews.csv``.
"""

from __future__ import annotations

import argparse
import csv
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from protocols import RELEVANT, data_folder, load_arrays, ranking_metrics
from threads import use_threads

DATASETS = ("ml-100k", "ml-1m")
HELD_OUT = 0.15  # of the users, for validation and for test
GIVEN = (0, 1, 3, 5, 10)
QUESTIONS = (1, 2, 3, 5, 10, 15, 20)
AGES = (18, 25, 35, 45, 50, 56)  # the lower ends of groups, as in ml-1m
MOST_ASKED = 300  # users of an interview
LENGTH = 100  # of the lists


def load(dataset: str) -> tuple[sp.csr_array, np.ndarray]:
    """Read ratings, and age group, gender and occupation of each user as one-hot columns."""
    arrays = load_arrays(dataset)
    ids, users = np.unique(arrays["user"], return_inverse=True)
    items = np.unique(arrays["item"], return_inverse=True)[1]
    X = sp.csr_array(sp.coo_array((arrays["rating"].astype(np.float32), (users, items))))
    known = read_people(dataset)
    people = [known[int(number)] for number in ids]
    ages = np.digitize([age for age, _, _ in people], AGES)
    columns = [ages, *(np.array([person[i] for person in people]) for i in (1, 2))]
    return X, np.hstack([column[:, None] == np.unique(column) for column in columns]).astype(float)


def read_people(dataset: str) -> dict[int, tuple[int, str, str]]:
    """Age, gender and occupation by user id."""
    name, mark, order = {
        "ml-100k": ("ml-100k.u.user.gz", "|", (1, 2, 3)),
        "ml-1m": ("ml-1m.users.dat.gz", "::", (2, 1, 3)),
    }[dataset]
    with gzip.open(data_folder() / name, "rt", encoding="latin-1") as file:
        rows = [line.strip().split(mark) for line in file]
    age, gender, work = order
    return {int(row[0]): (int(row[age]), row[gender], row[work]) for row in rows}


def split(n_users: int, part: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Users to learn from, and users of a part."""
    order = np.random.default_rng(seed).permutation(n_users)
    n = int(HELD_OUT * n_users)
    return order[2 * n :], order[:n] if part == "test" else order[n : 2 * n]


def give(X: sp.csr_array, n_given: int | None, seed: int) -> tuple[sp.csr_array, sp.csr_array]:
    """Give some ratings of each user at random, four fifths if None; the other liked ones hide."""
    rng = np.random.default_rng([seed, 7])
    given = np.zeros(X.nnz, bool)
    for start, end in zip(X.indptr[:-1], X.indptr[1:]):
        n = round(0.8 * (end - start)) if n_given is None else n_given
        given[start:end] = rng.permutation(end - start) < n
    return keep(X, given), keep(X, ~given & (X.data >= RELEVANT), ones=True)


def keep(X: sp.csr_array, mask: np.ndarray, *, ones: bool = False) -> sp.csr_array:
    """Keep some entries."""
    indptr = np.append(0, np.cumsum(mask))[X.indptr]
    data = np.ones(mask.sum()) if ones else X.data[mask]
    return sp.csr_array((data, X.indices[mask], indptr), shape=X.shape)


def judge(model: Any, history: sp.csr_array, target: sp.csr_array, **beside: Any) -> np.ndarray:
    """NDCG@10 of every user with a target."""
    judged = np.flatnonzero(np.diff(target.indptr))
    beside = {name: table[judged] for name, table in beside.items()}
    lists, _ = model.recommend(history[judged], LENGTH, **beside)
    return ranking_metrics(lists, sp.csr_matrix(target[judged]))["NDCG@10"]


def prepare(dataset: str, part: str, seed: int) -> tuple[Any, ...]:
    """Split ratings and features by users; items that nobody rated in training are left out."""
    X, features = load(dataset)
    train, held = split(X.shape[0], part, seed)
    X = X[:, np.flatnonzero(np.bincount(X[train].indices, minlength=X.shape[1]))]
    return sp.csr_array(X[train]), features[train], sp.csr_array(X[held]), features[held]


def first_ratings(dataset: str, part: str, seed: int) -> list[dict[str, Any]]:
    """NDCG@10 after a few given ratings, with user features and without."""
    from skattnrec import AttentionRecommender, PopularityRecommender

    train, known, held, asked = prepare(dataset, part, seed)
    models = {
        "popularity": (PopularityRecommender().fit(train), {}),
        "attention": (AttentionRecommender().fit(train), {}),
        "attention, prior_weight=3": (AttentionRecommender(prior_weight=3).fit(train), {}),
        "attention, user features": (
            AttentionRecommender().fit(train, user_features=known),
            {"user_features": asked},
        ),
    }
    rows = []
    for name, (model, beside) in models.items():
        values = {}
        for n_given in (*GIVEN, None):
            parts = [give(held, n_given, seed + 100 * draw) for draw in range(3)]
            found = [judge(model, *one, **beside).mean() for one in parts]
            values["warm" if n_given is None else str(n_given)] = float(np.mean(found))
        rows.append({"dataset": dataset, "seed": seed, "model": name, **values})
        print(dataset, seed, name, *(f"{v:.4f}" for v in values.values()), flush=True)
    return rows


# -- interviews -------------------------------------------------------------------------------


def fixed_orders(train: sp.csr_array, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Orders of questions that are the same for everybody."""
    counts = np.bincount(train.indices, minlength=train.shape[1])
    entropy = np.zeros(train.shape[1])
    for stars in np.unique(train.data):
        share = np.bincount(train.indices[train.data == stars], minlength=train.shape[1])
        share = share / np.maximum(counts, 1)
        entropy -= np.where(share > 0, share * np.log(np.maximum(share, 1e-12)), 0)
    popular = np.argsort(-counts, kind="stable")
    return {
        "most popular": popular,
        "random of the 300 most popular": rng.permutation(popular[:300]),
        "entropy x popularity": np.argsort(-entropy * counts, kind="stable"),
    }


def interview(model: Any, pool: sp.csr_array, n_questions: int, **beside: Any) -> np.ndarray:
    """Ask everybody, one question after the other; items asked, (n_users, n_questions)."""
    from skattnrec import onboarding_items

    answers_of, asked = pool.toarray(), np.zeros(pool.shape, bool)
    questions = np.empty((pool.shape[0], n_questions), int)
    rows = np.arange(pool.shape[0])
    for turn in range(n_questions):
        answers = sp.csr_array(np.where(asked, answers_of, 0))
        items, _ = onboarding_items(
            model, 1, answers=answers, asked=sp.csr_array(asked * 1.0), **beside
        )
        questions[:, turn] = items[:, 0]
        asked[rows, items[:, 0]] = True
    return questions


def interviews(dataset: str, part: str, seed: int) -> list[dict[str, Any]]:
    """NDCG@10 after some questions, by the way to ask."""
    from skattnrec import AttentionRecommender

    train, known, held, features = prepare(dataset, part, seed)
    held, features = held[:MOST_ASKED], features[:MOST_ASKED]
    rng = np.random.default_rng(seed)
    told = rng.random(held.nnz) < 0.8
    liked = held.data >= RELEVANT
    hidden = keep(held, ~told & liked, ones=True)
    pools = {"fifth": (keep(held, told), hidden), "rest": (held, None)}
    model = AttentionRecommender().fit(train, user_features=known)
    orders = fixed_orders(train, rng)
    rows = []
    for targets, (pool, target) in pools.items():
        shape = held.shape[0], max(QUESTIONS)
        asked = {name: np.tile(o[: shape[1]], (shape[0], 1)) for name, o in orders.items()}
        asked["onboarding_items"] = interview(model, pool, shape[1], user_features=features)
        for name, questions in asked.items():
            values = {}
            for n in QUESTIONS:
                mask = np.zeros(held.shape, bool)
                mask[np.arange(shape[0])[:, None], questions[:, :n]] = True
                answers = sp.csr_array(np.where(mask, pool.toarray(), 0))
                left = target
                if left is None:
                    left = sp.csr_array((held.toarray() >= RELEVANT) & ~mask).astype(float)
                values[str(n)] = float(judge(model, answers, left, user_features=features).mean())
                values[f"answers {n}"] = answers.nnz / shape[0]
            rows.append({"dataset": dataset, "targets": targets, "questions": name, **values})
            print(dataset, targets, name, *(f"{v:.4f}" for v in values.values()), flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=DATASETS)
    parser.add_argument("--part", choices=("val", "test"), default="test")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--interviews", action="store_true", help="ask instead of giving ratings")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    measure = interviews if arguments.interviews else first_ratings
    rows = [
        row
        for dataset in arguments.datasets
        for seed in arguments.seeds
        for row in measure(dataset, arguments.part, seed)
    ]
    results = Path("results") / f"{'interviews' if arguments.interviews else 'coldstart_users'}.csv"
    results.parent.mkdir(exist_ok=True)
    with results.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print(f"\nwritten to {results}")


if __name__ == "__main__":
    main()
