"""The experiments of chapter 02, and what they are made of."""

from __future__ import annotations

import math
import mmap
import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tests.virtlab.chapters import built_cell
from virtlab import figures, host, native, registry
from virtlab.errors import RuntimeFailed
from virtlab.experiments import c02_hypervisors as lab
from virtlab.experiments import witnesses
from virtlab.models.hypervisors import EXCEPTIONS, PRODUCTS, kind
from virtlab.registry import CannotMeasure
from virtlab.runtimes import kvm, xen


def need(*names: str) -> None:
    for name in names:
        capability = host.probe(name)
        if not capability:
            pytest.skip(f"{name}: {capability.why}")


# --- witnesses ------------------------------------------------------------------------------------

PRESENT = (0, 0, 1 << 31, 0)
KVM = (0x40000001, 0x4B4D564B, 0x564B4D56, 0x4D)
HYPER_V = (0x4000000B, 0x7263694D, 0x666F736F, 0x76482074)


def test_names_are_read_off_cpuid() -> None:
    assert witnesses.names({1: PRESENT, 0x40000000: HYPER_V, 0x40000100: KVM}) == [
        "Microsoft Hv",
        "KVMKVMKVM",
    ]
    assert witnesses.names({1: PRESENT, 0x40000000: KVM, 0x40000100: KVM}) == ["KVMKVMKVM"]
    assert witnesses.names({1: PRESENT, 0x40000000: (0, 0, 0, 0)}) == []
    assert witnesses.names({1: (0, 0, 0, 0), 0x40000000: KVM}) == []
    assert witnesses.names({}) == []


def test_every_witness_answers_in_one_line() -> None:
    rows = lab.what_am_i_running_on()
    assert list(rows["condition"]) == list(witnesses.WITNESSES)
    assert (rows["says"].str.len() > 0).all()
    assert not rows["says"].str.contains("\n").any()


def test_a_witness_that_is_not_there_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witnesses.host, "find_tool", lambda name: None)
    said = dict(lab.what_am_i_running_on()[["condition", "says"]].to_numpy())
    assert said["lscpu"] == said["systemd-detect-virt"] == "(not installed)"
    assert said["kernel log"] == "(closed to this user)"


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("Linux version 6.1.0-56-cloud-amd64 (debian-kernel@lists.debian.org)", "nothing"),
        ("Linux version 5.15.153.1-microsoft-standard-WSL2 (root@1)", "WSL 2, under Hyper-V"),
        ("Linux version 4.4.0-19041-Microsoft (Microsoft@Microsoft.com)", "WSL 1: "),
    ],
)
def test_only_the_second_wsl_is_a_machine(
    version: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witnesses, "_line", lambda path: version)
    assert witnesses._wsl().startswith(says)


@pytest.mark.parametrize(
    ("cpuid_us", "says"), [(0.07, "the processor itself answers"), (0.3, "somebody traps it")]
)
def test_a_cpuid_that_takes_a_thousand_turns_is_trapped(
    cpuid_us: float, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witnesses, "cpuid_us", lambda: cpuid_us)
    monkeypatch.setattr(witnesses, "loop_us", lambda: 0.00025)
    assert witnesses._time().endswith(says)


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="x86-64 machine code")
def test_native_code_turns_as_often_as_it_is_told() -> None:
    loop = native.Native(native.COUNT)
    few, many = (min(loop.seconds(turns) for _ in range(5)) for turns in (1000, 10_000_000))
    assert 0 < few < many


def test_native_code_is_for_one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native.platform, "machine", lambda: "aarch64")
    with pytest.raises(RuntimeFailed, match="for x86-64; this is aarch64"):
        native.Native(native.COUNT)
    assert witnesses.leaves() == {}


# --- the two types --------------------------------------------------------------------------------


def test_the_rule_places_the_products() -> None:
    placed = {name: kind(facts) for name, facts in PRODUCTS.items()}
    assert placed["Xen"] == placed["VMware ESXi"] == placed["WSL 2"] == "type 1"
    assert placed["KVM with QEMU"] == placed["bhyve"] == "both"
    assert placed["VirtualBox"] == placed["QEMU with TCG"] == "type 2"
    assert len(placed) == 10
    assert set(EXCEPTIONS) <= set(placed)


