"""The instruction set of the toy CPU: what each instruction is called, means and needs.

An instruction is one 32-bit word: opcode (8 bits), register a (4), register b (4), immediate (16).
There are eight registers, r0 to r7. A field that an instruction does not use must be zero. Every
other word, zero among them, is illegal: a program that runs into empty memory traps at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from virtlab.machines.toycpu.cpu import Machine

WORD_MASK = 0xFFFF_FFFF
REGISTERS = 8


class Mode(IntEnum):
    """The mode bit."""

    SUPERVISOR = 0
    USER = 1


class Cause(IntEnum):
    """Why the hardware trapped. The number is what the trap frame in memory holds."""

    ILLEGAL = 1  # no such instruction; info is the word
    PRIVILEGED = 2  # a privileged instruction in user mode; info is the word
    MEMORY = 3  # an address at or beyond the bound; info is the virtual address
    SVC = 4  # the program asks its operating system; info is the immediate
    VMCALL = 5  # the operating system asks its hypervisor; info is the immediate
    TIMER = 6  # the timer ran out; info is 0


class Trap(Exception):
    """Raised by an instruction that could not complete here, or that asks for attention."""

    def __init__(self, cause: Cause, info: int = 0) -> None:
        super().__init__(f"{cause.name.lower()} ({info:#x})")
        self.cause = cause
        self.info = info

    @property
    def is_fault(self) -> bool:
        """True where the instruction did not happen, so that the saved pc points at it."""
        return self.cause in (Cause.ILLEGAL, Cause.PRIVILEGED, Cause.MEMORY)


class InUser(Enum):
    """What the hardware does with an instruction in user mode."""

    EXECUTE = "execute"
    TRAP = "trap"
    IGNORE = "ignore"


@dataclass(frozen=True)
class Operation:
    """One kind of instruction: its name, the fields it uses, its meaning, its rule in user mode."""

    opcode: int
    name: str
    fields: str  # of the letters a, b (registers), i (unsigned immediate), s (signed immediate)
    meaning: Callable[[Machine, Instruction], None]
    in_user: InUser = InUser.EXECUTE


class Instruction(NamedTuple):
    """One decoded instruction. ``imm`` is already signed where the operation says so."""

    operation: Operation
    a: int = 0
    b: int = 0
    imm: int = 0

    @property
    def name(self) -> str:
        """The operation's mnemonic."""
        return self.operation.name

    def __str__(self) -> str:
        """Return the instruction as assembly text."""
        values = {"a": f"r{self.a}", "b": f"r{self.b}", "i": str(self.imm), "s": str(self.imm)}
        operands = ", ".join(values[field] for field in self.operation.fields)
        return f"{self.name} {operands}".strip()


class Isa:
    """A set of operations. Variants differ only in what user mode does with an instruction."""

    def __init__(self, name: str, operations: tuple[Operation, ...]) -> None:
        self.name = name
        self.operations = operations
        self.by_name = {operation.name: operation for operation in operations}
        self._by_opcode = {operation.opcode: operation for operation in operations}
        self._decoded: dict[int, Instruction] = {}

    def variant(self, name: str, **in_user: InUser) -> Isa:
        """Return this instruction set with another rule in user mode for the named operations."""
        unknown = in_user.keys() - self.by_name.keys()
        if unknown:
            raise ValueError(f"{self.name} has no instruction {', '.join(sorted(unknown))}")
        return Isa(
            name,
            tuple(replace(o, in_user=in_user.get(o.name, o.in_user)) for o in self.operations),
        )

    def decode(self, word: int) -> Instruction:
        """Return the instruction that a word stands for; raise an ILLEGAL trap if none."""
        known = self._decoded.get(word)
        if known is None:
            known = self._decoded[word] = self._decode(word)
        return known

    def _decode(self, word: int) -> Instruction:
        operation = self._by_opcode.get(word >> 24)
        if operation is None:
            raise Trap(Cause.ILLEGAL, word)
        imm = word & 0xFFFF
        if "s" in operation.fields and imm >= 0x8000:
            imm -= 0x1_0000
        instruction = Instruction(operation, word >> 20 & 0xF, word >> 16 & 0xF, imm)
        if not _fits(instruction):
            raise Trap(Cause.ILLEGAL, word)
        return instruction


