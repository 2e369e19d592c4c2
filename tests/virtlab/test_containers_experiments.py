"""The experiments of chapter 03, and what they are made of."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.virtlab.chapters import built_cell
from virtlab import figures, host, process_events, registry
from virtlab.experiments import c03_containers as lab
from virtlab.experiments import docker
from virtlab.experiments.running import launched, output_of
from virtlab.process_events import Event
from virtlab.resources import cgroups
from virtlab.runtimes import RUNTIMES, RuntimeFailed
from virtlab.runtimes.linux_guest import QemuLinux, guest_kernel, initramfs
from virtlab.runtimes.rooted import rooted


def need(*capabilities: host.Capability) -> None:
    for capability in capabilities:
        if not capability:
            pytest.skip(f"{capability.name}: {capability.why}")


# --- docker run, by the kernel's events -----------------------------------------------------------


def told() -> list[Event]:
    """One `docker run` as the kernel tells it: client 10, shim 20, runc 30, program 31."""
    ms = 1_000_000

    def runs(at: int, pid: int, *command: str) -> Event:
        return Event(at * ms, "exec", pid, command=command)

    return [
        runs(0, 10, "/usr/bin/docker", "run", "greet"),
        runs(5, 99, "/bin/true"),
        runs(100, 20, "/usr/bin/containerd-shim-runc-v2", "-id", "1"),
        runs(110, 30, "runc", "--root", "/run", "create", "1"),
        Event(120 * ms, "fork", 31, parent=30),
        runs(121, 31, "runc", "init"),
        Event(125 * ms, "fork", 32, parent=30),
        runs(130, 32, "libnetwork-setkey", "1"),
        Event(170 * ms, "exit", 32),
        Event(180 * ms, "exit", 30),
        runs(185, 40, "runc", "start", "1"),
        runs(200, 31, "/bin/sh", "/app/greet"),
        Event(205 * ms, "exit", 31),
        Event(300 * ms, "exit", 10),
    ]


def test_stages_are_read_off_the_events() -> None:
    stages = docker.stages(told(), client=10)
    assert [stage["phase"] for stage in stages] == list(docker.STAGES)
    lengths = {stage["phase"]: stage["end_ms"] - stage["start_ms"] for stage in stages}
    assert lengths == pytest.approx(
        {
            "client and daemon": 100,
            "shim": 10,
            "runc create": 30,  # without the hook that it waits for
            "network hook": 40,
            "runc start": 25,
            "clean-up": 95,
        }
    )
    assert stages[-1]["end_ms"] == pytest.approx(300)


@pytest.mark.parametrize("lost", [0, 2, 3, 9, 11, 12, 13])
def test_a_lost_boundary_is_named(lost: int) -> None:
    events = told()
    del events[lost]
    with pytest.raises(RuntimeFailed, match="was not seen"):
        docker.stages(events, client=10)


@pytest.mark.system
def test_the_kernel_tells_of_a_program() -> None:
    need(process_events.available())
    with process_events.Listener() as listener:
        pid = os.posix_spawn("/bin/sleep", ["sleep", "0.05"], {})
        os.waitpid(pid, 0)
        deadline = time.monotonic() + 5
        while not any(one.pid == pid and one.kind == "exit" for one in listener.events):
            assert time.monotonic() < deadline, "its end was not told"
            time.sleep(0.01)
    own = [event for event in listener.events if event.pid == pid]
    assert [event.kind for event in own] == ["fork", "exec", "exit"]
    assert own[1].command == ("sleep", "0.05")
    assert own[0].parent == os.getpid()
    assert own[0].when < own[1].when < own[2].when


# --- what is seen inside --------------------------------------------------------------------------


def test_a_look_becomes_one_row() -> None:
    report = (
        "kernel 6.1\nboot abc\n"
        "process 1 (init) S 0 1\nprocess 2 (kthreadd) S 0 0\n"
        "process 9 (kworker/0:0 (x)) I 2 0\nprocess 40 (sh) S 1 1\nprocess\nnoise\n"
    )
    row = lab._seen(report)
    assert row["programs"] == 2
    assert row["kernel_threads"] == 2
    assert row["first"] == "init"
    assert (row["kernel"], row["boot_id"]) == ("6.1", "abc")


def test_a_program_with_number_two_is_no_kernel_thread() -> None:
    row = lab._seen("process 1 (bwrap) S 0 1\nprocess 2 (sh) S 1 1\nprocess 3 (cat) S 2 1\n")
    assert (row["programs"], row["kernel_threads"]) == (3, 0)


@pytest.mark.system
def test_walls_hide_the_host() -> None:
    need(host.probe("namespaces"), host.probe("user namespace"))
    rows = lab.inside_and_outside().set_index("condition")
    assert rows.loc["pid", "inside"] == "1"
    assert int(rows.loc["pid", "outside"]) > 1
    assert rows.loc["user", "inside"] == "0"
    assert rows.loc["uts", "inside"] == "container"
    assert rows.loc["ipc", "inside"] == "0"
    assert int(rows.loc["ipc", "outside"]) >= 1  # ours, and what others on this host have


@pytest.mark.system
def test_each_round_builds_one_container_in_another_order() -> None:
    need(host.probe("namespaces"), host.probe("user namespace"))
    before = os.uname().nodename
    data = lab.walls(rounds=8, seed=3)
    assert os.uname().nodename == before
    assert set(data.groupby("condition").size()) == {8}
    first = data[data["order"] == 0]["condition"]
    assert set(first) == {"user"}
    assert len({tuple(one["condition"]) for _, one in data.groupby("round")}) > 1
    assert (data["us"] > 0).all()


@pytest.mark.system
def test_a_missing_pid_wall_lets_the_attack_through() -> None:
    need(host.probe("namespaces"))
    rows = lab.missing_wall().set_index("condition")
    assert rows.loc["all walls", "victim"] == "alive"
    assert rows.loc["without pid", "victim"] == "killed"
    assert rows.loc["all walls", "processes"] == 1
    assert rows.loc["without pid", "processes"] > 1
    assert rows.loc["without uts", "hostname"] == "the host's"


@pytest.mark.system
@pytest.mark.usefixtures("leaves_nothing")
def test_an_overlay_leaves_the_marks_that_the_chapter_shows() -> None:
    need(host.probe("overlayfs"))
    disk = lab.overlay().set_index("condition")
    assert disk.loc["/etc/old.conf", "upper"] == "whiteout: character device 0,0"
    assert disk.loc["/etc/old.conf", "merged"] == "–"
    assert disk.loc["/cache", "upper"] == "directory, opaque"
    assert disk.loc["/cache/page1", "merged"] == "–"
    assert disk.loc["/etc/hosts", "upper"] == "–"
    assert disk.loc["/data/big", "upper"] == "file, 1,048,578 bytes"


@pytest.mark.system
def test_an_image_runs_with_no_file_of_the_host() -> None:
    need(host.probe("namespaces"))
    rows = lab.package().set_index("condition")
    assert rows.loc["in the container", "says"].startswith("hello from a box with:")
    assert not rows.loc["in the container", "finds_a_file_of_the_host"]
    assert rows.loc["on the host", "finds_a_file_of_the_host"]


def test_an_upgrade_moves_what_changed() -> None:
    pulls = lab.upgrade()
    moved = {
        name: set(rows.loc[rows["moved"], "blob"])
        for name, rows in pulls.groupby("condition", sort=False)
    }
    assert moved == {
        "first pull": {"config", "base", "settings", "app"},
        "the same again": set(),
        "one file of the app changed": {"config", "app"},
        "the base patched": {"config", "base"},
    }


@pytest.mark.system
@pytest.mark.parametrize("name", ["namespaces", "bubblewrap", "crun", "runc", "gvisor"])
def test_every_runtime_runs_the_image(name: str) -> None:
    need(RUNTIMES[name].available())
    with lab.unpacked_image() as root, rooted(launched(name), root) as runtime:
        assert output_of(runtime, ["/bin/sh", "/app/greet"]).startswith("hello from a box")
        kernel = output_of(runtime, ["/bin/uname", "-r"])
    assert (kernel == os.uname().release) == (name != "gvisor")


# --- the guest, and what an idle one costs --------------------------------------------------------


def test_an_initramfs_is_a_newc_archive(tmp_path: Path) -> None:
    archive = initramfs({"/bin/tool": b"abc", "/init": b"#!/bin/tool\n"})
    names, at = [], 0
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        name_size, size = fields[11], fields[6]
        name = archive[at + 110 : at + 109 + name_size].decode()
        if name == "TRAILER!!!":
            break
        start = at + (110 + name_size + 3) // 4 * 4
        names.append((name, archive[start : start + size]))
        at = start + (size + 3) // 4 * 4
    assert names == [("bin", b""), ("bin/tool", b"abc"), ("init", b"#!/bin/tool\n")]
    assert len(archive) % 512 == 0


@pytest.mark.system
@pytest.mark.slow
def test_a_guest_runs_a_command_on_its_own_kernel() -> None:
    guest = QemuLinux()
    need(guest.available(), guest_kernel())
    row = lab._seen(output_of(guest, ["/bin/sh", "-c", lab.LOOK]))
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert row["boot_id"] not in ("–", boot_id)
    assert row["kernel_threads"] > 10


@pytest.mark.system
@pytest.mark.usefixtures("leaves_nothing")
def test_the_kernel_spends_more_on_a_container_than_on_a_process() -> None:
    need(RUNTIMES["namespaces"].available())
    try:
        process = lab._hold(launched("posix_spawn"), 4)
    except cgroups.NoCgroup as error:
        pytest.skip(str(error))
    container = lab._hold(launched("namespaces"), 4)
    assert process["keeper_kib"] == container["keeper_kib"] == 0
    assert 0 < container["program_kib"] < 1024
    assert container["kernel_kib"] > process["kernel_kib"] > 0


# --- recordings, figures, the chapter's own code --------------------------------------------------


@pytest.mark.long
def test_figures_say_what_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    shown = figures.walls(registry.run(lab.walls), {"net": 50.0, "no such wall": 1.0})
    assert "net" in shown.sentence
    assert list(shown.table["median"]) == sorted(shown.table["median"])
    idle = figures.idle_memory(registry.run(lab.idle_memory))
    assert list(idle.table["total_kib"]) == sorted(idle.table["total_kib"])
    for one in (shown, idle, figures.phases(registry.run(lab.docker_run))):
        assert one.png().startswith(b"\x89PNG")
        assert len(one.png()) <= figures.MOST_BYTES


@pytest.mark.system
def test_the_smallest_container_of_the_chapter_works() -> None:
    need(host.probe("namespaces"), host.probe("user namespace"))
    code = built_cell(lab.CHAPTER)
    program = (
        f"{code}\n"
        "import sys\nfrom virtlab.experiments import c03_containers as lab\n"
        "with lab.unpacked_image() as root:\n"
        "    (root / 'proc').mkdir()\n"
        "    argv = ['/bin/sh', '-c', 'echo $$ $(uname -n) /proc/[0-9]* /*']\n"
        "    container(str(root), argv, sys.stdout.fileno())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.stderr == ""
    assert run.stdout.startswith("1 smallest /proc/1 /app /bin /")
