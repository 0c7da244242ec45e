"""Pictures of scores: waterfalls, grids and leaderboards show the numbers they are said to show."""

import builtins
import sys
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

import skattnrec.inspection as inspection
from skattnrec import (
    AttentionRecommender,
    ItemItemCF,
    MultiHeadAttentionRecommender,
    PopularityRecommender,
    RankingScorer,
    compare_recommenders,
)
from skattnrec.datasets import make_interactions
from skattnrec.exceptions import IneffectiveParameterWarning
from skattnrec.inspection import (
    ContributionDisplay,
    LeaderboardDisplay,
    TemperatureHeadsDisplay,
    explain,
)
from skattnrec.inspection._plot._labels import rated, significant, wrap

X = make_interactions(80, 30, n_interactions=800, min_interactions=4, random_state=0).X
NAMES = [f"film {j}" for j in range(30)]


def test_labels_fit():
    assert significant(1.3, "+") == "+1.30"
    assert significant(139.2) == "139"
    assert significant(-0.00618) == "-0.00618"
    long = "Like Water For Chocolate (Como agua para chocolate), the film of 1992"
    wrapped = wrap(rated([long], [4.5])[0])
    assert wrapped.endswith(" …\xa0\xa04.5★")
    assert wrapped.count("\n") == 1
    assert rated(["Alien", "Dune"], [5, 1]) == ["Alien\xa0\xa05★", "Dune\xa0\xa01★"]
    assert rated(["Alien", "(prior)"], [2, np.nan]) == ["Alien\xa0\xa02★", "(prior)"]
    assert rated(["Alien", "Dune"], [1, 1]) == ["Alien", "Dune"]  # known, not graded
    assert wrap("Alien\xa0\xa05★") == "Alien\xa0\xa05★"
    assert wrap("") == ""


# -- ContributionDisplay --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model", [AttentionRecommender(), ItemItemCF(feedback="explicit"), PopularityRecommender()]
)
def test_waterfall_leads_to_the_score(model):
    model = model.fit(X)
    display = ContributionDisplay.from_estimator(
        model, X[[0]], "film 7", item_names=NAMES, max_entries=4
    )
    parts = explain(model, X[[0]], [7], item_names=NAMES)
    table = parts.to_frame(max_sources=4)
    widths = [bar.get_width() for bar in display.bars_]
    assert_allclose(widths[:-1], table["contribution"])
    assert widths[-1] == pytest.approx(model.predict(X[[0]])[0, 7], rel=1e-4)
    starts = [bar.get_x() for bar in display.bars_]
    ends = np.cumsum(widths[:-1])
    assert_allclose(starts[:-1], [0, *ends[:-1]], atol=1e-9)
    assert starts[-1] == 0
    assert display.kinds == table["kind"].tolist()
    assert len(display.labels) == len(widths)
    assert display.labels[-1] == "score"
    assert display.ax_.get_xlabel().startswith("score of film 7")
    assert display.ax_.get_title("left").replace("\n", " ") == parts.to_text()[0]
    written = [text.get_text() for text in display.ax_.texts]
    assert written == [significant(w, "+") for w in widths[:-1]] + [significant(widths[-1])]


def test_waterfall_of_the_best_recommendation():
    model = AttentionRecommender().fit(X)
    indices, _ = model.recommend(X[[3]], k=2)
    assert ContributionDisplay.from_estimator(model, X[[3]]).item == f"item {indices[0, 0]}"
    second = ContributionDisplay.from_predictions(explain(model, X[[3]]), position=1)
    assert second.item == f"item {indices[0, 1]}"


def test_axis_of_a_waterfall_leaves_out_most_of_a_large_baseline():
    model = ItemItemCF(feedback="explicit").fit(X)
    parts = explain(model, X[[2]], [0]).only(0)
    display = ContributionDisplay.from_predictions(parts)
    widths = [bar.get_width() for bar in display.bars_]
    assert widths[0] == pytest.approx(parts.baseline[0])
    ends = np.cumsum(widths[:-1])
    assert np.ptp(ends) < ends.min() / 4
    left, right = display.ax_.get_xlim()
    assert 0 < left < ends.min()
    assert right > ends.max()
    assert display.ax_.get_xlabel() == f"score of item 0 (axis cut at {left:.3g})"


def test_waterfall_colours_tell_signs():
    base = explain(ItemItemCF().fit(X), X[[0]], [7]).only(0)
    parts = type(base)(
        items=base.items,
        scores=np.array([1.0]),
        baseline=np.array([2.0]),
        sources=np.array([3, 4]),
        contributions=np.array([[0.5, -1.0]]),
        ratings=np.array([1.0, 1.0]),
    )
    display = ContributionDisplay.from_predictions(parts, print_values=False)
    assert display.labels == ["(baseline)", "item 4", "item 3", "(remainder)", "score"]
    assert_allclose([bar.get_width() for bar in display.bars_], [2, -1, 0.5, -0.5, 1])
    colors = [bar.get_facecolor() for bar in display.bars_]
    assert colors[0] == colors[3]  # what no source accounts for
    assert colors[1] != colors[2]
    assert not display.ax_.texts