def encode(instruction: Instruction) -> int:
    """Return the word of an instruction; ValueError if an operand is out of range."""
    if not _fits(instruction):
        raise ValueError(f"an operand of '{instruction}' is out of range")
    operation, a, b, imm = instruction
    return operation.opcode << 24 | a << 20 | b << 16 | imm & 0xFFFF


def _fits(instruction: Instruction) -> bool:
    fields = instruction.operation.fields
    low, high = (-0x8000, 0x7FFF) if "s" in fields else (0, 0xFFFF)
    return (
        0 <= instruction.a < (REGISTERS if "a" in fields else 1)
        and 0 <= instruction.b < (REGISTERS if "b" in fields else 1)
        and (
            low <= instruction.imm <= high
            if "i" in fields or "s" in fields
            else not instruction.imm
        )
    )


# --- what the instructions mean -------------------------------------------------------------


def _set(machine: Machine, register: int, value: int) -> None:
    machine.registers[register] = value & WORD_MASK


def _arithmetic(combine: Callable[[int, int], int]) -> Callable[[Machine, Instruction], None]:
    def meaning(machine: Machine, i: Instruction) -> None:
        _set(machine, i.a, combine(machine.registers[i.a], machine.registers[i.b]))

    return meaning


def _branch(holds: Callable[[int, int], bool]) -> Callable[[Machine, Instruction], None]:
    def meaning(machine: Machine, i: Instruction) -> None:
        if holds(machine.registers[i.a], machine.registers[i.b]):
            machine.psw.pc = i.imm

    return meaning


def _trap(cause: Cause) -> Callable[[Machine, Instruction], None]:
    def meaning(machine: Machine, i: Instruction) -> None:
        raise Trap(cause, i.imm)

    return meaning


def _nop(machine: Machine, i: Instruction) -> None:
    pass


def _li(machine: Machine, i: Instruction) -> None:
    _set(machine, i.a, i.imm)


def _mov(machine: Machine, i: Instruction) -> None:
    _set(machine, i.a, machine.registers[i.b])


def _addi(machine: Machine, i: Instruction) -> None:
    _set(machine, i.a, machine.registers[i.a] + i.imm)


def _ld(machine: Machine, i: Instruction) -> None:
    _set(machine, i.a, machine.load(machine.registers[i.b] + i.imm & WORD_MASK))


def _st(machine: Machine, i: Instruction) -> None:
    machine.store(machine.registers[i.b] + i.imm & WORD_MASK, machine.registers[i.a])


def _jmp(machine: Machine, i: Instruction) -> None:
    machine.psw.pc = i.imm


def _jr(machine: Machine, i: Instruction) -> None:
    machine.psw.pc = machine.registers[i.a]


def _call(machine: Machine, i: Instruction) -> None:
    _set(machine, i.a, machine.psw.pc)
    machine.psw.pc = i.imm


def _halt(machine: Machine, i: Instruction) -> None:
    machine.halted = True


def _out(machine: Machine, i: Instruction) -> None:
    machine.output.append(machine.registers[i.a])


def _in(machine: Machine, i: Instruction) -> None:
    _set(machine, i.a, machine.input.popleft() if machine.input else WORD_MASK)


def _setr(machine: Machine, i: Instruction) -> None:
    machine.psw.base, machine.psw.bound = machine.registers[i.a], machine.registers[i.b]


def _getr(machine: Machine, i: Instruction) -> None:
    _set(machine, i.a, machine.psw.base)


def _getm(machine: Machine, i: Instruction) -> None:
    _set(machine, i.a, machine.psw.mode)


def _timer(machine: Machine, i: Instruction) -> None:
    machine.timer = machine.registers[i.a]


def _jmpu(machine: Machine, i: Instruction) -> None:
    machine.psw.mode, machine.psw.pc = Mode.USER, i.imm


