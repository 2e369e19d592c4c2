"""What Popek and Goldberg's theorem says of the classic x86, by a table of its instructions.

The sensitive instructions that do not trap are those of J. S. Robin and C. E. Irvine, *Analysis of
the Intel Pentium's Ability to Support a Secure Virtual Machine Monitor*, USENIX Security 2000, as
quoted by others (Hennessy and Patterson among them). The paper is usually quoted for 17 of them;
the list that goes with it has 18 names, because it names CALL, JMP, INT n and RET one by one.
The privileged ones are those of Intel's manual, volume 3, "Privileged Instructions", with the
instructions for interrupts and ports, which trap where the kernel wants them to (IOPL 0).
"""

from __future__ import annotations

from typing import NamedTuple

SOURCE = "Robin and Irvine, USENIX Security 2000"


class Listed(NamedTuple):
    """An instruction of the table.

    Attributes:
        name: as assemblers write it.
        privileged: it traps in user mode.
        why: why it is sensitive; empty if it is not.
        group: how the source groups it.
    """

    name: str
    privileged: bool
    why: str
    group: str = ""

    @property
    def offends(self) -> bool:
        """Sensitive, and does not trap."""
        return bool(self.why) and not self.privileged


_REGISTERS, _PROTECTION = "sensitive registers", "protection system"

PENTIUM: tuple[Listed, ...] = (
    # Sensitive, and no trap.
    Listed("sgdt", False, "tells where the real descriptor table lies", _REGISTERS),
    Listed("sidt", False, "tells where the real interrupt table lies", _REGISTERS),
    Listed("sldt", False, "tells which local table is really loaded", _REGISTERS),
    Listed("smsw", False, "tells the real machine status", _REGISTERS),
    Listed("pushf", False, "tells the real interrupt flag", _REGISTERS),
    Listed("popf", False, "silently leaves the interrupt flag alone", _REGISTERS),
    Listed("lar", False, "its answer depends on the ring", _PROTECTION),
    Listed("lsl", False, "its answer depends on the ring", _PROTECTION),
    Listed("verr", False, "its answer depends on the ring", _PROTECTION),
    Listed("verw", False, "its answer depends on the ring", _PROTECTION),
    Listed("pop", False, "loads a segment register, by rules of the ring", _PROTECTION),
    Listed("push", False, "stores a segment register, with the ring in it", _PROTECTION),
    Listed("call", False, "to another segment: by rules of the ring", _PROTECTION),
    Listed("jmp", False, "to another segment: by rules of the ring", _PROTECTION),
    Listed("int n", False, "goes where the real interrupt table says", _PROTECTION),
    Listed("ret", False, "to another segment: by rules of the ring", _PROTECTION),
    Listed("str", False, "tells which task is really loaded", _PROTECTION),
    Listed("mov", False, "loads and stores segment registers, with the ring", _PROTECTION),
    # Sensitive, and they trap.
    Listed("hlt", True, "stops the processor"),
    Listed("cli", True, "switches interrupts off"),
    Listed("sti", True, "switches interrupts on"),
    Listed("in", True, "reads a device"),
    Listed("out", True, "writes to a device"),
    Listed("lgdt", True, "sets the descriptor table"),
    Listed("lidt", True, "sets the interrupt table"),
    Listed("lldt", True, "sets the local table"),
    Listed("ltr", True, "sets the task"),
    Listed("lmsw", True, "sets the machine status"),
    Listed("clts", True, "sets the machine status"),
    Listed("mov cr", True, "reads and sets control registers"),
    Listed("mov dr", True, "reads and sets debug registers"),
    Listed("rdmsr", True, "reads the processor's own registers"),
    Listed("wrmsr", True, "sets the processor's own registers"),
    Listed("invd", True, "throws the caches away"),
    Listed("invlpg", True, "forgets a translation of an address"),
    # Innocuous: a few of the many.
    *(Listed(name, False, "") for name in ("add", "sub", "and", "or", "xor", "shl", "cmp", "lea")),
)

OFFENDERS = tuple(one.name for one in PENTIUM if one.offends)