# -- TemperatureHeadsDisplay ----------------------------------------------------------------


@pytest.fixture(scope="module")
def search():
    grid = {"n_heads": [2, 1], "temperature": [4.0, 1.0, np.inf], "smoothing": [0.0, 0.5]}
    scorer = RankingScorer("ndcg@5")
    with warnings.catch_warnings():  # at infinite temperature two heads are the same
        warnings.simplefilter("ignore", IneffectiveParameterWarning)
        return GridSearchCV(MultiHeadAttentionRecommender(), grid, scoring=scorer, cv=2).fit(X)


def test_grid_of_a_search(search):
    display = TemperatureHeadsDisplay.from_estimator(search)
    results = pd.DataFrame(search.cv_results_)
    best = results.groupby(["param_n_heads", "param_temperature"])["mean_test_score"].max()
    assert_allclose(display.image_.get_array(), best.unstack())
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == ["1", "2"]
    assert [t.get_text() for t in display.ax_.get_xticklabels()] == ["1", "4", "∞"]
    row, column = display.best_
    assert display.scores[row, column] == search.best_score_
    tied = results[results["mean_test_score"] == search.best_score_]
    assert display.n_heads[row] in set(tied["param_n_heads"])
    x, y = display.frame_.get_xy()
    assert (round(x + 0.46), round(y + 0.44)) == (column, row)
    assert display.texts_[row, column].get_text() == f"{search.best_score_:.4f}"
    assert display.score_name == "ndcg@5"


def test_grid_of_a_pipeline_and_several_metrics():
    pipeline = make_pipeline(MaxAbsScaler(), AttentionRecommender())
    grid = {"attentionrecommender__temperature": [0.2, 0.4]}
    scorer = RankingScorer(["ndcg@5", "recall@5"])
    search = GridSearchCV(pipeline, grid, scoring=scorer, refit="ndcg@5", cv=2).fit(X)
    display = TemperatureHeadsDisplay.from_estimator(search)
    assert_allclose(display.scores, [search.cv_results_["mean_test_ndcg@5"]])
    other = TemperatureHeadsDisplay.from_estimator(search, metric="recall@5")
    assert_allclose(other.scores, [search.cv_results_["mean_test_recall@5"]])
    with pytest.raises(ValueError, match=r"metric must be one of \['ndcg@5', 'recall@5'\]"):
        TemperatureHeadsDisplay.from_estimator(search, metric="map")


def test_settings_without_a_temperature_are_left_out():
    grid = [{"temperature": [1.0, 2.0]}, {"smoothing": [0.0, 0.5]}]
    search = GridSearchCV(AttentionRecommender(), grid, scoring=RankingScorer(), cv=2).fit(X)
    display = TemperatureHeadsDisplay.from_estimator(search)
    assert_array_equal(display.temperatures, [1, 2])
    assert_allclose(display.scores[0], search.cv_results_["mean_test_score"][:2])


def test_values_are_readable_on_their_background():
    scores = np.linspace(0, 1, 60)
    display = TemperatureHeadsDisplay.from_predictions(
        np.repeat(np.arange(6), 10), np.tile(np.arange(10), 6), scores, print_values=True
    )
    for (row, column), text in np.ndenumerate(display.texts_):
        background = display.image_.cmap(display.image_.norm(display.scores[row, column]))[:3]
        contrast = luminance(to_rgb(text.get_color())), luminance(background)
        assert (max(contrast) + 0.05) / (min(contrast) + 0.05) > 3


def luminance(color):
    """As the Web Content Accessibility Guidelines define it."""
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
    return np.dot(linear, [0.2126, 0.7152, 0.0722])


def test_grid_with_holes():
    display = TemperatureHeadsDisplay.from_predictions([1, 2], [1.0, 2.0], [0.3, 0.4])
    assert_array_equal(display.scores, [[0.3, np.nan], [np.nan, 0.4]])
    assert display.best_ == (1, 1)
    assert display.texts_[0, 1] is None


def test_grid_errors(search):
    with pytest.raises(TypeError, match="AttentionRecommender has no cv_results_"):
        TemperatureHeadsDisplay.from_estimator(AttentionRecommender())
    other = GridSearchCV(AttentionRecommender(), {"smoothing": [0.0, 1.0]}, cv=2).fit(X)
    with pytest.raises(ValueError, match="does not vary the temperature"):
        TemperatureHeadsDisplay.from_estimator(other)
    with pytest.raises(ValueError, match=r"n_heads must be whole numbers, got \[1.5\]"):
        TemperatureHeadsDisplay.from_predictions([1.5], [1], [0.3])
    with pytest.raises(ValueError, match="All scores are NaN"):
        TemperatureHeadsDisplay.from_predictions([1], [1], [np.nan])


