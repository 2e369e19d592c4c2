"""The stack machine. It checks everything as it runs; verified code never fails these checks."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import NamedTuple

from virtlab.machines.stackvm.bytecode import (
    BOOL,
    INT,
    LOCALS,
    STACK,
    BytecodeError,
    Instruction,
    fetch,
)

Value = int | bool


class CrashError(Exception):
    """The program broke the machine's rules: what a verifier exists to rule out beforehand."""


class TrapError(Exception):
    """The program failed by the rules, as a division by zero does: no verifier can rule it out."""


class Result(NamedTuple):
    """How a run ended.

    Attributes:
        output: what ``print`` wrote.
        halted: True after ``halt``, False if the fuel ran out.
        steps: instructions executed.
    """

    output: list[int]
    halted: bool
    steps: int


def run(code: bytes, fuel: int = 10_000) -> Result:
    """Run a program from offset 0.

    Args:
        code: bytecode.
        fuel: instructions at most.

    Raises:
        CrashError: on a broken rule, naming the offset.
        TrapError: on a division by zero.
    """
    frame = _Frame()
    pc = 0
    for step in range(fuel):
        try:
            instruction = fetch(code, pc)
            if instruction.name == "halt":
                return Result(frame.output, True, step + 1)
            pc = frame.execute(instruction)
        except (BytecodeError, _BrokenRule) as rule:
            raise CrashError(f"offset {pc}: {rule}") from None
        except ZeroDivisionError:
            raise TrapError(f"offset {pc}: division by zero") from None
    return Result(frame.output, False, fuel)


class _BrokenRule(Exception):
    pass


class _Frame:
    """The stack, the locals and the output of one run."""

    def __init__(self) -> None:
        self.stack: list[Value] = []
        self.locals: list[Value | None] = [None] * LOCALS
        self.output: list[int] = []

    def execute(self, instruction: Instruction) -> int:
        """Execute one instruction and return the offset to go on at."""
        name, operand = instruction.name, instruction.operand
        taken = self._pop(instruction.operation.takes)
        if name in _ARITHMETIC:
            self._push(_wrap(_ARITHMETIC[name](*taken)))
        elif name in _COMPARISON:
            self._push(_COMPARISON[name](*taken))
        elif name == "push":
            self._push(operand)
        elif name in ("true", "false"):
            self._push(name == "true")
        elif name == "not":
            self._push(not taken[0])
        elif name == "dup":
            self._push(taken[0])
            self._push(taken[0])
        elif name == "swap":
            self._push(taken[1])
            self._push(taken[0])
        elif name == "load":
            self._push(self._local(operand))
        elif name == "store":
            self._local(operand, may_be_unset=True)
            self.locals[operand] = taken[0]
        elif name == "print":
            self.output.append(taken[0])
        if name == "jump" or (name == "jump_unless" and not taken[0]):
            return operand
        return instruction.next

    def _pop(self, types: tuple[str, ...]) -> list[Value]:
        if len(self.stack) < len(types):
            raise _BrokenRule("the stack is empty")
        values = self.stack[len(self.stack) - len(types) :]
        for value, wanted in zip(values, types, strict=True):
            if wanted not in ("any", type_of(value)):
                raise _BrokenRule(f"needs {wanted}, the stack has {type_of(value)}")
        del self.stack[len(self.stack) - len(types) :]
        return values

    def _push(self, value: Value) -> None:
        if len(self.stack) == STACK:
            raise _BrokenRule(f"more than {STACK} values on the stack")
        self.stack.append(value)

    def _local(self, number: int, may_be_unset: bool = False) -> Value:
        if number >= LOCALS:
            raise _BrokenRule(f"there is no local {number}")
        value = self.locals[number]
        if value is None and not may_be_unset:
            raise _BrokenRule(f"local {number} is not set")
        return 0 if value is None else value


def type_of(value: Value) -> str:
    """Return the type of a value: a truth value is no integer here."""
    return BOOL if isinstance(value, bool) else INT


def _wrap(value: int) -> int:
    return (value + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000


def _divide(dividend: int, divisor: int) -> int:
    quotient = abs(dividend) // abs(divisor)
    return quotient if (dividend < 0) == (divisor < 0) else -quotient


_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": _divide,
}
_COMPARISON: dict[str, Callable[[int, int], bool]] = {"less": operator.lt, "equal": operator.eq}
