"""Packing, migration, power, licences."""

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab.models.licences import LicensedServer, Rule, cheapest, licence_cost, licences
from virtlab.models.migration import postcopy, precopy
from virtlab.models.packing import lower_bound, pack, pack_vectors
from virtlab.models.power import Server, break_even_months, energy_kwh, fleet_watts


def fewest(items: list[int], capacity: int) -> int:
    """The best number of bins, by trying everything."""
    for bins in range(len(items) + 1):
        for where in product(range(bins), repeat=len(items)):
            loads = [0] * bins
            for item, place in zip(items, where, strict=True):
                loads[place] += item
            if all(load <= capacity for load in loads):
                return bins
    raise AssertionError


@given(st.lists(st.integers(0, 10), max_size=6))
@settings(max_examples=60, deadline=None)
def test_packing_lies_between_the_bound_and_the_guarantee(items: list[int]) -> None:
    bins, best = pack(items, 10), fewest(items, 10)
    assert sorted(i for each in bins for i in each) == list(range(len(items)))
    assert all(sum(items[i] for i in each) <= 10 for each in bins)
    assert lower_bound(items, 10) <= best <= len(bins) <= 11 / 9 * best + 6 / 9


@given(st.lists(st.integers(0, 100), max_size=60))
@settings(max_examples=60, deadline=None)
def test_the_bound_is_never_below_the_sums(items: list[int]) -> None:
    assert math.ceil(sum(items) / 100) <= lower_bound(items, 100) <= len(pack(items, 100))


def test_packing_examples() -> None:
    assert pack([5, 5, 5], 10) == [[0, 1], [2]]
    assert pack([2, 7, 3, 8], 10) == [[3, 0], [1, 2]]
    assert pack([], 10) == []
    assert lower_bound([6, 6, 6], 10) == 3  # the sum alone would say 2
    assert lower_bound([7, 7, 4, 4], 10) == 3
    assert pack_vectors([(1, 8), (8, 1), (1, 1)], (9, 9)) == [[0, 1], [2]]


@pytest.mark.parametrize("items", [[11], [-1]])
def test_what_fits_nowhere_is_refused(items: list[int]) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        pack(items, 10)
    with pytest.raises(ValueError, match="resources"):
        pack_vectors([(1,)], (1, 1))


def test_precopy_rounds_shrink_until_the_rest_is_short_enough() -> None:
    # 1000 pages at 100 a second, 10 dirtied a second: rounds of 1000, 100, 10; then 1 page is left.
    moved = precopy(1000, 10, 100, 1000, max_downtime=0.01, max_rounds=30)
    assert (moved.rounds, moved.forced) == (3, False)
    assert moved.downtime == pytest.approx(0.01)
    assert moved.total == pytest.approx(11.11)


def test_precopy_is_forced_where_dirtying_outruns_the_link() -> None:
    moved = precopy(1000, 500, 100, 400, max_downtime=0.1, max_rounds=5)
    assert (moved.rounds, moved.forced, moved.downtime) == (5, True, 4.0)
    assert moved.sent == 1000 + 5 * 400


@given(
    pages=st.integers(0, 10_000),
    dirty_rate=st.floats(0, 1e5),
    bandwidth=st.floats(1, 1e5),
    part=st.floats(0, 1),
    max_downtime=st.floats(0, 10),
    max_rounds=st.integers(1, 40),
)
@settings(max_examples=100, deadline=None)
def test_precopy_keeps_its_promises(
    pages: int,
    dirty_rate: float,
    bandwidth: float,
    part: float,
    max_downtime: float,
    max_rounds: int,
) -> None:
    moved = precopy(pages, dirty_rate, bandwidth, part * pages, max_downtime, max_rounds)
    assert 1 <= moved.rounds <= max_rounds
    assert moved.forced == (moved.downtime > max_downtime)
    assert not moved.forced or moved.rounds == max_rounds
    assert moved.downtime <= part * pages / bandwidth + 1e-9
    assert moved.total >= pages / bandwidth
    assert moved.sent >= pages


