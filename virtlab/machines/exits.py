"""Which events of a guest exit to the hypervisor, as VT-x decides it in principle.

Three rules, after Intel's Software Developer's Manual, volume 3, chapter "VM Exits". Some
instructions always exit. Others exit only if the hypervisor asked for it. And a privileged
instruction in user mode faults before it could exit: the guest's own kernel gets the fault, unless
the hypervisor intercepts that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple

ALWAYS = frozenset({"cpuid", "invd", "vmcall", "xsetbv"})
PRIVILEGED = frozenset(
    {"hlt", "invd", "invlpg", "lgdt", "mov cr0", "mov cr3", "rdmsr", "wrmsr", "xsetbv"}
)
FAULT = "general protection fault"


class Event(NamedTuple):
    """Something a guest does.

    Attributes:
        mode: in the guest: "kernel" or "user".
        what: an instruction, or any other event that can be intercepted ("page fault").
        times: how often in a row.
    """

    mode: Literal["kernel", "user"]
    what: str
    times: int = 1


def count_exits(trace: Iterable[Event], intercepts: Collection[str]) -> Counter[str]:
    """Count exits by reason.

    Args:
        trace: what the guest does.
        intercepts: what the hypervisor asked to exit; ``FAULT`` stands for the fault that a
            privileged instruction causes in user mode.

    Returns:
        For each reason its number of exits; reasons without one are not in it.

    Raises:
        ValueError: if an event happens fewer than 0 times.
    """
    exits: Counter[str] = Counter()
    for event in trace:
        if event.times < 0:
            raise ValueError(f"'{event.what}' cannot happen {event.times} times")
        reason = event.what
        if event.mode == "user" and event.what in PRIVILEGED:
            reason = FAULT
        if (reason in ALWAYS or reason in intercepts) and event.times:
            exits[reason] += event.times
    return exits
