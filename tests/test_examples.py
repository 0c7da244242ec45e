"""Every example runs without a warning, and tells the truth."""

import runpy
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def run(monkeypatch):
    """Run an example by name and return its variables; it has to draw."""
    mpl.use("Agg")
    monkeypatch.setattr(plt, "show", lambda: None)

    def run(name):
        variables = runpy.run_path(str(EXAMPLES / f"plot_{name}.py"))
        assert plt.get_fignums(), f"{name} draws no picture."
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()  # warnings of layout and fonts come now
        return variables

    yield run
    plt.close("all")


def test_every_example_is_tested():
    names = {path.stem.removeprefix("plot_") for path in EXAMPLES.glob("plot_*.py")}
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert names <= tested


def test_stated_preferences(run):
    names = run("stated_preferences")
    first = [names["titles"][item] for item in names["items"][0][:2]]
    assert first == ["Lord of the Rings", "Harry Potter"]
    for parts in (names["alone"], names["both"]):
        np.testing.assert_allclose(parts.feature_contributions.sum(axis=1), parts.scores)
    assert names["titles"][np.argmax(names["both"].scores)] == "Sherlock Holmes"


def test_why_not(run):
    names = run("why_not")
    why, what_if = names["why"], names["what_if"]
    assert why.rank == 12
    assert why.to_frame()["shortfall"].sum() == pytest.approx(why.shortfall, rel=1e-3)
    assert what_if.is_minimal
    assert what_if.item not in what_if.after
    assert what_if.to_frame()["needed"].notna().any()


def test_book_tutorial(run):
    names = run("book_tutorial")
    np.testing.assert_allclose(
        names["weights"], [0.2852, 0.2768, 0.1114, 0.1747, 0.1519], atol=5e-5
    )
    assert names["rating"] == pytest.approx(4.6378, abs=5e-5)
    heads = [[0.2764, 0.2656, 0.1216, 0.1735, 0.1629], [0.2650, 0.2537, 0.1327, 0.1753, 0.1734]]
    np.testing.assert_allclose(names["head_weights"], heads, atol=5e-5)
    final = [1.2994, 1.2722, 0.5721, 0.8022, 0.6725]
    np.testing.assert_allclose(names["contributions"], final, atol=5e-5)

    shelf, query = names["books"].features.to_numpy(), names["query"]
    np.testing.assert_allclose(names["similarity"].similarity[0], 1 - np.abs(query - shelf))
    for W, similarity in zip(names["projections"], names["heads_similarity"].similarity):
        np.testing.assert_allclose(similarity, 1 - np.abs(query @ W - shelf @ W))
    bars = np.array([[bar.get_width() for bar in head] for head in names["attention"].bars_])
    np.testing.assert_allclose(np.sort(bars[0])[::-1], np.sort(names["weights"])[::-1])
    assert names["explanation"].remainder == 0
    assert names["waterfall"].bars_[-1].get_width() == pytest.approx(4.6184, abs=5e-5)
    flat = names["concentration"].effective_by_factor[:, :, 1]
    assert (flat[:, 0] < 1.3).all()
    assert (flat[:, -1] > 4.99).all()


def test_movielens(run, monkeypatch):
    monkeypatch.delenv("SKATTNREC_DATA", raising=False)
    names = run("movielens")
    reasons, table = names["reasons"], names["table"]
    assert (reasons.remainder == 0).all()
    assert len(reasons.to_text()) == 10
    assert table["contribution"].sum() == pytest.approx(reasons.scores[0], rel=1e-4)
    assert names["waterfall"].bars_[-1].get_width() == pytest.approx(reasons.scores[0], rel=1e-4)
    sharp, flat = names["lifts"][0] - 1, names["lifts"][1] - 1
    assert sharp.abs().mean() > flat.abs().mean()
    assert (sharp.abs() > 0.01).any()


def test_next_word(run):
    names = run("next_word")
    right = names["right"]
    assert (right.loc[[3, 5, 7]] == 1).all(axis=None)  # what always follows
    assert (right.loc[[1, 2, 4]] < 0.5).all(axis=None)  # what nobody can know
    drink = right.loc[6]
    assert drink["two heads"] == 1
    assert drink["one head"] < 0.5
    assert drink["the last word"] < 0.5
    assert (names["reasons"].remainder == 0).all()
    reason = names["reasons"].to_text()[0]
    assert reason.startswith("rum: because you know drinks and sailor")
    sharp, flat = names["attention"].weights
    assert sharp.max() > 2 * flat.max()
    told = " ".join(names["told"])
    assert told in names["corpus"]
    assert told.startswith("the queen")


def test_compare_recommenders(run):
    names = run("compare_recommenders")
    board = names["board"]
    assert set(board.index) == set(names["models"])
    assert board["ndcg@10"].is_monotonic_decreasing
    assert board.index[-1] == "popularity"
    assert board.loc["popularity", "ndcg@10_p"] < 0.001
    assert (board["ndcg@10_low"] < board["ndcg@10"]).all()


def test_grid_search(run):
    names = run("grid_search")
    search, display = names["search"], names["display"]
    table = pd.DataFrame(display.scores, index=display.n_heads, columns=display.temperatures)
    assert table.shape == (3, 5)
    assert search.best_score_ == np.max(table)
    row, column = display.best_
    best = {"n_heads": table.index[row], "temperature": table.columns[column]}
    assert search.best_params_ == best
    assert 0 < column < table.shape[1] - 1  # neither the sharpest nor the flattest
    spread = np.ptp(table.to_numpy(), axis=1).min(), np.ptp(table.to_numpy(), axis=0).max()
    assert spread[0] > spread[1]  # temperature matters more than heads, as the text says
    first_heads = table.idxmax(axis=1)
    assert first_heads[3] <= first_heads[1]


def test_temperature_and_smoothing(run):
    names = run("temperature_and_smoothing")
    shares, temperatures, stars = names["shares"], names["temperatures"], names["stars"]
    logits = stars / temperatures[:, None]
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, softmax, rtol=1e-4, atol=1e-6)
    for smoothing, total in names["loudness"].items():
        np.testing.assert_allclose(total / total[0], names["lengths"] ** (1 - smoothing), rtol=1e-4)


def test_table_to_recommendations(run):
    names = run("table_to_recommendations")
    found = names["recommendations"].set_index("user")["item"].to_dict()
    missing = {"Ada": "Dune", "Ben": "Solaris", "Cleo": "Alien", "Dina": "Casablanca"}
    missing |= {"Emil": "Notting Hill", "Fay": "Amelie", "Gus": "Blade Runner"}
    assert found == missing | {"Hana": "Before Sunrise"}
    reasons = names["reasons"]
    assert set(reasons.index) == {"Alien", "Blade Runner", "Solaris"}
    assert (reasons["Dune"] > reasons["Amelie"].abs()).all()
    explanation = names["explanation"]
    total = explanation.contributions.sum(axis=1)
    np.testing.assert_allclose(total, explanation.scores, rtol=1e-4)
