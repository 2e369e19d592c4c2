"""A trap-and-emulate virtual machine monitor, after Popek and Goldberg (1974).

Guest code runs directly on the host, always in user mode. Innocuous instructions cost nothing. A
sensitive one traps; the monitor carries it out on the *virtual* machine's state, and goes on. A
virtual machine offers what the bare machine offers, so it can be the host of another one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from virtlab.machines.toycpu.cpu import PSW, Machine, Memory
from virtlab.machines.toycpu.isa import Cause, Mode, Trap


class Window:
    """A piece of the host's memory that a guest takes for all of the memory there is."""

    def __init__(self, memory: Memory, offset: int, size: int) -> None:
        if not 0 <= offset <= offset + size <= len(memory):
            raise ValueError(f"{size} words at {offset} are not in a memory of {len(memory)}")
        self._memory, self._offset, self._size = memory, offset, size

    def __len__(self) -> int:
        """Return the number of words."""
        return self._size

    def __getitem__(self, address: int) -> int:
        """Return the word at a guest-physical address."""
        return self._memory[self._offset + self._inside(address)]

    def __setitem__(self, address: int, word: int) -> None:
        """Write the word at a guest-physical address."""
        self._memory[self._offset + self._inside(address)] = word

    def _inside(self, address: int) -> int:
        if not 0 <= address < self._size:
            raise IndexError(f"address {address} is not in a window of {self._size} words")
        return address


class VirtualMachine(Machine):
    """A machine whose instructions another machine executes.

    Attributes:
        exits: how often the monitor had to step in, by instruction or else by cause of the trap.
    """

    def __init__(self, host: Machine, offset: int, size: int) -> None:
        self._power_up(Window(host.memory, offset, size), host.isa)
        self.host = host
        self.offset = offset
        self.exits: Counter[str] = Counter()

    def run(self, limit: int) -> Trap | None:
        """Run the guest; return the first trap that its own supervisor has to handle."""
        stop = self.retired + limit
        while self.retired < stop and not self.halted:
            try:
                self.enter(stop - self.retired)
            except Trap as trap:
                self.exits[self.reason(trap)] += 1
                left = self.respond(trap)
                if left:
                    return left
        return None

    def enter(self, limit: int) -> None:
        """Let the host execute guest code until it traps, or ``limit`` instructions are done."""
        self.lend_host()
        before = self.host.retired
        trap = self.host.run(min(limit, self.timer or limit))
        self.psw.pc = self.host.psw.pc
        if self.host.halted:
            raise HostLostError("the guest halted the host: 'halt' did not trap in user mode")
        self.retire(self.host.retired - before)
        if trap:
            raise trap

    def lend_host(self) -> None:
        """Put the guest on the host: its registers, user mode, bounds within its own memory."""
        psw = self.psw
        within = max(0, min(psw.bound, len(self.memory) - psw.base))
        self.host.registers = self.registers
        self.host.psw = PSW(Mode.USER, psw.pc, self.offset + psw.base, within)

    def respond(self, trap: Trap) -> Trap | None:
        """Handle a trap if it is the monitor's; return what is left for the guest to handle."""
        if not self.owed_to_monitor(trap):
            return trap
        try:
            self.handle(trap)
        except Trap as consequence:  # the emulated instruction was the last before the timer
            return consequence
        return None

    def owed_to_monitor(self, trap: Trap) -> bool:
        """True if the virtual hardware would have executed the instruction, not trapped."""
        return trap.cause is Cause.PRIVILEGED and self.psw.mode is Mode.SUPERVISOR

    def handle(self, trap: Trap) -> None:
        """Emulate: do to the virtual machine what the instruction does to a real one."""
        self.issue(self.isa.decode(trap.info))

    def reason(self, trap: Trap) -> str:
        """Name an exit: the privileged instruction's name, or else the trap's cause."""
        if trap.cause is Cause.PRIVILEGED:
            return self.isa.decode(trap.info).name
        return trap.cause.name


class HostLostError(Exception):
    """The guest took the real machine away from the monitor."""


def take_turns(machines: Sequence[Machine], quantum: int, rounds: int = 10_000) -> int:
    """Run machines one after the other until all have halted: the simplest scheduler.

    Args:
        machines: virtual machines, usually on one host.
        quantum: instructions and traps that a machine may use in one turn.
        rounds: turns for each machine, at most.

    Returns:
        The number of rounds used.
    """
    for turn in range(rounds):
        running = [machine for machine in machines if not machine.halted]
        if not running:
            return turn
        for machine in running:
            machine.power_on(quantum)
    return rounds
