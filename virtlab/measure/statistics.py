"""Medians, tails and ratios, each with the interval that says how far to trust it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

LEAST_FOR_P99 = 200
RESAMPLES = 2_000
CONFIDENCE = 0.95

Samples = Sequence[float] | npt.NDArray[np.float64] | pd.Series


class Interval(NamedTuple):
    """An estimate between the ends of its interval, all in the unit of the samples."""

    low: float
    estimate: float
    high: float

    def holds(self, value: float) -> bool:
        """Say whether the value lies within the interval."""
        return self.low <= value <= self.high


def median_interval(samples: Samples, seed: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the median with its percentile-bootstrap interval.

    Raises:
        ValueError: if there are no samples, or one is not a finite number.
    """
    values = _finite(samples)
    if len(values) == 1:
        return Interval(-math.inf, float(values[0]), math.inf)
    low, high = _bootstrap((values,), _median, seed, confidence)
    return Interval(low, float(np.median(values)), high)


def ratio_interval(
    over: Samples, under: Samples, paired: bool, seed: int, confidence: float = CONFIDENCE
) -> Interval:
    """Return median(over) / median(under) with its percentile-bootstrap interval.

    Args:
        over: samples of the condition above the line.
        under: samples of the condition below the line.
        paired: the i-th samples were taken in the same round, so rounds are resampled whole.
        seed: of the resampling.
        confidence: how often such intervals hold the true ratio.

    Raises:
        ValueError: if samples are missing or not finite, the median below the line is 0, or paired
            samples differ in number.
    """
    a, b = _pair(over, under, paired)
    if np.median(b) == 0:
        raise ValueError("no ratio to a median of 0")
    estimate = float(np.median(a) / np.median(b))
    if min(len(a), len(b)) == 1:
        return Interval(-math.inf, estimate, math.inf)
    low, high = _bootstrap((a, b), _ratio_of_medians, seed, confidence, paired=paired)
    return Interval(low, estimate, high)


def difference_interval(
    over: Samples, under: Samples, paired: bool, seed: int, confidence: float = CONFIDENCE
) -> Interval:
    """Return median(over) - median(under) with its percentile-bootstrap interval.

    The arguments are those of `ratio_interval`.

    Raises:
        ValueError: if samples are missing or not finite, or paired samples differ in number.
    """
    a, b = _pair(over, under, paired)
    estimate = float(np.median(a) - np.median(b))
    if min(len(a), len(b)) == 1:
        return Interval(-math.inf, estimate, math.inf)
    low, high = _bootstrap((a, b), _difference_of_medians, seed, confidence, paired=paired)
    return Interval(low, estimate, high)


def p99(samples: Samples) -> float:
    """Return the 99th percentile by nearest rank, an observed sample; NaN under 200 samples."""
    values = _finite(samples)
    if len(values) < LEAST_FOR_P99:
        return math.nan
    return float(np.quantile(values, 0.99, method="inverted_cdf"))


def p99_interval(samples: Samples, confidence: float = CONFIDENCE) -> Interval:
    """Return the 99th percentile with the interval that order statistics give.

    How many samples lie below the true percentile is binomial, whatever their distribution, so two
    ranks enclose it (Conover, Practical Nonparametric Statistics, section 3.2). The bootstrap's
    interval is too narrow here. Under 368 samples even the largest may lie below the percentile:
    the upper end is then infinite. Under 200 samples the estimate is NaN.
    """
    from scipy.stats import binom  # here, because scipy.stats takes long to import

    values = np.sort(_finite(samples))
    count = len(values)
    if count < LEAST_FOR_P99:
        return Interval(math.nan, math.nan, math.nan)
    tail = (1 - confidence) / 2
    # Rank r (from 1) is a lower end if fewer than r samples below the percentile is improbable.
    below = int(binom.ppf(tail, count, 0.99))
    above = int(binom.isf(tail, count, 0.99)) + 1
    low = float(values[below - 1]) if below >= 1 else -math.inf
    high = float(values[above - 1]) if above <= count else math.inf
    return Interval(low, p99(values), high)


def summarize(
    data: pd.DataFrame, value: str = "value", by: str = "condition", seed: int = 1
) -> pd.DataFrame:
    """Return one row a condition: `by`, n, median, p99 (NaN under 200 samples), low, high.

    `low` and `high` enclose the median. Conditions keep the order in which they first appear;
    missing values are left out, and a condition with none is, too.
    """
    rows = []
    for name, group in data.groupby(by, sort=False, observed=True)[value]:
        values = group.dropna().to_numpy(float)
        if len(values):
            interval = median_interval(values, seed)
            rows.append(
                (name, len(values), interval.estimate, p99(values), interval.low, interval.high)
            )
    return pd.DataFrame(rows, columns=[by, "n", "median", "p99", "low", "high"])


def paired_by_round(
    data: pd.DataFrame, over: str, under: str, value: str = "value", by: str = "condition"
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the samples of two conditions for the rounds in which both were measured.

    A round's many samples of one condition count as one, their median: they share its weather.
    """
    table = data.pivot_table(index="round", columns=by, values=value, aggfunc="median")
    for name in (over, under):
        if name not in table.columns:
            raise ValueError(f"no condition {name!r} in this measurement: {list(table.columns)}")
    both = table[[over, under]].dropna()
    return both[over].to_numpy(float), both[under].to_numpy(float)


def _pair(
    over: Samples, under: Samples, paired: bool
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    a, b = _finite(over), _finite(under)
    if paired and len(a) != len(b):
        raise ValueError(f"paired samples differ in number: {len(a)} and {len(b)}")
    return a, b


def _finite(samples: Samples) -> npt.NDArray[np.float64]:
    values = np.asarray(samples, dtype=float)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError("no samples: a statistic needs at least one")
    if not np.isfinite(values).all():
        raise ValueError("a sample is not a finite number")
    return values


def _median(values: npt.NDArray[np.float64], axis: int = -1) -> npt.NDArray[np.float64]:
    return np.median(values, axis=axis)


def _ratio_of_medians(
    over: npt.NDArray[np.float64], under: npt.NDArray[np.float64], axis: int = -1
) -> npt.NDArray[np.float64]:
    return np.median(over, axis=axis) / np.median(under, axis=axis)


def _difference_of_medians(
    over: npt.NDArray[np.float64], under: npt.NDArray[np.float64], axis: int = -1
) -> npt.NDArray[np.float64]:
    return np.median(over, axis=axis) - np.median(under, axis=axis)


def _bootstrap(
    samples: tuple[npt.NDArray[np.float64], ...],
    statistic: Callable[..., npt.NDArray[np.float64]],
    seed: int,
    confidence: float,
    paired: bool = False,
) -> tuple[float, float]:
    """Return the percentile interval (Efron, Tibshirani: An Introduction to the Bootstrap, 13.3).

    BCa's correction misbehaves for medians of few samples. The numbers are those of
    `scipy.stats.bootstrap`, whose import would cost each notebook most of a second.
    """
    generator = np.random.default_rng(seed)

    def places(count: int) -> npt.NDArray[np.int64]:
        return generator.integers(0, count, (RESAMPLES, count))

    if paired:
        rounds = places(len(samples[0]))
        drawn = [values[rounds] for values in samples]
    else:
        drawn = [values[places(len(values))] for values in samples]
    tail = (1 - confidence) / 2
    low, high = np.quantile(statistic(*drawn), [tail, 1 - tail])
    return float(low), float(high)
