"""Models of sequences get the times of what they are asked about, or say that they need them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import scipy.sparse as sp
from matplotlib.animation import Animation
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from skattnrec import SequentialAttentionRecommender
from skattnrec.datasets import make_interactions
from skattnrec.inspection import (
    AttentionDisplay,
    AttentionDistributionDisplay,
    AttentionTimelineDisplay,
    ContributionDisplay,
    FeatureSimilarityDisplay,
    LeaderboardDisplay,
    aggregate_attention,
    animate_attention,
    attention_outliers,
    deletion_curve,
    explain,
    faithfulness,
    stability,
)

DATA = make_interactions(40, 20, n_interactions=320, min_interactions=4, random_state=0)
X, T = DATA.X, DATA.timestamps
HISTORY, WHEN = X[[5]], T[[5]]
GENRES = np.arange(20) % 3
QUICK = {"n_repeats": 1}


def boards(model, X, **times):
    return LeaderboardDisplay.from_estimator({"a": model, "b": model}, X, cv=2, **times)


ASK = {
    "explain": lambda m, **t: explain(m, HISTORY, **t),
    "leave_one_out": lambda m, **t: explain(m, HISTORY, method="leave_one_out", **t),
    "aggregate": lambda m, **t: aggregate_attention(m, HISTORY, GENRES, **t),
    "deletion": lambda m, **t: deletion_curve(m, HISTORY, n_steps=2, **t),
    "faithfulness": lambda m, **t: faithfulness(
        m, X[5:8], n_steps=2, **QUICK, **{name: T[5:8] for name in t}
    ),
    "stability": lambda m, **t: stability(m, HISTORY, **QUICK, **t),
    "attention stability": lambda m, **t: stability(m, HISTORY, of="attention", **QUICK, **t),
    "outliers": lambda m, **t: attention_outliers(m, HISTORY, **t),
    "outliers in place": lambda m, **t: attention_outliers(m, HISTORY, method="in_place", **t),
    "attention": lambda m, **t: AttentionDisplay.from_estimator(m, HISTORY, **t),
    "distribution": lambda m, **t: AttentionDistributionDisplay.from_estimator(m, HISTORY, **t),
    "contribution": lambda m, **t: ContributionDisplay.from_estimator(m, HISTORY, **t),
    "animation": lambda m, **t: animate_attention(m, HISTORY, **t),
    "cooling": lambda m, **t: animate_attention(m, HISTORY, over="temperature", **t),
}


@pytest.fixture(scope="module")
def model():
    return SequentialAttentionRecommender(2, regularization=5).fit(X, timestamps=T)


@pytest.mark.parametrize("name", ASK)
def test_times_are_needed_and_used(model, name):
    with pytest.raises(ValueError, match="timestamps"):
        ASK[name](model)
    drawn = ASK[name](model, timestamps=WHEN)
    pipeline = make_pipeline(MaxAbsScaler(), SequentialAttentionRecommender(1))
    pipeline.fit(X, sequentialattentionrecommender__timestamps=T)
    with pytest.raises(ValueError, match="timestamps"):
        ASK[name](pipeline)
    shown = ASK[name](pipeline, timestamps=WHEN)
    for animation in (drawn, shown):
        if isinstance(animation, Animation):
            animation._draw_was_started = True  # matplotlib warns of what was never drawn


def test_timelines_and_boards_need_times_too(model):
    with pytest.raises(ValueError, match="timestamps"):
        AttentionTimelineDisplay.from_estimator(model, HISTORY, None)
    with pytest.raises(ValueError, match="timestamps"):
        boards(SequentialAttentionRecommender(1), X)
    assert boards(SequentialAttentionRecommender(1), X, timestamps=T).names == ["a", "b"]
    with pytest.raises(ValueError, match="timestamps"):
        attention_outliers(SequentialAttentionRecommender(1), X, cv=2)
    table = attention_outliers(SequentialAttentionRecommender(1), X, cv=2, timestamps=T)
    assert len(table) == X.nnz
    with pytest.raises(ValueError, match="item_features that its attention reads"):
        FeatureSimilarityDisplay.from_estimator(model, HISTORY)


def test_order_decides(model):
    """The same entries at other times have other attention, contributions and votes."""
    back = sp.csr_array((WHEN.data.max() - WHEN.data, WHEN.indices, WHEN.indptr), shape=WHEN.shape)
    there, away = (AttentionDisplay.from_estimator(model, HISTORY, t) for t in (WHEN, back))
    order = np.argsort(WHEN.data)
    sharp = there.weights[0][order] / there.ratings[order]
    assert sharp[-1] > 2 * sharp[0]
    assert np.abs(there.weights - away.weights).max() > 0.1
    parts = [explain(model, HISTORY, [1], timestamps=t).contributions for t in (WHEN, back)]
    assert np.abs(parts[0] - parts[1]).max() > 0
    votes = [attention_outliers(model, HISTORY, timestamps=t)["votes"] for t in (WHEN, back)]
    assert (np.sort(votes[0]) != np.sort(votes[1])).any()


def test_heads_are_told_by_half_life(model):
    display = AttentionDisplay.from_estimator(model, HISTORY, WHEN)
    labels = [label.get_text().replace("\n", " ") for label in display.ax_.get_xticklabels()]
    assert labels == [f"head {h + 1} (half-life\xa0{model.half_lives_[h]:.3g})" for h in range(2)]
    spread = AttentionDistributionDisplay.from_estimator(
        model, X, timestamps=T, kind="temperature", factors=[0.5, 1.0]
    )
    assert spread.ax_.get_xlabel() == "temperature and half-lives, as fitted = 1"
    half = SequentialAttentionRecommender(
        2, half_life=0.5 * model.half_life, temperature=0.5 * model.temperature, regularization=5
    ).fit(X, timestamps=T)
    expected = AttentionDistributionDisplay.from_estimator(half, X, timestamps=T)
    median = np.median(expected.effective_items, axis=1)
    assert_allclose(spread.effective_by_factor[:, 0, 1], median, rtol=1e-4)
    plt.close("all")
