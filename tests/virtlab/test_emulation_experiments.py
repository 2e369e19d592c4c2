"""The experiments of chapter 08, and what they are made of."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import virtlab.runtimes.launcher as launching
from tests.virtlab.chapters import built_cell
from virtlab import figures, host, registry
from virtlab.experiments import c08_emulation as lab
from virtlab.experiments import emulators
from virtlab.machines import arm64
from virtlab.machines.chip8 import Chip8, Quirks, assemble, roms
from virtlab.registry import Experiment, Measurement
from virtlab.runtimes import RuntimeFailed
from virtlab.runtimes.launcher import payload

CHAPTER = Path(__file__).parents[2] / "notebooks" / "08-emulation.md"
PAYLOADS = Path(launching.__file__).parent / "payloads"


def need(*capabilities: host.Capability) -> None:
    for capability in capabilities:
        if not capability:
            pytest.skip(f"{capability.name}: {capability.why}")


def need_x86() -> None:
    if emulators.native_isa() != "x86-64":
        pytest.skip("this machine's processor is no x86-64")


# --- the bytes, read by a disassembler of others --------------------------------------------------


def disassembled(code: bytes, architecture: str, mode: str, at: int) -> list[str]:
    capstone = pytest.importorskip("capstone")
    engine = capstone.Cs(getattr(capstone, architecture), getattr(capstone, mode))
    return [f"{one.mnemonic} {one.op_str}".strip() for one in engine.disasm(code, at)]


def test_both_functions_stand_at_the_same_place() -> None:
    arm = disassembled(payload("collatz-aarch64")[0x78:0xB4], "CS_ARCH_ARM64", "CS_MODE_ARM", 0)
    assert (arm[0], arm[-1]) == ("mov x2, x0", "ret")
    intel = disassembled(payload("collatz-x86_64")[0x78:], "CS_ARCH_X86", "CS_MODE_64", 0)
    assert intel[0] == "xor eax, eax"
    assert "lea rdx, [rdx + rdx*2 + 1]" in intel[: intel.index("ret")]


def test_the_bare_guest_asks_for_its_processor_and_switches_off() -> None:
    code = disassembled(payload("bare-aarch64"), "CS_ARCH_ARM64", "CS_MODE_ARM", emulators.ENTRY)
    assert "mrs x0, midr_el1" in code
    assert "hvc #0" in code
    assert not [line for line in code if line.startswith("svc")]  # it has no system to ask


def test_the_dos_program_means_something_else_in_64_bits() -> None:
    code = payload("dos-collatz")
    real = disassembled(code, "CS_ARCH_X86", "CS_MODE_16", 0x100)
    assert real[:4] == ["push cs", "pop ds", "mov ah, 9", "mov dx, 0x14c"]
    assert "inc cx" in real
    assert "aam" in " ".join(real)
    assert disassembled(code, "CS_ARCH_X86", "CS_MODE_64", 0x100) == []  # its first byte is none


def test_the_chapter_shows_one_byte_read_in_two_ways() -> None:
    text = CHAPTER.read_text(encoding="utf-8")
    block = re.search(r"```text\n(bytes .*?)```", text, re.DOTALL)
    assert block
    for line in block[1].splitlines()[1:]:
        code, _, rest = line.partition("  ")
        real, wide = (part.strip() for part in re.split(r" {2,}", rest.strip()))
        raw = bytes.fromhex(code)
        for mode, told in (("CS_MODE_16", real), ("CS_MODE_64", wide)):
            read = disassembled(raw, "CS_ARCH_X86", mode, 0)
            assert (read[:1] or ["no instruction"]) == [told], (line, mode)


# --- who runs what --------------------------------------------------------------------------------


@pytest.mark.system
@pytest.mark.usefixtures("leaves_nothing")
def test_each_program_runs_on_its_own_kind_only() -> None:
    need(host.probe("unicorn"), host.probe("qemu-aarch64"))
    need_x86()
    works = lab.who_runs_what().set_index(["program", "executor"])["works"]
    assert {key for key, good in works.items() if good} == {
        ("x86-64", "the CPU"),
        ("x86-64", "the kernel"),
        ("x86-64", "qemu-x86_64"),
        ("x86-64", "Unicorn as x86-64"),
        ("Arm", "qemu-aarch64"),
        ("Arm", "Unicorn as Arm"),
        ("Arm", "our interpreter"),
    }
    assert len(works) == 14


@pytest.mark.system
def test_jumping_into_foreign_bytes_kills_a_process_of_its_own() -> None:
    need_x86()
    assert emulators.by_jumping(emulators.program("x86-64"), 0x78, 6, 1) == 8
    with pytest.raises(RuntimeFailed, match="killed by SIG"):
        emulators.by_jumping(emulators.program("Arm"), 0x78, 6, 1)
    with pytest.raises(RuntimeFailed, match="killed by SIGILL"):
        emulators.by_jumping(payload("dos-collatz"), 0)


@pytest.mark.system
def test_unicorn_is_content_with_little_memory() -> None:
    need(host.probe("unicorn"))
    program = (
        "import resource\n"
        "from virtlab.experiments.emulators import UnicornProcessor\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))\n"
        "kept = [UnicornProcessor(isa) for isa in ('Arm', 'x86-64') * 2]\n"
        "print([processor.repeat(2).total for processor in kept])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.stdout.strip(), run.stderr) == ("[222, 222, 222, 222]", "")


def test_a_missing_emulator_is_not_an_outcome() -> None:
    def way() -> int:
        raise RuntimeFailed("no qemu-mips here; apt-get install qemu-user")

    with pytest.raises(registry.CannotMeasure, match="no qemu-mips"):
        lab._outcome(way)


def test_how_a_process_ended() -> None:
    assert emulators.how_it_ended(3) == "it ended with status 3"
    assert emulators.how_it_ended(-4) == "killed by SIGILL"
    assert emulators.how_it_ended(-99) == "killed by signal 99"


# --- results per second ---------------------------------------------------------------------------


@pytest.mark.system
@pytest.mark.serial
def test_order_of_the_ways_to_execute() -> None:
    need(host.probe("unicorn"), host.probe("qemu-aarch64"), host.probe("qemu-system-aarch64"))
    need_x86()
    data = lab.results_per_second(rounds=4, seed=3)
    assert data.attrs["failed"] == {}
    assert set(data["condition"]) == set(lab.TIMES) == set(lab.HOW)
    assert set(data.groupby("condition").size()) == {4}
    median = data.groupby("condition")["results_per_s"].median()
    assert median["native"] > median["Unicorn, Arm"]
    assert median["QEMU user, Arm"] > 20 * median["our translator, Arm"]
    assert median["our translator, Arm"] > 3 * median["our interpreter, Arm"]
    assert median["native"] > 1000 * median["our interpreter, Arm"]


def test_a_wrong_sum_is_no_measurement() -> None:
    with pytest.raises(RuntimeFailed, match="the sum is 5; it should be 222"):
        lab._rate(lambda times: emulators.Run(5, 1.0), 2)


@pytest.mark.serial
def test_translating_pays_only_for_what_runs_again() -> None:
    data = lab.first_run(rounds=5, seed=2)
    median = data.groupby(["condition", "instructions"])["ms"].median().unstack(0)
    least, most = median.index.min(), median.index.max()
    assert median.loc[least, "interpreter"] < median.loc[least, "translator"]
    assert median.loc[most, "translator"] < median.loc[most, "interpreter"] / 3
    translations = data.groupby("instructions")["translations"].max()
    assert translations.max() < 12 < most


# --- a foreign machine ----------------------------------------------------------------------------


@pytest.mark.system
@pytest.mark.usefixtures("leaves_nothing")
def test_the_guest_finds_the_processor_that_it_was_given() -> None:
    need(host.probe("qemu-system-aarch64"))
    rows = lab.foreign_guest(times=3).set_index("condition")
    for cpu in lab.CPUS:
        row = rows.loc[f"{cpu} (TCG)"]
        assert row["processor"].lower() == f"arm {cpu}"
        assert (row["level"], row["result"]) == ("1", "111")
        assert 0 < row["first_reply_ms"] <= row["gone_ms"]
    if emulators.native_isa() == "x86-64":
        assert not rows.loc["host (KVM)", "works"]
        assert "kvm" in rows.loc["host (KVM)", "result"]


@pytest.mark.usefixtures("leaves_nothing")
def test_a_board_that_says_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulators, "PATIENCE_S", 0.2)
    with pytest.raises(RuntimeFailed, match=r"said nothing within 0\.2 s"):
        emulators._watched([sys.executable, "-S", "-c", "import time; time.sleep(60)"])


def test_processors_have_names() -> None:
    assert emulators.processor_name("410fd034") == "Arm Cortex-A53"
    assert emulators.processor_name("f0510") == "maker 0x0, part 0x51"


@pytest.mark.system
def test_the_kernel_starts_what_it_has_an_emulator_for() -> None:
    need(host.probe("user namespace"), host.probe("namespaces"), host.probe("qemu-aarch64"))
    try:
        rows = lab.foreign_program().set_index("condition")
    except registry.CannotMeasure as error:
        pytest.skip(str(error))
    assert rows.loc["qemu-aarch64 entered", "outcome"] == "111"
    # The table was the namespace's own: outside, nothing has changed.
    refused = rows.loc["no emulator entered", "outcome"].removeprefix("refused: ")
    with emulators.program_file("Arm") as path, pytest.raises(RuntimeFailed, match=refused):
        emulators.by_process(path, 1)


# --- legacy ---------------------------------------------------------------------------------------


@pytest.mark.system
def test_the_dos_program_runs_where_16_bits_are_understood() -> None:
    need(host.probe("unicorn"))
    run = emulators.dos_by_unicorn(payload("dos-collatz"))
    assert (run.text, run.calls) == ("steps from 27 to 1: 111", 5)


@pytest.mark.system
def test_the_dos_program_runs_in_a_real_mode_machine() -> None:
    need(host.probe("kvm"))
    need_x86()
    run = emulators.dos_by_kvm(payload("dos-collatz"))
    assert (run.text, run.calls) == ("steps from 27 to 1: 111", 5)


def test_our_dos_refuses_what_it_does_not_know() -> None:
    dos = emulators.Dos()
    assert dos.serve(2, ord("a"), b"")
    assert dos.serve(9, 0, b"bc$d")
    assert not dos.serve(0x4C, 0, b"")
    assert (bytes(dos.written), dos.calls) == (b"abc", 3)
    with pytest.raises(RuntimeFailed, match="0x3d"):
        dos.serve(0x3D, 0, b"")


@pytest.mark.system
def test_the_control_fails_and_the_emulators_do_not() -> None:
    need(host.probe("unicorn"))
    rows = lab.legacy().set_index("condition")
    assert not rows.loc["DOS program, as 64-bit code", "works"]
    assert rows.loc["DOS program, Unicorn", "works"]
    assert rows.loc["CHIP-8 program", "says"] == "111"


def test_the_chip8_program_counts_too() -> None:
    assert emulators.by_chip8().total == 111
    with pytest.raises(RuntimeFailed, match="did not stop within 50"):
        emulators.run_until_it_stops(Chip8(assemble(roms.COLLATZ)), 50)


def test_the_triangles_are_where_x_and_y_share_no_bit() -> None:
    machine = Chip8(assemble(roms.TRIANGLES))
    emulators.run_until_it_stops(machine)
    assert all(
        bool(pixel) == (x & y == 0)
        for y, row in enumerate(machine.screen)
        for x, pixel in enumerate(row)
    )


def test_each_quirk_changes_the_picture() -> None:
    data = lab.quirks()
    pictures = {name: "\n".join(rows["pixels"]) for name, rows in data.groupby("condition")}
    assert len(pictures) == len(set(pictures.values())) == 4
    assert pictures["as in 1977"].count("#") == 4 * 36 + 10  # the fifth is cut to four columns
    assert pictures["sprites wrap"].count("#") == 5 * 36
    assert pictures["shift in place"].count("#") == 8 * 4
    assert pictures["storing keeps I"].count("#") == 4 * 8 + 4


def test_the_count_does_not_depend_on_quirks() -> None:
    legacy = Quirks(False, False, False, True, True)
    machine = Chip8(assemble(roms.COLLATZ), legacy)
    for _ in range(5000):
        machine.step()
    assert machine.v[2] == 111 or machine.v[6] == 111


# --- recordings, figures, the chapter's own code --------------------------------------------------


def test_figures_say_what_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    rates = figures.results_per_second(
        registry.run(lab.results_per_second), {"native": 1e6, "nothing": 3.0}
    )
    assert list(rates.table["median"]) == sorted(rates.table["median"])
    assert "native" in rates.sentence
    pictures = figures.screens(registry.run(lab.quirks), "One program, four machines")
    assert list(pictures.table["screen"]) == list(lab.MACHINES)
    assert "as in 1977 154" in pictures.sentence
    for one in (rates, pictures):
        assert one.png().startswith(b"\x89PNG")
        assert len(one.png()) <= figures.MOST_BYTES


def test_an_empty_screen_is_a_screen() -> None:
    data = pd.DataFrame(
        [("dark", line, "." * 64, "live") for line in range(32)],
        columns=["condition", "line", "pixels", "source"],
    )
    shown = figures.screens(
        Measurement(data, "live", "", {}, Experiment("08-x", "y", pd.DataFrame)), "Dark"
    )
    assert shown.table["lit pixels"].tolist() == [0]


def test_the_smallest_emulator_of_the_chapter_works() -> None:
    code = built_cell(lab.CHAPTER)
    names: dict[str, object] = {"emulators": emulators}
    exec(code, names)
    assert names["call"](0x78, 27, 2) == 222  # type: ignore[operator]
    assert set(names["cache"]) <= set(range(0x78, 0xB4, 4))  # type: ignore[call-overload]


def test_the_programs_read_what_their_assembly_says() -> None:
    need_x86()
    with emulators.program_file("x86-64") as path:
        short = subprocess.run([path], input=struct.pack("<Q", 1), capture_output=True)
        assert (short.returncode, short.stdout) == (1, b"")
        assert emulators.by_process(path, 3).total == 333
    assert emulators.by_our_own(arm64.Interpreter(emulators.program("Arm")), 1, n=1).total == 0
