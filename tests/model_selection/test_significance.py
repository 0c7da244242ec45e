import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import ttest_1samp, ttest_rel

from skattnrec.model_selection import paired_tests
from skattnrec.model_selection._significance import holm, mean_interval


def test_holm_worked_by_hand():
    # ascending .01 .02 .03 .04 -> 4 * .01, 3 * .02, 2 * .03, 1 * .04 -> never below the last
    assert_allclose(holm([0.03, 0.01, 0.04, 0.02]), [0.06, 0.04, 0.06, 0.06])
    assert_allclose(holm([0.005, 0.5, 0.6]), [0.015, 1, 1])
    assert_allclose(holm([0.2]), [0.2])
    assert holm([]).shape == (0,)


def test_holm_lies_between_no_correction_and_bonferroni():
    p = np.random.default_rng(0).random(50) ** 4
    adjusted = holm(p)
    assert (adjusted >= p).all()
    assert (adjusted <= np.minimum(len(p) * p, 1)).all()
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()


def test_mean_interval_is_students():
    values = np.random.default_rng(0).normal(3, 2, 25)
    mean, low, high = mean_interval(values, confidence_level=0.9)
    expected = ttest_1samp(values, 0).confidence_interval(0.9)
    assert_allclose([mean, low, high], [values.mean(), expected.low, expected.high])


def test_mean_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(1000):
        _, low, high = mean_interval(rng.normal(1, 1, 8), confidence_level=0.8)
        inside += low <= 1 <= high
    assert inside / 1000 == pytest.approx(0.8, abs=4 * np.sqrt(0.8 * 0.2 / 1000))


def test_paired_tests_agree_with_scipy():
    rng = np.random.default_rng(0)
    user = rng.random(40)
    values = pd.DataFrame(
        {name: user + rng.normal(m, 0.2, 40) for name, m in zip("abc", (0, 0.1, 0.3))}
    )
    tests = paired_tests(values, confidence_level=0.9)
    assert len(tests) == 3
    raw = [ttest_rel(values[b], values[w]) for b, w in zip(tests["better"], tests["worse"])]
    assert_allclose(tests["p_value"], holm([test.pvalue for test in raw]))
    assert_allclose(tests["low"], [test.confidence_interval(0.9).low for test in raw])
    assert_allclose(tests["high"], [test.confidence_interval(0.9).high for test in raw])
    means = values.mean()
    assert_allclose(
        tests["difference"], [means[b] - means[w] for b, w in zip(tests["better"], tests["worse"])]
    )
    assert (tests["difference"] >= 0).all()


def test_pairing_finds_what_the_spread_of_users_hides():
    rng = np.random.default_rng(0)
    user = rng.random(100)
    values = pd.DataFrame({"a": user, "b": user + 0.02 + rng.normal(0, 0.02, 100)})
    _, _, high = mean_interval(values["a"])
    assert values["b"].mean() < high
    assert paired_tests(values)["p_value"].item() < 1e-6


def test_no_difference_and_the_same_difference():
    user = np.arange(8) / 8
    tests = paired_tests(pd.DataFrame({"a": user, "same": user, "b": user + 0.5}))
    p = {frozenset(pair): p for *pair, p in tests[["better", "worse", "p_value"]].to_numpy()}
    assert p[frozenset({"a", "same"})] == 1
    assert p[frozenset({"a", "b"})] == p[frozenset({"same", "b"})] == 0
    third = np.random.default_rng(0).random(50)  # the same difference but for rounding
    assert paired_tests(pd.DataFrame({"a": third, "b": third + 0.1}))["p_value"].item() == 0


def test_interval_of_equal_values():
    assert mean_interval([0.25] * 5) == (0.25, 0.25, 0.25)


def test_edges():
    assert paired_tests(pd.DataFrame({"only": [0.1, 0.2]})).empty
    with pytest.raises(ValueError, match="at least two users, got 1"):
        paired_tests(pd.DataFrame({"a": [0.1], "b": [0.2]}))
    for wrong in (np.nan, np.inf):
        values = pd.DataFrame({"a": [0.1, 0.2], "b": [0.2, wrong]}, index=["ann", "bob"])
        with pytest.raises(ValueError, match="1 users lack a score, the first is 'bob'"):
            paired_tests(values)
