"""A very small part of a 64-bit Arm processor: real machine code, interpreted or translated.

It knows the nine kinds of instruction that one function of the course is made of, in their 64-bit
forms: enough to run bytes that an Arm processor would run, too small for anything else. Every
instruction is one word of 32 bits, the lowest byte first. There is no stack and no memory access;
of the flags only Z is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

MASK = (1 << 64) - 1
RETURN = 30  # the link register: where RET goes
ZERO = 31  # reads as 0 and swallows what is written
STOP = 0xFFFF_FFFF_FFFF_0000  # `call` returns when the guest comes back to this address

# name: the bits that tell the instruction, and which bits those are
PATTERNS = {
    "add": (0x9100_0000, 0xFFC0_0000),
    "subs": (0xF100_0000, 0xFFC0_0000),
    "add shifted": (0x8B00_0000, 0xFFE0_0000),
    "mov": (0xAA00_03E0, 0xFFE0_FFE0),
    "lsr": (0xD340_FC00, 0xFFC0_FC00),
    "tbnz": (0x3700_0000, 0x7F00_0000),
    "b.cond": (0x5400_0000, 0xFF00_0010),
    "b": (0x1400_0000, 0xFC00_0000),
    "ret": (0xD65F_0000, 0xFFFF_FC1F),
}
BRANCHES = frozenset({"tbnz", "b.cond", "b", "ret"})
CONDITIONS = ("eq", "ne")


class ArmError(Exception):
    """The code did what this small processor cannot do; the message says where and what."""


class Instruction(NamedTuple):
    """A decoded instruction.

    Attributes:
        name: a key of `PATTERNS`.
        d: the register that takes the result; of `tbnz` the one that is tested.
        n: the first operand's register; of `ret` where it goes.
        m: the second operand's register.
        value: the number in the instruction: an operand, a shift, a bit; of `b.cond` the condition.
        target: the address that a branch goes to.
    """

    name: str
    d: int = 0
    n: int = 0
    m: int = 0
    value: int = 0
    target: int = 0

    def __str__(self) -> str:
        """Return the instruction as an assembler writes it."""
        d, n, m = (f"x{r}" if r != ZERO else "xzr" for r in (self.d, self.n, self.m))
        match self.name:
            case "add":
                return f"add {d}, {n}, #{self.value}"
            case "subs":
                return (f"subs {d}, " if self.d != ZERO else "cmp ") + f"{n}, #{self.value}"
            case "add shifted":
                return f"add {d}, {n}, {m}" + (f", lsl #{self.value}" if self.value else "")
            case "mov":
                return f"mov {d}, {m}"
            case "lsr":
                return f"lsr {d}, {n}, #{self.value}"
            case "tbnz":
                tested = d if self.value > 31 else d.replace("x", "w", 1)  # its lower half
                return f"tbnz {tested}, #{self.value}, #{self.target:#x}"
            case "b.cond":
                return f"b.{CONDITIONS[self.value]} #{self.target:#x}"
            case "b":
                return f"b #{self.target:#x}"
        return "ret" if self.n == RETURN else f"ret {n}"


def decode(word: int, address: int) -> Instruction:
    """Decode one word; branches are relative, so the address counts.

    Raises:
        ArmError: if this small processor does not know it.
    """
    for name, (bits, which) in PATTERNS.items():
        if word & which == bits:
            return _fields(name, word, address)
    raise ArmError(f"at {address:#x}: {word:#010x} is none of the instructions known here")


def _fields(name: str, word: int, address: int) -> Instruction:
    d, n, m = word & 31, word >> 5 & 31, word >> 16 & 31
    match name:
        case "add" | "subs":
            if n == ZERO or (name == "add" and d == ZERO):
                raise ArmError(f"at {address:#x}: it uses the stack pointer; there is none here")
            return Instruction(name, d, n, value=word >> 10 & 0xFFF)
        case "add shifted":
            return Instruction(name, d, n, m, word >> 10 & 63)
        case "mov":
            return Instruction(name, d, m=m)
        case "lsr":
            return Instruction(name, d, n, value=word >> 16 & 63)
        case "tbnz":
            bit = word >> 31 << 5 | word >> 19 & 31
            return Instruction(name, d, value=bit, target=address + _signed(word >> 5, 14))
        case "b.cond":
            if word & 15 >= len(CONDITIONS):
                raise ArmError(f"at {address:#x}: of the conditions only eq and ne are known here")
            return Instruction(name, value=word & 15, target=address + _signed(word >> 5, 19))
        case "b":
            return Instruction(name, target=address + _signed(word, 26))
    return Instruction(name, n=n)


def _signed(bits: int, width: int) -> int:
    """A distance in bytes: that many bits, with a sign, count words."""
    bits &= (1 << width) - 1
    return 4 * (bits - (1 << width) * (bits >> width - 1))


class Interpreter:
    """A processor that decodes and carries out one instruction after the other.

    Attributes:
        memory: the code; may be changed at any time.
        base: the address of its first byte.
        x: registers x0 to x30, and at 31 the zero register.
        z: the flag: the last `subs` or `cmp` gave 0.
        pc: the address of the next instruction.
        executed: instructions carried out.
    """

    def __init__(self, code: bytes, base: int = 0) -> None:
        self.memory = bytearray(code)
        self.base = base
        self.x = [0] * 32
        self.z = False
        self.pc = base
        self.executed = 0

    def call(self, address: int, *arguments: int) -> int:
        """Call a function as compilers agree to: arguments from x0 on, the result in x0."""
        self.x[: len(arguments)] = [argument & MASK for argument in arguments]
        self.x[RETURN] = STOP
        self.pc = address
        while self.pc != STOP:
            self.step()
        return self.x[0]

    def fetch(self, address: int) -> int:
        """Return the word at an address; ArmError if there is none."""
        at = address - self.base
        if at < 0 or at % 4 or at + 4 > len(self.memory):
            raise ArmError(f"at {address:#x}: no code there")
        return int.from_bytes(self.memory[at : at + 4], "little")

    def step(self) -> None:
        """Carry out one instruction."""
        name, d, n, m, value, target = decode(self.fetch(self.pc), self.pc)
        x, following = self.x, self.pc + 4
        match name:
            case "add":
                x[d] = x[n] + value & MASK
            case "subs":
                x[d] = x[n] - value & MASK
                self.z = x[d] == 0
                x[ZERO] = 0
            case "add shifted":
                x[d] = x[n] + (x[m] << value) & MASK
            case "mov":
                x[d] = x[m]
            case "lsr":
                x[d] = x[n] >> value
            case "tbnz":
                following = target if x[d] >> value & 1 else following
            case "b.cond":
                following = target if self.z == (value == 0) else following
            case "b":
                following = target
            case "ret":
                following = x[n]
        x[ZERO] = 0
        self.pc = following
        self.executed += 1


class Translator(Interpreter):
    """The same processor, by translation: each block becomes a Python function, kept for later.

    A block begins where a jump arrives and ends with the next branch. A translation holds as long
    as its bytes stay as they are: whoever changes `memory` says so to `forget`.

    Attributes:
        blocks: the cache: address → translated block.
        translations: blocks translated.
        lookups: blocks executed; lookups minus translations were found in the cache.
    """

    def __init__(self, code: bytes, base: int = 0) -> None:
        super().__init__(code, base)
        self.blocks: dict[int, Block] = {}
        self.translations = 0
        self.lookups = 0

    def step(self) -> None:
        """Carry out one block."""
        block = self.blocks.get(self.pc)
        if block is None:
            block = self.blocks[self.pc] = self.translate(self.pc)
            self.translations += 1
        self.lookups += 1
        self.pc = block.run(self.x, self)
        self.executed += len(block.code)

    def translate(self, address: int) -> Block:
        """Translate the block that begins at an address."""
        code = [decode(self.fetch(address), address)]
        while code[-1].name not in BRANCHES:
            following = address + 4 * len(code)
            code.append(decode(self.fetch(following), following))
        lines = ["def block(x, cpu):"]
        for place, instruction in enumerate(code):
            lines += [f"    {line}" for line in _python(instruction, address + 4 * place + 4)]
        source = "\n".join(lines)
        names: dict[str, Any] = {}
        exec(source, names)
        return Block(address, code, source, names["block"])

    def forget(self, address: int, size: int) -> None:
        """Drop every translation of which one of these bytes was a part."""
        for block in list(self.blocks.values()):
            if block.address < address + size and address < block.address + 4 * len(block.code):
                del self.blocks[block.address]


class Block(NamedTuple):
    """A translated block.

    Attributes:
        address: where it begins.
        code: its instructions, the last one a branch.
        source: the Python function that it became.
        run: that function: takes the registers and the processor, returns the next address.
    """

    address: int
    code: list[Instruction]
    source: str
    run: Callable[[list[int], Translator], int]


def _python(instruction: Instruction, following: int) -> list[str]:
    """Write one instruction in Python; register 31 is written as 0 and never assigned."""
    name, d, n, m, value, target = instruction
    xn, xm, xd = (f"x[{r}]" if r != ZERO else "0" for r in (n, m, d))
    result = {
        "add": f"{xn} + {value} & {MASK:#x}",
        "subs": f"{xn} - {value} & {MASK:#x}",
        "add shifted": f"{xn} + ({xm} << {value}) & {MASK:#x}",
        "mov": xm,
        "lsr": f"{xn} >> {value}",
    }.get(name)
    if name == "subs":
        return [f"r = {result}", "cpu.z = r == 0", *([f"x[{d}] = r"] if d != ZERO else [])]
    if result is not None:
        return [f"x[{d}] = {result}"] if d != ZERO else []
    test = {"tbnz": f"{xd} >> {value} & 1", "b.cond": f"{'not ' * value}cpu.z"}.get(name)
    if test:
        return [f"return {target:#x} if {test} else {following:#x}"]
    return [f"return {xn}" if name == "ret" else f"return {target:#x}"]
