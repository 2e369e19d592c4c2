"""Each level of the container takes one thing away, and the level before shows it was there."""

import os
from pathlib import Path

import pytest

from virtlab import host
from virtlab.container.engine import DEFAULT_NAMESPACES
from virtlab.container.levels import LEVELS, Level
from virtlab.runtimes.containers import Namespaces
from virtlab.runtimes.launcher import close_warm_launcher

BY_NAME = {level.name: level for level in LEVELS}
WITH_PROGRAMS = [level for level in LEVELS if not level.chroot]


@pytest.fixture(autouse=True)
def _needs_namespaces():
    if not host.namespaces:
        pytest.skip(f"namespaces: {host.probe('namespaces').why}")
    yield
    close_warm_launcher()


def at(level: Level, script: str) -> str:
    """What a shell script prints at a level."""
    life = Namespaces.at(level).lives(1, ["/bin/sh", "-c", script])[0]
    assert life["status"] == 0, life
    return str(life["output"]).strip()


def test_the_levels_grow_to_the_whole_container() -> None:
    sizes = [len(level.namespaces) for level in LEVELS]
    assert sizes == sorted(sizes)
    last = LEVELS[-1]
    assert (set(last.namespaces), last.chroot, last.powerless) == (
        set(DEFAULT_NAMESPACES),
        False,
        True,
    )


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
def test_every_level_runs_a_program(level: Level) -> None:
    stamps = Namespaces.at(level).run()
    assert stamps["call"] < stamps["first_instruction"] < stamps["gone"]


# From which level on a script prints something else than it does without any container.
CHANGES = {
    "echo /*": "mount namespace",
    "set -- /proc/[0-9]*; test $# -gt 5 && echo many || echo few": "PID namespace",
    "uname -n": "UTS and IPC namespaces",
    "cat /proc/net/dev | grep -vc lo:": "network namespace",
    # Which powers there are differs: a new user namespace has all, this session may have fewer.
    "grep -q 'CapBnd:.0*$' /proc/self/status && echo none || echo some": "no capabilities",
}


@pytest.mark.parametrize("script", CHANGES)
def test_each_wall_stands_from_its_level_on(script: str) -> None:
    names = [level.name for level in WITH_PROGRAMS]
    shown = [at(level, script) for level in WITH_PROGRAMS]
    differs = [said != shown[0] for said in shown]
    if script.startswith("cat /proc/net") and len(list(Path("/sys/class/net").iterdir())) < 2:
        pytest.skip("this machine has no network device but its loopback")
    assert differs == [names.index(name) >= names.index(CHANGES[script]) for name in names], dict(
        zip(names, shown, strict=True)
    )


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the escape is x86-64 machine code")
@pytest.mark.parametrize("level", LEVELS[1:], ids=lambda level: level.name)
def test_only_a_chroot_lets_a_prisoner_climb_out(level: Level) -> None:
    life = Namespaces.at(level).lives(1, ["/escape"])[0]
    assert life["output"] == ("ESCAPED\n" if level.chroot else "HELD\n")
