"""Fair share, quota, ballooning, placement, speed-up, density."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab.models.ballooning import Guest, Reclaimed, balloon, in_proportion
from virtlab.models.density import density
from virtlab.models.fair_share import capped_share, fair_share
from virtlab.models.placement import Request, place, serve
from virtlab.models.quota import finish_time, throttled
from virtlab.models.speedup import best_workers, speedup

tenants = st.lists(
    st.tuples(st.floats(0.1, 100), st.one_of(st.floats(0, 100), st.just(math.inf))), max_size=8
)


def test_what_one_tenant_leaves_the_others_get_by_weight() -> None:
    assert fair_share([1, 1, 2], [0.1, 9, 9], 1) == pytest.approx([0.1, 0.3, 0.6])
    assert capped_share([1, 1, 2], [0.1, 9, 9], 1) == pytest.approx([0.1, 0.25, 0.5])
    assert fair_share([], [], 1) == []


@given(tenants, st.floats(0, 300))
@settings(max_examples=100, deadline=None)
def test_sharing_conserves_and_is_max_min_fair(
    who: list[tuple[float, float]], capacity: float
) -> None:
    weights, demands = [w for w, _ in who], [d for _, d in who]
    shares = fair_share(weights, demands, capacity)
    assert sum(shares) == pytest.approx(min(capacity, sum(demands)) if who else 0, abs=1e-9)
    # Fair: one water level for all; whoever is below it has all it wants.
    level = max((s / w for s, w in zip(shares, weights, strict=True)), default=0)
    for share, weight, demand in zip(shares, weights, demands, strict=True):
        below = share / weight < level * (1 - 1e-9) - 1e-12
        assert share <= demand
        assert not below or share == pytest.approx(demand)
    assert sum(capped_share(weights, demands, capacity)) <= sum(shares) + 1e-6


@pytest.mark.parametrize(
    "wrong", [([1], [], 1), ([0], [1], 1), ([1], [-1], 1), ([1], [1], -1), ([math.nan], [1], 1)]
)
def test_sharing_refuses_numbers_out_of_range(
    wrong: tuple[list[float], list[float], float],
) -> None:
    with pytest.raises(ValueError, match=r"weight|demand"):
        fair_share(*wrong)


def test_a_burst_beyond_the_quota_waits_for_the_next_period() -> None:
    result = throttled(20, 100, [(0, 50)])
    assert (result.finished, result.periods, result.waited) == ((210,), 2, 160)


def test_edges_of_a_quota() -> None:
    assert throttled(20, 100, [(0, 20)]).periods == 0
    assert throttled(20, 100, [(0, 20), (50, 1)]).finished == (20, 101)
    assert throttled(20, 100, [(90, 30)]).finished == (120,)  # two periods' quotas meet
    assert throttled(100, 100, [(0, 500)]).finished == (500,)
    assert throttled(20, 100, [(7, 0)]).finished == (7,)
    assert throttled(20, 100, []).finished == ()


def by_the_tick(quota: int, period: int, bursts: list[tuple[int, int]]) -> list[int]:
    """The same rules one unit of time after the other."""
    finished, now, used = [], 0, 0
    for arrival, work in bursts:
        while now < arrival:
            now += 1
            used = 0 if now % period == 0 else used
        while work:
            ran = used < quota
            work -= ran
            used += ran
            now += 1
            used = 0 if now % period == 0 else used
        finished.append(now)
    return finished


@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 25)), max_size=5).map(sorted),
)
@settings(max_examples=150, deadline=None)
def test_a_quota_agrees_with_counting_ticks(
    quota: int, period: int, bursts: list[tuple[int, int]]
) -> None:
    assert list(throttled(quota, period, bursts).finished) == by_the_tick(quota, period, bursts)


def test_threads_spend_the_quota_faster() -> None:
    assert finish_time(200, 100, 100, 1) == 200
    assert finish_time(200, 100, 100, 4) == 125
    assert finish_time(80, 100, 100, 4) == 20
    assert finish_time(100, 100, 100, 4) == 25
    assert finish_time(0, 10, 100) == 0


@given(st.integers(0, 500), st.integers(1, 100), st.integers(1, 100))
@settings(max_examples=80, deadline=None)
def test_one_thread_finishes_as_throttled_says(work: int, quota: int, period: int) -> None:
    assert finish_time(work, quota, period) == throttled(quota, period, [(0, work)]).finished[0]


@pytest.mark.parametrize(
    "wrong", [(0, 1, []), (1, 0, []), (1, 1, [(-1, 1)]), (1, 1, [(2, 1), (1, 1)])]
)
def test_quota_refuses(wrong: tuple[int, int, list[tuple[int, int]]]) -> None:
    with pytest.raises(ValueError, match=r"quota|burst"):
        throttled(*wrong)
    with pytest.raises(ValueError, match="work"):
        finish_time(-1, 1, 1)


def test_balloons_take_idle_memory_and_swap_takes_the_rest() -> None:
    guests = [Guest("a", "h", 4096, 1024), Guest("b", "h", 4096, 4096), Guest("c", "i", 9, 9)]
    assert balloon({"h": 7168, "i": 9}, guests) == {
        "a": Reclaimed(1024, 0, 0),
        "b": Reclaimed(0, 0, 0),
        "c": Reclaimed(0, 0, 0),
    }
    tight = balloon({"h": 4096, "i": 9}, guests)
    assert tight["a"].ballooned == 3072
    assert tight["a"].swapped + tight["b"].swapped == 1024
    assert tight["b"].hurt == tight["b"].swapped


def test_without_a_driver_the_host_swaps_what_is_in_use() -> None:
    with_driver, without = (
        balloon({"h": 6000}, [Guest("a", "h", 8000, 4000, limit)])["a"] for limit in (None, 0)
    )
    assert with_driver == Reclaimed(2000, 0, 0)
    assert without == Reclaimed(0, 2000, 1000)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 9)), max_size=6),
    st.integers(0, 200),
)
@settings(max_examples=100, deadline=None)
def test_after_reclaiming_the_guests_fit_and_no_more_is_taken(
    sizes: list[tuple[int, int, int]], memory: int
) -> None:
    guests = [
        Guest(str(i), "h", needed + idle, needed, limit)
        for i, (needed, idle, limit) in enumerate(sizes)
    ]
    taken = balloon({"h": memory}, guests)
    left = sum(g.size - taken[g.name].ballooned - taken[g.name].swapped for g in guests)
    assert left == min(memory, sum(g.size for g in guests))
    for guest in guests:
        lost = taken[guest.name]
        assert 0 <= lost.ballooned <= guest.idle
        assert 0 <= lost.swapped <= guest.size - lost.ballooned
        assert 0 <= lost.hurt <= min(lost.swapped, guest.needed)
    if any(lost.swapped for lost in taken.values()):
        assert all(taken[guest.name].ballooned == guest.idle for guest in guests)


def test_ballooning_refuses() -> None:
    with pytest.raises(ValueError, match="no host x"):
        balloon({}, [Guest("a", "x", 1, 1)])
    with pytest.raises(ValueError, match="needed"):
        balloon({"h": 1}, [Guest("a", "h", 1, 2)])
    with pytest.raises(ValueError, match="same name"):
        balloon({"h": 1}, [Guest("a", "h", 1, 1), Guest("a", "h", 1, 1)])


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6), st.data())
@settings(max_examples=60, deadline=None)
def test_in_proportion_gives_away_all_and_never_more_than_a_part(
    parts: list[int], data: st.DataObject
) -> None:
    total = data.draw(st.integers(0, sum(parts)))
    shares = in_proportion(total, parts)
    assert sum(shares) == total
    assert all(
        0 <= share <= part and abs(share * sum(parts) - total * part) < max(1, sum(parts))
        for share, part in zip(shares, parts, strict=True)
    )


def test_a_pool_does_not_hold_what_no_host_holds() -> None:
    placed = place({"big": 16, "small": 8}, {f"host{i}": 8 for i in range(10)})
    assert placed.host == {"small": "host0"}
    assert placed.refused == {
        "big": "no host has 16 free: the largest has 8, though the pool has 80"
    }


def test_policies_choose_differently() -> None:
    hosts = {"a": 5, "b": 3, "c": 9}
    assert [place({"x": 3}, hosts, p).host["x"] for p in ("first", "best", "worst")] == list("abc")


@given(
    st.lists(st.integers(0, 9), max_size=10),
    st.lists(st.integers(0, 12), max_size=5),
    st.sampled_from(["first", "best", "worst"]),
)
@settings(max_examples=80, deadline=None)
def test_placement_never_overfills_and_refuses_only_what_does_not_fit(
    sizes: list[int], rooms: list[int], policy: str
) -> None:
    requests = {f"r{i}": size for i, size in enumerate(sizes)}
    hosts = {f"h{i}": room for i, room in enumerate(rooms)}
    placed = place(requests, hosts, policy)  # type: ignore[arg-type]
    for host, room in hosts.items():
        used = sum(requests[name] for name, at in placed.host.items() if at == host)
        assert used + placed.free[host] == room
        assert placed.free[host] >= 0
    assert placed.host.keys() | placed.refused.keys() == requests.keys()
    assert all(requests[name] > max(placed.free.values(), default=-1) for name in placed.refused)


def test_a_dynamic_pool_serves_what_a_partition_refuses() -> None:
    wanted = [Request("a", 4, 0, 10), Request("a", 4, 0, 10), Request("b", 4, 10, 10)]
    hosts = {"x": 4, "y": 4}
    static = serve(wanted, hosts, {"a": ["x"], "b": ["y"]})
    dynamic = serve(wanted, hosts)
    assert (len(static.refused), len(dynamic.refused)) == (1, 0)
    assert (static.utilization, dynamic.utilization) == (0.5, 0.75)
    assert serve([], hosts).utilization == 0
    assert serve(wanted, {}).utilization == 0
    with pytest.raises(ValueError, match="gives tenant b no hosts"):
        serve(wanted, hosts, {"a": ["x"]})
    with pytest.raises(ValueError, match="a host z that there is not"):
        serve(wanted, hosts, {"a": ["x"], "b": ["z"]})
    with pytest.raises(ValueError, match="duration"):
        serve([Request("a", 1, 0, 0)], hosts)


def test_amdahl_and_the_cost_of_one_more() -> None:
    assert speedup(1, 0.3, 0.1) == 1
    assert speedup(10, 0.1) == pytest.approx(1 / 0.19)
    assert speedup(10**9, 0.25) == pytest.approx(4)
    assert best_workers(1, 0) == 1
    assert best_workers(0.1, 0, most=64) == 64
    with pytest.raises(ValueError, match="workers"):
        speedup(0, 0.1)


@given(st.floats(0, 1), st.floats(0.0001, 0.5))
@settings(max_examples=60, deadline=None)
def test_no_number_of_workers_beats_the_best_one(serial: float, overhead: float) -> None:
    best = speedup(best_workers(serial, overhead, most=200), serial, overhead)
    assert best == max(speedup(n, serial, overhead) for n in range(1, 201))


@given(st.integers(0, 500), st.integers(1, 50), st.integers(0, 20), st.data())
@settings(max_examples=60, deadline=None)
def test_density_is_the_largest_number_that_fits(
    host: int, guest: int, overhead: int, data: st.DataObject
) -> None:
    shared = data.draw(st.integers(0, guest - 1))
    n = density(host, guest, overhead, shared)

    def need(count: int) -> int:
        return count * (guest + overhead) - max(0, count - 1) * shared

    assert need(n) <= host or n == 0
    assert need(n + 1) > host
