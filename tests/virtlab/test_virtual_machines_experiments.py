"""The experiments of chapter 04, and what they are made of."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.virtlab.chapters import built_cell
from virtlab import figures, host, registry
from virtlab.experiments import c04_virtual_machines as lab
from virtlab.machines.bootsector import tiny_os
from virtlab.registry import Measurement
from virtlab.runtimes import RuntimeFailed, console
from virtlab.runtimes.console import LOGIN, Console, MachineEnded

PRIMES = "02 03 05 07 11 13 17 19 23 29 31 37 41 43 47"


def need(*names: str) -> None:
    for name in names:
        if not (capability := host.probe(name)):
            pytest.skip(f"{capability.name}: {capability.why}")


# --- the console ----------------------------------------------------------------------------------


@pytest.mark.system
def test_a_boot_sector_talks_and_ends() -> None:
    need("qemu")
    with console.boot_sector(tiny_os(), "pc") as machine:
        assert machine.read_until("TINY") == "TINY OS"
        assert machine.is_on
        machine.enter("aBc1q")
        said = machine.read_to_the_end(10)
        folder = machine.folder
        assert folder.exists()
    assert not machine.is_on
    assert not folder.exists()
    assert said.splitlines()[0] == "TINY OS"
    assert said.splitlines()[1].startswith("AbC")
    assert said.endswith("bye")
    stamps = [ms for ms, _ in machine.lines]
    assert stamps == sorted(stamps)
    assert stamps[0] > 0


@pytest.mark.system
@pytest.mark.usefixtures("leaves_nothing")
def test_what_does_not_come_in_time_is_named() -> None:
    need("qemu")
    with console.boot_sector(tiny_os(), "pc") as machine:
        machine.read_until("TINY")
        with pytest.raises(RuntimeFailed, match="more than this"):
            machine.read_until("more than this", timeout_s=0.2)
        machine.process.kill()
        machine.process.wait()
        with pytest.raises(MachineEnded):
            machine.read_until("anything", timeout_s=5)


@pytest.mark.system
def test_a_machine_that_qemu_refuses_says_why() -> None:
    need("qemu")
    with Console("no-such-machine") as machine, pytest.raises(MachineEnded, match="machine"):
        machine.read_until("never", timeout_s=10)


@pytest.mark.system
def test_qemu_itself_answers_and_refuses() -> None:
    need("qemu")
    with Console("pc", qmp=True, paused=True) as machine:
        assert "paused" in machine.monitor("info status")
        with pytest.raises(RuntimeFailed, match="snapshot"):
            machine.monitor("loadvm nowhere")


def test_the_line_is_cleaned_of_what_steers_a_terminal() -> None:
    assert Console._clean(b"\x1bc\x1b[?7l\x1b[0mSeaBIOS (version 1)\r") == "SeaBIOS (version 1)"


# --- the smallest system --------------------------------------------------------------------------


@pytest.mark.system
def test_the_tiny_system_answers() -> None:
    need("qemu")
    row = lab.tiny_os_boots(typed="xYq").iloc[0]
    assert (row["bytes"], row["greets"], row["answers"]) == (512, "TINY OS", "Xybye")
    assert row["accelerator"] == "TCG"


@pytest.mark.system
def test_a_sector_that_cannot_boot_is_told_in_one_line() -> None:
    need("qemu")
    said = lab.boot(b"\xfa\xf4".ljust(510, b"\0") + b"\x55\xaa")  # it halts, and never ends
    assert said.startswith("this machine could not: ")
    assert "\n" not in said


def test_the_chapters_own_system_is_the_courses() -> None:
    code = built_cell(lab.CHAPTER)
    names: dict[str, object] = {"lab": lab}
    exec(code, names)
    assert names["sector"] == tiny_os() == lab.tiny_os()
    assert names["my_os"]("HI\n") != tiny_os()  # type: ignore[operator]


@pytest.mark.system
def test_old_code_runs_in_a_machine_and_nowhere_else() -> None:
    need("qemu")
    says = lab.sixteen_bit().set_index("condition")["says"]
    assert says["guest of QEMU"] == f"50: {PRIMES}"
    assert says["started by the host's kernel"].startswith("refused")
    if os.uname().machine == "x86_64":
        assert says["called as 64-bit code"] == "killed: Illegal instruction"
    if host.kvm:
        assert says["guest of our own monitor"] == says["guest of QEMU"]


# --- boots ----------------------------------------------------------------------------------------


def logged(*lines: tuple[str, float, str]) -> Measurement:
    data = pd.DataFrame(lines, columns=["condition", "ms", "line"])
    data = data.assign(round=0, source="live", reason="", accelerator="TCG")
    return Measurement(data, "live", "", {}, lab.boots)


def test_phases_are_read_off_the_log() -> None:
    m = lab.phases(
        logged(
            ("PC, Linux", 5.0, "SeaBIOS (version 1)"),
            ("PC, Linux", 40.0, "[    0.000000] Linux version 6.1"),
            ("PC, Linux", 50.0, "[    0.100000] pci"),
            ("PC, Linux", 90.0, "[    0.200000] Run /init as init process"),
            ("PC, Linux", 95.0, LOGIN),
            ("PC, 512 bytes", 7.0, "TINY OS"),
        )
    )
    rows = m.data.set_index(["condition", "phase"])[["start_ms", "end_ms"]]
    assert rows.loc[("PC, Linux (TCG)", "firmware")].tolist() == [0, 40]
    assert rows.loc[("PC, Linux (TCG)", "kernel")].tolist() == [40, 90]
    assert rows.loc[("PC, Linux (TCG)", "user space")].tolist() == [90, 95]
    assert rows.loc[("PC, 512 bytes (TCG)", "firmware")].tolist() == [0, 7]
    assert len(rows) == 4


@pytest.mark.system
@pytest.mark.serial
@pytest.mark.slow
def test_three_machines_boot_and_say_so() -> None:
    need("qemu", "guest kernel")
    data = lab.boots(rounds=1)
    assert set(data["condition"]) == set(lab.BOOTED)
    assert data.attrs["failed"] == {}
    phases = lab.phases(
        Measurement(data.assign(source="live", reason=""), "live", "", {}, lab.boots)
    ).data
    assert (phases["end_ms"] >= phases["start_ms"]).all()
    assert set(phases[phases["condition"] == "microvm, Linux (TCG)"]["phase"]) == set(lab.PHASES)
    assert (data.groupby("condition")["ms"].diff().dropna() >= 0).all()


# --- exits and memory -----------------------------------------------------------------------------


@pytest.mark.system
def test_computing_hardly_leaves_the_guest_and_a_port_always_does() -> None:
    need("kvm")
    rows = lab.exits(steps={"count": 1_000_000, "port": 100, "mmio": 100}).set_index("condition")
    assert rows.loc["computes", "returns"] == 1
    assert rows.loc["writes to a port", "returns"] == 101
    if pd.notna(rows.loc["computes", "exits"]):
        assert rows.loc["computes", "exits"] < 1000
        assert rows.loc["writes to a port", "exits"] >= 100
    assert rows["accelerator"].str.startswith("KVM (").all()


@pytest.mark.system
def test_our_monitors_guest_holds_what_it_touched() -> None:
    need("kvm")
    rows = pd.DataFrame(lab._touched_memory(32 + 32))
    assert rows["guest_mib"].tolist() == [0, 16, 48]
    assert (rows["held_mib"] - rows["guest_mib"]).between(0, 1).all()


@pytest.mark.system
@pytest.mark.serial
def test_a_guest_gives_nothing_back_to_the_host() -> None:
    need("qemu", "guest kernel")
    with lab._guest_with_memory(256) as guest:
        rows = pd.DataFrame(lab._steps(guest, 256)).set_index("step")
    taken, back = rows.loc[f"takes {lab.TAKEN_MIB} MiB"], rows.loc["gives it back"]
    assert taken["guest_mib"] > rows.loc["booted", "guest_mib"] + 0.7 * lab.TAKEN_MIB
    assert back["guest_mib"] < taken["guest_mib"] - 0.7 * lab.TAKEN_MIB
    assert back["held_mib"] > taken["held_mib"] - 8
    assert (rows["held_mib"] <= 256).all()
    assert (rows["monitor_mib"] > 1).all()


# --- disks ----------------------------------------------------------------------------------------


@pytest.mark.system
@pytest.mark.usefixtures("leaves_nothing")
def test_a_chain_shows_each_day_and_dies_with_its_base() -> None:
    need("qemu-img")
    rows = lab.chain().set_index(["condition", "file"])
    seen, own = rows["clusters"], rows["own"]
    assert [seen["before", name] for name in lab.FILES] == ["AB00", "AM00", "AMT0", "AMTW"]
    assert [own["before", name] for name in lab.FILES] == ["AB··", "·M··", "··T·", "···W"]
    assert seen["broken", "wednesday"] == "xxxx"
    assert seen["restored to tuesday", "wednesday"] == "AMT0"
    assert own["restored to tuesday", "wednesday"] == "····"
    assert set(seen["base lost"]) == {"cannot be read"}


@pytest.mark.system
def test_every_way_restores_a_damaged_disk() -> None:
    need("qemu-img")
    rows = lab.restore_disk(sizes_mib=(16,), rounds=2)
    assert rows.attrs["failed"] == {}
    assert set(rows["condition"]) == set(lab.WAYS)
    assert rows["broken"].all()
    assert rows["restored"].all()


# --- throw away -----------------------------------------------------------------------------------


@pytest.mark.system
def test_the_control_is_wrecked_and_the_container_is_not_the_host(tmp_path: Path) -> None:
    need("namespaces", "busybox")
    (control,) = lab._wreck_a_folder(tmp_path)
    assert control["broken"]
    assert not control["host_unchanged"]
    (container,) = lab._wreck_a_container(tmp_path)
    assert container["broken"]
    assert container["works_again"]
    assert container["host_unchanged"]
    assert container["reset_ms"] > 0


def test_the_command_that_wrecks_does_nothing_without_the_mark(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    script = lab.WRECK.format(busybox="")
    subprocess.run(["sh", "-c", script, "wreck", str(tmp_path)], check=True, capture_output=True)
    assert (tmp_path / "bin").exists()
    (tmp_path / "throw-away").touch()
    subprocess.run(["sh", "-c", script, "wreck", str(tmp_path)], check=True, capture_output=True)
    assert not (tmp_path / "bin").exists()


@pytest.mark.system
@pytest.mark.serial
def test_a_wrecked_machine_comes_back_two_ways(tmp_path: Path) -> None:
    need("qemu", "qemu-img", "guest kernel")
    rows = pd.DataFrame(lab._wreck_a_machine(tmp_path)).set_index("place")
    assert list(rows.index) == list(lab.PLACES[2:])
    assert rows[["broken", "works_again", "host_unchanged"]].all(axis=None)
    assert rows.loc["VM, snapshot loaded", "reset_ms"] < rows.loc["VM, started anew", "reset_ms"]


# --- the wall -------------------------------------------------------------------------------------

TREE = """FlatView #0
 AS "memory", root: system
 Root memory region: system
  0000000000000000-00000000000c2fff (prio 0, ram): pc.ram
  00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic
  00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios

