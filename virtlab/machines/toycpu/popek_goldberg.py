"""Popek and Goldberg's classification (1974), found by experiment on an instruction set.

Each instruction is executed from many small machine states. What it changes and what it depends on
puts it into classes; from these the theorems follow:

* theorem 1: a trap-and-emulate monitor exists if every sensitive instruction is privileged;
* theorem 3: a hybrid monitor, which interprets the guest's supervisor mode, exists if every *user*
  sensitive instruction is privileged.

The states tried are a finite sample, so "innocuous" means: never seen to be otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from virtlab.machines.toycpu.cpu import PSW, Machine
from virtlab.machines.toycpu.isa import Cause, Instruction, InUser, Isa, Mode, Operation, encode

_SIZE, _WINDOW = 96, 16
_BASES = (16, 48)  # the window lies above the trap frame, so that code cannot see it move
_PC = 3
_REGISTERS = ((0, 0, 0, 0, 0, 0, 0, 0), (5, 9, 1, 2, 3, 4, 6, 7))
_OPERANDS = tuple((a, b, imm) for a, b in ((0, 1), (1, 0)) for imm in (0, 7))


@dataclass(frozen=True)
class Classes:
    """What an instruction is.

    Attributes:
        privileged: traps in user mode and not in supervisor mode.
        control: changes mode, relocation, timer, console or the machine's power without a trap.
        location: its result depends on where in physical memory the program lies.
        mode: its result depends on the mode, or would if it did not trap in user mode.
        user_sensitive: control or location sensitive when executed in user mode.
    """

    privileged: bool
    control: bool
    location: bool
    mode: bool
    user_sensitive: bool

    @property
    def sensitive(self) -> bool:
        """True if a monitor must hear of it."""
        return self.control or self.location or self.mode


def classify(isa: Isa) -> dict[str, Classes]:
    """Classify every instruction of an instruction set by executing it."""
    return {operation.name: _classify(isa, operation) for operation in isa.operations}


def offenders(classes: Mapping[str, Classes]) -> list[str]:
    """Return the sensitive instructions that are not privileged, sorted (theorem 1)."""
    return sorted(name for name, c in classes.items() if c.sensitive and not c.privileged)


def hybrid_offenders(classes: Mapping[str, Classes]) -> list[str]:
    """Return the user-sensitive instructions that are not privileged, sorted (theorem 3)."""
    return sorted(name for name, c in classes.items() if c.user_sensitive and not c.privileged)


def _classify(isa: Isa, operation: Operation) -> Classes:
    outcomes = {case: _execute(isa, operation, *case) for case in _cases()}
    control = {case: _is_control(case, outcome) for case, outcome in outcomes.items()}
    location = {case: _differs(outcomes, case, _elsewhere(case)) for case in outcomes}
    in_user = [case for case in outcomes if case[0] is Mode.USER]
    in_supervisor = [case for case in outcomes if case[0] is Mode.SUPERVISOR]
    return Classes(
        privileged=all(outcomes[case]["trap"] is Cause.PRIVILEGED for case in in_user)
        and not any(outcomes[case]["trap"] is Cause.PRIVILEGED for case in in_supervisor),
        control=any(control.values()),
        location=any(location.values()),
        mode=_is_mode_sensitive(isa, operation),
        user_sensitive=any(control[case] or location[case] for case in in_user),
    )


def _is_mode_sensitive(isa: Isa, operation: Operation) -> bool:
    """Compare the modes; where user mode traps, on a like machine that executes instead."""
    if operation.in_user is InUser.TRAP:
        isa = isa.variant(isa.name, **{operation.name: InUser.EXECUTE})
        operation = isa.by_name[operation.name]
    outcomes = {case: _execute(isa, operation, *case) for case in _cases()}
    in_user = (case for case in outcomes if case[0] is Mode.USER)
    return any(_differs(outcomes, case, (Mode.SUPERVISOR, *case[1:])) for case in in_user)


_Case = tuple[Mode, int, tuple[int, ...], tuple[int, int, int]]


def _cases() -> Iterator[_Case]:
    yield from product(Mode, _BASES, _REGISTERS, _OPERANDS)


def _elsewhere(case: _Case) -> _Case:
    mode, base, registers, operands = case
    return mode, _BASES[1 - _BASES.index(base)], registers, operands


def _execute(isa: Isa, operation: Operation, *case: Any) -> dict[str, Any]:
    """Execute one instruction from one state; return what the program sees, and the rest."""
    mode, base, registers, (a, b, imm) = case
    machine = Machine(_SIZE, isa)
    machine.put([100 + i for i in range(_WINDOW)], at=base)
    machine.registers[:] = registers
    machine.psw = PSW(mode, _PC, base, _WINDOW)
    machine.type([42])
    fields = operation.fields
    instruction = Instruction(
        operation,
        a if "a" in fields else 0,
        b if "b" in fields else 0,
        imm if "i" in fields or "s" in fields else 0,
    )
    machine.store(_PC, encode(instruction))
    trap = machine.run(1)
    return {
        "trap": trap.cause if trap else None,
        "noticed": (
            machine.registers,
            machine.psw.pc,
            [machine.memory[base + i] for i in range(_WINDOW)],
        ),
        "relocation": (machine.psw.base, machine.psw.bound),
        "mode": machine.psw.mode,
        "devices": (machine.timer, machine.output, list(machine.input), machine.halted),
    }


def _is_control(case: _Case, outcome: dict[str, Any]) -> bool:
    """True if the instruction completed and changed what only the supervisor may change."""
    mode, base, *_ = case
    untouched: tuple[object, ...] = ((base, _WINDOW), mode, (0, [], [42], False))
    return outcome["trap"] is None and untouched != (
        outcome["relocation"],
        outcome["mode"],
        outcome["devices"],
    )


def _differs(outcomes: Mapping[_Case, dict[str, Any]], one: _Case, other: _Case) -> bool:
    """True if the instruction completes in both states and the program could tell them apart."""
    first, second = outcomes[one], outcomes[other]
    if first["trap"] or second["trap"]:
        return False
    return (first["noticed"], first["devices"]) != (second["noticed"], second["devices"])
