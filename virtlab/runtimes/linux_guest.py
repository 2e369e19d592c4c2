"""A whole Linux guest: a distribution's kernel and one static shell, booted by QEMU."""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from virtlab import host
from virtlab.host import Capability, find_tool
from virtlab.runtimes.base import RuntimeFailed
from virtlab.runtimes.launched import LaunchedRuntime, recipe
from virtlab.runtimes.launcher import Launcher

_KERNELS = Path("/boot")
_REMEDY = "apt-get install linux-image-cloud-amd64 busybox-static"
MEMORY_MIB = 128

# The first process of the guest. What it does, and whether the machine then goes off, is filled in.
_INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s /bin
export PATH=/bin
hostname guest
{command}
{end}
"""
_IDLE = "echo READY", "exec sleep 100000"
_KERNEL_WORDS = "console=ttyS0 quiet loglevel=0 reboot=t panic=-1"
_OFF = "reboot -f"  # QEMU runs with -no-reboot, so this ends it


def guest_kernel() -> Capability:
    """Whether a kernel to boot lies on this machine, readable for this user, and a shell for it."""
    if os.uname().machine != "x86_64":
        return Capability("guest kernel", False, "only made for x86-64 guests so far")
    if find_kernel() is None:
        return Capability("guest kernel", False, f"no readable kernel in {_KERNELS}", _REMEDY)
    if find_tool("busybox") is None:
        return Capability("guest kernel", False, "no busybox here", _REMEDY)
    return Capability("guest kernel", True, str(find_kernel()))


def find_kernel() -> Path | None:
    """The kernel to boot: one made for clouds if there is one, the newest by name."""
    kernels = [path for path in sorted(_KERNELS.glob("vmlinuz-*")) if os.access(path, os.R_OK)]
    cloud = [path for path in kernels if "cloud" in path.name]
    best = cloud or kernels
    return best[-1] if best else None


def initramfs(files: Mapping[str, bytes]) -> bytes:
    """Pack files as the archive that a kernel unpacks into its first root (cpio, format newc)."""
    folders = sorted({str(parent) for path in files for parent in Path(path).parents} - {"/", "."})
    entries = [(folder.strip("/"), b"", 0o040755) for folder in folders]
    entries += [(path.strip("/"), content, 0o100755) for path, content in files.items()]
    entries.append(("TRAILER!!!", b"", 0))
    archive = b"".join(
        _entry(number, name.encode(), content, mode)
        for number, (name, content, mode) in enumerate(entries, 1)
    )
    return archive + bytes(-len(archive) % 512)


def _entry(number: int, name: bytes, content: bytes, mode: int) -> bytes:
    links, name_size = 1, len(name) + 1
    fields = (number, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, name_size, 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + name + b"\0"
    return header + bytes(-len(header) % 4) + content + bytes(-len(content) % 4)


class QemuLinux(LaunchedRuntime):
    """A small virtual PC that boots a distribution's kernel and one program as its first process.

    With a command, the guest runs it by its shell and goes off; else it says READY and idles.
    """

    name = "qemu-tcg-linux"
    kind = "vm"
    accelerator = "TCG"
    describe = "a Linux guest by QEMU (TCG): a distribution's kernel and busybox"
    needs = (host.qemu.probe, guest_kernel)
    tried = False
    patience_s = 120.0

    def spec(self, launcher: Launcher, command: Sequence[str] | None) -> dict[str, Any]:
        """How the launcher starts it."""
        from virtlab import images  # here, because it imports half of the network's modules

        kernel = find_kernel()
        if kernel is None:
            raise RuntimeFailed(f"{self.name}: {guest_kernel().why}")
        first, then = _IDLE if command is None else (shlex.join(command), _OFF)
        disk = launcher.folder / f"initramfs-{'idle' if command is None else 'command'}"
        try:
            files = {path: file.read_bytes() for path, file in images.programs("busybox").items()}
            files["/init"] = _INIT.format(command=first, end=then).encode()
            disk.write_bytes(initramfs(files))
        except (images.ImageError, OSError) as error:
            why = getattr(error, "strerror", None) or error
            raise RuntimeFailed(f"{self.name}: {why}") from None
        argv = [find_tool("qemu-system-x86_64") or "qemu-system-x86_64"]
        # With ACPI some kernels wait for ever for a timer that this small machine does not have.
        machine = "microvm,x-option-roms=off,rtc=on,acpi=off"
        argv += ["-M", machine, "-accel", "tcg", "-cpu", "max"]
        argv += ["-m", str(MEMORY_MIB), "-no-user-config", "-nodefaults", "-no-reboot"]
        argv += ["-display", "none", "-serial", "stdio", "-kernel", str(kernel)]
        argv += ["-initrd", str(disk), "-append", _KERNEL_WORDS]
        if command is not None:
            return recipe(launcher, "spawn", argv)
        return recipe(launcher, "spawn", argv, reply="READY", end="reply")
