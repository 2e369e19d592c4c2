"""The experiments of chapter 10, and what they are made of."""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import virtlab.runtimes.launcher as launching
from tests.virtlab.chapters import built_cell
from virtlab import figures, host, leftovers, registry
from virtlab.experiments import c10_portability as lab
from virtlab.experiments import emulators, moving
from virtlab.host import find_tool
from virtlab.registry import CannotMeasure
from virtlab.runtimes import RuntimeFailed


def need(*capabilities: host.Capability) -> None:
    for capability in capabilities:
        if not capability:
            pytest.skip(f"{capability.name}: {capability.why}")


def own_leftovers() -> list[str]:
    """Folders of this process that should be gone; what a launcher keeps warm may stay."""
    kept = {str(one.folder) for one in launching._warm.values()}
    own = Path(tempfile.gettempdir()).glob(f"{leftovers.owned_name()}-*")
    return [str(one) for one in own if str(one) not in kept]


def need_x86() -> None:
    if emulators.native_isa() != "x86-64":
        pytest.skip("this machine's processor is no x86-64")


# --- a move, by the guest's own ticks -------------------------------------------------------------


def test_a_lost_and_a_doubled_tick_are_counted() -> None:
    assert moving.lost([254, 255, 0, 1]) == 0
    assert moving.lost([1, 2, 4, 5]) == 1
    assert moving.lost([1, 2, 2, 3]) == 1
    assert moving.lost([7]) == 0


def told(**ram: int) -> dict[str, Any]:
    return {
        "status": "completed",
        "downtime": 4,
        "ram": {"dirty-sync-count": 3, "normal": 9, **ram},
    }


def test_a_summary_reads_downtime_off_the_ticks() -> None:
    ms = 1_000_000
    heard = [(at * ms, "source", at) for at in range(10)]
    heard += [((at + 5) * ms, "target", at) for at in range(10, 14)]
    move = moving._summary(told(), False, heard, 3 * ms, 0)
    assert move.downtime_ms == pytest.approx(5)  # from 9 to 15, less the usual one
    assert move.total_ms == pytest.approx(12)
    assert move.longest_gap_ms == pytest.approx(6)
    assert (move.rounds, move.sent_pages, move.asked_pages, move.lost_ticks) == (2, 9, 0, 0)
    assert move.ticks_per_s == pytest.approx(7 / 0.006)  # 3 to 9, both counted
    assert move.ticks[0] == (-3.0, "source")
    late = moving._summary(told(**{"postcopy-requests": 7}), False, heard, 3 * ms, 90 * ms)
    assert (late.total_ms, late.asked_pages) == (pytest.approx(87), 7)


def test_the_guest_gets_its_load_at_the_end_of_its_sector() -> None:
    raw = moving.sector(moving.Load(5, 300), memory_mib=32)
    assert struct.unpack_from("<3I", raw, moving.PARAMETERS_AT) == (5, 300, 32 << 20)
    assert (len(raw), raw[-2:]) == (512, b"\x55\xaa")


@pytest.mark.system
@pytest.mark.serial
def test_a_guest_moves_and_loses_no_tick() -> None:
    need(host.probe("qemu"))
    idle = moving.move(moving.Load(0, 1), lab.PAGES_A_SECOND, 40, 8)
    busy = moving.move(moving.Load(76, 3072), lab.PAGES_A_SECOND, 40, 3)
    assert idle.lost_ticks == busy.lost_ticks == 0
    assert not idle.forced
    assert busy.forced
    assert busy.sent_pages > idle.sent_pages
    assert busy.total_ms > idle.total_ms
    assert {name for _, name in idle.ticks} == {"source", "target"}
    assert own_leftovers() == []


@pytest.mark.system
@pytest.mark.serial
def test_post_copy_asks_for_pages() -> None:
    need(host.probe("qemu"))
    try:
        late = moving.move(moving.Load(76, 3072), lab.PAGES_A_SECOND, 40, 3, post_copy=True)
    except RuntimeFailed as error:
        pytest.skip(f"no post-copy here: {error}")
    assert late.asked_pages > 0
    assert late.lost_ticks == 0


