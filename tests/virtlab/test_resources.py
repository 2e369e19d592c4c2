"""Pressure, memory, disks and tenants: what is read is what the kernel says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from virtlab.resources import memory, pressure, tenant
from virtlab.resources.cgroups import NoCgroup
from virtlab.resources.disks import disk_of
from virtlab.resources.memory import Memory, await_merging, memory_of, merging
from virtlab.resources.pressure import PressureWatch, Stall, stall
from virtlab.resources.tenants import Tenants, one_core, unit_seconds
from virtlab.runtimes.base import RuntimeFailed

PSI = "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\n"


def test_pressure_is_read_of_the_machine_and_of_a_group(tmp_path):
    (tmp_path / "cpu").write_text(PSI + PSI.replace("some", "full").replace("25", "05"))
    assert stall("cpu", tmp_path) == Stall(2.5, 0.5)
    (tmp_path / "memory.pressure").write_text(PSI)
    assert stall("memory", tmp_path) == Stall(2.5, 0.0)
    assert stall("io", tmp_path) is None
    with pytest.raises(ValueError, match="kept for cpu, memory, io, not 'disk'"):
        stall("disk")


def test_a_watch_tells_the_share_of_time(monkeypatch):
    seconds = iter([100.0, 102.0])
    totals = iter([Stall(1.0, 0.0)] * 3 + [Stall(2.0, 0.0)] * 3)
    ticks = iter([(0, 100), (10, 300)])
    monkeypatch.setattr(pressure.time, "monotonic", lambda: next(seconds))
    monkeypatch.setattr(pressure, "stall", lambda resource: next(totals))
    monkeypatch.setattr(pressure, "_steal_and_all", lambda: next(ticks))
    with PressureWatch() as watch:
        pass
    assert watch.result.seconds == 2.0
    assert watch.result.some == {"cpu": 0.5, "memory": 0.5, "io": 0.5}
    assert watch.result.steal == 0.05


ROLLUP = """\
55d0-7ffe ---p 00000000 00:00 0  [rollup]
Rss:                1000 kB
Pss:                 400 kB
Shared_Clean:        600 kB
Private_Clean:       100 kB
Private_Dirty:       200 kB
"""


def test_memory_is_summed_over_processes(tmp_path):
    for pid in (1, 2):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "smaps_rollup").write_text(ROLLUP)
    one = Memory(1000 * 1024, 400 * 1024, 300 * 1024)
    assert memory_of([1], tmp_path) == one
    assert memory_of([1, 2], tmp_path) == one + one
    with pytest.raises(RuntimeFailed, match="the memory of process 3: No such file"):
        memory_of([3], tmp_path)


def test_ksm_settings_are_restored(tmp_path):
    before = {"run": "0", "sleep_millisecs": "20", "pages_to_scan": "100"}
    for name, value in before.items():
        (tmp_path / name).write_text(value)

    def fail_while_merging() -> None:
        with merging(tmp_path):
            assert (tmp_path / "run").read_text() == "1"
            raise RuntimeFailed("anything")

    with pytest.raises(RuntimeFailed, match="anything"):
        fail_while_merging()
    assert {name: (tmp_path / name).read_text() for name in before} == before


def test_without_ksm_it_says_so(tmp_path):
    with pytest.raises(RuntimeFailed, match="KSM cannot be turned on"), merging(tmp_path):
        pass


def test_waiting_for_merging_ends(monkeypatch):
    monkeypatch.setattr(memory, "memory_of", lambda pids: Memory(9, 9, 9))
    await_merging([1], enough=9, patience_s=60)
    await_merging([1], enough=8, patience_s=0.1)


def test_a_disk_is_named_as_a_whole(tmp_path):
    number = tmp_path.stat().st_dev
    name = f"{os.major(number)}:{os.minor(number)}"
    blocks = tmp_path / "blocks"
    with pytest.raises(NoCgroup, match="does not lie on a disk"):
        disk_of(tmp_path, blocks)
    (blocks / name).mkdir(parents=True)
    assert disk_of(tmp_path, blocks) == name
    (blocks / name / "partition").write_text("1")
    (blocks / "dev").write_text("8:0\n")
    assert disk_of(tmp_path, blocks) == "8:0"


# --- tenants ------------------------------------------------------------------------------------


def test_one_unit_of_work_costs_little():
    assert 1e-6 < unit_seconds() < 1e-2
    assert one_core() in os.sched_getaffinity(0)


def test_a_tenant_idles_when_told_to():
    task = {"task": "spin", "seconds": 0.3, "slice_s": 0.1}
    with Tenants([task | {"idle": [[0.1, 0.2]]}]) as tenants:
        (result,) = tenants.go()
    assert len(result["slices"]) == 3
    assert result["slices"][1] < max(result["slices"]) / 2
    assert sum(result["slices"]) == result["units"]


def test_a_tenant_says_how_long_it_waited_for_its_core():
    tasks = [{"task": "spin", "seconds": 0.3, "core": one_core()}] * 2
    with Tenants(tasks) as tenants:
        results = tenants.go()
    for result in results:
        assert result["waited_s"] > 0.05
        assert result["cpu_s"] + result["waited_s"] <= result["seconds"] + 0.1


def test_a_killed_tenant_is_a_result_only_where_that_may_be():
    task = {"task": "spin", "seconds": 60}
    with Tenants([task]) as tenants:
        tenants.begin()
        os.kill(tenants.pids[0], 9)
        assert tenants.results(may_die=True) == [{"killed": 9}]
    with Tenants([task]) as tenants:
        tenants.begin()
        os.kill(tenants.pids[0], 9)
        with pytest.raises(RuntimeFailed, match="died with status -9"):
            tenants.results()


def test_a_tenant_ends_when_its_owner_is_gone():
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", tenant.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    out, _ = process.communicate('{"task": "calibrate"}\n', timeout=30)
    assert (out, process.returncode) == ("ready\n", 0)


def test_rlimits_bind():
    task = {"task": "allocate", "mib": 256, "limits": {"AS": 128 << 20}}
    with Tenants([task]) as tenants:
        (result,) = tenants.go()
    assert result["refused"]
    assert result["mib"] < 128


def test_a_lock_is_taken_in_turns(tmp_path):
    path = tmp_path / "lock"
    path.touch()
    task = {"task": "lock", "path": str(path), "seconds": 0.2, "units": 5, "spin": True}
    with Tenants([task, task | {"spin": False}]) as tenants:
        results = tenants.go()
    assert all(result["units"] > 0 for result in results)
    assert all(0 <= result["spun_s"] <= result["cpu_s"] for result in results)


def test_pages_are_the_same_in_every_tenant_and_differ_from_each_other():
    held = tenant.hold({"hold": "own", "mib": 1})
    pages = {held[place : place + tenant.PAGE] for place in range(0, len(held), tenant.PAGE)}
    assert len(pages) == len(held) // tenant.PAGE
    again = tenant.hold({"hold": "own", "mib": 1})
    assert held[:] == again[:]


def test_a_mapped_file_is_held(tmp_path):
    (tmp_path / "file").write_bytes(bytes(1 << 20))
    held = tenant.hold({"hold": "mapped", "mib": 1, "path": str(tmp_path / "file")})
    assert len(held) == 1 << 20
    held.close()


def test_the_program_needs_no_site_packages():
    text = Path(tenant.__file__).read_text()
    assert "import numpy" not in text
    assert not re.findall(r"^(?:from|import) virtlab", text, re.MULTILINE)
    # What a tenant behind walls takes from the package does without them, too.
    root = Path(tenant.__file__).parents[2]
    code = f"import sys; sys.path.append({str(root)!r}); from virtlab.container import walls"
    loaded = "print(*(getattr(m, '__file__', None) for m in sys.modules.values()))"
    command = [sys.executable, "-I", "-S", "-c", f"{code}; {loaded}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "site-packages" not in done.stdout.replace(str(root), "")
