import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab.models.warmup import classify, segments

RANDOM = random.Random(15)


def noisy(*parts: tuple[float, int]) -> list[float]:
    """Levels with so many repetitions each, and two percent of noise."""
    return [level * RANDOM.uniform(0.98, 1.02) for level, count in parts for _ in range(count)]


def test_a_level_is_flat() -> None:
    verdict = classify(noisy((7, 100)))
    assert (verdict.kind, verdict.steady_from) == ("flat", 0)
    assert verdict.steady == pytest.approx(7, rel=0.02)


def test_a_warm_up_is_found_where_it_ends() -> None:
    verdict = classify(noisy((40, 21), (15, 21), (4, 60)))
    assert (verdict.kind, verdict.steady_from) == ("warm-up", 42)
    assert verdict.changes[0] == 21


def test_what_was_faster_before_is_a_slowdown() -> None:
    assert classify(noisy((4, 40), (6, 60))).kind == "slowdown"


def test_what_changes_near_the_end_never_became_steady() -> None:
    verdict = classify(noisy((4, 81), (8, 21)))
    assert (verdict.kind, verdict.steady_from, verdict.steady) == ("never", None, None)
    assert verdict.changes == (81,)
    assert classify(noisy(*[(3, 15), (5, 15)] * 4)).kind == "never"


def test_a_short_warm_up_is_seen() -> None:
    verdict = classify(noisy((500, 3), (80, 3), (5, 90)))
    assert (verdict.kind, verdict.steady_from) == ("warm-up", 6)


def test_a_pause_now_and_then_changes_nothing() -> None:
    series = noisy((5, 100))
    for place in (7, 33, 61, 90):
        series[place] *= 20
    series[75:82] = [40.0] * 7  # a disturbance that is too short to be a level
    assert classify(series).kind == "flat"


def test_a_small_step_is_no_change_that_matters() -> None:
    verdict = classify([100.0] * 51 + [104.0] * 51)
    assert verdict.changes == (51,)
    assert verdict.kind == "flat"


def test_too_short_a_series_is_refused() -> None:
    with pytest.raises(ValueError, match="one block"):
        classify([1.0] * 2)
    with pytest.raises(ValueError, match="positive"):
        classify([1.0] * 9 + [0.0])


@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_segments_begin_in_order(values: list[float]) -> None:
    starts = segments(values)
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    assert max(starts) < len(values)
