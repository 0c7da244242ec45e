import json
import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import ndcg_score

from skattnrec.metrics import (
    average_precision_at_k,
    hit_rate_at_k,
    ndcg_at_k,
    precision_at_k,
    rank_items,
    recall_at_k,
    reciprocal_rank_at_k,
)

METRICS = {
    "ndcg": ndcg_at_k,
    "precision": precision_at_k,
    "recall": recall_at_k,
    "map": average_precision_at_k,
    "mrr": reciprocal_rank_at_k,
    "hit_rate": hit_rate_at_k,
}


@pytest.fixture(scope="module")
def judged():
    """Distinct random scores and grades 1 to 4 for about a tenth of the items."""
    rng = np.random.default_rng(0)
    scores = rng.permuted(np.tile(np.linspace(0, 1, 60), (50, 1)), axis=1)
    relevant = sp.csr_array((rng.random((50, 60)) < 0.1) * rng.integers(1, 5, (50, 60)))
    assert np.diff(relevant.indptr).min() >= 1
    return scores, relevant


def as_run(scores):
    return {
        f"u{u}": {f"i{i}": float(score) for i, score in enumerate(row)}
        for u, row in enumerate(scores)
    }


def as_qrels(relevant):
    qrels = {}
    for u, i, grade in zip(*sp.find(relevant)):
        qrels.setdefault(f"u{u}", {})[f"i{i}"] = int(grade)
    return qrels


@pytest.mark.parametrize("k", [1, 5, 10, 60])
def test_agrees_with_trec_eval(judged, k):
    import pytrec_eval

    scores, relevant = judged
    names = {
        "precision": f"P_{k}",
        "recall": f"recall_{k}",
        "map": f"map_cut_{k}",
        "hit_rate": f"success_{k}",
    }
    measures = {f"{measure}.{k}" for measure in ("P", "recall", "map_cut", "success", "ndcg_cut")}
    evaluate = pytrec_eval.RelevanceEvaluator(as_qrels(relevant), measures).evaluate
    by_user = evaluate(as_run(scores))
    users = [f"u{u}" for u in range(len(scores))]
    recommended = rank_items(scores, k=k)
    for metric, name in names.items():
        expected = [by_user[u][name] for u in users]
        actual = METRICS[metric](recommended, relevant, k, average=False)
        assert_allclose(actual, expected, atol=1e-6, err_msg=metric)
    expected = [by_user[u][f"ndcg_cut_{k}"] for u in users]
    actual = ndcg_at_k(recommended, relevant, k, gain="linear", average=False)
    assert_allclose(actual, expected, atol=1e-6)

    binary = pytrec_eval.RelevanceEvaluator(
        {u: dict.fromkeys(items, 1) for u, items in as_qrels(relevant).items()},
        {f"ndcg_cut.{k}", "recip_rank"},
    ).evaluate(as_run(scores))
    expected = [binary[u][f"ndcg_cut_{k}"] for u in users]
    assert_allclose(ndcg_at_k(recommended, relevant, k, average=False), expected, atol=1e-6)
    reciprocal = np.array([binary[u]["recip_rank"] for u in users])
    reciprocal[reciprocal < 1 / k - 1e-9] = 0  # trec_eval has no cutoff for this one
    actual = reciprocal_rank_at_k(recommended, relevant, k, average=False)
    assert_allclose(actual, reciprocal, atol=1e-6)


