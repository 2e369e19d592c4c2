"""Binary translation with a block cache, after Adams and Agesen (2006).

The monitor never runs the guest supervisor's own code. It reads a basic block, replaces each
sensitive instruction by a callout into itself, keeps the result, and lets the host execute that in
user mode. So nothing in the block has to trap, and an instruction set on which trap-and-emulate
fails is virtualized all the same. User-mode guest code runs directly, unless told otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from virtlab.machines.toycpu.cpu import Machine
from virtlab.machines.toycpu.isa import Cause, Instruction, Isa, Mode, Trap, encode
from virtlab.machines.toycpu.vmm import VirtualMachine

SENSITIVE = frozenset({"halt", "out", "in", "setr", "getr", "getm", "timer", "jmpu", "rett"})
# After these the next instruction is not the one behind, so a block ends with them.
ENDS_BLOCK = frozenset(
    {"jmp", "beq", "bne", "blt", "call", "jr", "svc", "vmcall", "halt", "setr", "jmpu", "rett"}
)
LONGEST_BLOCK = 32


class Translated(NamedTuple):
    """One instruction of a translated block: kept as it was, or turned into a callout."""

    instruction: Instruction
    is_callout: bool

    def __str__(self) -> str:
        """Return the instruction, marked if the monitor carries it out."""
        return f"callout <{self.instruction}>" if self.is_callout else str(self.instruction)


class Block(NamedTuple):
    """A translated block and the words it was made from."""

    code: tuple[Translated, ...]
    words: tuple[int, ...]


def translate(words: Sequence[int], isa: Isa, sensitive: frozenset[str] = SENSITIVE) -> Block:
    """Translate the basic block that ``words`` begins with.

    Args:
        words: guest code, first instruction first; more than the block is welcome.
        isa: what the words mean.
        sensitive: the instructions that become callouts.

    Returns:
        The block: up to and with the first instruction that ends it, or up to the first word that
        is no instruction. Empty if the first word is none.
    """
    code: list[Translated] = []
    for word in words[:LONGEST_BLOCK]:
        try:
            instruction = isa.decode(word)
        except Trap:
            break
        code.append(Translated(instruction, instruction.name in sensitive))
        if instruction.name in ENDS_BLOCK:
            break
    return Block(tuple(code), tuple(encode(step.instruction) for step in code))


class TranslatedMachine(VirtualMachine):
    """A virtual machine whose supervisor code is translated before it runs.

    Attributes:
        exits: traps, as in trap-and-emulate.
        callouts: sensitive instructions carried out by the monitor without a trap.
        translations: blocks translated, again after a change of their code too.
        lookups: blocks executed; lookups minus translations were found in the cache.
    """

    def __init__(self, host: Machine, offset: int, size: int, direct_user: bool = True) -> None:
        super().__init__(host, offset, size)
        self.direct_user = direct_user
        self.callouts: Counter[str] = Counter()
        self.translations = 0
        self.lookups = 0
        self._cache: dict[tuple[int, int, int], Block] = {}

    def enter(self, limit: int) -> None:
        """Run user code directly, and one translated block of supervisor code."""
        if self.direct_user and self.psw.mode is Mode.USER:
            super().enter(limit)
            return
        start = self.physical(self.psw.pc)
        block = self._block(start)
        for step in block.code[:limit]:
            if step.is_callout:
                self.callouts[step.instruction.name] += 1
                self.issue(step.instruction)
            else:
                self._execute_on_host(step.instruction)
            if step.instruction.name == "st" and not self._is_current(block, start):
                return  # the block changed its own code

    def _block(self, start: int) -> Block:
        """Return the translation of the code at pc: a cached one if the code is still the same."""
        self.lookups += 1
        psw = self.psw
        key = (psw.pc, psw.base, psw.bound)
        block = self._cache.get(key)
        if block is None or not self._is_current(block, start):
            self.translations += 1
            length = min(LONGEST_BLOCK, psw.bound - psw.pc, len(self.memory) - start)
            words = [self.memory[start + i] for i in range(length)]
            block = self._cache[key] = translate(words, self.isa)
        if not block.code:
            raise Trap(Cause.ILLEGAL, self.memory[start])
        return block

    def _is_current(self, block: Block, start: int) -> bool:
        return all(self.memory[start + i] == word for i, word in enumerate(block.words))

    def _execute_on_host(self, instruction: Instruction) -> None:
        self.lend_host()
        try:
            self.host.issue(instruction)
        finally:
            self.psw.pc = self.host.psw.pc
        self.retire(1)