@pytest.mark.system
def test_a_machine_that_differs_is_refused_with_a_reason() -> None:
    need(host.probe("qemu"))
    assert "Size mismatch: pc.ram" in moving.refusal([], memory_mib=16)
    assert moving.refusal([]) == ""


# --- three borders --------------------------------------------------------------------------------


def test_our_programs_mean_what_their_bytes_should() -> None:
    capstone = pytest.importorskip("capstone")
    engine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    wanted = {"v2": "popcnt", "v3": "vpaddd", "v4": "vpaddd"}
    for level, name in wanted.items():
        one = next(engine.disasm(lab.LEVELS[level], 0))
        assert (one.mnemonic, one.size) == (name, len(lab.LEVELS[level]))
    assert "zmm" in next(engine.disasm(lab.LEVELS["v4"], 0)).op_str
    code = list(engine.disasm(lab._says_ok(b""), 0))
    lea = next(one for one in code if one.mnemonic == "lea")
    at = lea.address + lea.size + int.from_bytes(lea.bytes[3:], "little")
    assert lab._says_ok(b"")[at:] == b"ok\n"


@pytest.mark.system
def test_needs_within_features_decide() -> None:
    need_x86()
    if find_tool("qemu-x86_64") is None:
        pytest.skip("no qemu-x86_64")
    table = lab.baselines().set_index("condition")
    assert table.loc["Intel Nehalem, 2008", "v2"] == "runs"
    assert table.loc["Intel Nehalem, 2008", "v3"] == "killed by SIGILL"
    assert table.loc["AMD Opteron, 2003", "features"] == "none"
    for _, row in table.iterrows():
        for level, needs in lab.NEEDS.items():
            assert (row[level] == "runs") == (not needs or needs in row["features"].split(", "))


def test_a_module_says_the_same_twice_and_misses_what_it_imports() -> None:
    need(host.probe("wasmtime"))
    module = lab.wasm()
    assert lab._wasmtime(module) == lab._wasmtime(module)
    with pytest.raises(RuntimeFailed, match="unknown import"):
        lab._wasmtime(lab.wasm(lab.NEEDY_WASM))


@pytest.mark.system
@pytest.mark.slow
def test_each_refusal_names_its_border_and_runs_elsewhere() -> None:
    need(*(host.probe(name) for name in ("namespaces", "qemu", "qemu-img", "guest kernel")))
    need_x86()
    rows = lab.refusals().set_index("condition")
    assert "requires an x86-64 CPU" in rows.loc["64-bit kernel on a 32-bit PC", "said"]
    assert "libword.so" in rows.loc["program without its library", "said"]
    assert "not a bootable disk" in rows.loc["qcow2 disk, attached as raw", "said"]
    assert set(rows["runs_there"]) <= {"yes", "–"}
    assert (rows["said"] != "").all()
    assert own_leftovers() == []


@pytest.mark.system
def test_engines_say_the_same() -> None:
    need(host.probe("namespaces"), host.probe("qemu"))
    rows = lab.engines()
    assert (rows.groupby("artefact")["output_digest"].nunique() == 1).all()
    assert rows["artefact_digest"].nunique() == rows["artefact"].nunique()


# --- bare and encapsulated ------------------------------------------------------------------------


