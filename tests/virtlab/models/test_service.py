"""Queues, autoscaler, availability, balancer, blast radius, backups, remote desktop."""

from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab.models.autoscaler import replicas
from virtlab.models.availability import availability, placed_availability
from virtlab.models.backups import Backup, Event, Recovery, recovery, restorable
from virtlab.models.balancer import Backends, pick
from virtlab.models.blast_radius import blast_radius, choke_points
from virtlab.models.queues import (
    MM1,
    corrected_latencies,
    exponential_services,
    open_loop,
    poisson_arrivals,
)
from virtlab.models.remote_desktop import response_time


def test_a_simulated_queue_agrees_with_the_formulas() -> None:
    count, queue = 40_000, MM1(0.7, 1)
    responses = open_loop(poisson_arrivals(0.7, count, 1), exponential_services(1, count, 2))
    responses.sort()
    assert sum(responses) / count == pytest.approx(queue.mean_response, rel=0.15)
    assert responses[int(0.9 * count)] == pytest.approx(queue.response_quantile(0.9), rel=0.15)
    assert queue.mean_waiting == pytest.approx(queue.mean_response - 1)
    assert queue.mean_customers == pytest.approx(0.7 / 0.3)


def test_waiting_explodes_as_the_queue_fills() -> None:
    waits = [MM1(rho, 1).mean_waiting for rho in (0.5, 0.9, 0.99)]
    assert waits == pytest.approx([1, 9, 99])
    with pytest.raises(ValueError, match="steady"):
        MM1(1, 1)
    with pytest.raises(ValueError, match="below 1"):
        MM1(0.5, 1).response_quantile(1)
    with pytest.raises(ValueError, match="above 0"):
        poisson_arrivals(0, 1, 1)


def test_an_open_loop_serves_in_order() -> None:
    assert open_loop([0, 1, 2], [5, 1, 1]) == [5, 5, 5]
    assert open_loop([0, 1, 2], [5, 1, 1], servers=2) == [5, 1, 1]
    assert open_loop([], []) == []
    with pytest.raises(ValueError, match="ascending"):
        open_loop([1, 0], [1, 1])
    with pytest.raises(ValueError, match="service times"):
        open_loop([1], [])


def test_one_long_pause_hides_many_slow_requests() -> None:
    assert corrected_latencies([1, 5, 1], 1) == [1, 5, 4, 3, 2, 1, 1]
    assert corrected_latencies([0.5, 2.5], 1) == [0.5, 2.5, 1.5]
    assert corrected_latencies([], 1) == []
    with pytest.raises(ValueError, match="above 0"):
        corrected_latencies([1], 0)


@given(st.lists(st.integers(0, 400), max_size=20), st.integers(1, 50))
@settings(max_examples=60, deadline=None)
def test_correction_adds_what_hdrhistogram_adds(raw: list[int], interval: int) -> None:
    expected = []
    for latency in raw:
        expected.append(latency)
        missing = latency - interval
        while missing >= interval:
            expected.append(missing)
            missing -= interval
    assert corrected_latencies(raw, interval) == expected


def test_slow_starts_leave_requests_unserved() -> None:
    burst = [10, 10, 40, 40, 40, 10]
    unserved = [
        sum(tick.unserved for tick in replicas(burst, start_time, capacity=10))
        for start_time in (0, 1, 2, 9)
    ]
    assert unserved == [0, 30, 60, 90]


def test_an_autoscaler_tick_by_tick() -> None:
    run = replicas([10, 30, 30, 0], start_time=2, capacity=10)
    assert [(t.wanted, t.ready, t.starting) for t in run] == [
        (1, 1, 0), (3, 1, 2), (3, 1, 2), (1, 3 - 2, 0),
    ]  # fmt: skip
    assert replicas([80], 0, capacity=10, target=0.5)[0].wanted == 16
    assert replicas([], 0, capacity=1) == []
    with pytest.raises(ValueError, match="target"):
        replicas([1], 0, 1, target=0)


