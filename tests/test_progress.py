"""A fit tells scikit-learn's callbacks, where it has them, and prints its steps on request."""

import numpy as np
import pytest

from skattnrec import (
    AttentionRatingPredictor,
    AttentionRecommender,
    ItemItemCF,
    MultiHeadAttentionRecommender,
)

X = np.array([[5.0, 4, 0, 1], [4, 5, 1, 0], [0, 1, 5, 4], [1, 0, 4, 5]])


class Recorder:
    """A callback that writes down what it is told."""

    def __init__(self):
        self.heard = []

    def setup(self, estimator, context):
        self.heard.append("setup")

    def on_fit_task_begin(self, estimator, context, *, X=None, metadata=None):
        told = sorted(metadata or {})
        self.heard.append(f"begin {context.task_name} {context.max_subtasks} {told}")

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        can_predict = fitted_estimator is not None
        self.heard.append(f"end {context.task_name} {'fitted' if can_predict else ''}".strip())

    def teardown(self, estimator, context):
        self.heard.append("teardown")


def test_callbacks_hear_of_the_fit_and_its_steps():
    pytest.importorskip("sklearn.callback", reason="callbacks came with scikit-learn 1.9")
    recorder = Recorder()
    model = AttentionRecommender().set_callbacks(recorder)
    model.fit(X, timestamps=X)
    assert recorder.heard == [
        "setup",
        "begin fit 2 ['timestamps']",
        "begin statistics 0 []",
        "end statistics",
        "begin votes 0 []",
        "end votes",
        "end fit fitted",
        "teardown",
    ]
    recorder.heard.clear()
    model.forget(X[:1], timestamps=X[:1])  # no fit
    assert recorder.heard == []


def test_models_without_steps_are_told_of_as_a_whole():
    pytest.importorskip("sklearn.callback", reason="callbacks came with scikit-learn 1.9")
    recorder = Recorder()
    ItemItemCF().set_callbacks(recorder).fit(X)
    assert recorder.heard == ["setup", "begin fit 0 []", "end fit fitted", "teardown"]


@pytest.mark.parametrize(
    ("Recommender", "steps"), [(MultiHeadAttentionRecommender, 2), (AttentionRatingPredictor, 1)]
)
def test_verbose_prints_a_line_for_each_step(capsys, Recommender, steps):
    Recommender(verbose=True).fit(X)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == steps
    assert all(line.startswith(f"[{Recommender.__name__}] ") for line in lines)
    assert lines[-1].split(": ")[0].endswith("votes")


def test_nothing_is_printed_unasked(capsys):
    AttentionRecommender().fit(X)
    assert capsys.readouterr().out == ""
