"""A machine by our own virtual machine monitor, `virtlab.runtimes.kvm`."""

import platform
from collections.abc import Sequence
from typing import Any

from virtlab import host
from virtlab.host import Capability
from virtlab.probes import kvm_backend
from virtlab.runtimes.base import Instance, RuntimeFailed, pss_with_children
from virtlab.runtimes.launched import LaunchedInstance, LaunchedRuntime, recipe
from virtlab.runtimes.launcher import Launcher, warm_launcher


class OwnMonitor(LaunchedRuntime):
    """One processor, 2 MiB, a serial port: 33 bytes of guest say READY from 64-bit user code."""

    name = "kvm"
    kind = "vm"
    describe = "a machine without BIOS by our own monitor over /dev/kvm"
    needs = (host.kvm.probe,)
    remedy = "see what `virtlab doctor` says about kvm"

    def __init__(self) -> None:
        self.accelerator = f"KVM ({kvm_backend()})"

    def launcher(self) -> Launcher:
        """One of its own: here the launcher is the monitor."""
        return warm_launcher("kvm")

    def spec(self, launcher: Launcher, command: Sequence[str] | None) -> dict[str, Any]:
        """How the launcher starts it."""
        if command is not None:
            raise RuntimeFailed("kvm: a guest without a system runs no program; give no command")
        return recipe(launcher, "kvm", guest="long-ready", speaks=True)

    def start(self, command: Sequence[str] | None = None) -> Instance:
        """Has the launcher start one and hold it."""
        launcher = self.launcher()
        told = self.ask(launcher, {"op": "start", "spec": self.spec(launcher, command)})
        return MonitoredInstance(self, launcher, told)

    def look(self) -> Capability:
        """Asks for /dev/kvm and starts one; names what is behind it."""
        if platform.machine() != "x86_64":
            why = f"its guests are x86-64 machine code; this is {platform.machine()}"
            return Capability(self.name, False, why, "use an x86-64 machine")
        seen = super().look()
        return Capability(self.name, True, f"over {self.accelerator}") if seen else seen


class MonitoredInstance(LaunchedInstance):
    """A machine inside its monitor's process."""

    def memory(self) -> int | None:
        """The monitor's and its guest's memory together, as for any other monitor."""
        return pss_with_children(self._launcher.pid)
