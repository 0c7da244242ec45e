"""Pictures of attention show the numbers they are said to show."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from matplotlib.colors import to_rgb
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from skattnrec import AttentionRecommender, ItemItemCF, MultiHeadAttentionRecommender
from skattnrec.datasets import load_books, make_interactions
from skattnrec.inspection import (
    AttentionDisplay,
    AttentionDistributionDisplay,
    AttentionTimelineDisplay,
    FeatureSimilarityDisplay,
    animate_attention,
    attention_entropy,
    effective_number,
)
from skattnrec.inspection._plot._distribution import reweigh
from skattnrec.inspection._plot._labels import significant

DATA = make_interactions(60, 80, n_interactions=1500, n_components=4, random_state=0)
X, TIMES = DATA.X, DATA.timestamps
NAMES = [f"The long title of the film with the number {j} (1999)" for j in range(80)]
USER = int(np.argmax(np.diff(X.indptr)))
HISTORY = X[[USER]]
BOOKS = load_books()
QUERY = [0.8, 0.7, 0.2]
PROJECTIONS = [
    [[0.8, 0.2, 0.0], [0.2, 0.7, 0.1], [0.0, 0.1, 0.9]],
    [[0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]],
]


@pytest.fixture(scope="module")
def model():
    return MultiHeadAttentionRecommender(
        2, temperature=1, item_features=DATA.item_features, random_state=0
    ).fit(X)


def shares(model, history):
    weights = [w.toarray()[0, history.indices] for w in model.attention_weights(history)]
    return np.array([w / w.sum() for w in weights])


def labels_of(axis):
    return [label.get_text().replace("\n", " ") for label in axis.get_ticklabels()]


# -- FeatureSimilarityDisplay -------------------------------------------------------------------


def test_books_and_features():
    display = FeatureSimilarityDisplay.from_predictions(
        QUERY, BOOKS.features, item_names=BOOKS.item_names, feature_names=BOOKS.feature_names
    )
    expected = 1 - np.abs(np.array(QUERY) - BOOKS.features)
    assert_allclose(display.similarity, [expected])
    assert_allclose(display.images_[0].get_array(), expected)
    assert labels_of(display.ax_.xaxis) == ["magic", "adventure", "romance"]
    assert labels_of(display.ax_.yaxis) == BOOKS.item_names
    printed = [[text.get_text() for text in row] for row in display.texts_[0]]
    assert printed == [[f"{value:.2f}" for value in row] for row in expected]
    assert display.figure_ is display.ax_.figure


def test_heads_have_an_axes_each():
    display = FeatureSimilarityDisplay.from_predictions(
        QUERY, BOOKS.features, projections=PROJECTIONS, temperatures=[1, 2]
    )
    assert len(display.ax_) == 2
    for W, image in zip(np.array(PROJECTIONS), display.images_):
        expected = 1 - np.abs(np.array(QUERY) @ W - BOOKS.features @ W)
        assert_allclose(image.get_array(), expected)
    assert display.ax_[1].get_title() == "head 2 (temperature\xa02)"
    assert display.feature_names == ["feature 0", "feature 1", "feature 2"]


def test_profile_of_a_history(model):
    display = FeatureSimilarityDisplay.from_estimator(
        model, HISTORY, item_names=NAMES, max_entries=5
    )
    keys = model._keys  # the features in spreads
    order = HISTORY.indices[np.argsort(-shares(model, HISTORY).mean(axis=0), kind="stable")]
    distances = (HISTORY.data - model.rating_center_) / model.rating_spread_
    for head, (similarity, image) in enumerate(zip(display.similarity, display.images_)):
        W = model.projections_[head]
        weights = np.exp(np.clip(distances, -2.5, 2.5) / model.temperatures_[head])
        profile = weights @ keys[HISTORY.indices] / weights.sum()
        expected = 1 - np.abs(profile @ W - keys[order] @ W)
        assert_allclose(similarity, expected, atol=1e-5)
        assert_allclose(image.get_array(), expected[:5], atol=1e-5)
    assert display.feature_names == ["component 0", "component 1"]
    assert labels_of(display.ax_[0].yaxis) == [NAMES[j] for j in order[:5]]
    assert all("\n" in label.get_text() for label in display.ax_[0].get_yticklabels())


def test_profiles_in_any_unit_and_of_any_sign():
    features = pd.DataFrame(1000 * DATA.item_features + 5, columns=list("abcd"))
    below = X.astype(float)
    below.data -= 10  # all ratings are negative
    history = below[[USER]]
    single = AttentionRecommender(1.0, item_features=features).fit(below)
    plain = AttentionRecommender(1.0, item_features=DATA.item_features).fit(X)
    display = FeatureSimilarityDisplay.from_estimator(single, history, items=[7, 3])
    assert display.item_names == ["item 7", "item 3"]
    assert display.feature_names == list("abcd")
    assert labels_of(display.ax_.xaxis) == list("abcd")
    query = np.exp(np.clip((HISTORY.data - plain.rating_center_) / plain.rating_spread_, -2.5, 2.5))
    profile = query @ single._keys[HISTORY.indices] / query.sum()
    expected = 1 - np.abs(profile - single._keys[[7, 3]])
    assert_allclose(display.similarity[0], expected, rtol=1e-6, atol=1e-9)


def test_features_that_tell_nothing_are_left_out():
    keys = np.zeros((3, 20))
    keys[0, 4] = keys[1, 9] = 1
    display = FeatureSimilarityDisplay.from_predictions(np.zeros(20), keys, max_features=6)
    assert labels_of(display.ax_.xaxis) == ["feature 4", "feature 9"]
    assert display.images_[0].get_array().shape == (3, 2)
    assert display.similarity.shape == (1, 3, 20)  # plotting leaves the data alone


def test_feature_similarity_errors(model):
    show = FeatureSimilarityDisplay.from_estimator
    with pytest.raises(ValueError, match="item_features that its attention reads"):
        show(AttentionRecommender().fit(X), HISTORY)
    with pytest.raises(ValueError, match="history is empty"):
        show(model, np.zeros((1, 80)))
    with pytest.raises(ValueError, match=r"query must have shape"):
        FeatureSimilarityDisplay.from_predictions([1, 2], BOOKS.features)
    with pytest.raises(ValueError, match="draws on 2 axes, ax holds 1"):
        show(model, HISTORY, ax=plt.figure().add_subplot())


# -- AttentionDisplay -------------------------------------------------------------------------


def test_attention_heatmap(model):
    display = AttentionDisplay.from_estimator(model, HISTORY, item_names=NAMES)
    expected = shares(model, HISTORY)
    assert_allclose(display.weights, expected, rtol=1e-5)
    order = np.argsort(-display.weights.mean(axis=0), kind="stable")[:15]
    image = display.image_.get_array()
    assert image.shape == (16, 2)
    assert_allclose(image[:15], expected[:, order].T, rtol=1e-5)
    assert_allclose(image[15], 1 - expected[:, order].sum(axis=1), rtol=1e-5)
    first = order[0]
    rating = HISTORY.data[first]
    title = NAMES[HISTORY.indices[first]]
    assert display.entries_[0] == f"{title}\xa0\xa0{rating:g}★"
    assert display.entries_[-1] == f"({HISTORY.nnz - 15} others)"
    assert labels_of(display.ax_.xaxis) == [
        "head 1 (temperature\xa01)",
        "head 2 (temperature\xa00.5)",
    ]
    assert display.texts_[0, 0].get_text() == significant(image[0, 0], digits=2)
    assert display.texts_[15, 0].get_text() == significant(image[15, 0], digits=2)
    # the sum is no darker or lighter than an entry: the scale ends at the largest of those
    assert display.image_.norm.vmax == pytest.approx(image[:15].max())
    assert to_rgb(display.ax_.patches[0].get_facecolor()) == to_rgb("0.93")
    assert display.bars_ is None


def test_attention_bars(model):
    display = AttentionDisplay.from_estimator(model, HISTORY, kind="bars", max_entries=6)
    widths = np.array([[bar.get_width() for bar in bars] for bars in display.bars_])
    assert_allclose(widths[:, :6].T, display.shown_[:6])
    assert_array_equal(widths[:, 6], 0)  # the others have a number in place of a bar
    written = [text.get_text() for text in display.ax_.texts]
    assert f"{significant(display.shown_[6, 0], digits=2)} together" in written
    assert significant(display.shown_[0, 1], digits=2) in written
    assert len(display.ax_.get_legend().get_texts()) == 2
    assert display.image_ is None


def test_short_histories_are_shown_whole():
    ax = plt.figure().add_subplot()
    display = AttentionDisplay.from_predictions([0.2, 0.8], item_names=["a", "b"], ax=ax)
    assert display.ax_ is ax
    assert display.entries_ == ["b", "a"]
    assert_allclose(display.image_.get_array(), [[0.8], [0.2]])
    assert labels_of(ax.xaxis) == ["head 1"]
    one_more = AttentionDisplay.from_predictions([0.2, 0.5, 0.3], max_entries=2)
    assert one_more.entries_ == ["item 1", "item 2", "item 0"]  # no row for a single other


def test_values_are_printed_where_there_is_room():
    ax = plt.figure(figsize=(2, 2)).add_subplot()
    assert AttentionDisplay.from_predictions(np.ones((3, 40)), max_entries=40, ax=ax).texts_ is None
    forced = AttentionDisplay.from_predictions(np.ones((3, 4)), ax=ax, print_values=True)
    assert forced.texts_.shape == (4, 3)


def test_pipelines_show_the_ratings_as_they_were(model):
    pipeline = make_pipeline(MaxAbsScaler(), AttentionRecommender(0.5)).fit(X)
    display = AttentionDisplay.from_estimator(pipeline, HISTORY)
    assert_array_equal(display.ratings, HISTORY.data)
    scaled = pipeline[:-1].transform(HISTORY)
    assert_allclose(display.weights, shares(pipeline[-1], sp.csr_array(scaled)), rtol=1e-5)


def test_attention_errors(model):
    with pytest.raises(TypeError, match="ItemItemCF has no attention weights"):
        AttentionDisplay.from_estimator(ItemItemCF().fit(X), HISTORY)
    with pytest.raises(ValueError, match="takes one history, X has 2 rows"):
        AttentionDisplay.from_estimator(model, X[:2])
    with pytest.raises(ValueError, match="history is empty"):
        AttentionDisplay.from_estimator(model, np.zeros((1, 80)))
    with pytest.raises(ValueError, match=r"'kind' parameter .* Got 'pie' instead"):
        AttentionDisplay.from_estimator(model, HISTORY, kind="pie")
    with pytest.raises(ValueError, match="2 names for 1 weights"):
        AttentionDisplay.from_predictions([[1.0]], item_names=["a", "b"])
    with pytest.raises(ValueError, match=r"'max_entries' parameter of AttentionDisplay.plot"):
        AttentionDisplay.from_predictions([[1.0]], max_entries=0)


# -- AttentionDistributionDisplay -----------------------------------------------------------------


def test_entropy_by_hand():
    weights = sp.csr_array([[2.0, 2, 0], [1, 0, 0], [0, 0, 0], [8, 1, 1]])
    ln = np.log
    skewed = -(0.8 * ln(0.8) + 0.2 * ln(0.1))
    assert_allclose(attention_entropy(weights), [ln(2), 0, np.nan, skewed])
    assert_allclose(attention_entropy(weights, normalize=True), [1, np.nan, np.nan, skewed / ln(3)])
    assert_allclose(effective_number(weights), [2, 1, np.nan, np.exp(skewed)])
    assert_allclose(reweigh(weights, 2).toarray()[3], [1, 1 / 64, 1 / 64])


def test_temperatures_need_no_new_fit():
    warm, cool = (AttentionRecommender(t).fit(X) for t in (4.0, 1.0))
    given = AttentionDistributionDisplay.from_estimator(warm, X, factors=[0.25, 1.0])
    fitted = AttentionDistributionDisplay.from_estimator(cool, X, factors=[1.0])
    assert_allclose(given.effective_by_factor[0, 0], fitted.effective_by_factor[0, 0], rtol=1e-4)


def test_distribution_counts_users(model):
    rows = sp.vstack([X, sp.csr_array((1, 80), dtype=X.dtype)], format="csr")  # and an empty one
    display = AttentionDistributionDisplay.from_estimator(model, rows)
    effective = [effective_number(sp.csr_array(w)) for w in model.attention_weights(X)]
    assert_allclose(display.effective_items, effective, rtol=1e-5)
    assert display.counts_.shape == (2, 30)
    assert_array_equal(display.counts_.sum(axis=1), 60)
    for head in range(2):
        counts, _ = np.histogram(display.effective_items[head], display.edges_)
        assert_array_equal(display.counts_[head], counts)
    drawn = display.ax_.patches[1].get_data().values
    assert_array_equal(drawn, display.counts_[0])
    entropy = display.plot(kind="entropy", bins=10)
    assert_array_equal(entropy.counts_.sum(axis=1), 60)
    lowest = np.floor(10 * np.nanmin(display.entropy)) / 10
    assert_allclose(entropy.edges_, np.linspace(lowest, 1, 11))
    for head in range(2):
        counts, _ = np.histogram(entropy.entropy[head], entropy.edges_)
        assert_array_equal(entropy.ax_.patches[head].get_data().values, counts)
    assert entropy.ax_.get_xlabel() == "entropy of attention / its maximum"


def test_distribution_against_temperature(model):
    display = AttentionDistributionDisplay.from_estimator(model, X, kind="temperature")
    for head, line in enumerate(display.lines_):
        assert_allclose(line.get_xdata(), display.factors * model.temperatures_[head])
        assert_allclose(line.get_ydata(), display.effective_by_factor[head, :, 1])
    assert (np.diff(display.effective_by_factor, axis=1) >= -1e-9).all()  # flatter and flatter
    assert "quartiles" in display.ax_.get_ylabel()
    alone = AttentionDistributionDisplay.from_estimator(model, HISTORY, kind="temperature")
    assert alone.ax_.get_ylabel() == "effective number of items"
    flat = AttentionRecommender(np.inf).fit(X)
    lengths = np.diff(X.indptr)
    even = AttentionDistributionDisplay.from_estimator(flat, X, kind="temperature")
    assert_allclose(even.effective_items[0], lengths, rtol=1e-5)
    assert even.ax_.get_xlabel() == "temperature, as fitted = 1"


def test_weights_that_are_no_attention_are_refused():
    for wrong in ([[0.5, -0.1]], [[0.5, 0.5], [-1.0, 0.0]]):
        with pytest.raises(ValueError, match="weights must not be negative"):
            effective_number(wrong)
    stored = sp.csr_array(([0.0, 1.0], ([0, 1], [0, 0])), shape=(2, 2))
    with pytest.raises(ValueError, match="those of row 0 sum to 0"):
        attention_entropy(stored)
    heads = [np.eye(2), np.ones((2, 3))], [np.eye(2), [[1.0, 0.0], [0.0, 0.0]]]
    for some in heads:
        with pytest.raises(ValueError, match="the same histories for every head"):
            AttentionDistributionDisplay.from_predictions(some)


def test_distribution_errors(model):
    with pytest.raises(ValueError, match="All histories are empty"):
        AttentionDistributionDisplay.from_estimator(model, np.zeros((2, 80)))
    with pytest.raises(ValueError, match=r"'kind' parameter of AttentionDistributionDisplay.plot"):
        AttentionDistributionDisplay.from_estimator(model, X, kind="violin")


# -- AttentionTimelineDisplay ---------------------------------------------------------------------


def test_timeline(model):
    times = TIMES[[USER]]
    display = AttentionTimelineDisplay.from_estimator(model, HISTORY, times, item_names=NAMES)
    order = np.argsort(times.data)
    assert_allclose(display.weights, shares(model, HISTORY)[:, order], rtol=1e-5)
    assert_array_equal(display.times, np.sort(times.data))
    assert display.item_names == [NAMES[j] for j in HISTORY.indices[order]]
    assert_array_equal(display.positions_, np.arange(HISTORY.nnz)[::-1])
    for head, stems in enumerate(display.stems_):
        segments = np.array(stems.get_segments())
        assert_allclose(segments[:, 1, 1], display.weights[head])
        assert_array_equal(segments[:, 0, 0], display.positions_)
    left, right = display.ax_[0].get_xlim()
    assert left > right  # the latest entry is on the right
    strongest = display.item_names[np.argmax(display.weights[0])]
    label = display.labels_[0][0].get_text()
    assert strongest.startswith(label.replace("\n", " ").removesuffix(" …"))
    assert label.count("\n") == 1
    assert all(len(labels) <= 4 for labels in display.labels_)


def test_timeline_of_dates():
    day = 86_400
    display = AttentionTimelineDisplay.from_predictions(
        [0.3, 0.7], [11 * day, 10 * day], item_names=["later", "earlier"], axis="date"
    )
    assert_array_equal(display.positions_, np.array(["1970-01-11", "1970-01-12"], "datetime64[us]"))
    assert [label.get_text() for label in display.labels_[0]] == ["earlier", "later"]
    plain = display.plot(axis="time")
    assert_array_equal(plain.positions_, [10 * day, 11 * day])
    assert plain.ax_[0].get_xlabel() == "time"


def test_names_stand_above_stems_and_apart():
    weights = np.full(200, 0.5)
    weights[[50, 150]] = 0.9, 1.0
    names = [f"The film with the number {j}" for j in range(200)]
    display = AttentionTimelineDisplay.from_predictions(weights, range(200), item_names=names)
    labels = display.labels_[0]
    assert [label.get_text().replace("\n", " ") for label in labels[:2]] == [names[150], names[50]]
    assert [label.xy[1] for label in labels[:2]] == [1.0, 0.9]
    assert all(label.xy[1] >= 0.5 for label in labels)
    display.figure_.canvas.draw()
    boxes = [label.get_window_extent() for label in labels]
    for n, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[n + 1 :])


def test_faint_entries_are_not_named():
    names = list("abcde")
    display = AttentionTimelineDisplay.from_predictions(
        [0.6, 0.01, 0.25, 0.1, 0.04], range(5), item_names=names
    )
    assert [label.get_text() for label in display.labels_[0]] == ["a", "c", "d"]


def test_timeline_errors(model):
    with pytest.raises(ValueError, match="needs timestamps"):
        AttentionTimelineDisplay.from_estimator(model, HISTORY, None)
    with pytest.raises(ValueError, match="2 weights need as many times"):
        AttentionTimelineDisplay.from_predictions([0.5, 0.5], [1])
    with pytest.raises(ValueError, match=r"'axis' parameter of AttentionTimelineDisplay.plot"):
        AttentionTimelineDisplay.from_predictions([0.5], [1], axis="index")


# -- animate_attention ----------------------------------------------------------------------------


def drawn(animation, frame):
    animation._draw_frame(frame)
    bars = animation._fig.axes[0].patches
    animation._draw_was_started = True  # matplotlib warns of what was never drawn
    return np.array([bar.get_width() for bar in bars])


def test_animation_of_a_growing_history(model):
    times = TIMES[[USER]]
    animation = animate_attention(model, HISTORY, timestamps=times, item_names=NAMES, max_entries=5)
    ax = animation._fig.axes[0]
    columns = HISTORY.indices[np.argsort(times.data)]
    first = np.zeros((1, 80))
    first[0, columns[:3]] = HISTORY.toarray()[0, columns[:3]]
    stamps = np.where(first > 0, times.toarray(), 0)
    expected = model.attention_weights(first, timestamps=stamps)[0].toarray()[0]
    expected /= expected.sum()
    assert_allclose(drawn(animation, 2), [*expected[columns[:3]], 0, 0], rtol=1e-5)
    assert titled(ax, HISTORY) == [*columns[:3], None, None, None]
    assert ax.get_title("left") == f"head 1, 3 of {HISTORY.nnz} entries"
    whole = shares(model, HISTORY)[0]
    strongest = np.argsort(-whole[np.argsort(times.data)], kind="stable")[:5]
    widths = drawn(animation, HISTORY.nnz - 1)
    assert_allclose(widths, whole[np.argsort(times.data)][np.sort(strongest)], rtol=1e-5)
    assert titled(ax, HISTORY)[:5] == list(columns[np.sort(strongest)])
    assert labels_of(ax.yaxis)[5] == f"({HISTORY.nnz - 5} others)"
    assert ax.texts[0].get_text().strip() == f"{1 - widths.sum():.2f} together"


def test_animation_of_a_frame_and_a_pipeline():
    frame = pd.DataFrame(X.toarray().astype(float), columns=NAMES)
    model = make_pipeline(MaxAbsScaler(), AttentionRecommender(0.2)).fit(frame)
    short = frame.iloc[[int(np.argmin(np.diff(X.indptr)))]]
    animation = animate_attention(model, short, max_entries=100)
    columns = np.flatnonzero(short)
    expected = model[-1].attention_weights(model[:-1].transform(short))[0].toarray()[0, columns]
    assert_allclose(drawn(animation, len(columns) - 1), expected / expected.sum(), rtol=1e-5)
    ratings = short.to_numpy()[0, columns]
    labels = [f"{NAMES[j]}\xa0\xa0{rating:g}★" for j, rating in zip(columns, ratings)]
    assert labels_of(animation._fig.axes[0].yaxis) == labels  # ratings as they were


def titled(ax, history):
    """Item columns that the rows of an animation are labelled with."""
    ratings = dict(zip(history.indices, history.data))
    column_of = {f"{NAMES[j]}\xa0\xa0{rating:g}★": j for j, rating in ratings.items()}
    return [column_of.get(label) for label in labels_of(ax.yaxis)]


def test_animation_of_a_falling_temperature(tmp_path):
    model = AttentionRecommender(4.0).fit(X)
    path = tmp_path / "cooling.gif"
    short = X[[int(np.argmin(np.diff(X.indptr)))]]
    animation = animate_attention(model, short, over="temperature", max_entries=100, path=path)
    cold = AttentionRecommender(0.4).fit(X)
    assert_allclose(drawn(animation, 24), shares(cold, short)[0], rtol=1e-3, atol=1e-6)
    with Image.open(path) as picture:
        assert picture.format == "GIF"
        assert picture.n_frames >= 20


def test_animation_errors(model):
    with pytest.raises(ValueError, match=r"head must be in \[0, 1\], got 2"):
        animate_attention(model, HISTORY, head=2)
    with pytest.raises(ValueError, match="history is empty"):
        animate_attention(model, np.zeros((1, 80)))
    with pytest.raises(ValueError, match="'max_entries' parameter"):
        animate_attention(model, HISTORY, max_entries=0)
    with pytest.raises(ValueError, match="'frames_per_second' parameter"):
        animate_attention(model, HISTORY, frames_per_second=0)
    with pytest.raises(ValueError, match="head of infinite temperature"):
        animate_attention(AttentionRecommender(np.inf).fit(X), HISTORY, over="temperature")
