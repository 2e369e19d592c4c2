"""Capabilities, the pieces that Linux cuts root's power into, by name and by number.

Only the standard library is imported: small helper programs run this without site-packages.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Collection, Iterable
from pathlib import Path

# In the order of their numbers (linux/capability.h, Linux 5.9 and later).
NAMES = (
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
)
NUMBERS = {name: number for number, name in enumerate(NAMES)}
ATTRIBUTE = "security.capability"
_VERSION_2, _EFFECTIVE = 0x02000000, 1


def mask(names: Iterable[str]) -> int:
    """Returns the set as the kernel keeps it: one bit a capability."""
    return sum(1 << NUMBERS[name] for name in names)


def names(mask: int) -> list[str]:
    """Returns the names of a mask's bits, in the order of their numbers; unknown ones are left out.

    Args:
        mask: one bit a capability.
    """
    return [name for name, number in NUMBERS.items() if mask >> number & 1]


def of_process(kind: str = "Bnd", pid: str = "self") -> int:
    """Returns one of a process's sets, as a mask.

    Args:
        kind: Inh, Prm, Eff, Bnd or Amb, as /proc/PID/status names them.
        pid: of which process.
    """
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"Cap{kind}:"):
            return int(line.split()[1], 16)
    raise OSError(f"no set Cap{kind} in /proc/{pid}/status")


def give_to_file(
    path: str, permitted: Collection[str], inheritable: Collection[str], effective: bool
) -> None:
    """Writes a file's capabilities, as `setcap` does; needs SETFCAP.

    Args:
        path: of the file.
        permitted: what a program made from it may have.
        inheritable: what it may have if the process that starts it has it inheritable, too.
        effective: whether the program has them in force from the start.
    """
    sets = [mask(permitted), mask(inheritable)]
    low, high = ([one >> shift & 0xFFFFFFFF for one in sets] for shift in (0, 32))
    data = struct.pack("<5I", _VERSION_2 | (_EFFECTIVE if effective else 0), *low, *high)
    os.setxattr(path, ATTRIBUTE, data)
