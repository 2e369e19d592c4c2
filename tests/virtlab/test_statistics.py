"""Intervals hold what they should hold, as often as they say."""

import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, bootstrap

from virtlab.measure import statistics
from virtlab.measure.statistics import (
    difference_interval,
    median_interval,
    p99,
    p99_interval,
    paired_by_round,
    ratio_interval,
    summarize,
)

TRIALS = 100


def lognormal(chance: np.random.Generator, n: int, median_ms: float = 20.0) -> np.ndarray:
    return median_ms * chance.lognormal(0, 0.3, n)


@pytest.mark.parametrize("paired", [True, False])
def test_identical_conditions_give_an_interval_that_holds_one(paired):
    chance = np.random.default_rng(20)
    held = 0
    for seed in range(TRIALS):
        weather = chance.lognormal(0, 0.2, 40) if paired else np.ones(40)
        a, b = lognormal(chance, 40) * weather, lognormal(chance, 40) * weather
        held += ratio_interval(a, b, paired=paired, seed=seed).holds(1.0)
    assert held >= 93


def test_a_planted_delay_of_five_milliseconds_is_found():
    chance = np.random.default_rng(5)
    held = 0
    for seed in range(TRIALS):
        plain = 20 + chance.exponential(1.0, 60)
        delayed = 25 + chance.exponential(1.0, 60)
        found = ratio_interval(delayed, plain, paired=True, seed=seed)
        truth = (25 + math.log(2)) / (20 + math.log(2))
        assert found.low > 1.0
        held += found.holds(truth)
    assert held >= 90


def test_the_interval_of_a_difference_holds_a_planted_delay():
    chance = np.random.default_rng(6)
    held = 0
    for seed in range(TRIALS):
        weather = 20 + chance.exponential(3.0, 60)
        plain, delayed = (weather + delay + chance.exponential(1.0, 60) for delay in (0, 5))
        found = difference_interval(delayed, plain, paired=True, seed=seed)
        assert found.low > 0
        held += found.holds(5.0)
    assert held >= 90


def test_the_difference_of_single_samples_has_no_bounds():
    assert difference_interval([3.0], [1.0], paired=True, seed=1) == (-math.inf, 2.0, math.inf)
    with pytest.raises(ValueError, match="differ in number"):
        difference_interval([3.0, 4.0], [1.0], paired=True, seed=1)


def test_the_seed_decides_the_interval():
    samples = lognormal(np.random.default_rng(1), 50)
    assert median_interval(samples, seed=1) == median_interval(samples, seed=1)
    assert median_interval(samples, seed=1) != median_interval(samples, seed=2)


@given(st.lists(st.floats(0.1, 1e6), min_size=2, max_size=40))
@settings(max_examples=20, deadline=None)
def test_the_interval_encloses_the_median_and_lies_within_the_samples(samples):
    low, estimate, high = median_interval(samples, seed=1)
    assert min(samples) <= low <= estimate <= high <= max(samples)


def test_one_sample_gives_no_bounds():
    assert median_interval([3.0], seed=1) == (-math.inf, 3.0, math.inf)
    assert ratio_interval([3.0], [1.5], paired=True, seed=1) == (-math.inf, 2.0, math.inf)


@pytest.mark.parametrize(
    ("a", "b", "paired", "message"),
    [
        ([], [1.0], False, "no samples"),
        ([1.0, math.nan], [1.0, 2.0], True, "not a finite number"),
        ([1.0, 2.0], [1.0], True, "differ in number: 2 and 1"),
        ([1.0, 2.0], [0.0, 0.0], True, "median of 0"),
    ],
)
def test_wrong_samples_are_named(a, b, paired, message):
    with pytest.raises(ValueError, match=message):
        ratio_interval(a, b, paired=paired, seed=1)


def test_no_p99_below_two_hundred_samples():
    assert math.isnan(p99(range(1, 200)))
    assert p99(range(1, 201)) == 198
    assert all(math.isnan(end) for end in p99_interval(np.arange(199.0)))


def test_the_upper_end_of_p99_needs_368_samples():
    assert p99_interval(np.arange(367.0)).high == math.inf
    assert math.isfinite(p99_interval(np.arange(368.0)).high)


@pytest.mark.parametrize("n", [200, 400, 1000, 5000])
def test_the_ranks_around_p99_cover_it_as_often_as_they_say(n):
    """Exact: how many samples lie below the true percentile is binomial."""
    interval = p99_interval(np.arange(1.0, n + 1))
    below_low = binom.cdf(interval.low - 1, n, 0.99)
    above_high = 0.0 if math.isinf(interval.high) else binom.sf(interval.high - 1, n, 0.99)
    assert below_low + above_high <= 0.05
    assert below_low <= 0.025
    assert above_high <= 0.025


def test_the_interval_of_p99_holds_it():
    chance = np.random.default_rng(99)
    truth = -math.log(0.01)
    held = sum(p99_interval(chance.exponential(1.0, 500)).holds(truth) for _ in range(TRIALS))
    assert held >= 90


def test_summarize_keeps_the_order_of_conditions_and_leaves_missing_values_out():
    data = pd.DataFrame(
        {
            "condition": ["vm", "vm", "vm", "thread", "thread", "none"],
            "ms": [3.0, 1.0, 2.0, 0.5, math.nan, math.nan],
        }
    )
    table = summarize(data, "ms")
    assert table["condition"].tolist() == ["vm", "thread"]
    assert table["n"].tolist() == [3, 1]
    assert table["median"].tolist() == [2.0, 0.5]
    assert table["p99"].isna().all()
    assert (table["low"] <= table["median"]).all()


def test_pairs_are_the_rounds_in_which_both_were_measured():
    data = pd.DataFrame(
        {
            "round": [0, 0, 1, 2, 2],
            "condition": ["a", "b", "a", "b", "a"],
            "value": [1.0, 10.0, 2.0, 30.0, 3.0],
        }
    )
    a, b = paired_by_round(data, "a", "b")
    assert a.tolist() == [1.0, 3.0]
    assert b.tolist() == [10.0, 30.0]
    with pytest.raises(ValueError, match="no condition 'c'"):
        paired_by_round(data, "c", "b")


@given(
    samples=st.lists(st.floats(1e-3, 1e6), min_size=2, max_size=30),
    paired=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(max_examples=20, deadline=None)
def test_the_bootstrap_is_the_librarys(samples, paired, seed):
    over, under = np.array(samples), np.array(samples[::-1] + [7.0] * (not paired))
    ours = ratio_interval(over, under, paired=paired, seed=seed)
    theirs = bootstrap(
        (over, under),
        lambda a, b, axis: np.median(a, axis=axis) / np.median(b, axis=axis),
        n_resamples=statistics.RESAMPLES,
        paired=paired,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_an_interval_imports_no_large_library():
    ask = "from virtlab.measure.statistics import median_interval as m; m([1, 2, 3], 1)"
    look = f"import sys; {ask}; print('scipy.stats' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"


def test_bootstrap_is_quick():
    """The whole ladder of twenty rungs at 200 samples must not wait for its statistics."""
    import time

    samples = lognormal(np.random.default_rng(1), 200)
    median_interval(samples, seed=1)
    before = time.process_time()
    for seed in range(20):
        median_interval(samples, seed=seed)
    assert time.process_time() - before < 5
    assert statistics.RESAMPLES >= 1000
