import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab.machines.chip8 import (
    AssemblyError,
    Chip8,
    Chip8Error,
    Quirks,
    assemble,
    decode,
    disassemble,
    roms,
)
from virtlab.machines.chip8.instructions import FORMS
from virtlab.machines.chip8.machine import DIGITS, FONT

OPCODES = st.integers(0, 0xFFFF)
LEGACY = Quirks(
    shift_uses_vy=False,
    logic_resets_vf=False,
    memory_moves_i=False,
    jump_uses_vx=True,
    sprites_wrap=True,
)


def after(source: str, steps: int, quirks: Quirks = Quirks()) -> Chip8:  # noqa: B008
    machine = Chip8(assemble(source), quirks)
    for _ in range(steps):
        machine.step()
    return machine


def test_disassembly_tells_code_from_data() -> None:
    rom = bytes.fromhex("00E0 D12F A2BC 3A07 5001 07")
    assert disassemble(rom).splitlines() == [
        "CLS",
        "DRW V1, V2, 15",
        "LD I, 0x2BC",
        "SE VA, 7",
        "DB 0x50, 0x01",
        "DB 0x07",
    ]


def test_decoding_tells_every_field() -> None:
    assert decode(0xD12F)[:5] == ("DRW Vx, Vy, n", 1, 2, 15, 0x2F)
    assert decode(0x8AB6).form == "SHR Vx, Vy"
    assert decode(0x2ABC).nnn == 0xABC
    assert decode(0x5001).form is None
    assert decode(0x0123).form is None  # calls into 1802 code: not on this machine
    with pytest.raises(ValueError, match="two bytes"):
        decode(0x10000)


def test_each_pattern_decodes_to_its_own_form_only() -> None:
    assert len(FORMS) == 34
    for pattern, form in FORMS.items():
        for digit in "0A":
            opcode = int("".join(digit if c in "xynk" else c for c in pattern), 16)
            assert decode(opcode).form == form


@given(st.binary(max_size=60))
@settings(max_examples=100, deadline=None)
def test_disassembling_and_assembling_gives_the_same_rom(rom: bytes) -> None:
    assert assemble(disassemble(rom)) == rom


@pytest.mark.parametrize(
    ("x", "y", "operation", "result", "flag"),
    [
        (200, 100, "ADD", 44, 1),
        (100, 100, "ADD", 200, 0),
        (5, 3, "SUB", 2, 1),
        (5, 5, "SUB", 0, 1),
        (3, 5, "SUB", 254, 0),
        (3, 5, "SUBN", 2, 1),
        (5, 3, "SUBN", 254, 0),
        (5, 5, "SUBN", 0, 1),
        (9, 5, "SHR", 2, 1),
        (9, 0x81, "SHL", 2, 1),
        (6, 3, "OR", 7, 0),
        (6, 3, "AND", 2, 0),
        (6, 3, "XOR", 5, 0),
    ],
)
def test_arithmetic_and_its_flag(x: int, y: int, operation: str, result: int, flag: int) -> None:
    machine = after(f"LD VF, 7\n LD V1, {x}\n LD V2, {y}\n {operation} V1, V2", 4)
    assert (machine.v[1], machine.v[0xF]) == (result, flag)


def test_the_flag_wins_where_vf_is_the_destination() -> None:
    assert after("LD VF, 200\n LD V1, 100\n ADD VF, V1", 3).v[0xF] == 1
    assert after("LD VF, 9\n LD V1, 8\n SHR VF, V1", 3).v[0xF] == 0


def test_each_quirk_has_its_effect() -> None:
    source = "LD VF, 7\n LD V1, 9\n LD V2, 4\n SHR V1, V2\n OR V1, V1"
    assert (after(source, 4).v[1], after(source, 4, LEGACY).v[1]) == (2, 4)
    assert (after(source, 5).v[0xF], after(source, 5, LEGACY).v[0xF]) == (0, 1)
    store = "LD I, 0x300\n LD [I], V2"
    assert (after(store, 2).i, after(store, 2, LEGACY).i) == (0x303, 0x300)
    jump = "LD V0, 2\n LD V3, 6\n JP V0, 0x300"
    assert (after(jump, 3).pc, after(jump, 3, LEGACY).pc) == (0x302, 0x306)
    edge = "LD V0, 62\n LD V1, 31\n LD F, V2\n DRW V0, V1, 5"
    assert sum(map(sum, after(edge, 4).screen)) == 2
    assert sum(map(sum, after(edge, 4, LEGACY).screen)) == 14


def test_jumps_calls_and_skips() -> None:
    assert after("CALL sub\n LD V1, 1\n sub: LD V2, 2\n RET", 4).v[1:3] == [1, 2]
    for skip, taken in [("SE V0, 0", 0), ("SNE V0, 0", 1), ("SE V0, V1", 0), ("SNE V0, V1", 1)]:
        assert after(f"{skip}\n LD V2, 1\n LD V3, 1", 2).v[2] == taken