def test_the_rule_needs_the_kernel_only_where_a_system_is_below() -> None:
    esxi = PRODUCTS["VMware ESXi"]
    assert kind(replace(esxi, in_kernel=False)) == "type 1"
    assert kind(replace(esxi, privileged="an operating system's kernel")) == "both"


# --- Xen's log ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("selector", "ring"), [("e008", 0), ("e033", 3), ("e019", 1)])
def test_a_selector_says_its_ring(selector: str, ring: int) -> None:
    assert xen.ring(selector) == ring


def test_milestones_are_picked_in_order() -> None:
    log = [
        (100.0, "(XEN) Xen version 4.17.7 (Debian 4.17.7+13)"),
        (200.0, "(XEN) System RAM: 511MB (524000kB)"),
        (900.0, "mapping kernel into physical memory"),
        (950.0, "[    1.0] SAY my memory: MemTotal:         220804 kB"),
        (990.0, "(XEN) RIP:    e033:[<ffffffff81a043a5>]"),
        (999.0, "(XEN) RIP:    e008:[<ffff82d0402f9c06>] arch/x86/domain.c#default_idle+0xc6"),
    ]
    assert xen.milestones(log) == [
        (100.0, "the first line of all", "Xen version 4.17.7"),
        (200.0, "it finds the memory", "System RAM: 511MB"),
        (900.0, "the first line of Linux", "mapping kernel into physical memory"),
        (950.0, "and how much memory it was given", "220804 kB"),
        (990.0, "where Linux's kernel runs", "code segment e033: ring 3"),
        (999.0, "where Xen runs", "code segment e008: ring 0"),
    ]


def test_without_xen_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(xen, "_BOOT", tmp_path)
    assert "apt-get install xen" in xen.xen_hypervisor().remedy
    with pytest.raises(RuntimeFailed, match="no hypervisor"):
        xen.boot_log()


