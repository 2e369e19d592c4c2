"""Rounds are interleaved, shuffled by their seed, and lose nothing when a condition fails."""

import time
from collections.abc import Callable

import pytest

from virtlab.measure import provenance
from virtlab.measure.rounds import measure_rounds, measure_rows
from virtlab.measure.statistics import paired_by_round, ratio_interval
from virtlab.measure.stopwatch import Stopwatch, own_cost_ns
from virtlab.runtimes.base import RuntimeFailed


def constant(value: float) -> Callable[[], float]:
    return lambda: value


def busy(seconds: float) -> Callable[[], float]:
    def spin() -> float:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass
        return seconds

    return spin


def test_every_condition_is_measured_once_a_round():
    data = measure_rounds({"a": constant(1), "b": constant(2)}, rounds=7, seed=1)
    assert data.groupby("condition").size().to_dict() == {"a": 7, "b": 7}
    assert data.groupby("round")["condition"].nunique().eq(2).all()
    assert set(data["order"]) == {0, 1}


def test_the_order_is_shuffled_and_the_seed_decides_it():
    conditions = {name: constant(0) for name in "abcd"}

    def orders(seed: int) -> list[str]:
        data = measure_rounds(conditions, rounds=20, seed=seed)
        assert list(data["condition"]) == list("abcd") * 20, "told in the order they were given"
        return list(data.sort_values(["round", "order"])["condition"])

    assert orders(3) == orders(3)
    assert orders(3) != orders(4)
    first_of_rounds = orders(3)[::4]
    assert len(set(first_of_rounds)) == 4


def test_a_failing_condition_does_not_end_the_others():
    calls = iter(range(100))

    def dies_later() -> float:
        if next(calls) == 3:
            raise RuntimeFailed("it died:\n no reply")
        return 1.0

    data = measure_rounds({"good": constant(1), "bad": dies_later}, rounds=6, seed=1)
    assert data["condition"].unique().tolist() == ["good"]
    assert len(data) == 6
    assert data.attrs["failed"] == {"bad": "it died: no reply"}


def test_when_all_conditions_fail_the_table_is_empty_and_says_why():
    def dead() -> float:
        raise OSError("no such device")

    data = measure_rounds({"dead": dead}, budget_s=1, seed=1)
    assert data.empty
    assert list(data.columns) == ["round", "order", "condition"]
    assert data.attrs["failed"] == {"dead": "no such device"}


def test_a_programming_mistake_is_not_hidden():
    def mistaken() -> float:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        measure_rounds({"mistaken": mistaken}, rounds=1, seed=1)


def test_a_budget_gives_cheap_conditions_many_rounds_and_slow_ones_the_least():
    data = measure_rounds(
        {"cheap": constant(1), "slow": busy(0.05)}, budget_s=0.4, least=5, most=40, seed=1
    )
    counts = data.groupby("condition").size()
    assert counts["cheap"] == 40
    assert 5 <= counts["slow"] < 40
    rounds_of_slow = data.loc[data["condition"] == "slow", "round"]
    assert rounds_of_slow.max() > 40 / 2, "the slow condition is spread over the rounds"


def test_what_cheap_conditions_leave_of_the_budget_goes_to_the_others():
    data = measure_rounds(
        {"cheap": constant(1), "slow": busy(0.01)}, budget_s=3.0, least=2, most=30, seed=1
    )
    assert data.groupby("condition").size()["slow"] == 30


def test_named_values_become_columns():
    data = measure_rounds({"a": lambda: {"x": 1.0, "y": 2.0}}, rounds=2, seed=1)
    assert data[["x", "y"]].to_numpy().tolist() == [[1.0, 2.0]] * 2


def test_a_measurement_may_give_several_rows():
    def dead() -> list[dict[str, float]]:
        raise RuntimeFailed("gone")

    data = measure_rows(
        {"a": lambda: [{"x": 1}, {"x": 2}], "b": lambda: [{"x": 3}], "dead": dead},
        rounds=2,
        seed=1,
    )
    assert data.groupby("condition")["x"].apply(list).to_dict() == {"a": [1, 2] * 2, "b": [3, 3]}
    assert set(data["round"]) == {0, 1}
    assert data.attrs["failed"] == {"dead": "gone"}
    assert measure_rows({"dead": dead}, rounds=2, seed=1).empty


@pytest.mark.parametrize(
    "wrong", [{}, {"rounds": 2, "budget_s": 1.0}, {"rounds": 0}, {"budget_s": 0}]
)
def test_rounds_or_budget_is_needed(wrong):
    with pytest.raises(ValueError, match="measure_rounds needs"):
        measure_rounds({"a": constant(1)}, seed=1, **wrong)


def test_a_planted_delay_is_found_on_the_real_clock():
    """The delay is long beside what a busy machine adds to a sleep."""
    plain, delayed = (lambda: time.sleep(0.001)), (lambda: time.sleep(0.031))
    data = measure_rounds({"plain": _timed(plain), "delayed": _timed(delayed)}, rounds=20, seed=1)
    ratio = ratio_interval(*paired_by_round(data, "delayed", "plain"), paired=True, seed=1)
    assert ratio.low > 1.2


def _timed(work: Callable[[], object]) -> Callable[[], float]:
    def once() -> float:
        watch = Stopwatch()
        watch.stamp("call")
        work()
        watch.stamp("done")
        return watch.between_ms("call", "done")

    return once


def test_the_stopwatch_costs_under_five_microseconds():
    assert 0 < min(own_cost_ns() for _ in range(5)) < 5_000


def test_a_missing_stamp_is_named():
    watch = Stopwatch()
    watch.stamp("call")
    with pytest.raises(KeyError, match="reply"):
        watch.between_ms("call", "reply")


def test_provenance_names_host_date_versions_and_surroundings():
    notes = provenance.provenance("virtlab record x", seed=7)
    assert notes["command"] == "virtlab record x"
    assert notes["seed"] == 7
    assert notes["date"].endswith("+00:00")
    assert {"python", "numpy", "pandas", "scipy"} <= set(notes["versions"])
    assert len(notes["load"]) == 3
    assert notes["host"]
    assert notes["stopwatch_ns"] > 0


def test_steal_and_pressure_read_what_the_kernel_says(tmp_path):
    stat = tmp_path / "stat"
    stat.write_text("cpu  50 0 20 20 0 0 0 10 5 0\ncpu0 1 2\n")
    assert provenance.steal_percent(stat) == 10.0
    assert provenance.steal_percent(tmp_path / "none") is None
    stat.write_text("garbage\n")
    assert provenance.steal_percent(stat) is None
    (tmp_path / "cpu").write_text("some avg10=7.25 avg60=3.29 avg300=1.71 total=9\nfull avg10=0\n")
    (tmp_path / "io").write_text("nonsense\n")
    assert provenance.pressure_percent(tmp_path) == {"cpu": 7.25}