def test_memory_and_decimal_digits() -> None:
    machine = after("LD V0, 7\n LD V1, 8\n LD I, 0x300\n LD [I], V1\n LD V0, 255\n LD B, V0", 6)
    assert machine.memory[0x300:0x305] == bytes([7, 8, 2, 5, 5])
    again = after("LD I, data\n LD V2, [I]\n ADD I, V0\n data: DB 1, 2, 3", 3)
    assert again.v[:4] == [1, 2, 3, 0]
    assert again.i == 0x206 + 3 + 1


def test_keys_and_timers() -> None:
    machine = after("LD V1, K\n SKP V1\n LD V2, 1\n SKNP V1\n LD V3, 1", 0)
    machine.step()
    assert (machine.pc, machine.executed) == (0x200, 0)
    machine.keys = {9, 4}
    for _ in range(4):
        machine.step()
    assert machine.v[1:4] == [4, 0, 1]
    timed = after("LD V0, 3\n LD DT, V0\n LD ST, V0\n LD V1, DT", 4)
    assert timed.v[1] == timed.sound == 3
    for _ in range(5):
        timed.tick()
    assert timed.delay == timed.sound == 0


def test_drawing_twice_erases_and_reports_the_collision() -> None:
    machine = after("LD F, V0\n DRW V1, V2, 5\n DRW V1, V2, 5", 2)
    assert machine.v[0xF] == 0
    assert machine.text.splitlines()[0] == "████" + "·" * 60
    machine.step()
    assert machine.v[0xF] == 1
    assert "█" not in machine.text
    assert after("LD V0, 70\n LD V1, 40\n LD F, V2\n DRW V0, V1, 1", 4).screen[8][6:10] == [1] * 4


def test_the_font_has_sixteen_digits() -> None:
    assert len(DIGITS) == 80
    assert after("LD V0, 10\n LD F, V0", 2).i == FONT + 50


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("RET", "at 0x200: RET without a CALL"),
        ("again: CALL again", "at 0x200: more than 16 calls deep"),
        ("DB 0x50, 0x01", "at 0x200: 0x5001 is not an instruction"),
        ("LD I, 0xFFF\n LD V1, [I]", "at 0x202: 2 bytes at 0xfff are not all in memory"),
        ("JP 0xFFF", "at 0xfff: 2 bytes"),
    ],
)
def test_what_the_machine_cannot_do(source: str, complaint: str) -> None:
    with pytest.raises(Chip8Error, match=complaint):
        after(source, 20)
    with pytest.raises(Chip8Error, match="3584 fit"):
        Chip8(bytes(3585))


@given(st.binary(max_size=200), st.integers(0, 9))
@settings(max_examples=80, deadline=None)
def test_any_program_runs_or_fails_with_the_machines_own_error(rom: bytes, seed: int) -> None:
    machine = Chip8(rom, seed=seed)
    with contextlib.suppress(Chip8Error):
        machine.run(20)
    assert all(0 <= value <= 0xFF for value in machine.v)
    assert len(machine.memory) == 4096
    assert all(pixel in (0, 1) for row in machine.screen for pixel in row)


def test_randomness_is_seeded() -> None:
    source = "\n".join(f"RND V{i}, 255" for i in range(8))
    assert after(source, 8).v == after(source, 8).v
    assert len(set(after(source, 8).v)) > 4


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("CLS\n LD V0, 256", "line 2: 256 is not from 0 to 255"),
        ("JP nowhere", "line 1: 'nowhere' is neither a number nor a label"),
        ("FROB V1", "line 1: there is no instruction 'FROB V1'"),
        ("a: CLS\na: CLS", "line 2: label 'a' is already defined"),
        ("LD V0, I", "line 1: there is no instruction 'LD V0, I'"),
    ],
)
def test_a_wrong_line_is_named(source: str, complaint: str) -> None:
    with pytest.raises(AssemblyError, match=complaint):
        assemble(source)


def test_data_may_be_odd_and_code_is_even() -> None:
    assert assemble("DB 1\n CLS\n DB 2") == bytes([1, 0, 0x00, 0xE0, 2])


def test_the_courses_roms() -> None:
    sign = Chip8(assemble(roms.VM_SIGN))
    sign.run(5)
    assert sum(map(sum, sign.screen)) == 36
    down = Chip8(assemble(roms.COUNTDOWN))
    down.run(340)
    assert down.v[0] == 0
    assert down.screen[13][30:34] == [1, 1, 1, 1]
    ball = Chip8(assemble(roms.BALL))
    places = set()
    for _ in range(600):
        ball.run(1)
        places.add((ball.v[0], ball.v[1]))
    assert {x for x, _ in places} == set(range(64))
    assert {y for _, y in places} == set(range(32))
    echo = Chip8(assemble(roms.ECHO))
    echo.keys = {7}
    echo.run(3)
    assert echo.v[0] == 7
    total = Chip8(assemble(roms.SUM))
    for _ in range(83):
        total.step()
    assert (total.v[0], total.v[2]) == (210, 1)