@given(
    pages=st.integers(0, 60),
    touch_rate=st.floats(0.1, 100),
    round_trip=st.floats(0, 1),
    seed=st.integers(0, 99),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_postcopy_sends_each_page_once(
    pages: int, touch_rate: float, round_trip: float, seed: int, data: st.DataObject
) -> None:
    working_set = data.draw(st.integers(0, pages))
    moved = postcopy(pages, 10, touch_rate, working_set, round_trip, 2, seed)
    assert moved.downtime == 0.2
    assert moved.total == pytest.approx(0.2 + pages / 10)
    assert 0 <= moved.faults <= working_set
    assert moved.stalled <= moved.total
    assert moved == postcopy(pages, 10, touch_rate, working_set, round_trip, 2, seed)


def test_postcopy_is_shortly_down_and_then_slow() -> None:
    shape = {"pages": 10_000, "bandwidth": 10_000}
    before = precopy(
        **shape, dirty_rate=20_000, writable_set=5000, max_downtime=0.01, max_rounds=20
    )
    after = postcopy(
        **shape, touch_rate=1000, working_set=5000, round_trip=0.001, state_pages=10, seed=1
    )
    assert after.downtime < before.downtime
    assert after.total < before.total
    assert after.faults > 0
    assert after.stalled > 0


def test_migration_refuses() -> None:
    with pytest.raises(ValueError, match="bandwidth"):
        precopy(1, 1, 0, 1, 1, 1)
    with pytest.raises(ValueError, match="writable_set"):
        precopy(1, 1, 1, 2, 1, 1)
    with pytest.raises(ValueError, match="working_set"):
        postcopy(1, 1, 1, 2, 1, 1, 0)


def test_a_fleets_power() -> None:
    busy, idle = Server(100, 300, 0.5), Server(100, 300, 0)
    off = Server(100, 300, 0, is_on=False, off_watts=5)
    assert fleet_watts([busy, idle, off]) == 305
    assert fleet_watts([busy, idle, off], pue=2) == 610
    assert fleet_watts([]) == 0
    assert energy_kwh(305, 10) == pytest.approx(3.05)
    with pytest.raises(ValueError, match="pue"):
        fleet_watts([], 0.9)
    with pytest.raises(ValueError, match="utilization"):
        fleet_watts([Server(1, 2, 1.5)])


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=5), st.floats(0, 200))
@settings(max_examples=40, deadline=None)
def test_consolidating_saves_the_idle_power_and_no_more(loads: list[float], idle: float) -> None:
    before = fleet_watts(Server(idle, 300, load) for load in loads)
    after = fleet_watts([Server(idle, 300, sum(loads))])
    assert before - after == pytest.approx((len(loads) - 1) * idle, abs=1e-6)


def test_break_even() -> None:
    assert break_even_months(1200, 300, 200) == 12
    assert break_even_months(1200, 200, 200) == math.inf
    assert break_even_months(0, 1, 2) == 0


def test_the_cheapest_rule_depends_on_the_fleet() -> None:
    rules = {
        "core": Rule("core", 100, least_per_socket=8, least_per_server=16, pack=2),
        "vm": Rule("vm", 500, idle_servers_count=False),
        "socket": Rule("socket", 1500),
    }
    few = [LicensedServer(1, 4, (2,))]
    many = [LicensedServer(2, 8, (2,) * 20)]
    large = [LicensedServer(2, 64, (2,) * 40)]
    assert licences(few, rules["core"]) == 16
    assert licence_cost(few, rules["vm"]) == 500
    assert [cheapest(fleet, rules) for fleet in (few, many, large)] == ["vm", "core", "socket"]
    assert licences([LicensedServer(1, 5)], rules["vm"]) == 0
    assert licences([LicensedServer(2, 9, (1,))], Rule("core", 1, pack=4)) == 20
    assert licences([LicensedServer(1, 4, (2, 3))], Rule("vcpu", 1)) == 5
    assert licences([], rules["core"]) == 0
    with pytest.raises(ValueError, match="one unit"):
        Rule("core", 1, pack=0)
    with pytest.raises(ValueError, match="no rule"):
        cheapest(few, {})
