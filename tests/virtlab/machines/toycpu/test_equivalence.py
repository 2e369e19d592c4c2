"""The same guest on every substrate ends in the same state: Popek and Goldberg's equivalence."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab.machines.toycpu import (
    CLEAN,
    CompiledMachine,
    Isa,
    Machine,
    ParavirtualMachine,
    TranslatedMachine,
    VirtualMachine,
    assemble,
    classify,
    guests,
    take_turns,
)
from virtlab.machines.toycpu.isa import REGISTERS, VARIANTS, Instruction, encode
from virtlab.machines.toycpu.popek_goldberg import hybrid_offenders

FUEL = 200
SIZE = 64


def _word(kind: int, registers: int, imm: int) -> int:
    """Turn three random bytes into a word: mostly a legal instruction with a near operand."""
    if kind >= 224:
        return imm  # data, or an illegal instruction
    operation = CLEAN.operations[kind % len(CLEAN.operations)]
    fields = operation.fields
    return encode(
        Instruction(
            operation,
            registers % REGISTERS if "a" in fields else 0,
            registers // REGISTERS % REGISTERS if "b" in fields else 0,
            imm % SIZE - (4 if "s" in fields else 0) if {"i", "s"} & set(fields) else 0,
        )
    )


@dataclass
class Start:
    """How a machine begins: its memory, registers and input."""

    memory: list[int]
    registers: list[int]
    input: list[int]

    def put_into(self, machine: Machine) -> None:
        machine.put(self.memory, at=0)
        machine.registers[:] = self.registers
        machine.type(self.input)


def _start(memory: bytes, registers: list[int], typed: list[int]) -> Start:
    return Start([_word(*memory[i : i + 3]) for i in range(0, 3 * SIZE, 3)], registers, typed)


words = st.integers(0, 2**32 - 1)
starts = st.builds(
    _start,
    st.binary(min_size=3 * SIZE, max_size=3 * SIZE),
    st.lists(st.one_of(st.integers(0, SIZE), words), min_size=8, max_size=8),
    st.lists(words, max_size=2),
)


Make = Callable[[Isa, int], Machine]
HANDLER = "li r1, on\n st r1, r0, 6\n"
PRINT_CAUSE = "on: ld r1, r0, 4\n out r1\n halt"


def bare(isa: Isa, size: int) -> Machine:
    return Machine(size, isa)


def virtual(isa: Isa, size: int) -> Machine:
    return VirtualMachine(Machine(size + 300, isa), 200, size)


def nested(isa: Isa, size: int) -> Machine:
    return VirtualMachine(VirtualMachine(Machine(size + 300, isa), 100, size + 100), 50, size)


def translated(isa: Isa, size: int) -> Machine:
    return TranslatedMachine(Machine(size + 300, isa), 200, size)


def translated_throughout(isa: Isa, size: int) -> Machine:
    return TranslatedMachine(Machine(size + 300, isa), 200, size, direct_user=False)


def translated_in_a_virtual_machine(isa: Isa, size: int) -> Machine:
    return TranslatedMachine(VirtualMachine(Machine(size + 300, isa), 100, size + 100), 50, size)


def paravirtual(isa: Isa, size: int) -> Machine:
    return ParavirtualMachine(Machine(size + 300, isa), 200, size)


def compiled(isa: Isa, size: int) -> Machine:
    return CompiledMachine(size, isa, threshold=2)


SUBSTRATES: list[Make] = [
    compiled,
    virtual,
    nested,
    translated,
    translated_throughout,
    translated_in_a_virtual_machine,
]


def final_state(make: Make, isa: Isa, start: Start) -> dict[str, object]:
    machine = make(isa, SIZE)
    start.put_into(machine)
    machine.power_on(FUEL)
    return machine.state()


@pytest.mark.parametrize("make", SUBSTRATES)
@given(start=starts)
@settings(max_examples=60, deadline=None)
def test_any_program_does_the_same_on_a_clean_machine(make: Make, start: Start) -> None:
    assert final_state(make, CLEAN, start) == final_state(bare, CLEAN, start)


@pytest.mark.parametrize("isa", VARIANTS, ids=lambda isa: isa.name)
@given(start=starts)
@settings(max_examples=40, deadline=None)
def test_translating_everything_works_on_any_instruction_set(isa: Isa, start: Start) -> None:
    assert final_state(translated_throughout, isa, start) == final_state(bare, isa, start)


@pytest.mark.parametrize(
    "isa", [i for i in VARIANTS if not hybrid_offenders(classify(i))], ids=lambda isa: isa.name
)
@given(start=starts)
@settings(max_examples=40, deadline=None)
def test_direct_user_mode_works_where_theorem_3_says_so(isa: Isa, start: Start) -> None:
    assert final_state(translated, isa, start) == final_state(bare, isa, start)


@given(start=starts)
@settings(max_examples=60, deadline=None)
def test_a_guest_changes_nothing_outside_its_memory(start: Start) -> None:
    host = Machine(SIZE + 100)
    host.put(range(1000, 1000 + SIZE + 100), at=0)
    guest = VirtualMachine(host, 40, SIZE)
    start.put_into(guest)
    guest.power_on(FUEL)
    outside = [a for a in range(SIZE + 100) if not 40 <= a < 40 + SIZE]
    assert [host.memory[a] for a in outside] == [1000 + a for a in outside]
    assert not host.output
    assert not host.halted


@pytest.mark.parametrize("make", SUBSTRATES)
@pytest.mark.parametrize("program", ["HELLO", "COUNT_PRIMES", "WHO_AM_I", "MINI_OS"])
def test_the_courses_guests_do_the_same_everywhere(make: Make, program: str) -> None:
    states = []
    for substrate in (bare, make):
        machine = substrate(CLEAN, 256)
        machine.put(assemble(getattr(guests, program)))
        machine.power_on()
        states.append(machine.state())
    assert states[0] == states[1]
    assert states[0]["halted"]


def test_what_the_courses_guests_print() -> None:
    printed = {}
    for name in ("HELLO", "COUNT_PRIMES", "WHO_AM_I", "MINI_OS"):
        machine = bare(CLEAN, 256)
        machine.put(assemble(getattr(guests, name)))
        machine.power_on()
        printed[name] = machine.output
    assert bytes(printed["HELLO"]) == b"hello\n"
    assert printed["COUNT_PRIMES"] == [25]
    assert printed["WHO_AM_I"] == [0, 0]
    assert bytes(printed["MINI_OS"]) == b"ababab"


def run(machine: Machine, program: str) -> Machine:
    machine.put(assemble(program))
    machine.power_on(fuel=2000)
    return machine


@pytest.mark.parametrize(
    ("isa", "program", "right"),
    [
        ("reads mode", "getm r1\n out r1\n halt", [0]),
        ("reads base", "getr r1\n out r1\n halt", [0]),
        # The supervisor sets the timer and loops; the handler prints the cause, 6.
        (
            "ignores timer",
            HANDLER + "li r1, 9\n timer r1\nloop: jmp loop\n" + PRINT_CAUSE,
            [6],
        ),
        # In user mode, out traps (cause 2); the monitor never saw the mode change and emulates it.
        (
            "drops mode",
            HANDLER + "jmpu user\nuser: out r0\n halt\n" + PRINT_CAUSE,
            [2],
        ),
    ],
)
def test_each_flaw_breaks_trap_and_emulate_and_not_translation(
    isa: str, program: str, right: list[int]
) -> None:
    flawed = next(variant for variant in VARIANTS if variant.name == isa)
    assert run(bare(flawed, 64), program).output == right
    assert run(virtual(flawed, 64), program).output != right
    assert run(translated(flawed, 64), program).output == right


def test_direct_user_mode_fails_where_theorem_3_says_so() -> None:
    program = "jmpu user\nuser: getr r1\n svc 0"
    flawed = next(variant for variant in VARIANTS if variant.name == "reads base")
    read = [
        run(make(flawed, 64), program).registers[1]
        for make in (bare, translated, translated_throughout)
    ]
    assert read == [0, 200, 0]


def test_sensitive_instructions_exit_and_innocuous_ones_do_not() -> None:
    assert virtual_exits(guests.HELLO) == {"out": 6, "halt": 1}
    assert virtual_exits("li r1, 9\nnext: addi r1, -1\n bne r1, r0, next\n halt") == {"halt": 1}


def virtual_exits(program: str) -> dict[str, int]:
    machine = VirtualMachine(Machine(600), 200, 256)
    run(machine, program)
    return dict(machine.exits)


def test_a_hypercall_replaces_one_exit_for_each_character() -> None:
    machine = ParavirtualMachine(Machine(600), 200, 256)
    run(machine, guests.HELLO_PARAVIRTUAL)
    assert machine.text == "hello\n"
    assert machine.exits == {"VMCALL": 1, "halt": 1}


def test_a_translated_guest_exits_for_no_sensitive_instruction() -> None:
    machine = TranslatedMachine(Machine(600), 200, 256)
    run(machine, guests.HELLO)
    assert not machine.exits
    assert machine.callouts == {"out": 6, "halt": 1}
    assert machine.translations < machine.lookups


def test_a_paravirtual_guest_finds_no_hypervisor_on_the_bare_machine() -> None:
    program = HANDLER + "vmcall 0\n out r0\n halt\n" + PRINT_CAUSE
    assert run(bare(CLEAN, 64), program).output == [5]
    assert run(paravirtual(CLEAN, 64), program).output == [0x564C4142]


@pytest.mark.parametrize(
    ("start", "count"), [(60, 5), (64, 1), (0, 65), (2**32 - 1, 1), (0, 2**32 - 1)]
)
def test_the_monitor_trusts_no_address_of_a_hypercall(start: int, count: int) -> None:
    machine = paravirtual(CLEAN, 64)
    machine.registers[1], machine.registers[2] = start, count
    machine.put(assemble("vmcall 2\n halt"))
    machine.power_on()
    assert machine.registers[0] == 2**32 - 1
    assert machine.output == []


def test_a_hypercall_from_user_mode_goes_to_the_guest() -> None:
    program = HANDLER + "jmpu user\nuser: vmcall 1\n" + PRINT_CAUSE
    assert run(paravirtual(CLEAN, 64), program).output == [5]


def test_code_that_changes_itself_is_translated_again() -> None:
    # The store replaces the very next instruction, in the same block.
    program = "ld r1, r0, patch\n st r1, r0, here\nhere: nop\n out r2\n halt\npatch: li r2, 7"
    assert run(translated(CLEAN, 64), program).output == [7]


def test_two_guests_take_turns_on_one_host() -> None:
    host = Machine(700)
    machines = [VirtualMachine(host, 100, 256), VirtualMachine(host, 400, 256)]
    machines[0].put(assemble(guests.HELLO))
    machines[1].put(assemble(guests.COUNT_PRIMES))
    assert take_turns(machines, quantum=10) > 3
    assert machines[0].text == "hello\n"
    assert machines[1].output == [25]


def test_a_guest_that_loops_does_not_keep_the_others_from_running() -> None:
    host = Machine(700)
    greedy, modest = VirtualMachine(host, 100, 256), VirtualMachine(host, 400, 256)
    greedy.put(assemble("loop: jmp loop"))
    modest.put(assemble(guests.HELLO))
    take_turns([greedy, modest], quantum=10, rounds=20)
    assert modest.halted
    assert not greedy.halted
