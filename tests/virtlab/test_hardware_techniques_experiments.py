"""The experiments of chapter 13, and what they are made of."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest

from virtlab import figures, host, registry
from virtlab.errors import RuntimeFailed
from virtlab.experiments import c13_hardware_techniques as lab
from virtlab.machines.bootsector import END, HALT, SERIAL_PORT, say
from virtlab.runtimes import kvm


def need(*names: str) -> None:
    for name in names:
        capability = host.probe(name)
        if not capability:
            pytest.skip(f"{name}: {capability.why}")


def rows_by(data: pd.DataFrame, columns: str | Sequence[str]) -> dict[Any, Any]:
    return data.set_index(columns if isinstance(columns, str) else list(columns)).to_dict("index")


# --- two axes -------------------------------------------------------------------------------------


def test_every_technique_says_the_same_on_a_clean_processor() -> None:
    data = lab.two_axes()
    clean = data[data["processor"] == "clean"]
    assert clean["right"].all()
    assert set(clean["condition"]) == set(lab.TECHNIQUES)


def test_only_trap_and_emulate_is_fooled_by_the_flaw() -> None:
    data = lab.two_axes()
    flawed = data[data["processor"] == "reads mode"].set_index("condition")["right"]
    assert not flawed["trap and emulate"]
    assert flawed.drop("trap and emulate").all()
    assert {"bare machine", "emulation", "binary translation"} <= set(flawed.index)


def test_counts_follow_the_technique() -> None:
    rows = rows_by(lab.two_axes().query("processor == 'clean'"), ["guest", "condition"])
    for guest in lab.TOY_GUESTS:
        assert rows[guest, "bare machine"]["exits"] == rows[guest, "emulation"]["exits"] == 0
        assert rows[guest, "trap and emulate"]["callouts"] == 0
        translated = rows[guest, "binary translation"]
        assert translated["exits"] < rows[guest, "trap and emulate"]["exits"]
        assert translated["callouts"] > 0
    asked, trapped = (rows["hello", name] for name in ("paravirtualization", "trap and emulate"))
    assert asked["modified"]
    assert asked["exits"] < trapped["exits"]
    assert not trapped["modified"]


def test_the_two_sources_differ_and_write_the_same() -> None:
    told = dict(lab.sources())
    assert "vmcall" in told["modified"]
    assert "vmcall" not in told["unmodified"]


# --- the model ------------------------------------------------------------------------------------


def test_cheap_exits_favour_the_trap_and_dear_ones_the_translator() -> None:
    m = registry.run(lab.crossover)
    assert m.source == "simulated"
    wide = m.data.pivot(index="exit_price", columns="condition", values="slowdown")
    assert wide["trap and emulate"].iloc[0] < wide["binary translation"].iloc[0]
    assert wide["trap and emulate"].iloc[-1] > wide["binary translation"].iloc[-1]
    assert (wide["hardware-assisted"] <= wide["trap and emulate"]).all()
    assert (wide.diff().dropna() > 0).all().all()


# --- the same guest -------------------------------------------------------------------------------


@pytest.mark.system
def test_the_same_bytes_say_the_same_everywhere() -> None:
    need("kvm", "qemu", "unicorn")
    data = lab.same_guest()
    assert not data.attrs["failed"]
    assert len(data) == 3
    assert data["says"].nunique() == data["sha256"].nunique() == 1
    assert data["says"].iloc[0].startswith("50: 02 03 05 07")
    devices = data.set_index("condition")["devices"]
    assert devices["our monitor"] == devices["a processor without a machine"] > 0


@pytest.mark.system
def test_no_bios_writes_into_what_a_slow_guest_says() -> None:
    need("qemu")
    longer_than_a_tick = b"\x66\xb9" + struct.pack("<I", 100_000_000) + b"\x66\x49\x75\xfc"
    code = SERIAL_PORT + say("50:") + longer_than_a_tick + say(" 02\n") + END + HALT
    assert lab._primes_by_qemu(code)[0] == "50: 02"


# --- privileged instructions ----------------------------------------------------------------------


def test_a_guest_repeats_an_instruction_and_ends() -> None:
    code = lab._repeated(b"\x90")
    jump = code.index(0x75)
    assert jump + 2 + code[jump + 1] - 256 == 0  # back to the beginning
    assert code.endswith(lab._END)


@pytest.mark.system
def test_privileged_instructions_work_only_where_the_guest_believes_to_rule() -> None:
    need("kvm")
    data = lab.privileged()
    outcomes = data.groupby("place")["outcome"].agg(set)
    assert outcomes["a guest's ring 0"] == {"done"}
    assert outcomes["a process"] == {"killed by SIGSEGV"}
    ring_3 = data[data["place"] == "a guest's ring 3"].set_index("condition")["outcome"]
    assert ring_3.pop("write a port (out)") == "done"  # it was given that privilege
    assert ring_3.str.contains("crashed").all()
    ring_0 = data[data["place"] == "a guest's ring 0"].set_index("condition")
    assert ring_0.loc["write a port (out)", "returns"] == 1
    assert ring_0.loc["stop until an interrupt (hlt)", "returns"] == 1
    assert ring_0.loc["where is the page table? (mov cr3)", "returns"] == 0


# --- speed ----------------------------------------------------------------------------------------


@pytest.mark.system
@pytest.mark.serial
def test_direct_execution_beats_translation_and_that_beats_interpretation() -> None:
    need("kvm", "qemu", "unicorn")
    rates = lab.results(rounds=3).groupby("condition")["results_per_ms"].median()
    if "translated (QEMU)" not in rates:
        pytest.skip("no qemu-x86_64 here")
    assert rates["guest, ring 3"] > rates["translated (QEMU)"]
    assert rates["guest, ring 3"] > rates["translated (Unicorn)"] > rates["interpreted (ours)"]
    assert rates["native"] < 3 * rates["guest, ring 3"]


@pytest.mark.system
def test_a_wrong_sum_is_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "STEPS", 110)
    with pytest.raises(RuntimeFailed, match="the sum is"):
        lab._rate(lambda times: lab.emulators.Run(111 * times, 1.0), 3)


@pytest.mark.system
@pytest.mark.serial
def test_a_return_to_our_monitor_is_dearer_than_an_exit_to_the_kernel() -> None:
    need("kvm", "unicorn")
    turns = lab.price(rounds=5).groupby("condition")["turns"].median()
    assert set(turns.index) == set(lab.PRICED)
    assert (turns > 10).all()
    assert turns["exit to our monitor"] > turns["exit to the kernel"]


# --- asking and batching --------------------------------------------------------------------------


@pytest.mark.system
def test_asking_and_batching_each_save_returns() -> None:
    need("kvm")
    data = lab.two_by_two(rounds=1)
    returns = data.set_index("condition")["returns"]
    size = len(lab.TEXT)
    assert returns["device, one by one"] == 2 * size
    assert returns["device, in batches"] == size + size // lab.BATCH
    assert returns["asks, one by one"] == size
    assert returns["asks, in batches"] == size // lab.BATCH
    assert returns["asks, in large batches"] == size // 512


@pytest.mark.system
def test_the_monitor_believes_no_address() -> None:
    need("kvm")
    with kvm.Machine() as machine:
        far = len(machine.memory)
        machine.start_in_long_mode(kvm.guest("ask"), 3, rbx=far - 4, rcx=64, rdi=64)
        with pytest.raises(kvm.GuestFailed, match="asked for 64 bytes"):
            machine.run(lambda leave: lab._serve(machine, leave))


# --- disks ----------------------------------------------------------------------------------------

TRACE = """\
memory_region_ops_read cpu 0 mr 0x55d0 addr 0x1f7 value 0x50 size 1 name 'ide'
memory_region_ops_write cpu 0 mr 0x55d9 addr 0x80 value 0xa5 size 1 name 'ioport80'
memory_region_ops_read cpu 0 mr 0x55d0 addr 0x1f7 value 0x50 size 1 name 'ide'
memory_region_ops_write cpu 0 mr 0x55d1 addr 0x1f6 value 0xe0 size 1 name 'ide'
memory_region_ops_read cpu 0 mr 0x55d2 addr 0x608 value 0x1 size 4 name 'acpi-tmr'
virtio_queue_notify vdev 0x5 n 0 vq 0x7
something else
memory_region_ops_write cpu 0 mr 0x55d9 addr 0x80 value 0xa5 size 1 name 'ioport80'
memory_region_ops_read cpu 0 mr 0x55d0 addr 0x1f7 value 0x50 size 1 name 'ide'
""".splitlines()


def test_trace_lines_are_sorted_by_device() -> None:
    counts = lab._counted(TRACE, "ide")
    assert counts == {"registers": 2, "elsewhere": 1, "kicks": 1}
    with pytest.raises(RuntimeFailed, match="another trace"):
        lab._counted(TRACE[2:], "ide")


@pytest.mark.system
@pytest.mark.usefixtures("leaves_nothing")
def test_a_disk_that_is_asked_needs_fewer_registers() -> None:
    need("qemu")
    data = lab.disk_requests()
    rows = rows_by(data, ["condition", "size"])
    assert set(data["condition"]) == set(lab.DISKS)
    one, eight = lab.SECTORS
    for size in (one, eight):
        assert rows["virtio", size]["registers"] < rows["IDE", size]["registers"]
        assert rows["virtio", size]["kicks"] == 1
        assert 1 < rows["AHCI", size]["registers"] < rows["IDE", size]["registers"]
    assert rows["IDE", eight]["registers"] > 4 * rows["IDE", one]["registers"]
    assert rows["virtio", eight]["registers"] == rows["virtio", one]["registers"]


def test_the_figure_says_what_it_draws() -> None:
    data = pd.DataFrame(
        [
            ("IDE", "1 sector", 270.0),
            ("IDE", "8 sectors", 2095.0),
            ("virtio", "1 sector", 1.0),
            ("virtio", "8 sectors", 1.0),
        ],
        columns=["condition", "size", "registers"],
    ).assign(kicks=0.0, pretends="a disk", source="live")
    m = registry.Measurement(data, "live", "", {}, lab.disk_requests)
    shown = figures.registers(m, {"IDE": 10})
    assert shown.figure.get_label() == "IDE needs 270 times the accesses of virtio"
    assert "IDE, 8 sectors: 2,095; virtio, 1 sector: 1" in shown.sentence
    assert len(shown.table) == 4
    assert len(shown.png()) <= figures.MOST_BYTES


# --- one thing at a time --------------------------------------------------------------------------


def test_memory_alone_can_be_virtual() -> None:
    data = lab.partial_virtualization()
    memory = data.set_index("condition").loc["memory"]
    assert memory["works"]
    assert memory["same_as_host"] == memory["of"]


@pytest.mark.system
@pytest.mark.usefixtures("leaves_nothing")
def test_a_disk_and_a_card_alone_can_be_virtual() -> None:
    need("loop device", "tun")
    data = lab.partial_virtualization().set_index("condition")
    assert data["works"].all()
    assert data.loc["a disk", "same_as_host"] == data.loc["a disk", "of"]
    assert "kernel" not in data.loc["a network card", "other"]
    assert "net" in data.loc["a network card", "other"]


def test_a_shortened_error_says_what_happened() -> None:
    assert lab._shortened("kvm: the guest ended with shutdown at 0x1") == (
        "refused: the guest crashed (shutdown)"
    )
    assert lab._shortened("other") == "other"