FlatView #1
 AS "i440FX", root: bus master container
  00000000fee00000-00000000feefffff (prio 4096, i/o): apic-msi

FlatView #2
 AS "I/O", root: io
 Root memory region: io
  0000000000000000-0000000000000007 (prio 0, i/o): dma-chan
  0000000000000008-000000000000000f (prio 0, i/o): io @0000000000000008
  0000000000000071-0000000000000071 (prio 0, i/o): rtc @0000000000000001
"""


def test_doors_are_where_a_device_answers() -> None:
    assert lab.doors(TREE) == {
        ("memory", "00000000fec00000-00000000fec00fff"),
        ("port", "0000000000000000-0000000000000007"),
        ("port", "0000000000000071-0000000000000071"),
    }


@pytest.mark.system
def test_a_smaller_machine_has_fewer_doors_and_a_sandbox_closes_calls() -> None:
    need("qemu")
    if os.geteuid() != 0 or os.uname().machine != "x86_64":
        pytest.skip("needs root on x86-64, to read filters")
    pc = lab._doors_of_qemu("pc", ())
    small = lab._doors_of_qemu(lab.MICROVM, lab.SANDBOX)
    assert pc["doors"] > small["doors"] > 0
    assert pc["devices"] > small["devices"] > 0
    assert pc["wall_calls"] > small["wall_calls"] > 0
    assert pc["wall_calls"] == lab._calls_of("posix_spawn")["calls"]  # QEMU adds no filter unasked


@pytest.mark.system
@pytest.mark.serial
@pytest.mark.usefixtures("leaves_nothing")
def test_a_crashed_kernel_takes_its_tenants_and_nobody_else() -> None:
    need("qemu", "guest kernel")
    rows = lab.kernel_crash().set_index("condition")
    assert (rows["before"] == "answers").all()
    assert rows.loc["the guest", "after"] == "silent"
    assert "Kernel panic" in rows.loc["the guest", "last_words"]
    assert set(rows[rows.index.str.startswith("tenant")]["after"]) == {"silent"}
    assert rows.loc["its sibling", "after"] == rows.loc["the host", "after"] == "answers"


# --- recordings, figures, helper programs ---------------------------------------------------------


def test_recorded_machines_name_their_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    for name in ("boot", "exits", "guest-memory"):
        data = registry.run(registry.load(lab.CHAPTER)[name]).data
        assert data["accelerator"].str.contains(r"TCG|KVM \(").all()


@pytest.mark.long
def test_figures_say_what_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    memory = figures.guest_memory(registry.run(lab.guest_memory))
    assert "still holds" in memory.figure.get_label()
    assert re.search(r"Linux, 512 MiB, booted: guest \d+", memory.sentence)
    width = figures.interface_width(registry.run(lab.interface_width))
    assert "container by Docker" in width.sentence
    assert width.table["condition"].iloc[0] == "process"
    resets = lab.resets(registry.run(lab.throw_away))
    assert resets.data["reset_ms"].notna().all()
    dots = figures.dots(resets, "reset_ms", "ms", "milliseconds")
    for one in (memory, width, dots, figures.phases(lab.phases(registry.run(lab.boots)))):
        assert one.png().startswith(b"\x89PNG")
        assert len(one.png()) <= figures.MOST_BYTES


def test_bytes_called_as_64_bit_code_end_as_they_must(tmp_path: Path) -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("the bytes are x86-64 machine code")
    file = tmp_path / "code"
    caller = [sys.executable, "-I", "-S", str(lab.PROGRAMS / "as_64_bit.py"), str(file)]
    for code, signal in ((b"\xc3", 0), (b"\x0f\x0b", 4)):  # ret; ud2
        file.write_bytes(code)
        assert subprocess.run(caller, check=False).returncode == -signal
