"""The experiments of chapter 20: servers behind a balancer, their deaths, and who measures them."""

from __future__ import annotations

import socket
import time
from collections import Counter
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest

from tests.virtlab.chapters import built_cell
from virtlab import figures, host, registry
from virtlab.experiments import c20_application_server as lab
from virtlab.experiments import serving
from virtlab.experiments.serving import Instances, Load, balancer
from virtlab.models.queues import corrected_latencies
from virtlab.registry import Experiment, Measurement
from virtlab.runtimes import RuntimeFailed

pytestmark = pytest.mark.usefixtures("leaves_nothing")

EXP = Experiment("20-application-server", "x", pd.DataFrame)
each_balancer = pytest.mark.parametrize("kind", ["haproxy", "our own"])


def need(*names: str) -> None:
    for name in names:
        if not (capability := host.probe(name)):
            pytest.skip(f"{capability.name}: {capability.why}")


def measured(rows: list[dict[str, Any]]) -> Measurement:
    data = pd.DataFrame(rows).assign(source="live", reason="")
    return Measurement(data, "live", "", {}, EXP)


# --- servers, balancers, load ---------------------------------------------------------------------


@each_balancer
def test_a_balancer_takes_turns_and_passes_over_the_dead(kind: str) -> None:
    need("loopback")
    if kind not in serving.balancers():
        pytest.skip("no haproxy here; apt-get install haproxy")
    settings = {"check_ms": 20, "retries": 2, "kind": kind}
    with Instances("abc") as ours, balancer(ours.ports, **settings) as port, Load() as load:
        plan = [(port, "/who", 0.01 * number) for number in range(12)]
        assert Counter(one.name for one in load.open_loop(plan)) == {"a": 4, "b": 4, "c": 4}
        ours.kill("b")
        assert not ours.lives("b")
        after = Counter(one.name for one in load.open_loop(plan))
        assert set(after) == {"a", "c"}, "with retries no request fails"
        ours.restart("b")
        time.sleep(0.1)
        assert {one.name for one in load.open_loop(plan)} == {"a", "b", "c"}
        ours.kill("a", "b", "c")
        assert {one.status for one in load.open_loop(plan)} == {503}


@each_balancer
def test_one_queue_never_gives_an_instance_two_requests(kind: str) -> None:
    need("loopback")
    if kind not in serving.balancers():
        pytest.skip("no haproxy here; apt-get install haproxy")
    with Instances("ab") as ours, balancer(ours.ports, most=1, kind=kind) as port, Load() as load:
        long, *short = load.open_loop(
            [(port, "/wait/300", 0.0)] + [(port, "/wait/1", 0.05 + 0.005 * n) for n in range(10)]
        )
    assert long.ok
    assert {one.name for one in short} == {"b" if long.name == "a" else "a"}


def test_the_open_loop_does_not_wait_and_the_closed_loop_does() -> None:
    need("loopback")
    with Instances("a") as ours, Load() as load:
        port = ours.ports["a"]
        together = load.open_loop([(port, "/wait/40", 0.0)] * 5)
        one_by_one = load.closed_loop(port, "/wait/20", 0.001, 0.1)
    assert max(one.sent for one in together) < max(one.done for one in together) / 2
    assert max(one.latency_ms for one in together) >= 200, "one after the other, at the server"
    assert all(later.sent >= earlier.done for earlier, later in pairwise(one_by_one))
    assert max(one.service_ms for one in one_by_one) < max(one.latency_ms for one in together)


def test_an_instance_that_stands_still_listens_and_does_not_answer() -> None:
    need("loopback")
    with Instances("a") as ours:
        with ours.standing_still("a"):
            asked = socket.create_connection(("127.0.0.1", ours.ports["a"]), 0.3)
            asked.sendall(b"GET /who HTTP/1.0\r\n\r\n")
            with pytest.raises(TimeoutError):
                asked.recv(100)
        with asked:
            asked.settimeout(5)
            assert b"200" in asked.recv(100)


def test_a_balancer_that_does_not_come_up_says_why() -> None:
    need("loopback")
    if "haproxy" not in serving.balancers():
        pytest.skip("no haproxy here; apt-get install haproxy")
    with Instances("a") as ours, pytest.raises(RuntimeFailed, match="balance"):
        with balancer(ours.ports, policy="nonsense"):
            pass


def test_without_haproxy_our_own_balancer_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    need("loopback")
    monkeypatch.setattr(serving, "find_tool", lambda name: None)
    data = lab.turns(instances=2, requests=4)
    assert set(data["balancer"]) == {"our own"}
    assert list(data["answers"]) == [2, 2]
    assert data["pid"].is_unique


# --- the experiments ------------------------------------------------------------------------------


@pytest.mark.serial
def test_waiting_scales_with_instances() -> None:
    need("loopback")
    data = lab.capacity(instances=(1, 4), seconds=0.15).set_index(["condition", "instances"])
    per_s = data["answers_per_s"].groupby(level=[0, 1]).max()  # what disturbs only slows
    assert per_s["waiting", 4] > 1.5 * per_s["waiting", 1]
    assert per_s["waiting", 1] <= 100, "an instance serves one request at a time"
    assert (data["answered_by"] == data.index.get_level_values("instances")).all()


@pytest.mark.serial
def test_an_outage_hits_one_instance_most_and_five_with_retries_least() -> None:
    need("loopback")
    data = lab.outage(only=(lab.ONE, lab.UNCHECKED, lab.RETRIED, lab.HOST))
    failed = data.groupby("condition")["failed"].mean()
    assert failed[lab.RETRIED] < failed[lab.UNCHECKED] < failed[lab.ONE]
    assert failed[lab.HOST] > failed[lab.UNCHECKED]
    before = data[data["at_s"] < lab.KILL_S - 0.1]
    assert before["failed"].sum() == 0, "the control: before the death all are served"
    text = str(figures.outages(measured(data.to_dict("records")), lab.KILL_S, lab.RESTART_S))
    assert "1 instance" in text