def test_a_kernel_made_for_domain_0_is_preferred(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, config in {
        "1-cloud": "# CONFIG_XEN_DOM0 is not set\n",
        "0": "\nCONFIG_XEN_DOM0=y\n",
    }.items():
        (tmp_path / f"vmlinuz-{name}").touch()
        (tmp_path / f"config-{name}").write_text(config)
    monkeypatch.setattr(xen, "_BOOT", tmp_path)
    assert xen.find_dom0_kernel() == tmp_path / "vmlinuz-0"


@pytest.mark.system
@pytest.mark.slow
@pytest.mark.usefixtures("leaves_nothing")
def test_xen_comes_before_linux_and_has_the_ring_that_linux_wants() -> None:
    need("qemu", "guest kernel", "xen hypervisor")
    log = lab.xen_boot()
    speakers = list(log["condition"])
    assert speakers[0] == "Xen"
    assert {"domain 0's kernel", "a program in domain 0"} < set(speakers)
    found = lab.xen_milestones(log).set_index("what")["says"]
    assert found["where Linux's kernel runs"].endswith("ring 3")
    assert found["where Xen runs"].endswith("ring 0")


# --- guests over /dev/kvm -------------------------------------------------------------------------


@pytest.mark.system
def test_a_fleet_is_paused_resumed_and_ended() -> None:
    need("kvm")
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208
    data = lab.fleet(seconds=0.4, samples=12)
    assert set(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    runs = {name: rows.reset_index() for name, rows in data.groupby("condition")}
    assert set(runs) == {"guest A", "guest B", "guest C", "guest D"}
    for rows in runs.values():
        assert rows["million_turns"].is_monotonic_increasing
        assert rows["million_turns"].iloc[-1] > rows["million_turns"].iloc[0]
    paused = runs["guest C"].query("state == 'paused'")["million_turns"]
    assert len(paused) == 4
    assert paused.nunique() == 1
    assert runs["guest C"]["million_turns"].iloc[-1] > paused.iloc[0]
    assert runs["guest A"]["ms"].max() < runs["guest B"]["ms"].max()
    assert runs["guest D"]["ms"].min() > runs["guest B"]["ms"].min()


def test_the_way_in_and_out_is_not_in_the_time_of_a_turn() -> None:
    told = lab._per_turn(lambda turns: 700e-6 + 2e-9 * turns, 1000)
    assert told["turns"] == 1000
    assert told["ns_per_turn"] == pytest.approx(2)


@pytest.mark.system
@pytest.mark.serial
def test_direct_execution_is_near_native_and_emulation_is_not() -> None:
    need("kvm")
    data = lab.speed(rounds=5)
    usual = data.groupby("condition")["ns_per_turn"].median()
    assert usual["guest, ring 3"] < 3 * usual["native"]
    if "emulator" in usual:
        assert usual["emulator"] > 2 * usual["native"]


@pytest.mark.system
def test_exits_are_counted_where_they_end() -> None:
    need("kvm")
    data = lab.exits(rounds=2).groupby("condition").median(numeric_only=True)
    assert data.loc["compute", "returns"] == data.loc["touch new memory", "returns"] == 1
    for name in ("write a port", "write to a device's memory", "halt"):
        assert data.loc[name, "returns"] == data.loc[name, "events"] + 1
    asked = data.loc["ask our monitor"]
    assert asked["returns"] == 2 * asked["events"] + 1
    known = data["exits"].dropna()
    assert (known >= data.loc[known.index, "returns"]).all()


@pytest.mark.system
def test_machines_can_share_memory_on_purpose() -> None:
    need("kvm")
    with kvm.Machine(4 << 20) as one:
        with kvm.Machine(memory=one.memory) as other:
            other.start_in_long_mode(kvm.guest("touch"), rcx=1, rbx=0x300000)
            other.run()
        assert not one.memory.closed
        assert one.memory[0x300000] == 1


# --- machines by QEMU -----------------------------------------------------------------------------


@pytest.mark.system
@pytest.mark.usefixtures("leaves_nothing")
def test_a_machine_is_a_process_with_its_memory_and_its_threads() -> None:
    need("qemu")
    seen = lab.vm_as_a_process().pivot(index="what", columns="condition", values="value")
    large = seen["QEMU, 2 CPUs, 128 MiB"]
    assert large["threads that are its CPUs"] == "CPU 0/TCG, CPU 1/TCG"
    assert large["mapping as large as its RAM"] == "128 MiB"
    assert int(large["of that in the host's memory"].split()[0].replace(",", "")) < 64 * 1024
    assert large["boot sector found in there"] == "yes"
    assert large["descriptors from KVM"] == "none"
    if host.kvm:
        assert seen.loc["boot sector found in there", "our monitor, 1 CPU, 32 MiB"] == "yes"
        assert "kvm-vcpu" in seen.loc["descriptors from KVM", "our monitor, 1 CPU, 32 MiB"]


@pytest.mark.system
def test_a_machine_is_found_beside_mappings_of_the_same_size() -> None:
    need("kvm")
    # Linux makes one mapping of private ones that touch.
    neighbours = [mmap.mmap(-1, 32 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) for _ in range(4)]
    seen = lab._own_machine_as_a_process(32)
    assert seen["mapping as large as its RAM"] == "32 MiB"
    assert seen["boot sector found in there"] == "yes"
    del neighbours


def test_memory_of_another_size_is_not_found() -> None:
    with pytest.raises(CannotMeasure, match="no mapping of 123456 MiB"):
        lab._ram_of(os.getpid(), 123456)


@pytest.mark.system
@pytest.mark.slow
@pytest.mark.usefixtures("leaves_nothing")
def test_the_attack_hits_only_where_the_wall_is_missing() -> None:
    need("qemu", "guest kernel")
    rows = lab.isolation().set_index("condition")
    for maker in ("QEMU", "our monitor"):
        if f"{maker}: {lab.WALLS[0]}" not in rows.index:
            continue
        own, shared = (rows.loc[f"{maker}: {wall}"] for wall in lab.WALLS)
        assert own["attacker_mib"] > 1
        assert own["victim_pages_hit"] == 0
        assert shared["victim_pages_hit"] > 100
    assert rows.loc[f"QEMU: {lab.WALLS[0]}", "victim"] == "the same checksum"
    assert rows.loc[f"QEMU: {lab.WALLS[1]}", "victim"] != "the same checksum"


@pytest.mark.system
@pytest.mark.slow
def test_each_guest_sees_what_it_was_given() -> None:
    need("qemu", "guest kernel")
    rows = lab.own_hardware()
    exact = rows[rows["what"].isin(["processors", "memory", "hypervisor bit"])]
    assert list(exact["sees"]) == list(exact["given"])
    dressed = rows[rows["condition"] == "the dressed-up one"].set_index("what")["sees"]
    assert dressed["machine's name"] == "Toaster Works, Model T-1000"
    assert dressed["processor's name"] == "Toaster CPU"
    assert "sound card" in dressed["devices"]
    assert rows[rows["what"] == "boot_id"]["sees"].nunique() == 2


@pytest.mark.parametrize(
    ("what", "answer", "tidy"),
    [
        ("memory", "Memory: 93920K/130552K available (14343K kernel code)", "128 MiB"),
        ("memory", "nonsense", "nonsense"),
        ("devices", "0x8086 0x100e\n0xdead 0xbeef", "network card (e1000), dead:beef"),
        ("hypervisor bit", "hypervisor", "set"),
        ("hypervisor bit", "no", "cleared"),
        ("processor's name", "model name\t: Toaster CPU", "Toaster CPU"),
        ("machine's name", "ACME\nAnvil", "ACME, Anvil"),
    ],
)
def test_answers_are_tidied(what: str, answer: str, tidy: str) -> None:
    assert lab._tidy(what, answer) == tidy


# --- recordings, figures, the chapter's own code --------------------------------------------------


def test_the_figure_of_exits_says_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    measured = registry.run(lab.exits)
    shown = figures.exits(measured, {"compute": 5.0, "no such thing": 1.0})
    assert shown.png().startswith(b"\x89PNG")
    assert len(shown.png()) <= figures.MOST_BYTES
    assert list(shown.table["condition"]) == list(lab.EVENTS)
    assert "compute: 10,000,000 times" in shown.sentence
    assert "does not hear of: touch new memory" in shown.figure.get_label()
    untold = replace(measured, data=measured.data.assign(exits=float("nan")))
    assert "unknown exits" in figures.exits(untold).sentence


def test_the_figure_of_a_fleet_says_who_came_how_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    shown = figures.fleet(registry.run(lab.fleet))
    table = shown.table.set_index("condition")
    assert len(shown.png()) <= figures.MOST_BYTES
    assert table.loc["guest C", "middle third"] < table.loc["guest B", "middle third"] / 2
    assert math.isnan(table.loc["guest D", "first third"])
    assert (table.loc["guest B", ["first third", "last third"]] > 0).all()
    assert "not there" in shown.sentence


def test_the_smallest_hypervisor_of_the_chapter_works() -> None:
    code = built_cell(lab.CHAPTER)
    names: dict[str, object] = {}
    exec(code, names)
    program = (
        "m = Machine(192)\n"
        "texts = [guests.HELLO, guests.WHO_AM_I, 'li r1, 99\\nst r1, r1, 0']\n"
        "g = [Guest(m, 64 * at, 64, text) for at, text in enumerate(texts)]\n"
        "monitor(list(g), quantum=3)\n"
    )
    exec(program, names)
    hello, who, outside = names["g"]  # type: ignore[misc]
    assert ("".join(map(chr, hello.output)), hello.exits, hello.state) == ("hello\n", 7, "halted")
    assert (who.output, who.exits) == ([0, 0], 5)
    assert outside.state == "crashed: memory"


def test_products_are_a_table_of_ten() -> None:
    table = lab.products()
    assert isinstance(table, pd.DataFrame)
    assert table["type"].value_counts().to_dict() == {"type 1": 4, "both": 3, "type 2": 3}
    assert (table["source"].str.len() > 0).all()