@given(st.lists(st.integers(0, 100), max_size=20), st.integers(0, 5), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_a_scaler_never_has_more_than_it_wants_or_fewer_than_the_least(
    load: list[int], start_time: int, least: int
) -> None:
    for tick in replicas(load, start_time, capacity=7, least=least):
        assert tick.ready + tick.starting == tick.wanted >= least
        assert tick.ready >= 0
        assert start_time or not tick.unserved


def by_enumeration(spread: list[int], k: int, p_instance: float, p_host: float) -> float:
    total = 0.0
    for hosts in product([0, 1], repeat=len(spread)):
        for instances in product([0, 1], repeat=sum(spread)):
            chance = 1.0
            for up in hosts:
                chance *= p_host if up else 1 - p_host
            for up in instances:
                chance *= p_instance if up else 1 - p_instance
            of_host = [h for h, count in enumerate(spread) for _ in range(count)]
            alive = sum(up and hosts[h] for up, h in zip(instances, of_host, strict=True))
            total += chance * (alive >= k)
    return total


@given(
    st.lists(st.integers(0, 3), max_size=3),
    st.integers(0, 5),
    st.floats(0, 1),
    st.floats(0, 1),
)
@settings(max_examples=40, deadline=None)
def test_availability_agrees_with_counting_every_case(
    spread: list[int], k: int, p_instance: float, p_host: float
) -> None:
    found = placed_availability(spread, k, p_instance, p_host)
    assert found == pytest.approx(by_enumeration(spread, k, p_instance, p_host), abs=1e-9)


def test_instances_on_one_host_fall_together() -> None:
    assert availability(2, 1, 0.9) == pytest.approx(0.99)
    assert availability(5, 1, 1, 0.9, hosts=1) == pytest.approx(0.9)
    assert availability(5, 1, 1, 0.9) == pytest.approx(1 - 1e-5)
    assert availability(3, 0, 0.1) == pytest.approx(1)
    assert availability(3, 4, 1) == 0
    assert availability(0, 0, 0.5) == 1
    with pytest.raises(ValueError, match="probability"):
        availability(1, 1, 1.1)


def test_balancer_policies() -> None:
    state = Backends([3, 1, 1], last=0)
    assert pick("round robin", state) == 1
    assert pick("round robin", Backends([0, 0, 0], last=2)) == 0
    assert pick("round robin", Backends([0, 0, 0], healthy=[True, False, True], last=0)) == 2
    assert pick("least connections", state) == 1
    assert pick("least connections", Backends([3, 1, 1], healthy=[True, False, False])) == 0
    assert pick("random", Backends([0], healthy=[False])) is None
    with pytest.raises(ValueError, match="no policy"):
        pick("magic", state)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="length"):
        pick("random", Backends([1, 2], healthy=[True]))


def test_two_choices_spread_far_better_than_one() -> None:
    def longest(policy: str) -> int:
        loads = [0] * 100
        random = Random(7)
        for _ in range(10_000):
            server = pick(policy, Backends(loads, random=random))  # type: ignore[arg-type]
            assert server is not None
            loads[server] += 1
        return max(loads)

    assert longest("two choices") < longest("random") - 10


def test_blast_radius_counts_steps_and_survives_cycles() -> None:
    graph = {"web": ["host1"], "host1": ["web", "db"], "db": ["backup"], "other": ["web"]}
    assert blast_radius(graph, "web") == {"web": 0, "host1": 1, "db": 2, "backup": 3}
    assert blast_radius(graph, "nowhere") == {"nowhere": 0}
    assert choke_points(graph, "web") == {"host1": 3, "db": 2, "backup": 1}


def test_a_chain_breaks_at_its_missing_link() -> None:
    sunday, monday, tuesday = Backup(0, "full"), Backup(1, "incremental"), Backup(2, "incremental")
    assert restorable([tuesday, sunday, monday], 2.5) == [sunday, monday, tuesday]
    assert restorable([sunday, monday, tuesday], 1.5) == [sunday, monday]
    broken = Backup(1, "incremental", is_good=False)
    assert restorable([sunday, broken, tuesday], 9) == [sunday]
    assert restorable([broken, tuesday], 9) is None
    assert restorable([sunday], -1) is None
    assert restorable([], 0) is None


def test_a_differential_needs_only_the_last_full_one() -> None:
    full, lost = Backup(0, "full"), Backup(1, "incremental", is_good=False)
    differential, later = Backup(2, "differential"), Backup(3, "incremental")
    assert restorable([full, lost, differential], 9) == [full, differential]
    assert restorable([full, lost, differential, later], 9) == [full, differential, later]
    assert restorable([Backup(0, "full", is_good=False), differential], 9) is None


def test_recovery_reads_both_objectives_from_the_log() -> None:
    log = [
        Event(0, "saved"), Event(60, "saved"), Event(100, "failed"), Event(110, "failed"),
        Event(115, "saved"), Event(130, "restored"), Event(200, "failed"),
    ]  # fmt: skip
    assert recovery(log) == [Recovery(100, 40, 30), Recovery(200, None, None)]
    assert recovery([]) == []
    older = [Event(0, "saved"), Event(5, "saved"), Event(9, "failed"), Event(10, "restored", 0)]
    assert recovery(older) == [Recovery(9, 9, 1)]
    with pytest.raises(ValueError, match="no such state"):
        recovery([Event(1, "failed"), Event(2, "restored")])


def test_a_desktop_waits_for_distance_or_for_bytes() -> None:
    assert response_time(0.02, 125_000, 1e6) == pytest.approx(1.02)
    assert response_time(0.2, 100, 1e9, 0.01, 0.002, 0.003) == pytest.approx(0.215, abs=1e-5)
    with pytest.raises(ValueError, match="bandwidth"):
        response_time(0, 0, 0)
