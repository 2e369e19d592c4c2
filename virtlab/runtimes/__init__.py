"""Every way to run a program, with one interface, from a thread to a virtual machine."""

from virtlab.runtimes.base import Instance, Runtime, RuntimeFailed
from virtlab.runtimes.containers import Bubblewrap, Crun, Namespaces, Runc
from virtlab.runtimes.machine import OwnMonitor
from virtlab.runtimes.process import Fork, PosixSpawn, Python, Subprocess, Thread
from virtlab.runtimes.qemu import QemuBootSector

__all__ = ["LADDER", "RUNTIMES", "Instance", "Runtime", "RuntimeFailed"]

# In ladder order: what shares most with its host comes first.
RUNTIMES: dict[str, Runtime] = {
    runtime.name: runtime
    for runtime in (
        Thread(),
        Fork(),
        PosixSpawn(),
        Subprocess(),
        Python(),
        Namespaces(),
        Bubblewrap(),
        Crun(),
        Runc(),
        OwnMonitor(),
        QemuBootSector(),
    )
}

# The rungs that the first chapter climbs.
LADDER = ("thread", "posix_spawn", "namespaces", "bubblewrap", "runc", "qemu-tcg")
