"""The small Arm processor: it reads real code, and interpreting and translating agree."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import virtlab.runtimes.launcher as launching
from virtlab.machines import arm64

CODE = (Path(launching.__file__).parent / "payloads" / "collatz-aarch64.bin").read_bytes()
REPEAT, END = 0x78, 0xB4


def steps(n: int) -> int:
    """The same in Python."""
    count = 0
    while n != 1:
        n = (3 * n + 1) % 2**64 if n % 2 else n // 2
        count += 1
    return count


def words() -> list[tuple[int, int]]:
    return [(int.from_bytes(CODE[at : at + 4], "little"), at) for at in range(REPEAT, END, 4)]


def test_decoding_says_what_the_assembly_says() -> None:
    assert [str(arm64.decode(word, at)) for word, at in words()] == [
        "mov x2, x0",
        "mov x0, xzr",
        "mov x3, x2",
        "cmp x3, #1",
        "b.eq #0xa8",
        "add x0, x0, #1",
        "tbnz w3, #0, #0x9c",
        "lsr x3, x3, #1",
        "b #0x84",
        "add x3, x3, x3, lsl #1",
        "add x3, x3, #1",
        "b #0x84",
        "subs x1, x1, #1",
        "b.ne #0x80",
        "ret",
    ]


def test_a_disassembler_of_others_reads_the_same() -> None:
    capstone = pytest.importorskip("capstone")
    engine = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    theirs = [
        f"{one.mnemonic} {one.op_str}".strip() for one in engine.disasm(CODE[REPEAT:END], REPEAT)
    ]
    assert [str(arm64.decode(word, at)) for word, at in words()] == theirs


@pytest.mark.parametrize("kind", [arm64.Interpreter, arm64.Translator])
@given(n=st.integers(1, 10**6), times=st.integers(1, 3), base=st.sampled_from([0, 0x400000]))
@settings(max_examples=25, deadline=None)
def test_it_computes_what_python_computes(
    kind: type[arm64.Interpreter], n: int, times: int, base: int
) -> None:
    assert kind(CODE, base).call(base + REPEAT, n, times) == steps(n) * times


def test_both_end_in_the_same_state() -> None:
    one, other = arm64.Interpreter(CODE), arm64.Translator(CODE)
    for processor in (one, other):
        processor.call(REPEAT, 27, 2)
    assert (one.x, one.z, one.pc, one.executed) == (other.x, other.z, other.pc, other.executed)
    assert one.x[arm64.ZERO] == 0


def test_the_zero_register_stays_zero() -> None:
    # cmp x0, #5; add xzr, x0, x0; mov x0, xzr; ret
    code = b"".join(
        word.to_bytes(4, "little") for word in (0xF100141F, 0x8B00001F, 0xAA1F03E0, 0xD65F03C0)
    )
    for kind in (arm64.Interpreter, arm64.Translator):
        processor = kind(code)
        assert processor.call(0, 5) == 0
        assert processor.z
        assert processor.x[31] == 0


def test_a_block_is_translated_once_and_found_again() -> None:
    processor = arm64.Translator(CODE)
    processor.call(REPEAT, 27, 1)
    first = processor.translations
    assert first == len(processor.blocks) < processor.lookups
    processor.call(REPEAT, 27, 5)
    assert processor.translations <= first + 1  # the way back to `each` is new
    assert processor.blocks[0x84].code[-1].name == "b.cond"


def changed(word: int) -> bytes:
    return word.to_bytes(4, "little")


def test_changed_code_needs_to_be_told() -> None:
    add_2 = changed(0x91000800)  # add x0, x0, #2 in place of add x0, x0, #1
    interpreter, translator = arm64.Interpreter(CODE), arm64.Translator(CODE)
    for processor in (interpreter, translator):
        assert processor.call(REPEAT, 27, 1) == 111
        processor.memory[0x8C:0x90] = add_2
    assert interpreter.call(REPEAT, 27, 1) == 222
    assert translator.call(REPEAT, 27, 1) == 111  # stale
    translator.forget(0x8C, 4)
    assert 0x8C not in translator.blocks
    assert 0xA8 in translator.blocks  # only what was written
    assert translator.call(REPEAT, 27, 1) == 222


@pytest.mark.parametrize(
    ("address", "size", "gone"), [(0x83, 1, False), (0x84, 1, True), (0x8B, 9, True)]
)
def test_forgetting_goes_by_overlap(address: int, size: int, gone: bool) -> None:
    processor = arm64.Translator(CODE)
    processor.call(REPEAT, 27, 1)
    assert 0x84 in processor.blocks
    processor.forget(address, size)
    assert (0x84 not in processor.blocks) == gone


@pytest.mark.parametrize(
    ("word", "complaint"),
    [
        (0xD10103FF, "none of the instructions"),  # sub sp, sp, #64
        (0x910103FF, "stack pointer"),  # add sp, sp, #64
        (0x54000008, "only eq and ne"),  # b.hi
        (0xD4000001, "none of the instructions"),  # svc #0
    ],
)
def test_what_it_does_not_know(word: int, complaint: str) -> None:
    with pytest.raises(arm64.ArmError, match=complaint):
        arm64.decode(word, 0)


def test_running_off_the_code_is_an_error() -> None:
    with pytest.raises(arm64.ArmError, match="no code there"):
        arm64.Interpreter(changed(0xAA1F03E0)).call(0)  # mov x0, xzr, and then nothing


def test_branches_go_backwards_too() -> None:
    assert arm64.decode(0x17FFFFFF, 0x100).target == 0xFC
    assert arm64.decode(0x54FFFFE1, 0x100).target == 0xFC
    high = arm64.decode(0xB7F7FFE3, 0x100)  # tbnz x3, #62, .-4
    assert (high.value, high.target) == (62, 0xFC)
