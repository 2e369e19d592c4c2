import pytest

from virtlab.machines.toycpu import CLEAN, PSW, Cause, Machine, Mode, assemble
from virtlab.machines.toycpu.isa import Isa, encode


def machine_with(program: str, isa: Isa = CLEAN) -> Machine:
    machine = Machine(64, isa)
    machine.put(assemble(program))
    return machine


def test_arithmetic_wraps_at_32_bits() -> None:
    machine = machine_with("li r1, 0\n addi r1, -1\n mov r2, r1\n add r1, r1\n shr r2, r1\n halt")
    machine.power_on()
    assert machine.registers[1] == 0xFFFF_FFFE
    assert machine.registers[2] == 3  # a shift counts modulo 32


def test_a_trap_saves_where_and_why_and_enters_the_supervisor() -> None:
    machine = machine_with("jmpu 9\n halt")
    machine.memory[6] = 20
    trap = machine.run(2)
    assert trap is not None
    assert trap.cause is Cause.PRIVILEGED
    machine.deliver(trap)
    assert [machine.memory[i] for i in range(5)] == [Mode.USER, 9, 0, 64, Cause.PRIVILEGED]
    assert machine.memory[5] == machine.memory[9]
    assert machine.psw == PSW(Mode.SUPERVISOR, 20, 0, 64)


@pytest.mark.parametrize(
    ("program", "cause", "pc"),
    [
        (".word 0", Cause.ILLEGAL, 8),
        ("ld r1, r0, 64", Cause.MEMORY, 8),
        ("st r1, r0, -1", Cause.MEMORY, 8),
        ("svc 3", Cause.SVC, 9),
        ("li r1, 1\n timer r1\n nop", Cause.TIMER, 10),
    ],
)
def test_a_fault_points_at_its_instruction_and_the_others_behind(
    program: str, cause: Cause, pc: int
) -> None:
    machine = machine_with(program)
    trap = machine.run(10)
    assert trap is not None
    assert trap.cause is cause
    assert machine.psw.pc == pc


def test_the_bound_and_the_end_of_memory_both_stop_an_address() -> None:
    machine = Machine(64)
    machine.psw = PSW(Mode.SUPERVISOR, 0, 60, 100)
    machine.put([encode(CLEAN.decode(assemble("ld r1, r0, 4")[0]))], at=60)
    trap = machine.run(1)
    assert trap is not None
    assert (trap.cause, trap.info) == (Cause.MEMORY, 4)


def test_fuel_bounds_a_machine_that_only_traps() -> None:
    machine = machine_with("svc 0")
    machine.memory[6] = 8
    machine.power_on(fuel=50)
    assert machine.retired == 0
    assert not machine.halted


def test_input_is_read_in_order_and_ends_with_all_ones() -> None:
    machine = machine_with("in r1\n in r2\n in r3\n halt")
    machine.type("ab")
    machine.power_on()
    assert machine.registers[1:4] == [97, 98, 0xFFFF_FFFF]


def test_a_program_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Machine(16).put([0] * 9)


def test_a_variant_names_its_instructions() -> None:
    with pytest.raises(ValueError, match="no instruction frob"):
        CLEAN.variant("x", frob=CLEAN.by_name["nop"].in_user)