def test_the_library_is_what_its_assembly_says(tmp_path: Path) -> None:
    need_x86()
    for tool in ("make", "as", "ld"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    for file in [*lab.SPEAK.glob("*.S"), lab.SPEAK / "Makefile"]:
        shutil.copy(file, tmp_path)
    subprocess.run(["make", "-C", tmp_path, "speak.bin", "word-2.bin", "word-3.bin"], check=True)
    for name in ("speak", "word-1", "word-2", "word-3"):
        assert (tmp_path / f"{name}.bin").read_bytes() == (lab.SPEAK / f"{name}.bin").read_bytes()


def test_a_comparison_needs_something_to_compare_with() -> None:
    assert lab._compared("a", "a") == "same"
    assert lab._compared("a", "b") == "changed"
    assert lab._compared("a", None) == "fails"
    with pytest.raises(CannotMeasure):
        lab._compared(None, "a")


@pytest.mark.system
def test_packed_files_keep_the_host_out() -> None:
    need(host.probe("namespaces"), host.probe("busybox"))
    need_x86()
    rows = lab.environments().set_index("condition")
    assert set(rows.loc["nothing"]) == {"same"}
    assert rows.loc["library removed", "bare"] == "fails"
    assert rows.loc["new version of the library", "bare"] == "changed"
    changes = rows.drop(index="another kernel (gVisor)", errors="ignore")
    assert set(changes["all_packed"]) == {"same"}
    assert rows.loc["another time zone", "files_packed"] == "changed"


# --- disks and rollouts ---------------------------------------------------------------------------


@pytest.mark.system
def test_a_conversion_keeps_content_and_loses_history() -> None:
    need(host.probe("qemu"), host.probe("qemu-img"))
    rows = lab.formats().set_index("condition")
    assert rows["same_content"].all()
    assert rows.loc["qcow2, the original", ["snapshots", "base"]].tolist() == [2, "yes"]
    others = rows.drop(index="qcow2, the original")
    assert set(others["snapshots"]) == {0}
    assert set(others["base"]) == {"no"}
    assert set(others["back_same"]) == {"True"}
    assert set(rows["boots"]) == {"hello from the disk"}
    assert rows.loc["vpc (VHD)", "disk_bytes"] > lab.DISK_BYTES


@pytest.mark.system
def test_going_back_moves_nothing() -> None:
    need(host.probe("namespaces"), host.probe("qemu"))
    rows = lab.rollout(rounds=1)
    said = rows.groupby("condition", sort=False)["says"].unique().map(list)
    assert said["container, upgrade"] == ["version 2 is broken"]
    assert said["container, back"] == said["VM (TCG), back"] == ["version 1"]
    moved = rows.groupby("condition")["moved_bytes"].first()
    assert moved["container, back"] == moved["VM (TCG), back"] == 0
    assert 0 < moved["container, upgrade"] < moved["VM (TCG), upgrade"] / 100
    assert (rows["end_ms"] >= rows["start_ms"]).all()


# --- recordings, figures, the chapter's own code --------------------------------------------------


def test_figures_say_what_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    measured = registry.run(lab.migrate)
    table = lab.predicted(measured)
    shown = figures.moves(measured, table)
    assert "writes 300 %" in shown.sentence
    assert list(shown.table["condition"]) == list(table["condition"])
    assert bool(table.set_index("condition").loc["writes 300 %", "model_forced"])
    phases = figures.phases(lab.rollout_phases(registry.run(lab.rollout)))
    ticks = figures.tick_rate(registry.run(lab.ticks), "one stops, one stumbles")
    assert "post-copy: " in ticks.sentence
    assert list(ticks.table["condition"]) == ["pre-copy", "post-copy"]
    for one in (shown, phases, ticks):
        assert one.png().startswith(b"\x89PNG")
        assert len(one.png()) <= figures.MOST_BYTES


def test_the_smallest_migration_of_the_chapter_copies_all() -> None:
    code = built_cell(lab.CHAPTER)
    names: dict[str, Any] = {"random": __import__("random")}
    exec(code, names)
    for load, working_set in ((0, 50), (1, 50), (3, 10)):
        sent, last, equal = names["migrate"](names["Machine"](50, 1), load, working_set, 3, 5)
        assert equal
        assert sent[0] == 50
        assert len(sent) <= 5
        assert last <= working_set
    broken = code.replace(
        "copy[page] = machine.memory[page]\n    return sent", "pass\n    return sent"
    )
    assert broken != code
    exec(broken, names)
    assert not names["migrate"](names["Machine"](50, 1), 1, 50, 3, 5)[2]


def test_a_table_of_the_model_stands_beside_what_was_measured() -> None:
    row = {"condition": "x", "dirty_rate": 0, "working_set": 0, "total_ms": 1.0, "rounds": 1}
    row |= {"downtime_ms": 1.0, "forced": False, "source": "live"}
    data = pd.DataFrame([row])
    table = lab.predicted(registry._measurement(lab.migrate, data, "live", "", {}))
    seconds = lab.PAGES / lab.PAGES_A_SECOND
    assert table["model_total_ms"].iloc[0] == pytest.approx(1000 * seconds, rel=0.01)
    assert not table["model_forced"].iloc[0]
