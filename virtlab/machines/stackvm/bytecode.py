"""The bytecode of the stack machine: what instructions there are, and how they are written.

An instruction is one byte of opcode and, for some, one operand, most significant byte first. A
program is a byte string; a jump names the offset of the byte to go on at. Values are integers of
32 bits, signed, and truth values; the two are different types.
"""

from __future__ import annotations

import re
from typing import NamedTuple

INT, BOOL = "int", "bool"
STACK, LOCALS = 16, 8  # the machine's limits


class BytecodeError(ValueError):
    """Text that cannot be assembled, or bytes that are no instruction."""


class Operation(NamedTuple):
    """One kind of instruction.

    Attributes:
        name: its mnemonic.
        operand: bytes of its operand: 0, 1 (a local), 2 (an offset) or 4 (an integer).
        takes: types it pops, the top of the stack last; "any" takes either.
        gives: types it pushes, the top last. Unused by those that depend on the stack or a local.
    """

    name: str
    operand: int
    takes: tuple[str, ...]
    gives: tuple[str, ...]


OPERATIONS = {
    0x01: Operation("push", 4, (), (INT,)),
    0x02: Operation("true", 0, (), (BOOL,)),
    0x03: Operation("false", 0, (), (BOOL,)),
    0x04: Operation("pop", 0, ("any",), ()),
    0x05: Operation("dup", 0, ("any",), ()),
    0x06: Operation("swap", 0, ("any", "any"), ()),
    0x10: Operation("add", 0, (INT, INT), (INT,)),
    0x11: Operation("sub", 0, (INT, INT), (INT,)),
    0x12: Operation("mul", 0, (INT, INT), (INT,)),
    0x13: Operation("div", 0, (INT, INT), (INT,)),  # towards zero
    0x14: Operation("less", 0, (INT, INT), (BOOL,)),
    0x15: Operation("equal", 0, (INT, INT), (BOOL,)),
    0x16: Operation("not", 0, (BOOL,), (BOOL,)),
    0x20: Operation("jump", 2, (), ()),
    0x21: Operation("jump_unless", 2, (BOOL,), ()),
    0x30: Operation("load", 1, (), ()),
    0x31: Operation("store", 1, ("any",), ()),
    0x40: Operation("print", 0, (INT,), ()),
    0x41: Operation("halt", 0, (), ()),
}
_OPCODES = {operation.name: opcode for opcode, operation in OPERATIONS.items()}


class Instruction(NamedTuple):
    """One instruction at its place; ``next`` is the offset behind it."""

    operation: Operation
    operand: int
    next: int

    @property
    def name(self) -> str:
        """The mnemonic."""
        return self.operation.name


def fetch(code: bytes, pc: int) -> Instruction:
    """Return the instruction at an offset.

    Raises:
        BytecodeError: if there is none: unknown opcode, cut short, or outside the program.
    """
    if not 0 <= pc < len(code):
        raise BytecodeError(f"offset {pc} is outside the program")
    operation = OPERATIONS.get(code[pc])
    if operation is None:
        raise BytecodeError(f"offset {pc}: {code[pc]:#04x} is no opcode")
    end = pc + 1 + operation.operand
    if end > len(code):
        raise BytecodeError(f"offset {pc}: '{operation.name}' is cut short")
    operand = int.from_bytes(code[pc + 1 : end], signed=operation.operand == 4)
    return Instruction(operation, operand, end)


def instructions(code: bytes) -> dict[int, Instruction]:
    """Return every instruction by its offset, read from the first byte on.

    Raises:
        BytecodeError: if the bytes are not a row of instructions.
    """
    found: dict[int, Instruction] = {}
    pc = 0
    while pc < len(code):
        found[pc] = fetch(code, pc)
        pc = found[pc].next
    return found


def assemble(source: str) -> bytes:
    """Translate text to bytecode.

    A line is ``label: mnemonic operand ; comment``, each part optional. Operands are numbers or,
    for jumps, labels.

    Raises:
        BytecodeError: naming the line.
    """
    labels: dict[str, int] = {}
    parsed: list[tuple[int, Operation, str]] = []
    at = 0
    for number, line in enumerate(source.splitlines(), start=1):
        text = line.partition(";")[0]
        while match := re.match(r"\s*([A-Za-z_]\w*)\s*:", text):
            if match[1] in labels:
                raise BytecodeError(f"line {number}: label '{match[1]}' is already defined")
            labels[match[1]] = at
            text = text[match.end() :]
        if not text.strip():
            continue
        name, _, operand = text.strip().partition(" ")
        if name not in _OPCODES:
            raise BytecodeError(f"line {number}: there is no instruction '{name}'")
        operation = OPERATIONS[_OPCODES[name]]
        if bool(operand.strip()) != bool(operation.operand):
            wanted = "an operand" if operation.operand else "no operand"
            raise BytecodeError(f"line {number}: '{name}' takes {wanted}")
        parsed.append((number, operation, operand.strip()))
        at += 1 + operation.operand
    return b"".join(_encode(number, op, operand, labels) for number, op, operand in parsed)


def disassemble(code: bytes) -> str:
    """Translate bytecode to text, one instruction a line, which assembles to the same bytes.

    Raises:
        BytecodeError: if the bytes are not a row of instructions.
    """
    rows = instructions(code).values()
    return "\n".join(f"{i.name} {i.operand}" if i.operation.operand else i.name for i in rows)


def _encode(line: int, operation: Operation, operand: str, labels: dict[str, int]) -> bytes:
    opcode = bytes([_OPCODES[operation.name]])
    if not operation.operand:
        return opcode
    try:
        value = labels[operand] if operand in labels else int(operand, 0)
        return opcode + value.to_bytes(operation.operand, signed=operation.operand == 4)
    except ValueError:
        raise BytecodeError(f"line {line}: '{operand}' is neither number nor label") from None
    except OverflowError:
        raise BytecodeError(f"line {line}: {operand} does not fit into the operand") from None