def _rett(machine: Machine, i: Instruction) -> None:
    machine.return_from_trap()


_TRAP = InUser.TRAP

CLEAN = Isa(
    "clean",
    (
        # Innocuous: the same in either mode, at any place in memory.
        Operation(0x01, "nop", "", _nop),
        Operation(0x02, "li", "ai", _li),  # a = imm
        Operation(0x03, "mov", "ab", _mov),  # a = b
        Operation(0x04, "add", "ab", _arithmetic(lambda x, y: x + y)),  # a = a + b
        Operation(0x05, "sub", "ab", _arithmetic(lambda x, y: x - y)),
        Operation(0x06, "mul", "ab", _arithmetic(lambda x, y: x * y)),
        Operation(0x07, "and", "ab", _arithmetic(lambda x, y: x & y)),
        Operation(0x08, "or", "ab", _arithmetic(lambda x, y: x | y)),
        Operation(0x09, "xor", "ab", _arithmetic(lambda x, y: x ^ y)),
        Operation(0x0A, "shl", "ab", _arithmetic(lambda x, y: x << (y & 31))),
        Operation(0x0B, "shr", "ab", _arithmetic(lambda x, y: x >> (y & 31))),
        Operation(0x0C, "addi", "as", _addi),  # a = a + imm
        Operation(0x10, "ld", "abs", _ld),  # a = memory[b + imm]
        Operation(0x11, "st", "abs", _st),  # memory[b + imm] = a
        Operation(0x18, "jmp", "i", _jmp),
        Operation(0x19, "beq", "abi", _branch(lambda x, y: x == y)),
        Operation(0x1A, "bne", "abi", _branch(lambda x, y: x != y)),
        Operation(0x1B, "blt", "abi", _branch(lambda x, y: x < y)),  # unsigned
        Operation(0x1C, "call", "ai", _call),  # a = address of the next instruction
        Operation(0x1D, "jr", "a", _jr),
        # These trap in either mode.
        Operation(0x20, "svc", "i", _trap(Cause.SVC)),
        Operation(0x21, "vmcall", "i", _trap(Cause.VMCALL)),
        # Sensitive, and in this variant privileged: they trap in user mode.
        Operation(0x30, "halt", "", _halt, _TRAP),
        Operation(0x31, "out", "a", _out, _TRAP),  # write a to the console
        Operation(0x32, "in", "a", _in, _TRAP),  # a = next input, or all ones if there is none
        Operation(0x33, "setr", "ab", _setr, _TRAP),  # base = a, bound = b
        Operation(0x34, "getr", "a", _getr, _TRAP),  # a = base
        Operation(0x35, "getm", "a", _getm, _TRAP),  # a = mode
        Operation(0x36, "timer", "a", _timer, _TRAP),  # trap after a instructions; 0 is off
        Operation(0x37, "jmpu", "i", _jmpu, _TRAP),  # enter user mode and go on at imm
        Operation(0x38, "rett", "", _rett, _TRAP),  # reload what the last trap saved
    ),
)
"""Obeys Popek and Goldberg: every sensitive instruction traps in user mode."""

READS_MODE = CLEAN.variant("reads mode", getm=InUser.EXECUTE)
"""As the 80386's SMSW: user code reads the machine's status, and no one hears of it."""

IGNORES_TIMER = CLEAN.variant("ignores timer", timer=InUser.IGNORE)
"""As the 80386's POPF with the interrupt flag: in user mode it silently does nothing."""

READS_BASE = CLEAN.variant("reads base", getr=InUser.EXECUTE)
"""As the 80386's SGDT: user code reads where the real machine keeps it."""

DROPS_MODE = CLEAN.variant("drops mode", jmpu=InUser.EXECUTE)
"""As the PDP-10's JRST 1, Popek and Goldberg's own example of a machine that needs a hybrid."""

VARIANTS = (CLEAN, READS_MODE, IGNORES_TIMER, READS_BASE, DROPS_MODE)
