"""Xen, the hypervisor itself, booted on a machine by QEMU (TCG), with a Linux as its domain 0.

The options are those with which Xen 4.17 was seen to boot; with `-cpu max` domain 0 crashes. Domain
0 speaks through its kernel's log: Debian's cloud kernel has no console for a domain 0, and no
drivers for one either, so it is a domain 0 that only looks around. A kernel built with
CONFIG_XEN_DOM0 is taken where there is one.
"""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from virtlab import images
from virtlab.host import Capability
from virtlab.runtimes.base import RuntimeFailed
from virtlab.runtimes.console import Console
from virtlab.runtimes.linux_guest import find_kernel, initramfs

_BOOT = Path("/boot")
MEMORY_MIB, DOM0_MIB = 512, 256
LIMIT_S = 40.0
_SAY = "SAY "
_TRIES = 20
_IN_XEN = re.compile(r"\(XEN\) RIP: +e00[0-9a-f]:")
_TO_XEN = "\x01\x01\x01"  # Ctrl-A three times: what is typed then goes to Xen

_INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s /bin
export PATH=/bin
say() { while read -r line; do echo "<1>SAY $1: $line" > /dev/kmsg; done; }
uname -sr | say "my kernel"
cat /sys/hypervisor/type | say "/sys/hypervisor/type"
dmesg | grep -o "Hypervisor detected: .*" | say "my kernel's log"
grep MemTotal /proc/meminfo | say "my memory"
grep -c ^processor /proc/cpuinfo | say "my processors"
ls /sys/bus/pci/devices | wc -l | say "PCI devices that I see"
echo READY | say "the first program"
while true; do sleep 1; done
"""


def find_xen() -> Path | None:
    """The newest hypervisor in /boot, by name, as Debian's package puts it there."""
    found = sorted(_BOOT.glob("xen-*.gz"))
    return found[-1] if found else None


def xen_hypervisor() -> Capability:
    """Whether Xen lies in /boot."""
    found = find_xen()
    if found is None:
        remedy = "apt-get install xen-hypervisor-4.17-amd64"
        return Capability("xen hypervisor", False, f"no xen-*.gz in {_BOOT}", remedy)
    return Capability("xen hypervisor", True, str(found))


def find_dom0_kernel() -> Path | None:
    """A kernel made for domain 0 if there is one, else the one that guests boot."""
    for config in sorted(_BOOT.glob("config-*"), reverse=True):
        kernel = config.with_name(config.name.replace("config-", "vmlinuz-"))
        if kernel.exists() and "\nCONFIG_XEN_DOM0=y" in config.read_text(errors="replace"):
            return kernel
    return find_kernel()


def boot_log(limit_s: float = LIMIT_S) -> list[tuple[float, str, str]]:
    """Boot Xen and its domain 0, ask Xen about its domains and both about their rings.

    Args:
        limit_s: how long each of its steps may take.

    Returns:
        (milliseconds since power-on, who speaks, line) for every line of the serial port.

    Raises:
        RuntimeFailed: something is missing, or it did not come up in time.
    """
    xen, kernel = find_xen(), find_dom0_kernel()
    if xen is None or kernel is None:
        raise RuntimeFailed("Xen: there is no hypervisor or no kernel to boot")
    try:
        programs = {path: file.read_bytes() for path, file in images.programs("busybox").items()}
        files = {
            "xen": gzip.decompress(xen.read_bytes()),
            "root": initramfs({**programs, "/init": _INIT.encode()}),
        }
    except (images.ImageError, OSError) as error:
        raise RuntimeFailed(f"Xen: {error}") from None
    words = f"com1=115200,8n1 console=com1 dom0_mem={DOM0_MIB}M"
    dom0 = "earlyprintk=xen keep_bootcon quiet loglevel=2"
    options = ["-nodefaults", "-cpu", "qemu64", "-kernel", "{folder}/xen", "-append", words]
    options += ["-initrd", f"{kernel} {dom0},{{folder}}/root"]
    with Console("pc", options, memory_mib=MEMORY_MIB, files=files) as machine:
        machine.read_until(f"{_SAY}the first program: READY", timeout_s=limit_s)
        machine.enter(_TO_XEN)
        machine.read_until("Serial input to Xen", timeout_s=limit_s)
        for key, last in (("q", "Shared frames"), ("0", "fs: ")):
            machine.enter(key)
            machine.read_until(last, timeout_s=limit_s)
        for _ in range(_TRIES):
            # Xen tells what the key press interrupted: itself, or domain 0 if that was awake.
            machine.enter("d")
            machine.read_until("fs: ", timeout_s=limit_s)
            if any(_IN_XEN.search(line) for _, line in machine.lines):
                break
            machine.listen(0.2)
        return [(at, _speaker(line), line) for at, line in machine.lines]


def _speaker(line: str) -> str:
    """Whose line it is."""
    if line.startswith("(XEN)"):
        return "Xen"
    return "a program in domain 0" if _SAY in line else "domain 0's kernel"


# What a reader should not miss, in the order in which it comes.
_MILESTONES = {
    "the first line of all": r"\(XEN\) (Xen version \S+)",
    "it finds the memory": r"\(XEN\) (System RAM: \w+)",
    "it has a scheduler": r"\(XEN\) (Using scheduler: .+)",
    "it drives the interrupts": r"\(XEN\) (ENABLING IO-APIC IRQs)",
    "it looks at the processor": r"\(XEN\) (HVM: \w+ enabled)",
    "it starts the processors": r"\(XEN\) (Brought up .+)",
    "it loads a Linux, as its domain 0": r"\(XEN\) +(Dom0 kernel: [^,]+)",
    "the first line of Linux": r"^(mapping kernel into physical memory)",
    "Linux says who is below": r"SAY my kernel's log: (Hypervisor detected: .+)",
    "and how much memory it was given": r"SAY my memory: MemTotal: +(.+)",
    "asked for its domains, Xen says": r"\(XEN\) (General information for domain 0)",
    "where Linux's kernel runs": r"\(XEN\) RIP: +(e03[0-9a-f]):",
    "where Xen runs": r"\(XEN\) RIP: +(e00[0-9a-f]):",
}


def ring(selector: str) -> int:
    """Return the ring that a code segment's selector stands for: its two lowest bits."""
    return int(selector, 16) & 3


def milestones(lines: list[tuple[float, str]]) -> list[tuple[float, str, str]]:
    """Pick what a reader should not miss out of a boot log.

    Args:
        lines: (milliseconds, line), in order.

    Returns:
        (milliseconds, what happens, the words of the log) for each that is there.
    """
    found = []
    for what, pattern in _MILESTONES.items():
        for at, line in lines:
            if match := re.search(pattern, line):
                words = match[1]
                if "RIP" in pattern:
                    words = f"code segment {words}: ring {ring(words)}"
                found.append((at, what, words))
                break
    return found
