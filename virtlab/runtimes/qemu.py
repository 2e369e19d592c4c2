"""Whole machines by QEMU, whose tiny code generator (TCG) translates the guest's instructions."""

from collections.abc import Sequence
from typing import Any

from virtlab import host
from virtlab.host import find_tool
from virtlab.runtimes.base import RuntimeFailed
from virtlab.runtimes.launched import LaunchedRuntime, recipe
from virtlab.runtimes.launcher import Launcher, payload


class QemuBootSector(LaunchedRuntime):
    """A PC with a BIOS that boots 512 bytes, which say READY on the serial port and halt."""

    name = "qemu-tcg"
    kind = "vm"
    accelerator = "TCG"
    describe = "a PC by QEMU (TCG): BIOS and a 512-byte boot sector"
    needs = (host.qemu.probe,)
    tried = False

    def spec(self, launcher: Launcher, command: Sequence[str] | None) -> dict[str, Any]:
        """How the launcher starts it."""
        if command is not None:
            raise RuntimeFailed(f"{self.name}: a boot sector runs no program; give no command")
        disk = launcher.folder / "ready-bios.bin"
        if not disk.exists():
            disk.write_bytes(payload("ready-bios"))
        argv = [find_tool("qemu-system-x86_64") or "qemu-system-x86_64"]
        argv += ["-M", "pc", "-accel", "tcg", "-m", "16", "-no-user-config", "-nodefaults"]
        argv += ["-display", "none", "-serial", "stdio"]
        argv += ["-drive", f"file={disk},format=raw,if=floppy,readonly=on"]
        return recipe(launcher, "spawn", argv, end="reply", speaks=True)
