"""Whole machines by QEMU: by translation (TCG) on any host, or with KVM.

The same emulated PC in every rung; what differs is what it boots and what executes it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from virtlab import host
from virtlab.host import Capability, find_tool
from virtlab.probes import kvm_backend
from virtlab.runtimes.base import RuntimeFailed
from virtlab.runtimes.launched import LaunchedRuntime, recipe
from virtlab.runtimes.launcher import Launcher, payload


def pc(accelerator: str, memory_mib: int, *more: str) -> list[str]:
    """The command of an emulated PC whose first serial port is our standard input and output."""
    program = find_tool("qemu-system-x86_64") or "qemu-system-x86_64"
    machine = ["-M", "pc", "-accel", accelerator, "-m", str(memory_mib), "-no-reboot"]
    nothing_else = ["-no-user-config", "-nodefaults", "-display", "none", "-serial", "stdio"]
    return [program, *machine, *nothing_else, *more]


class QemuBootSector(LaunchedRuntime):
    """A PC with a BIOS that boots 512 bytes, which say READY on the serial port and halt."""

    name = "qemu-tcg"
    kind = "vm"
    accelerator = "TCG"
    describe = "a PC by QEMU (TCG): BIOS and a 512-byte boot sector"
    needs: tuple[Callable[[], Capability], ...] = (host.qemu.probe,)
    tried = False

    def spec(self, launcher: Launcher, command: Sequence[str] | None) -> dict[str, Any]:
        """How the launcher starts it."""
        if command is not None:
            raise RuntimeFailed(f"{self.name}: a boot sector runs no program; give no command")
        disk = launcher.folder / "ready-bios.bin"
        if not disk.exists():
            disk.write_bytes(payload("ready-bios"))
        drive = f"file={disk},format=raw,if=floppy,readonly=on"
        argv = pc(self.accelerator[:3].lower(), 16, "-drive", drive)
        return recipe(launcher, "spawn", argv, reply="READY", end="reply")


class QemuKvm(QemuBootSector):
    """The same PC and boot sector; the host's processor executes the guest's instructions."""

    name = "qemu-kvm"
    describe = "a PC by QEMU (KVM): BIOS and a 512-byte boot sector"
    needs = (host.qemu.probe, host.kvm.probe)
    patience_s = 5.0  # there are hosts whose KVM never gets through a BIOS
    tried = True
    remedy = "use a host with VT-x or AMD-V"

    def __init__(self) -> None:
        self.accelerator = f"KVM ({kvm_backend()})"

    def look(self) -> Capability:
        """Asks for what it needs and boots one, where KVM has the hardware for it.

        KVM in software interprets 16-bit code, and a BIOS is too much of it (seen with PVM: no
        reply in 10 s); trying that each time would take longer than everything else together.
        """
        if "software" in self.accelerator:
            why = f"{self.accelerator} does not get through a BIOS"
            return Capability(self.name, False, why, self.remedy)
        return super().look()