def evaluate_with_ranx(qrels, run, metrics):
    """Run ranx in a process without compilation, which would take it minutes."""
    code = (
        "import json, sys, ranx; qrels, run, metrics = json.load(sys.stdin);"
        "means = ranx.evaluate(ranx.Qrels(qrels), ranx.Run(run), metrics);"
        "print(json.dumps({name: float(mean) for name, mean in means.items()}))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        input=json.dumps([qrels, run, metrics]),
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_agrees_with_ranx(judged):
    scores, relevant = judged
    names = {
        "precision@10": precision_at_k,
        "recall@10": recall_at_k,
        "map@10": average_precision_at_k,
        "mrr@10": reciprocal_rank_at_k,
        "hit_rate@10": hit_rate_at_k,
    }
    metrics = [*names, "ndcg@10", "ndcg_burges@10"]
    expected = evaluate_with_ranx(as_qrels(relevant), as_run(scores), metrics)
    recommended = rank_items(scores, k=10)
    for name, metric in names.items():
        assert_allclose(metric(recommended, relevant, 10), expected[name], atol=1e-6, err_msg=name)
    actual = ndcg_at_k(recommended, relevant, 10, gain="linear")
    assert_allclose(actual, expected["ndcg@10"], atol=1e-6)
    actual = ndcg_at_k(recommended, relevant, 10, gain="exp2")
    assert_allclose(actual, expected["ndcg_burges@10"], atol=1e-6)


@pytest.mark.parametrize("k", [3, 60])
def test_linear_ndcg_agrees_with_scikit_learn(judged, k):
    scores, relevant = judged
    expected = ndcg_score(relevant.toarray(), scores, k=k)
    assert_allclose(ndcg_at_k(rank_items(scores, k=k), relevant, k, gain="linear"), expected)


def test_values_worked_by_hand():
    recommended = [[4, 2, 0, 3]]
    relevant = np.array([[1, 3, 2, 0, 0, 2]])  # hits at positions 2 and 3 of the list
    d = 1 / np.log2([2, 3, 4, 5])
    expected = {
        "ndcg": (d[1] + d[2]) / d.sum(),
        "precision": 2 / 4,
        "recall": 2 / 4,
        "map": (1 / 2 + 2 / 3) / 4,
        "mrr": 1 / 2,
        "hit_rate": 1,
    }
    for name, value in expected.items():
        assert_allclose(METRICS[name](recommended, relevant, k=4), value, err_msg=name)
    linear = (2 * d[1] + 1 * d[2]) / (3 * d[0] + 2 * d[1] + 2 * d[2] + 1 * d[3])
    assert_allclose(ndcg_at_k(recommended, relevant, k=4, gain="linear"), linear)
    exp2 = (3 * d[1] + 1 * d[2]) / (7 * d[0] + 3 * d[1] + 3 * d[2] + 1 * d[3])
    assert_allclose(ndcg_at_k(recommended, relevant, k=4, gain="exp2"), exp2)
    # the ideal list of two holds two items, of which position 2 was found
    assert_allclose(ndcg_at_k(recommended, relevant, k=2), d[1] / (d[0] + d[1]))


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_bounds_are_reached(metric):
    relevant = np.array([[1, 1, 1, 0, 0, 0]])
    assert metric([[0, 1, 2]], relevant, k=3) == 1
    assert metric([[3, 4, 5]], relevant, k=3) == 0
    assert metric([[-1, -1, -1]], relevant, k=3) == 0


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_users_without_relevant_items_are_left_out(metric):
    recommended = np.array([[0, 1], [0, 1], [2, 3]])
    relevant = np.array([[0, 1, 1, 0], [0, 0, 0, 0], [-1, 0, 0, 2]])
    values = metric(recommended, relevant, k=2, average=False)
    assert_array_equal(np.isnan(values), [False, True, False])
    assert metric(recommended, relevant, k=2) == pytest.approx(np.nanmean(values))
    with pytest.raises(ValueError, match="undefined: no user has a relevant item"):
        metric(recommended, np.zeros((3, 4)), k=2)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_padding_is_a_miss(metric):
    relevant = np.array([[1, 0, 1, 0]])
    padded = metric([[0, -1, -1]], relevant, k=3)
    assert padded == metric([[0, 1, 3]], relevant, k=3)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_only_the_first_k_count(metric, judged):
    scores, relevant = judged
    long, short = rank_items(scores, k=20), rank_items(scores, k=5)
    assert_array_equal(
        metric(long, relevant, 5, average=False), metric(short, relevant, 5, average=False)
    )


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_renaming_items_changes_nothing(metric, judged):
    scores, relevant = judged
    order = np.random.default_rng(1).permutation(scores.shape[1])
    expected = metric(rank_items(scores, k=10), relevant, average=False)
    actual = metric(rank_items(scores[:, order], k=10), relevant[:, order], average=False)
    assert_allclose(actual, expected)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_ties_do_not_flatter(metric):
    """Equal scores for all items earn what a random order earns."""
    rng = np.random.default_rng(0)
    relevant = (rng.random((4000, 50)) < 0.1).astype(float)
    constant = metric(rank_items(np.zeros(relevant.shape), k=10), relevant)
    chance = metric(rank_items(rng.random(relevant.shape), k=10), relevant)
    assert constant == pytest.approx(chance, rel=0.1)


def test_rank_items_orders_and_masks():
    scores = np.array([[1, 3, 2, 3], [0, 0, 0, 0], [5, 4, -np.inf, 1]])
    seen = sp.csr_array(np.array([[0, 1, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0]]))
    assert_array_equal(rank_items(scores, k=3), [[1, 3, 2], [0, 1, 2], [0, 1, 3]])
    assert_array_equal(rank_items(scores, seen, k=3), [[3, 2, 0], [0, 1, 2], [3, -1, -1]])
    assert scores[0, 1] == 3  # the caller's scores are left alone


@pytest.mark.parametrize("dtype", [np.int64, np.float16, np.float32])
def test_rank_items_takes_any_numbers(dtype):
    scores = np.asfortranarray(np.array([[1, 3, 2], [9, 8, 7]], dtype=dtype))
    scores.setflags(write=False)
    assert_array_equal(rank_items(scores, np.eye(2, 3), k=2), [[1, 2], [0, 2]])


def test_rank_items_refuses_what_has_no_rank():
    with pytest.raises(ValueError, match="NaN at row 1, column 0"):
        rank_items([[1.0, 2.0], [np.nan, 1.0]], k=1)
    with pytest.raises(ValueError, match="k must be in"):
        rank_items([[1.0, 2.0]], k=3)
    with pytest.raises(ValueError, match="seen has shape"):
        rank_items([[1.0, 2.0]], seen=[[1.0]], k=1)


@pytest.mark.parametrize(
    ("recommended", "message"),
    [
        ([[0, 4]], r"item columns in \[0, 3\].*from 0 to 4"),
        ([[0, -2]], "from -2 to 0"),
        ([[0, 1, 0]], "item 0 twice in row 0"),
        ([[0.0, 1.0]], "integers"),
        ([0, 1], "two-dimensional"),
        ([[0], [1]], "2 rows, relevant has 1"),
        (np.empty((1, 0), int), "non-empty"),
    ],
)
def test_refuses_wrong_lists(recommended, message):
    with pytest.raises(ValueError, match=message):
        ndcg_at_k(recommended, [[1, 0, 0, 1]], k=1)


def test_refuses_wrong_parameters():
    lists, relevant = [[0, 1]], [[1, 0, 2000]]
    with pytest.raises(ValueError, match=r"k must be in \[1, 2\].*k=3"):
        recall_at_k(lists, relevant, k=3)
    with pytest.raises(TypeError, match="k must be an integer"):
        recall_at_k(lists, relevant, k=1.5)
    with pytest.raises(ValueError, match="gain must be"):
        ndcg_at_k(lists, relevant, k=1, gain="cubic")
    with pytest.raises(ValueError, match="cannot weigh a grade of 2000"):
        ndcg_at_k(lists, relevant, k=1, gain="exp2")


def test_grades_whose_sums_overflow_are_refused():
    lists, grades = [[0, 1]], np.array([[1.7e308, 1.7e308]])
    with pytest.raises(ValueError, match=r"gain=.linear. cannot weigh a grade of 1.7e.308"):
        ndcg_at_k(lists, grades, k=2, gain="linear")
    assert ndcg_at_k(lists, grades, k=2) == 1
    assert ndcg_at_k(lists, grades / 1e9, k=2, gain="linear") == pytest.approx(1)
