"""Every experiment leaves nothing behind: done, interrupted, or killed and cleaned up after."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.virtlab.traces import traces, wait_for_nothing
from virtlab import leftovers, registry

pytestmark = [
    pytest.mark.slow,
    pytest.mark.system,
    pytest.mark.xdist_group("leftovers"),
    pytest.mark.usefixtures("alone_with_leftovers"),
]


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


# One experiment, measured as little as possible. An interrupt ends it as in a notebook: the process
# lives on, and whoever looks at it then finds nothing but the process itself.
ONE_EXPERIMENT = """
import gc, inspect, sys
from virtlab import leftovers, registry
from virtlab.runtimes.base import RuntimeFailed
from virtlab.runtimes.launcher import close_warm_launcher
chapter, _, name = sys.argv[1].partition("/")
experiment = registry.load(chapter)[name]
least = {"rounds": 1, "seconds": 0.2, "budget_s": 0.5}
known = inspect.signature(experiment.measure).parameters
print(leftovers.owner_mark(), flush=True)
try:
    if not experiment.missing():
        experiment(**{name: value for name, value in least.items() if name in known})
except (KeyboardInterrupt, registry.CannotMeasure, RuntimeFailed, OSError):
    pass
for _ in range(2):  # an interrupt may also come while the first one's clean-up ends
    try:
        close_warm_launcher()
        gc.collect()
        print("over", flush=True)
        sys.stdin.read()
        break
    except KeyboardInterrupt:
        continue
"""


EXPERIMENTS = [name for name, one in registry.load_all().items() if not one.simulated]


@contextlib.contextmanager
def one_experiment(name: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process that measures it, and its mark; all that is in its own temporary folder goes."""
    environment = {**os.environ, "TMPDIR": tempfile.gettempdir()}
    with subprocess.Popen(
        [sys.executable, "-c", ONE_EXPERIMENT, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as owner:
        try:
            assert owner.stdout
            yield owner, owner.stdout.readline().strip()
        finally:
            owner.kill()


def network_devices() -> set[str]:
    return {path.name for path in Path("/sys/class/net").iterdir()}


def length_of(name: str) -> float:
    """Measures an experiment to its end, sees nothing left, and says how long it took."""
    devices = network_devices()
    with one_experiment(name) as (owner, mark):
        began = time.monotonic()
        assert owner.stdout
        assert owner.stdout.readline() == "over\n", owner.communicate()[1]
        length = time.monotonic() - began
        assert traces(mark) == []
        assert sorted(Path(tempfile.gettempdir()).iterdir()) == []
        assert network_devices() <= devices
    return length


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_leaves_nothing_however_it_ends(name: str) -> None:
    """Done, interrupted at random moments, and killed at random moments and cleaned up after."""
    length = length_of(name)
    chance = random.Random(name)
    for _ in range(2):
        with one_experiment(name) as (owner, mark):
            time.sleep(chance.uniform(0, length))
            owner.send_signal(signal.SIGINT)
            assert owner.stdout
            assert "over" in owner.stdout.readline(), owner.communicate()[1]
            assert traces(mark) == []
            assert sorted(Path(tempfile.gettempdir()).iterdir()) == []
    for _ in range(2):
        with one_experiment(name) as (owner, mark):
            time.sleep(chance.uniform(0, length))
            owner.kill()
            owner.wait()
            leftovers.clean()
            wait_for_nothing(mark)
            leftovers.clean()  # what was just being made when the first one looked
            assert traces(mark) == []