# -- LeaderboardDisplay ---------------------------------------------------------------------------


def test_leaderboard():
    models = {"popularity": PopularityRecommender(), "attention": AttentionRecommender()}
    board = compare_recommenders(models, X, scoring=["ndcg@5", "recall@5"], cv=2)
    display = LeaderboardDisplay.from_predictions(board)
    assert display.metric == "ndcg@5"
    assert display.names == list(board.index)
    assert_allclose([p.get_xdata()[0] for p in display.points_], board["ndcg@5"])
    segments = np.array(display.lines_.get_segments())
    assert_allclose(segments[:, :, 0], board[["ndcg@5_low", "ndcg@5_high"]])
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == display.names
    assert [t.get_text() for t in display.ax_.texts] == [f"{m:.3f}" for m in board["ndcg@5"]]
    made = LeaderboardDisplay.from_estimator(
        models, X, scoring=["ndcg@5", "recall@5"], cv=2, metric="recall@5"
    )
    assert_allclose(made.means, board["recall@5"].sort_values(ascending=False))


def test_leaderboard_tells_what_differs():
    columns = ["m", "m_low", "m_high", "m_p"]
    rows = [[0.1, 0.05, 0.15, 0.001], [0.3, 0.2, 0.4, 1.0], [0.29, 0.2, 0.38, 0.2]]
    board = pd.DataFrame(rows, columns=columns, index=["bad", "best", "good"])
    display = LeaderboardDisplay.from_predictions(board)
    assert display.names == ["best", "good", "bad"]
    faces = [point.get_markerfacecolor() for point in display.points_]
    assert faces == [faces[0], faces[0], "white"]
    assert "hollow" in display.ax_.get_xlabel()
    lenient = display.plot(significance=0.0001)
    assert "hollow" not in lenient.ax_.get_xlabel()
    with pytest.raises(ValueError, match="board has no column 'x'"):
        LeaderboardDisplay.from_predictions(board, metric="x")


# -- without a screen, without matplotlib ---------------------------------------------------------


def test_displays_are_shown_in_a_line():
    display = TemperatureHeadsDisplay.from_predictions([1, 2], [1.0, 2.0], [0.3, 0.4])
    assert repr(display) == "<TemperatureHeadsDisplay: n_heads 2, temperatures 2, scores 2 x 2>"


def test_descriptions_are_filled_in():
    for name in DISPLAYS:
        display = getattr(inspection, name)
        for thing in (display, display.from_estimator, display.from_predictions, display.plot):
            assert "{ax}" not in thing.__doc__
            assert "figure_" in thing.__doc__ or "The display, drawn." in thing.__doc__


def test_displays_draw_where_they_are_told():
    axes = plt.figure().add_subplot()
    display = TemperatureHeadsDisplay.from_predictions([1], [1.0], [0.5], ax=axes)
    assert display.ax_ is axes
    again = display.plot()
    assert again is display
    assert display.ax_ is not axes


def test_importing_the_package_imports_no_matplotlib():
    import subprocess

    code = "import sys, skattnrec.inspection; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture
def no_matplotlib(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    real = builtins.__import__

    def fake(name, *args, **kwargs):
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", fake)


DISPLAYS = [name for name in inspection.__all__ if name.endswith("Display")]


@pytest.mark.usefixtures("no_matplotlib")
def test_without_matplotlib_there_is_a_hint():
    board = pd.DataFrame([[1.0, 0, 2, 1]], columns=["m", "m_low", "m_high", "m_p"], index=["a"])
    parts = explain(ItemItemCF().fit(X), X[[0]], [7])
    data = {
        "AttentionDisplay": ([[1.0]],),
        "AttentionDistributionDisplay": ([np.ones((2, 3))],),
        "AttentionTimelineDisplay": ([[1.0]], [1.0]),
        "ContributionDisplay": (parts,),
        "FaithfulnessDisplay": (inspection.faithfulness(ItemItemCF().fit(X), X[:3], n_steps=1),),
        "FeatureSimilarityDisplay": ([1.0], [[1.0]]),
        "GroupsDisplay": (pd.DataFrame({"group": ["a"], "attention": [1.0]}),),
        "LeaderboardDisplay": (board,),
        "TemperatureHeadsDisplay": ([1], [1], [1]),
    }
    assert set(data) == set(DISPLAYS)
    for name, given in data.items():
        hint = rf"{name} needs matplotlib to draw: pip install 'skattnrec\[plot\]'"
        with pytest.raises(ImportError, match=hint):
            getattr(inspection, name).from_predictions(*given)
    model = AttentionRecommender().fit(X)
    with pytest.raises(ImportError, match="animate_attention needs matplotlib"):
        inspection.animate_attention(model, X[[0]])
