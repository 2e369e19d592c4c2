"""A guest that knows it is a guest: ``vmcall n`` asks the hypervisor, and one call can do much.

Only the guest's supervisor may call; from its user mode the trap goes to the guest, as it would on
the bare machine. Results are in r0. All ones in r0 means that the call failed.
"""

from __future__ import annotations

from virtlab.machines.toycpu.isa import WORD_MASK, Cause, Mode, Trap
from virtlab.machines.toycpu.vmm import VirtualMachine

IDENTIFY, PUT, WRITE = range(3)
SIGNATURE = 0x564C4142  # "VLAB"


class ParavirtualMachine(VirtualMachine):
    """A virtual machine whose monitor also answers hypercalls.

    ====  ========  =======================================================
    call  name      what it does
    ====  ========  =======================================================
    0     identify  r0 = the hypervisor's signature
    1     put       write r1 to the console
    2     write     write r2 words, from virtual address r1 on, to the console
    ====  ========  =======================================================
    """

    def owed_to_monitor(self, trap: Trap) -> bool:
        """A hypercall of the guest's supervisor is for the monitor too."""
        hypercall = trap.cause is Cause.VMCALL and self.psw.mode is Mode.SUPERVISOR
        return hypercall or super().owed_to_monitor(trap)

    def handle(self, trap: Trap) -> None:
        """Answer a hypercall, or emulate an instruction."""
        if trap.cause is not Cause.VMCALL:
            super().handle(trap)
            return
        self.registers[0] = self._answer(trap.info)
        self.retire(1)

    def _answer(self, call: int) -> int:
        if call == IDENTIFY:
            return SIGNATURE
        if call == PUT:
            self.output.append(self.registers[1])
            return 1
        if call == WRITE:
            return self._write(self.registers[1], self.registers[2])
        return WORD_MASK

    def _write(self, start: int, count: int) -> int:
        """The monitor trusts no address that a guest hands it: all of them are checked first."""
        if count > len(self.memory):
            return WORD_MASK
        try:
            words = [self.load(address) for address in range(start, start + count)]
        except Trap:
            return WORD_MASK
        self.output.extend(words)
        return count
