"""Who says what about the machine that this one runs on, and what each of them looks at."""

from __future__ import annotations

import os
import platform
import re
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

from virtlab import host, probes
from virtlab.errors import RuntimeFailed
from virtlab.native import COUNT, CPUID, Native

NOBODY = "nothing"
FIRST_PID_NAMESPACE = 0xEFFFFFFC  # its inode in every Linux kernel since 3.8
# A processor answers CPUID in about a hundred or two turns of a loop that only counts; a trip to a
# hypervisor and back takes a thousand and more.
TRAPPED_TURNS = 500


def leaves() -> dict[int, tuple[int, int, int, int]]:
    """Return CPUID's answers to leaf 1 and to the first sixteen base leaves; empty elsewhere."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return {}
    bases = range(0x40000000, 0x40001000, 0x100)
    return {leaf: probes.cpuid(leaf) for leaf in (1, *bases)}


def names(answers: dict[int, tuple[int, int, int, int]]) -> list[str]:
    """Return the hypervisors' names in CPUID's answers, as they stand there; none without the bit.

    Args:
        answers: leaf → registers.
    """
    if not answers or not answers[1][2] >> 31 & 1:
        return []
    raw = [struct.pack("=3I", *answers[leaf][1:]) for leaf in sorted(answers) if leaf >> 30 == 1]
    found = [name.rstrip(b"\0").decode("latin-1") for name in raw]
    return [name for name in dict.fromkeys(found) if re.fullmatch(r"[ -~]{3,12}", name)]


def cpuid_us(turns: int = 500) -> float:
    """Return how long one CPUID takes, in microseconds."""
    with_name = Native(CPUID)
    return min(with_name.seconds(turns) for _ in range(3)) / turns * 1e6


def loop_us(turns: int = 1_000_000) -> float:
    """Return how long one turn of a loop that only counts takes, in microseconds."""
    loop = Native(COUNT)
    return min(loop.seconds(turns) for _ in range(3)) / turns * 1e6


def witnesses() -> list[tuple[str, str, str]]:
    """Ask every witness; return its name, what it says, and what it looks at."""
    return [(name, said() or NOBODY, looks_at) for name, (said, looks_at) in WITNESSES.items()]


def _present_bit() -> str:
    answers = leaves()
    if not answers:
        return "(no x86 processor)"
    return "a hypervisor is there" if answers[1][2] >> 31 & 1 else NOBODY


def _names() -> str:
    return ", ".join(names(leaves()))


def _time() -> str:
    try:
        one, turn = cpuid_us(), loop_us()
    except RuntimeFailed as error:
        return f"({error})"
    turns = one / turn
    says = "somebody traps it" if turns > TRAPPED_TURNS else "the processor itself answers"
    return f"{one:.3g} µs, or {turns:,.0f} turns of a loop: {says}"


def _dmi() -> str:
    places = [Path("/sys/class/dmi/id") / name for name in ("sys_vendor", "product_name")]
    return " ".join(_line(place) for place in places).strip()


def _kernel_log() -> str:
    log = _output("dmesg")
    told = [r"Hypervisor detected: (.+)", r"Booting (paravirtualized kernel on .+)"]
    found = [match[1] for pattern in told if (match := re.search(pattern, log))]
    if found:
        return "; ".join(found)
    if not log:
        return "(closed to this user)"
    return NOBODY if re.match(r"\[ +0\.0", log) else "(its beginning is gone)"


def _lscpu() -> str:
    said = _output("lscpu")
    if not said:
        return "(not installed)"
    wanted = ("Hypervisor vendor", "Virtualization type")
    found = [
        value.strip()
        for name, _, value in (line.partition(":") for line in said.splitlines())
        if name.strip() in wanted
    ]
    return ", ".join(found)


def _detect(*options: str) -> str:
    said = _output("systemd-detect-virt", *options)
    return {"": "(not installed)", "none": NOBODY}.get(said.strip(), said.strip())


def _container() -> str:
    try:
        first = Path("/proc/self/ns/pid").stat().st_ino == FIRST_PID_NAMESPACE
    except OSError:
        return "(not Linux)"
    return "the machine's first: no container" if first else "a later one: this is a container"


def _marks() -> str:
    found = [path for path in ("/.dockerenv", "/run/.containerenv") if Path(path).exists()]
    return ", ".join(found)


def _virtio() -> str:
    try:
        count = len(os.listdir("/sys/bus/virtio/devices"))  # noqa: PTH208
    except OSError:
        return NOBODY
    return f"{count} devices made for guests" if count else NOBODY


def _own_kvm() -> str:
    kvm = host.probe("kvm")
    if not kvm:
        return f"none to use ({kvm.why})"
    return f"KVM ({probes.kvm_backend()}): this machine can be a host as well"


def _wsl() -> str:
    builder = _line(Path("/proc/version")).lower()
    if "microsoft" not in builder:
        return NOBODY
    second = "microsoft-standard" in builder or "wsl2" in builder
    return "WSL 2, under Hyper-V" if second else "WSL 1: Windows plays Linux, without a machine"


WITNESSES: dict[str, tuple[Callable[[], str], str]] = {
    "CPUID, present bit": (_present_bit, "leaf 1, ECX, bit 31: what the hypervisor lets it say"),
    "CPUID, name": (_names, "leaves from 0x40000000 on: what the hypervisor calls itself"),
    "time of one CPUID": (_time, "a clock: a trap takes time, whatever the answer says"),
    "lscpu": (_lscpu, "CPUID's name; the type is looked up by that name"),
    "kernel log": (_kernel_log, "what this kernel found at boot, and how it adapted"),
    "DMI": (_dmi, "a table that the firmware of this machine wrote, if it has one"),
    "/sys/hypervisor": (lambda: _line(Path("/sys/hypervisor/type")), "Xen's own interface"),
    "virtio": (_virtio, "the list of devices"),
    "/proc/version": (_wsl, "who built this kernel"),
    "systemd-detect-virt": (_detect, "containers first, then DMI and CPUID: tells the innermost"),
    "systemd-detect-virt --vm": (lambda: _detect("--vm"), "the same without containers"),
    "container files": (_marks, "files that some container tools leave in the root"),
    "PID namespace": (_container, "which namespace this process is in"),
    "/dev/kvm": (_own_kvm, "what this machine could run itself"),
}


def _line(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _output(program: str, *options: str) -> str:
    """What a program prints; empty if it is not there or refuses."""
    path = host.find_tool(program)
    if path is None:
        return ""
    try:
        run = subprocess.run(
            [path, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return run.stdout
