"""Emulation by translation: toy code becomes Python functions, block by block.

For the toy CPU the host is Python, so this emulator crosses instruction sets, as QEMU's does. A
block is compiled once it has been executed often enough; what cannot be compiled (traps, sensitive
instructions, a block cut short by a timer) is interpreted. What a guest can see stays the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from virtlab.machines.toycpu.cpu import Machine
from virtlab.machines.toycpu.isa import CLEAN, WORD_MASK, Cause, Instruction, Isa, Trap

LONGEST_BLOCK = 32
_M = f"{WORD_MASK:#x}"
_ARITHMETIC = {
    "add": "r[{a}] + r[{b}]",
    "sub": "r[{a}] - r[{b}]",
    "mul": "r[{a}] * r[{b}]",
    "and": "r[{a}] & r[{b}]",
    "or": "r[{a}] | r[{b}]",
    "xor": "r[{a}] ^ r[{b}]",
    "shl": "r[{a}] << (r[{b}] & 31)",
    "shr": "r[{a}] >> (r[{b}] & 31)",
    "addi": "r[{a}] + {imm}",
}
_BRANCH = {"beq": "==", "bne": "!=", "blt": "<"}
_JUMPS = {"jmp", "jr", "call", *_BRANCH}
_PLAIN = {"nop", "li", "mov", "ld", "st", *_ARITHMETIC}
_Key = tuple[int, int, int]  # pc, base, bound: compiled code is right for these only


class CompiledBlock(NamedTuple):
    """A block, the words it was made from, and the Python source it became.

    ``run(machine, budget)`` executes it and returns how many instructions it retired; that is at
    most ``budget``, which must not be less than the block's length.
    """

    words: list[int]
    source: str
    run: Callable[[CompiledMachine, int], int]


class CompiledMachine(Machine):
    """A bare toy machine that compiles what it executes often.

    Attributes:
        threshold: executions of a block's beginning before the block is compiled.
        blocks: compiled blocks by pc, base and bound.
        hits: executions of compiled blocks.
        interpreted: instructions interpreted.
    """

    def __init__(self, size: int, isa: Isa = CLEAN, threshold: int = 8) -> None:
        self._words = [0] * size
        self._power_up(self._words, isa)
        self.threshold = threshold
        self.blocks: dict[_Key, CompiledBlock] = {}
        self.hits = 0
        self.interpreted = 0
        self._heat: Counter[_Key] = Counter()
        self._at_head = True  # pc was jumped to: blocks begin only at such places

    def run(self, limit: int) -> Trap | None:
        """Run until a trap, as ``Machine.run`` does: by compiled blocks where there are any."""
        stop = self.retired + limit
        while self.retired < stop and not self.halted:
            try:
                self._run_block(stop - self.retired)
            except Trap as trap:
                return trap
        return None

    def _run_block(self, limit: int) -> None:
        """Execute a compiled block if there is one that still holds, else one instruction."""
        key = self.psw.pc, self.psw.base, self.psw.bound
        block = self.blocks.get(key)
        budget = min(limit, self.timer or limit)
        if block is not None and len(block.words) <= budget:
            start = key[0] + key[1]
            if self._words[start : start + len(block.words)] == block.words:
                self.hits += 1
                self._at_head = True
                self.retire(block.run(self, budget))
                return
            del self.blocks[key]  # the guest changed its code
            self._heat[key] = 0
        if self._at_head:
            self._heat[key] += 1
            if self._heat[key] == self.threshold:
                self._compile(key)
        self.interpreted += 1
        self._at_head = True
        self.step()
        self._at_head = self.psw.pc != key[0] + 1

    def _compile(self, key: _Key) -> None:
        pc, base, bound = key
        end = min(base + bound, len(self._words), base + pc + LONGEST_BLOCK)
        words = self._words[base + pc : end]
        code = _block(words, self.isa)
        if code:
            source = _python(code, pc, base, min(bound, len(self._words) - base))
            names: dict[str, Any] = {}
            exec(source, names)
            self.blocks[key] = CompiledBlock(words[: len(code)], source, names["block"])

    def fault(self, retired: int, pc: int, address: int) -> None:
        """End a compiled block at an access out of bounds."""
        self.psw.pc = pc
        self.retire(retired)
        raise Trap(Cause.MEMORY, address)


def _block(words: Sequence[int], isa: Isa) -> list[Instruction]:
    """Return the instructions that can be compiled, up to and with the first one-way jump."""
    code: list[Instruction] = []
    for word in words:
        try:
            instruction = isa.decode(word)
        except Trap:
            break
        if instruction.name not in _PLAIN | _JUMPS:
            break
        code.append(instruction)
        if instruction.name in _JUMPS - _BRANCH.keys():
            break
    return code


def _python(code: Sequence[Instruction], pc: int, base: int, limit: int) -> str:
    """Write a block as the source of a Python function; a jump to its beginning is a loop."""
    lines = [
        "def block(machine, budget):",
        "    r, memory, psw = machine.registers, machine.memory, machine.psw",
        f"    done, last = 0, budget - {len(code)}",
        "    while True:",
    ]
    for number, instruction in enumerate(code):
        for line in _lines(instruction, number, pc, base, limit, len(code)):
            lines.append(f"        {line}")
    if code[-1].name not in _JUMPS - _BRANCH.keys():
        lines.append(f"        {_leave(len(code), pc + len(code) & WORD_MASK)}")
    return "\n".join(lines)


def _leave(retired: int, target: int | str) -> str:
    return f"psw.pc = {target}; return done + {retired}"


def _jump(target: int, retired: int, pc: int) -> list[str]:
    """Write a jump: out of the block, or back to its beginning while the budget lasts."""
    if target != pc:
        return [_leave(retired, target)]
    return [f"done += {retired}", "if done <= last: continue", f"psw.pc = {pc}; return done"]


def _lines(
    instruction: Instruction, number: int, pc: int, base: int, limit: int, length: int
) -> list[str]:
    """Write one instruction in Python."""
    name, (_, a, b, imm) = instruction.name, instruction
    following = pc + number + 1 & WORD_MASK
    if name in _ARITHMETIC:
        return [f"r[{a}] = {_ARITHMETIC[name].format(a=a, b=b, imm=imm)} & {_M}"]
    if name in _BRANCH:
        jump = [f"    {line}" for line in _jump(imm, number + 1, pc)]
        return [f"if r[{a}] {_BRANCH[name]} r[{b}]:", *jump]
    access = [
        f"v = r[{b}] + {imm} & {_M}",
        f"if v >= {limit}: machine.fault(done + {number}, {pc + number}, v)",
    ]
    return {
        "nop": [],
        "li": [f"r[{a}] = {imm}"],
        "mov": [f"r[{a}] = r[{b}]"],
        "ld": [*access, f"r[{a}] = memory[v + {base}]"],
        "st": [
            *access,
            f"memory[v + {base}] = r[{a}]",
            f"if {pc} <= v < {pc + length}: {_leave(number + 1, following)}",  # its own code
        ],
        "jmp": _jump(imm, number + 1, pc),
        "jr": [_leave(number + 1, f"r[{a}]")],
        "call": [f"r[{a}] = {following}", *_jump(imm, number + 1, pc)],
    }[name]
