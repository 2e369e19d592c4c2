"""An interrupt at any moment leaves no control group, no tenant and no folder behind."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from virtlab import leftovers
from virtlab.interrupts import uninterrupted
from virtlab.leftovers import owned_name
from virtlab.resources import cgroups
from virtlab.resources.cgroups import NoCgroup, Tree
from virtlab.resources.tenants import Tenants


def left() -> list[str]:
    tree = Tree.of_caller()
    folders = [*tree.own.values(), *([tree.unified[0]] if tree.unified else [])]
    folders.append(Path(tempfile.gettempdir()))
    return [str(path) for folder in folders for path in folder.glob(f"{owned_name()}-*")]


def tenants_running() -> list[psutil.Process]:
    running = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # a zombie has ended, too
            if "tenant.py" in str(child.cmdline()):
                running.append(child)
    return running


def demo() -> None:
    task = {"task": "spin", "seconds": 0.05}
    with leftovers.own_folder():
        try:
            with cgroups.group("cpu", "memory") as outer, Tenants([task] * 2) as tenants:
                for number, pid in enumerate(tenants.pids):
                    outer.child(f"tenant-{number}").add(pid)
                tenants.go(may_die=True)
        except NoCgroup:
            with Tenants([task] * 2) as tenants:
                tenants.go(may_die=True)


def interrupted_demo(after_s: float) -> None:
    """Run the demo, and interrupt this process while it runs."""
    done = threading.Event()

    def interrupt() -> None:
        if not done.wait(after_s):
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        demo()
        done.set()
        thread.join()
        time.sleep(0.01)  # an interrupt that was just sent arrives here
    except KeyboardInterrupt:
        done.set()
        thread.join()


def check(tries: int, seed: int) -> None:
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    chance = random.Random(seed)
    before = left()  # other tests' launchers keep warm
    try:
        demo()
        began = time.monotonic()
        demo()
        length = time.monotonic() - began
        for _ in range(tries):
            interrupted_demo(chance.uniform(0, length))
            assert left() == before
    finally:
        signal.signal(signal.SIGINT, usual)
    # A tenant that was being started ends by itself once its input is closed.
    _, alive = psutil.wait_procs(tenants_running(), timeout=10)
    assert alive == []


def test_an_interrupt_leaves_nothing_behind():
    check(tries=12, seed=1)


@pytest.mark.slow
def test_a_hundred_interrupts_leave_nothing_behind():
    check(tries=100, seed=2)


def test_an_interrupt_waits_until_the_block_is_done():
    steps = []
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)

    def clean_up() -> None:
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            steps.append("cleaned up")
        steps.append("never")

    try:
        with pytest.raises(KeyboardInterrupt):
            clean_up()
    finally:
        signal.signal(signal.SIGINT, usual)
    assert steps == ["cleaned up"]
    assert signal.getsignal(signal.SIGINT) is usual


def test_another_thread_is_never_interrupted():
    thread = threading.Thread(target=lambda: uninterrupted().__enter__())
    thread.start()
    thread.join()


KILLED_WHILE_FROZEN = """
import os, signal
from virtlab.resources import cgroups
from virtlab.resources.tenants import Tenants
with cgroups.group("freezer") as outer, Tenants([{"task": "spin", "seconds": 600}]) as tenants:
    inside = outer.child("frozen")
    inside.add(tenants.pids[0])
    tenants.begin()
    inside.freeze()
    print(*tenants.pids, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.system
@pytest.mark.xdist_group("leftovers")
@pytest.mark.usefixtures("alone_with_leftovers")
def test_what_a_killed_kernel_left_frozen_is_cleaned_up():
    run = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_FROZEN], capture_output=True, text=True, timeout=60
    )
    if not run.stdout:
        pytest.skip(f"no freezer for this user: {run.stderr.strip().rsplit(chr(10), 1)[-1]}")
    (pid,) = map(int, run.stdout.split())
    process = psutil.Process(pid)
    leftovers.clean()
    with suppress(psutil.NoSuchProcess):
        assert process.status() == psutil.STATUS_ZOMBIE, "whoever inherits it has yet to notice"
    assert not [what for what in leftovers.find() if f"process {pid} " in what]
