"""Every way to run a program, with one interface, from a thread to a virtual machine."""

from virtlab.runtimes.base import Instance, Runtime, RuntimeFailed
from virtlab.runtimes.containers import Bubblewrap, Crun, Namespaces, Runc
from virtlab.runtimes.cpu_emulator import Unicorn
from virtlab.runtimes.docker import Docker
from virtlab.runtimes.gvisor import Gvisor
from virtlab.runtimes.languages import Clr, Jvm
from virtlab.runtimes.linux_guest import QemuLinux
from virtlab.runtimes.machine import OwnMonitor
from virtlab.runtimes.process import Fork, PosixSpawn, Python, Subprocess, Thread
from virtlab.runtimes.qemu import QemuBootSector, QemuKvm
from virtlab.runtimes.wasm import Wasmtime

__all__ = ["LADDER", "RUNTIMES", "Instance", "Runtime", "RuntimeFailed"]

# In ladder order: what shares most with its host comes first.
RUNTIMES: dict[str, Runtime] = {
    runtime.name: runtime
    for runtime in (
        Thread(),
        Fork(),
        PosixSpawn(),
        Subprocess(),
        Wasmtime(),
        Python(),
        Clr(),
        Jvm(),
        Namespaces(),
        Bubblewrap(),
        Crun(),
        Runc(),
        Gvisor(),
        Docker(),
        Unicorn(),
        OwnMonitor(),
        QemuKvm(),
        QemuBootSector(),
        QemuLinux(),
    )
}

# The rungs that the first chapter climbs.
LADDER = ("thread", "posix_spawn", "namespaces", "bubblewrap", "runc", "kvm", "qemu-tcg")
