"""The scorer of probabilities, by hand."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose

from skattnrec.metrics import LikelihoodScorer

X = np.array([[1.0, 0, 0, 0], [0, 0, 0, 1]])
HELD_OUT = np.array([[0.0, 5, 1, 0], [3, 0, -1, 0]])


class Fixed:
    """The same probabilities for everybody; remembers how it was asked."""

    def __init__(self, probabilities, dtype=np.float64):
        self.probabilities = np.asarray(probabilities, dtype)

    def predict_proba(self, X, **options):
        self.options = options
        return np.tile(self.probabilities, (X.shape[0], 1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_ruled_out_costs_as_much_as_the_smallest_number(dtype):
    smallest = np.finfo(dtype).tiny
    model = Fixed([1, 0, 0, 0], dtype)
    loss = LikelihoodScorer()(model, X, np.array([[0, 1, 0, 0], [1, 0, 0, 0]]))
    assert_allclose(loss, np.log(smallest) / 2, rtol=1e-6)
    below = Fixed([1, smallest / 8, 0, 0], dtype)  # not a normal number
    assert_allclose(LikelihoodScorer()(below, X[:1], HELD_OUT[:1]), np.log(smallest), rtol=1e-6)


def test_relevant_items_count():
    model = Fixed([0.5, 0.25, 0.125, 0.125])
    assert_allclose(LikelihoodScorer()(model, X, HELD_OUT), -np.log([4, 8, 2]).mean())
    above = LikelihoodScorer(relevance_threshold=3)
    assert_allclose(above(model, X, HELD_OUT), -np.log([4, 2]).mean())
    below = LikelihoodScorer(relevance_threshold=-1)
    assert_allclose(below(model, X, HELD_OUT), -np.log([4, 8, 2, 8]).mean())
    with pytest.raises(ValueError, match="lower relevance_threshold"):
        LikelihoodScorer(relevance_threshold=6)(model, X, HELD_OUT)


def test_temperature_goes_to_the_model():
    model = Fixed([0.25] * 4)
    LikelihoodScorer()(model, X, HELD_OUT)
    assert model.options == {}
    LikelihoodScorer(temperature=2.0)(model, X, HELD_OUT)
    assert model.options == {"temperature": 2.0}
    with pytest.raises(ValueError, match="'temperature' parameter"):
        LikelihoodScorer(temperature=0.0)(model, X, HELD_OUT)


def test_holdout_auto():
    known = np.ones((3, 4))
    T = sp.csr_array(known * [4.0, 3.0, 2.0, 1.0])
    model = Fixed([0.4, 0.3, 0.2, 0.1])
    assert_allclose(LikelihoodScorer()(model, known, timestamps=T), np.log(0.4))
    drawn = LikelihoodScorer(random_state=0)(model, known)
    assert drawn == LikelihoodScorer(holdout=0.2, random_state=0)(model, known)
    with pytest.raises(ValueError, match="holdout='last' needs timestamps"):
        LikelihoodScorer(holdout="last")(model, known)


def test_probabilities_that_are_none():
    with pytest.raises(ValueError, match="predict_proba of Fixed gives NaN"):
        LikelihoodScorer()(Fixed([np.nan] * 4), X, HELD_OUT)
