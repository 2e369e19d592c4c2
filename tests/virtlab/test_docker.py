"""The Docker rung, on an engine of our own that is gone afterwards."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from virtlab import host, leftovers
from virtlab.experiments import docker
from virtlab.host import find_tool
from virtlab.registry import CannotMeasure
from virtlab.runtimes import RUNTIMES, RuntimeFailed
from virtlab.runtimes.docker import own_docker_engine

pytestmark = [pytest.mark.system, pytest.mark.serial]


def surroundings() -> set[str]:
    """What an engine of ours makes: mounts and control groups with our mark in their names."""
    seen = {line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()}
    seen |= {folder for folder, _, _ in os.walk("/sys/fs/cgroup")}
    return {name for name in seen if leftovers.owned_name() in name}


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    if os.geteuid() != 0:
        pytest.skip("needs root, to start an engine")
    if find_tool("dockerd") is None:
        pytest.skip("needs dockerd: apt-get install docker.io")
    before = surroundings()
    with own_docker_engine() as address:
        yield address
        RUNTIMES["docker"].forget()  # type: ignore[attr-defined]
    assert surroundings() == before


def test_a_life_passes_its_boundaries_in_order(engine: str) -> None:
    assert RUNTIMES["docker"].available()
    stamps = RUNTIMES["docker"].run()
    names = ["call", "created", "first_instruction", "first_reply", "gone"]
    assert [stamps[name] for name in names] == sorted(stamps.values())


def test_stages_are_not_measured_without_the_usual_network(engine: str) -> None:
    with pytest.raises(CannotMeasure, match="no bridge network"):
        docker.need_bridge()


def test_several_live_at_once(engine: str) -> None:
    lives = RUNTIMES["docker"].run_many(2)
    assert lives[0]["call"] < lives[1]["first_reply"]
    assert lives[1]["call"] < lives[0]["first_reply"]


def test_a_container_shows_a_machine_of_its_own(engine: str) -> None:
    script = "uname -n; echo /*; grep CapEff /proc/self/status; cat"
    with RUNTIMES["docker"].start(["/bin/sh", "-c", script]) as instance:
        assert instance.memory()
    hostname, root, capabilities = instance.output.strip().split("\n")
    assert hostname == "container"
    assert "/payload" in root
    assert int(capabilities.split()[1], 16) == 0
    instance.stop()


def test_a_missing_program_is_one_line_and_leaves_no_container(engine: str) -> None:
    with pytest.raises(RuntimeFailed, match=r'^docker: .*"/no/such"') as failure:
        RUNTIMES["docker"].run(["/no/such"])
    assert "\n" not in str(failure.value)
    docker = find_tool("docker")
    if docker:
        listing = subprocess.run(
            [docker, "ps", "--all", "--quiet"], capture_output=True, text=True, check=True
        )
        assert listing.stdout == ""


def test_without_an_engine_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    answer = RUNTIMES["docker"].available()
    assert not answer
    assert answer.why == (
        "no engine answers at unix:///nonexistent/docker.sock: No such file or directory"
    )
    assert "docker.io" in answer.remedy


def test_an_engine_elsewhere_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere:2375")
    assert not host.docker_engine()
