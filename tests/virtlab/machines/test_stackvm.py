import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab.machines.stackvm import (
    BytecodeError,
    CrashError,
    Result,
    TrapError,
    VerifyError,
    assemble,
    disassemble,
    run,
    verify,
)
from virtlab.machines.stackvm.bytecode import OPERATIONS

FACTORIAL = """
        push 5
        store 0
        push 1
        store 1
next:   load 0
        push 2
        less
        not
        jump_unless done
        load 1
        load 0
        mul
        store 1
        load 0
        push 1
        sub
        store 0
        jump next
done:   load 1
        print
        halt
"""


def program(choices: bytes) -> bytes:
    """Turn random bytes into a row of instructions with near operands, two bytes for each."""
    rows = []
    for kind, value in zip(choices[::2], choices[1::2], strict=True):
        opcode = sorted(OPERATIONS)[kind % len(OPERATIONS)]
        size = OPERATIONS[opcode].operand
        operand = value % {0: 1, 1: 4, 2: 30, 4: 5}[size]
        rows.append(bytes([opcode]) + operand.to_bytes(size) if size else bytes([opcode]))
    return b"".join(rows)


programs = st.binary(max_size=24).map(lambda choices: program(choices[: len(choices) // 2 * 2]))


def test_a_program_runs_and_verifies() -> None:
    code = assemble(FACTORIAL)
    assert verify(code) == 2
    result = run(code)
    assert (result.output, result.halted) == ([120], True)


@given(programs)
@settings(max_examples=300, deadline=None)
def test_verified_code_never_crashes(code: bytes) -> None:
    code = assemble("push 1\n push 2\n true") + code + assemble("halt")
    try:
        verify(code)
    except VerifyError:
        return
    try:
        run(code, fuel=300)
    except TrapError:
        return


@given(programs)
@settings(max_examples=60, deadline=None)
def test_disassembling_and_assembling_gives_the_same_bytes(code: bytes) -> None:
    assert assemble(disassemble(code)) == code


def test_code_without_branches_verifies_just_if_it_runs() -> None:
    """Where there is one way only, the verifier is not even too careful."""
    agreed = {True: 0, False: 0}
    names = ["push 1", "true", "pop", "dup", "swap", "add", "less", "not", "store 1", "load 1"]
    for first in names:
        for second in names:
            for third in names:
                code = assemble(f"{first}\n{second}\n{third}\nhalt")
                assert verifies(code) == runs(code)
                agreed[runs(code)] += 1
    assert min(agreed.values()) > 10


def verifies(code: bytes) -> bool:
    try:
        verify(code)
    except VerifyError:
        return False
    return True


def runs(code: bytes) -> bool:
    try:
        run(code)
    except CrashError:
        return False
    return True


@pytest.mark.parametrize(
    ("source", "problem", "crash"),
    [
        ("add\nhalt", "offset 0: 'add' takes 2, has nothing", "stack is empty"),
        ("push 1\ntrue\nadd\nhalt", "offset 6: 'add' needs int, has bool", "needs int"),
        ("load 3\nhalt", "offset 0: local 3 may not be set", "local 3 is not set"),
        ("push 1\nstore 8\nhalt", "offset 5: there is no local 8", "no local 8"),
        ("push 1\npop", "offset 5: goes on at 6", "offset 6 is outside"),
        ("jump 1\nhalt", "offset 0: goes on at 1, where no instruction begins", "no opcode"),
        ("true\n" * 17 + "halt", "offset 16: more than 16", "more than 16"),
        ("", "offset 0: goes on at 0", "outside"),
    ],
)
def test_what_the_verifier_refuses_crashes(source: str, problem: str, crash: str) -> None:
    with pytest.raises(VerifyError, match=problem):
        verify(assemble(source))
    with pytest.raises(CrashError, match=crash):
        run(assemble(source))


def test_two_ways_must_bring_the_same_stack() -> None:
    grows = "next: push 1\n jump next"
    with pytest.raises(VerifyError, match="reached with nothing and with int"):
        verify(assemble(grows))
    either = "true\n jump_unless other\n push 1\n jump meet\nother: true\nmeet: print\n halt"
    with pytest.raises(VerifyError, match="reached with int and with bool"):
        verify(assemble(either))
    assert run(assemble(either)).output == [1]  # the verifier is careful: this run goes well


def test_a_local_set_on_one_way_only_is_not_set_where_ways_meet() -> None:
    source = "true\n jump_unless skip\n push 1\n store 0\nskip: load 0\n print\n halt"
    with pytest.raises(VerifyError, match="local 0 may not be set"):
        verify(assemble(source))


def test_code_that_cannot_be_reached_is_not_executed_on_types() -> None:
    assert verify(assemble("halt\n add")) == 0
    with pytest.raises(VerifyError, match="no opcode"):
        verify(b"\x41\xff")


def test_division_is_towards_zero_and_by_zero_traps() -> None:
    source = "push {}\n push {}\n div\n print\n halt"
    quotients = [
        run(assemble(source.format(a, b))).output[0] for a, b in [(7, -2), (-7, 2), (7, 2)]
    ]
    assert quotients == [-3, -3, 3]
    code = assemble(source.format(1, 0))
    assert verify(code) == 2
    with pytest.raises(TrapError, match="offset 10: division by zero"):
        run(code)


def test_integers_wrap_at_32_bits() -> None:
    big = "push 2147483647\n push 1\n add\n print\n halt"
    assert run(assemble(big)).output == [-2147483648]


def test_fuel_bounds_a_loop() -> None:
    assert run(assemble("next: jump next"), fuel=7) == Result([], False, 7)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("halt\nfrob", "line 2: there is no instruction 'frob'"),
        ("push", "line 1: 'push' takes an operand"),
        ("halt 1", "line 1: 'halt' takes no operand"),
        ("jump x", "line 1: 'x' is neither number nor label"),
        ("load 256", "line 1: 256 does not fit"),
        ("a: halt\na: halt", "line 2: label 'a' is already defined"),
    ],
)
def test_a_wrong_line_is_named(source: str, complaint: str) -> None:
    with pytest.raises(BytecodeError, match=complaint):
        assemble(source)
