"""The bare toy machine: memory, registers, a program status word, a console and a timer."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from virtlab.machines.toycpu.isa import (
    CLEAN,
    REGISTERS,
    WORD_MASK,
    Cause,
    Instruction,
    InUser,
    Isa,
    Mode,
    Trap,
    encode,
)

# A trap saves mode, pc, base, bound, cause and info in the physical words 0 to 5, and goes on …
HANDLER = 6  # … at the address in this word.
PROGRAM = 8  # programs are loaded, and start, here


class Memory(Protocol):
    """What a machine needs of its memory; a list of words will do."""

    def __len__(self) -> int:
        """Return the number of words."""

    def __getitem__(self, address: int, /) -> int:
        """Return a word."""

    def __setitem__(self, address: int, word: int, /) -> None:
        """Write a word."""


@dataclass
class PSW:
    """Program status word. A virtual address v < bound stands for the physical base + v."""

    mode: Mode
    pc: int
    base: int
    bound: int


class Machine:
    """The toy computer.

    Attributes:
        registers: eight words.
        psw: mode, pc, base and bound.
        timer: instructions until the timer traps; 0 means it is off.
        input: words that ``in`` reads.
        output: words that ``out`` wrote.
        halted: True after ``halt``.
        retired: instructions completed. One that traps is not counted.
    """

    def __init__(self, size: int, isa: Isa = CLEAN) -> None:
        self._power_up([0] * size, isa)

    def _power_up(self, memory: Memory, isa: Isa) -> None:
        if len(memory) <= PROGRAM:
            raise ValueError(f"a machine needs more than {PROGRAM} words of memory")
        self.memory = memory
        self.isa = isa
        self.registers = [0] * REGISTERS
        self.psw = PSW(Mode.SUPERVISOR, PROGRAM, 0, len(memory))
        self.timer = 0
        self.input: deque[int] = deque()
        self.output: list[int] = []
        self.halted = False
        self.retired = 0

    # --- what an operator does ---------------------------------------------------------------

    def put(self, words: Sequence[int], at: int = PROGRAM) -> None:
        """Write words into physical memory; ValueError if they do not fit."""
        if not 0 <= at <= at + len(words) <= len(self.memory):
            raise ValueError(f"{len(words)} words at {at} do not fit in {len(self.memory)} words")
        for address, word in enumerate(words, start=at):
            self.memory[address] = word

    def type(self, words: Iterable[int] | str) -> None:
        """Queue input for ``in``: numbers, or the characters of a text."""
        self.input.extend(ord(w) if isinstance(w, str) else w for w in words)

    @property
    def text(self) -> str:
        """The console's output as text; a word that is no ASCII character shows as a dot."""
        return "".join(chr(w) if w == 10 or 32 <= w < 127 else "." for w in self.output)

    def state(self) -> dict[str, Any]:
        """Everything a program could ever notice, as plain values, for comparing two machines."""
        return {
            "memory": [self.memory[a] for a in range(len(self.memory))],
            "registers": list(self.registers),
            "psw": replace(self.psw),
            "timer": self.timer,
            "input": list(self.input),
            "output": list(self.output),
            "halted": self.halted,
            "retired": self.retired,
        }

    # --- running -----------------------------------------------------------------------------

    def power_on(self, fuel: int = 100_000) -> None:
        """Run with traps delivered as hardware does, until halted or out of fuel.

        Args:
            fuel: instructions and traps together, at most. Call again to go on.
        """
        while fuel > 0 and not self.halted:
            before = self.retired
            trap = self.run(fuel)
            fuel -= self.retired - before
            if trap and fuel > 0:
                self.deliver(trap)
                fuel -= 1

    def run(self, limit: int) -> Trap | None:
        """Run until a trap, which is returned and not delivered; None if halted or at the limit.

        Args:
            limit: instructions to retire at most.
        """
        stop = self.retired + limit
        while self.retired < stop and not self.halted:
            try:
                self.step()
            except Trap as trap:
                return trap
        return None

    def step(self) -> None:
        """Fetch, decode and issue one instruction; raise a Trap if it does not complete."""
        self.issue(self.isa.decode(self.load(self.psw.pc)))

    def issue(self, instruction: Instruction) -> None:
        """Do what the hardware does with an instruction in the present mode."""
        rule = instruction.operation.in_user if self.psw.mode is Mode.USER else InUser.EXECUTE
        if rule is InUser.TRAP:
            raise Trap(Cause.PRIVILEGED, encode(instruction))
        pc = self.psw.pc
        self.psw.pc = pc + 1 & WORD_MASK
        if rule is InUser.EXECUTE:
            try:
                instruction.operation.meaning(self, instruction)
            except Trap as trap:
                if trap.is_fault:
                    self.psw.pc = pc
                raise
        self.retire(1)

    def retire(self, count: int) -> None:
        """Count completed instructions; raise a TIMER trap if the timer runs out with them."""
        self.retired += count
        if self.timer and count:
            self.timer -= count
            if self.timer == 0:
                raise Trap(Cause.TIMER)

    # --- memory and traps --------------------------------------------------------------------

    def physical(self, address: int) -> int:
        """Relocate a virtual address; raise a MEMORY trap if it is out of bounds."""
        physical = self.psw.base + address
        if address >= self.psw.bound or physical >= len(self.memory):
            raise Trap(Cause.MEMORY, address)
        return physical

    def load(self, address: int) -> int:
        """Return the word at a virtual address."""
        return self.memory[self.physical(address)]

    def store(self, address: int, word: int) -> None:
        """Write the word at a virtual address."""
        self.memory[self.physical(address)] = word

    def deliver(self, trap: Trap) -> None:
        """Save the PSW and the reason in memory and start the supervisor's handler."""
        psw = self.psw
        frame = (psw.mode, psw.pc, psw.base, psw.bound, trap.cause, trap.info)
        self.put([int(word) for word in frame], at=0)
        self.psw = PSW(Mode.SUPERVISOR, self.memory[HANDLER], 0, len(self.memory))

    def return_from_trap(self) -> None:
        """Reload the PSW that the last trap saved."""
        mode, pc, base, bound = (self.memory[word] for word in range(4))
        self.psw = PSW(Mode(mode & 1), pc, base, bound)