@pytest.mark.serial
def test_a_closed_loop_omits_what_an_open_loop_sees() -> None:
    need("loopback")
    data = lab.omission(seconds=1.0)
    slow = (data["latency_ms"] > 30).groupby(data["condition"]).sum()
    assert slow[lab.OPEN] > 5 * slow[lab.CLOSED]
    m = lab.with_corrected(measured(data.to_dict("records")))
    slow = (m.data["latency_ms"] > 30).groupby(m.data["condition"]).sum()
    assert slow[lab.CORRECTED] > 5 * slow[lab.CLOSED]
    raw = data.loc[data["condition"] == lab.CLOSED, "latency_ms"].tolist()
    added = m.data.loc[m.data["condition"] == lab.CORRECTED, "latency_ms"].tolist()
    assert added == corrected_latencies(raw, lab.INTERVAL_MS)


@pytest.mark.system
@pytest.mark.serial
def test_only_a_limit_of_its_own_stops_a_leak() -> None:
    need("loopback", "cgroup controllers")
    data = lab.exhaustion().set_index("condition")
    dead = {
        name: {app for app in lab.APPS if row[app] == lab.DEAD} for name, row in data.iterrows()
    }
    assert dead == {
        lab.ONE_PROCESS: set(lab.APPS),
        lab.ONE_LIMIT: {"shop", "mail"},
        lab.LIMIT_EACH: {"shop"},
    }
    assert (data["served_before"] == 1).all()
    assert data.loc[lab.LIMIT_EACH, "served_after"] == 1
    assert data.loc[lab.ONE_PROCESS, "served_after"] == 0


def test_a_burst_starts_its_replicas() -> None:
    data = lab.bursts(only=("posix_spawn",), replicas=3, rounds=2)
    assert list(data["replica"]) == [1, 2, 3] * 2
    assert data.groupby("round")["ready_ms"].apply(lambda one: one.is_monotonic_increasing).all()
    assert data.attrs["failed"] == {}
    with pytest.raises(registry.RegistryError, match="no runtime named"):
        lab.bursts(only=("abacus",))


def test_what_is_too_slow_comes_from_the_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "ON_TIME", ("posix_spawn",))
    live = registry.run(lab.bursts, rounds=1)
    assert set(live.data["condition"]) == {"posix_spawn", *lab.SLOW}
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    assert set(lab.SLOW) < set(registry.run(lab.bursts).data["condition"])


# --- what is made of them -------------------------------------------------------------------------


def starts(**slowest_ms: float) -> Measurement:
    return measured(
        [
            {"round": 0, "condition": name, "replica": replica, "ready_ms": ms * replica / 4}
            for name, ms in slowest_ms.items()
            for replica in (1, 2, 3, 4)
        ]
    )


def test_late_replicas_are_counted() -> None:
    late = lab.late_replicas(starts(quick=4, slow=400), [10, 200]).set_index("condition")
    assert late.loc["quick"].tolist() == [0, 0]
    assert late.loc["slow"].tolist() == [4, 2], "ready at the deadline is ready in time"


def test_slow_replicas_lose_more_of_a_burst_and_all_scale_down() -> None:
    m = lab.follow(starts(quick=4, slow=400), lab.day())
    lost = m.data.groupby("condition")["unserved"].sum()
    assert 0 < lost["quick"] < lost["slow"]
    assert lost["slow"] == 40 * lost["quick"], "40 ticks of 10 ms against one"
    assert (m.data.groupby("condition")["ready"].last() == 1).all()
    assert "slow" in str(figures.followed(m, "late"))


def test_the_stall_is_drawn_and_told() -> None:
    rows = [
        {"round": 0, "condition": name, "at_ms": 4.0 * n, "latency_ms": 300.0 if n < many else 2.0}
        for name, many in ((lab.OPEN, 50), (lab.CLOSED, 1))
        for n in range(250)
    ]
    shown = figures.stall(measured(rows), "seen by one, not by the other")
    assert list(shown.table["slow ones drawn"]) == [50, 1]
    assert shown.figure.get_label() == "seen by one, not by the other"
    assert len(shown.png()) < figures.MOST_BYTES


def test_the_configuration_says_what_is_asked() -> None:
    text = serving.configuration(3, {"a": 8001}, "leastconn", most=1, check_ms=50, retries=2)
    for line in ("bind fd@3", "balance leastconn", "retries 2", "option redispatch 1"):
        assert f"    {line}\n" in text
    assert "server a 127.0.0.1:8001 maxconn 1 check inter 50ms" in text
    assert "redispatch" not in serving.configuration(3, {"a": 8001})


def test_the_smallest_balancer_of_the_chapter_balances() -> None:
    need("loopback")
    names: dict[str, Any] = {}
    exec(built_cell("20-application-server"), names)
    get = b"GET /who HTTP/1.0\r\n\r\n"
    with Instances("ab") as ours, names["balancer"](ours.ports.values()) as port:
        replies = [names["exchange"](port, get).split()[-2].decode() for _ in range(4)]
        assert replies == ["a", "b", "a", "b"]
        assert names["listens"](ours.ports["a"])
        ours.kill("a", "b")
        assert not names["listens"](ours.ports["a"])
        assert b"503" in names["exchange"](port, get)
