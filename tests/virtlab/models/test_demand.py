import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab.models.demand import daily_demand, peak_of_sum, sum_of_peaks


@given(st.integers(0, 20), st.integers(0, 99), st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_demand_is_seeded_and_in_bounds(machines: int, seed: int, samples: int) -> None:
    day = daily_demand(machines, seed, samples)
    assert day == daily_demand(machines, seed, samples)
    assert [len(machine) for machine in day] == [samples] * machines
    assert all(0 <= load <= 1 for machine in day for load in machine)
    assert peak_of_sum(day) <= sum_of_peaks(day) + 1e-9


def test_shared_machines_need_less_than_their_peaks_together() -> None:
    day = daily_demand(100, seed=1)
    assert peak_of_sum(day) < 0.8 * sum_of_peaks(day)
    assert peak_of_sum([[1, 0], [0, 1]]) == 1
    assert sum_of_peaks([[1, 0], [0, 1]]) == 2
    assert peak_of_sum([]) == sum_of_peaks([]) == 0


def test_most_machines_are_nearly_idle_and_the_day_has_a_peak() -> None:
    day = daily_demand(300, seed=2)
    means = sorted(sum(machine) / len(machine) for machine in day)
    assert means[150] < 0.2 < means[-1]
    hourly = [sum(moment) for moment in zip(*day, strict=True)]
    by_hour = [sum(hourly[4 * hour : 4 * hour + 4]) for hour in range(24)]
    assert 12 <= by_hour.index(max(by_hour)) <= 16
    assert by_hour[14] > 1.5 * by_hour[2]
    assert by_hour[14] > by_hour[10] > by_hour[6]


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="median"):
        daily_demand(1, 0, median=0)
