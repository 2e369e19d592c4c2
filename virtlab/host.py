"""What this machine is and what it lets this user do.

A capability answers yes or no, why, and how to get it. What the kernel allows is tried in a small
process of its own (`virtlab.probes`), never guessed. The tokens at the end of this module name what
an experiment needs: `needs=[host.namespaces, host.runc]`.
"""

import functools
import importlib.util
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from virtlab.syscalls import CONTAINER_NAMESPACES, may_administer

_PROBES = Path(__file__).with_name("probes.py")
_PATIENCE_S = 10
_TRYING = threading.Lock()
_PROBING: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
_SYSTEM_TOOLS = "/usr/local/sbin:/usr/sbin:/sbin"  # not on an ordinary user's PATH in Debian


@dataclass(frozen=True)
class Capability:
    """Whether this machine can do something.

    Attributes:
        name: what it is about.
        ok: the answer; also the truth value of the whole.
        why: what was seen, in a few words.
        remedy: what to do about a no.
    """

    name: str
    ok: bool
    why: str
    remedy: str = ""

    def __bool__(self) -> bool:
        return self.ok


class Need(str):
    """The name of a capability; nothing is probed until `probe` or `bool` asks."""

    __slots__ = ()

    def probe(self) -> Capability:
        """Answers whether this machine has it; probed once a process."""
        return probe(self)

    def __bool__(self) -> bool:
        return self.probe().ok


def probe(name: str) -> Capability:
    """Answers whether this machine has the capability `name`; probed once a process.

    Raises:
        KeyError: no capability has that name.
    """
    if name not in CAPABILITIES:
        raise KeyError(f"no capability is named {name!r}; there are: {', '.join(CAPABILITIES)}")
    with _PROBING[name]:  # threads that ask at once wait for the first one's answer
        return _probe(name)


@functools.cache
def _probe(name: str) -> Capability:
    return CAPABILITIES[name]()


def find_tool(name: str) -> str | None:
    """The path of a program, looked for where system administration programs lie, too."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{_SYSTEM_TOOLS}")


# --- what the kernel allows ---------------------------------------------------------------------

_ALLOW_USER_NAMESPACES = (
    "as root: sysctl user.max_user_namespaces=10000, kernel.apparmor_restrict_unprivileged_userns=0"
)
_AS_ROOT = "run as root"
_REMEDIES = {
    "user namespace": _ALLOW_USER_NAMESPACES,
    "mount in user namespace": _ALLOW_USER_NAMESPACES,
    "overlayfs": _ALLOW_USER_NAMESPACES + "; modprobe overlay",
    "loop device": "run as root; modprobe loop",
    "kvm": "as root: modprobe kvm, and let this user open /dev/kvm (group kvm); "
    "in a virtual machine, ask its host for nested virtualization",
    "veth": "as root: modprobe veth",
    "bridge": "as root: modprobe bridge",
    "vxlan": "as root: modprobe vxlan",
    "tun": "as root: modprobe tun, and let this user open /dev/net/tun",
    "seccomp": "use a kernel with CONFIG_SECCOMP_FILTER",
    "ksm": "as root: echo 1 > /sys/kernel/mm/ksm/run",
    "psi": "boot with psi=1",
}


def _tried() -> dict[str, tuple[bool, str]]:
    """Every verdict of `virtlab.probes`, from one run of it; threads that ask wait for it."""
    with _TRYING:
        return _tried_once()


@functools.cache
def _tried_once() -> dict[str, tuple[bool, str]]:
    command = [sys.executable, "-I", "-S", str(_PROBES)]
    try:
        run = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True
        )
        return {name: (ok, why) for name, (ok, why) in json.loads(run.stdout).items()}
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        reason = f"the probes did not run: {str(error).splitlines()[-1]}"
        return dict.fromkeys(_KERNEL, (False, reason))


def _kernel_capability(name: str) -> Callable[[], Capability]:
    def ask() -> Capability:
        ok, why = _tried().get(name, (False, "not tried"))
        default = _ALLOW_USER_NAMESPACES if name.endswith("namespace") else _AS_ROOT
        return Capability(name, ok, why, "" if ok else _REMEDIES.get(name, default))

    return ask


def _namespaces() -> Capability:
    """Whether a container can be made at all: its namespaces and a mount inside them."""
    tried = _tried()
    steps = [f"{kind} namespace" for kind in CONTAINER_NAMESPACES]
    if not may_administer():
        steps.append("mount in user namespace")
    for step in steps:
        ok, why = tried.get(step, (False, "not tried"))
        if not ok:
            return Capability("namespaces", False, f"{step}: {why}", _ALLOW_USER_NAMESPACES)
    how = "as root" if may_administer() else "inside a user namespace"
    return Capability("namespaces", True, f"mnt, pid, net, ipc, uts and cgroup, {how}")


def _cgroup_controllers() -> Capability:
    """Which controllers a group below the caller's own can have: makes one, and removes it."""
    from virtlab.resources import cgroups  # it imports this module

    name = "cgroup controllers"
    usable, refused = [], ""
    for controller in sorted(cgroups.CONTROLLERS):
        try:
            with cgroups.group(controller):
                usable.append(controller)
        except cgroups.NoCgroup as error:
            refused = str(error)
    if usable:
        return Capability(name, True, " ".join(usable))
    remedy = "run as root, or ask systemd: systemd-run --user --scope -p Delegate=yes"
    return Capability(name, False, refused.partition(";")[0], remedy)


_KERNEL = [
    "user namespace",
    "mnt namespace",
    "pid namespace",
    "net namespace",
    "ipc namespace",
    "uts namespace",
    "cgroup namespace",
    "time namespace",
    "mount in user namespace",
    "overlayfs",
    "loop device",
    "kvm",
    "veth",
    "bridge",
    "vxlan",
    "tun",
    "seccomp",
    "ksm",
    "psi",
]


# --- what is installed --------------------------------------------------------------------------


def _tool(
    name: str, program: str, package: str, version: Sequence[str]
) -> Callable[[], Capability]:
    """A capability that is a program: found, and able to say its version."""

    def ask() -> Capability:
        path = find_tool(program)
        if path is None:
            return Capability(name, False, f"no {program} here", f"apt-get install {package}")
        try:
            run = subprocess.run(
                [path, *version],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=_PATIENCE_S,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            why = getattr(error, "strerror", None) or f"no answer within {_PATIENCE_S} s"
            remedy = f"apt-get install --reinstall {package}"
            return Capability(name, False, f"{path} does not run: {why}", remedy)
        number = re.search(r"\d+(\.\d+)+(~\d+(\.\d+)*)?", run.stdout)  # gVisor: 0.0~20221219.0
        said = f"version {number.group()}" if number else "of an unknown version"
        return Capability(name, True, f"{path}, {said}")

    return ask


def _package(distribution: str, name: str = "") -> Callable[[], Capability]:
    """A capability that is an installed Python package."""
    name = name or distribution

    def ask() -> Capability:
        from importlib import metadata

        try:
            return Capability(
                name, True, f"Python package, version {metadata.version(distribution)}"
            )
        except metadata.PackageNotFoundError:
            why, remedy = f"no Python package {distribution} here", f"pip install {distribution}"
            return Capability(name, False, why, remedy)

    return ask


def docker_address() -> str:
    """Where the Docker engine listens: DOCKER_HOST, or its usual socket."""
    return os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


def docker_engine() -> Capability:
    """Whether a Docker engine answers; never cached, since an engine comes and goes."""
    address = docker_address()
    remedy = (
        "as root: apt-get install docker.io; systemctl start docker; usermod -aG docker USER "
        "(virtlab startup and virtlab record, as root, start an engine of their own)"
    )
    if not address.startswith("unix://"):
        why = f"DOCKER_HOST is {address}; only an engine of this machine is measured"
        return Capability("docker", False, why, "unset DOCKER_HOST")
    try:
        with socket.socket(socket.AF_UNIX) as engine:
            engine.settimeout(2)
            engine.connect(address.removeprefix("unix://"))
            engine.sendall(b"GET /version HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: engine.recv(65536), b""))
        version = json.loads(answer.partition(b"\r\n\r\n")[2])["Version"]
    except (OSError, ValueError, KeyError) as error:
        reason = getattr(error, "strerror", None) or "it speaks another language"
        return Capability("docker", False, f"no engine answers at {address}: {reason}", remedy)
    return Capability("docker", True, f"engine {version} at {address}")


def _process_events() -> Capability:
    """Whether the kernel tells this user of every process that starts and ends."""
    from virtlab import process_events  # it imports this module

    return process_events.available()


def _guest_kernel() -> Capability:
    """Whether there is a Linux kernel to boot in a guest, and a shell for it."""
    from virtlab.runtimes import linux_guest  # it imports this module

    return linux_guest.guest_kernel()


def _xen_hypervisor() -> Capability:
    """Whether the Xen hypervisor lies on this machine, to be booted in a virtual one."""
    from virtlab.runtimes import xen  # it imports this module

    return xen.xen_hypervisor()


def _loopback() -> Capability:
    """Whether two processes of this machine can talk over TCP."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(2)
            with socket.create_connection(server.getsockname(), timeout=2) as client:
                answering, _ = server.accept()
                with answering:
                    client.sendall(b"?")
                    answering.settimeout(2)
                    answering.recv(1)
    except OSError as error:
        return Capability("loopback", False, str(error), "as root: ip link set lo up")
    return Capability("loopback", True, "a byte went from 127.0.0.1 to 127.0.0.1")


def _two_cores() -> Capability:
    """Whether two processes of this user can compute at the same time."""
    cores = len(os.sched_getaffinity(0))
    remedy = "" if cores > 1 else "give this machine, or this container, another CPU"
    return Capability("two cores", cores > 1, f"{cores} for this user", remedy)


def _virtual_display() -> Capability:
    """Whether a display that is only memory, a program on it and a server for it can run."""
    name = "virtual display"
    for program, package in {"Xvfb": "xvfb", "x11vnc": "x11vnc"}.items():
        if find_tool(program) is None:
            return Capability(name, False, f"no {program} here", f"apt-get install {package}")
    if importlib.util.find_spec("_tkinter") is None:
        why = "no tkinter for this Python"
        return Capability(name, False, why, "apt-get install python3-tk, for Debian's own Python")
    return Capability(name, True, "Xvfb, x11vnc and tkinter")


_TOOLS: dict[str, Callable[[], Capability]] = {
    "bubblewrap": _tool("bubblewrap", "bwrap", "bubblewrap", ["--version"]),
    "runc": _tool("runc", "runc", "runc", ["--version"]),
    "crun": _tool("crun", "crun", "crun", ["--version"]),
    "gvisor": _tool("gvisor", "runsc", "runsc", ["--version"]),
    "java": _tool("java", "java", "openjdk-17-jre-headless", ["-version"]),
    "mono": _tool("mono", "mono", "mono-runtime", ["--version"]),
    "wasmtime": _package("wasmtime"),
    "unicorn": _package("unicorn"),
    "docker": docker_engine,
    "docker package": _package("docker", "docker package"),
    "qemu": _tool("qemu", "qemu-system-x86_64", "qemu-system-x86", ["--version"]),
    "qemu-aarch64": _tool("qemu-aarch64", "qemu-aarch64", "qemu-user", ["--version"]),
    "qemu-system-aarch64": _tool(
        "qemu-system-aarch64", "qemu-system-aarch64", "qemu-system-arm", ["--version"]
    ),
    "qemu-img": _tool("qemu-img", "qemu-img", "qemu-utils", ["--version"]),
    "busybox": _tool("busybox", "busybox", "busybox-static", []),
    "strace": _tool("strace", "strace", "strace", ["--version"]),
    "squashfs": _tool("squashfs", "mksquashfs", "squashfs-tools", ["-version"]),
    "btrfs": _tool("btrfs", "mkfs.btrfs", "btrfs-progs", ["--version"]),
}

CAPABILITIES: dict[str, Callable[[], Capability]] = {
    "namespaces": _namespaces,
    **{name: _kernel_capability(name) for name in _KERNEL},
    "cgroup controllers": _cgroup_controllers,
    "process events": _process_events,
    "loopback": _loopback,
    "two cores": _two_cores,
    "guest kernel": _guest_kernel,
    "xen hypervisor": _xen_hypervisor,
    "virtual display": _virtual_display,
    **_TOOLS,
}


# --- what the machine is ------------------------------------------------------------------------

_HYPERVISORS = {
    "KVMKVMKVM": "KVM",
    "Microsoft Hv": "Hyper-V",
    "VMwareVMware": "VMware",
    "XenVMMXenVMM": "Xen",
    "TCGTCGTCGTCG": "QEMU TCG",
    "bhyve bhyve": "bhyve",
    "prl hyperv": "Parallels",
    "VBoxVBoxVBox": "VirtualBox",
    "ACRNACRNACRN": "ACRN",
    "QNXQVMBSQG": "QNX",
    "Jailhouse": "Jailhouse",
}


@functools.cache
def facts() -> dict[str, Any]:
    """What this machine is: kernel, processor, memory, and what lies beneath.

    Sizes are in bytes. `hypervisor` is the name of what runs this machine ("" for none seen);
    `container` names what kind of container this is in ("" for none seen).
    """
    hypervisor, how = _hypervisor()
    return {
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_bytes": _memory_bytes(),
        "user": "root" if os.geteuid() == 0 else f"uid {os.geteuid()}",
        "hypervisor": hypervisor,
        "hypervisor_seen_by": how,
        "nested": bool(hypervisor) and probe("kvm").ok,
        "machine": _machine(),
        "container": _container(),
        "wsl": "microsoft" in _read("/proc/version").lower(),
        "binder": any(name.startswith("BINDER_") for name in os.environ),
        "cgroup_version": _cgroup_version(),
        "clocksource": _read("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
    }


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return ""


def _hypervisor() -> tuple[str, str]:
    """The hypervisor beneath and what told of it."""
    ok, signature = _tried().get("hypervisor leaf", (False, ""))
    if ok and signature:
        return _HYPERVISORS.get(signature, signature), "CPUID leaf 0x40000000"
    if kind := _read("/sys/hypervisor/type"):
        return kind.capitalize(), "/sys/hypervisor/type"
    machine = _machine().lower()
    for word, name in [("qemu", "QEMU"), ("vmware", "VMware"), ("virtualbox", "VirtualBox")]:
        if word in machine:
            return name, "the machine's name (DMI)"
    if re.search(r"^flags\s*:.*\bhypervisor\b", _read("/proc/cpuinfo"), re.MULTILINE):
        return "unknown", "the hypervisor flag in /proc/cpuinfo"
    return "", "nothing: no signature, no DMI name, no flag"


def _machine() -> str:
    words = [_read(f"/sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name")]
    return " ".join(word for word in words if word) or _read("/proc/device-tree/model").rstrip("\0")


def _cpu() -> str:
    match = re.search(r"^model name\s*:\s*(.+)$", _read("/proc/cpuinfo"), re.MULTILINE)
    return match.group(1) if match else platform.processor() or platform.machine()


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


_FIRST_PID_NAMESPACE = 0xEFFFFFFC  # its inode in every Linux kernel since 3.8


def _container() -> str:
    """Which kind of container this is in, as far as the usual marks tell.

    A mark alone says little (a machine can be made from an image and keep its /.dockerenv), so a
    process in the machine's first PID namespace counts as in none.
    """
    try:
        if Path("/proc/self/ns/pid").stat().st_ino == _FIRST_PID_NAMESPACE:
            return ""
    except OSError:
        pass
    if Path("/.dockerenv").exists():
        return "docker"
    if Path("/run/.containerenv").exists():
        return "podman"
    named = re.search(r"(?:^|\0)container=([^\0]+)", _read("/proc/1/environ"))
    if named:
        return named.group(1)
    if kind := _read("/run/systemd/container"):
        return kind
    match = re.search(r"docker|kubepods|lxc|containerd", _read("/proc/1/cgroup"))
    return match.group() if match else ""


def _cgroup_version() -> str:
    kinds = {
        line.partition(" - ")[2].split(" ")[0]
        for line in _read("/proc/self/mountinfo").splitlines()
        if " - cgroup" in line
    }
    return {
        frozenset(): "none",
        frozenset({"cgroup"}): "1",
        frozenset({"cgroup2"}): "2",
    }.get(frozenset(kinds), "1 (hybrid)")


# --- tokens: what an experiment may need --------------------------------------------------------

namespaces = Need("namespaces")
user_namespace = Need("user namespace")
mount_in_user_namespace = Need("mount in user namespace")
cgroup_controllers = Need("cgroup controllers")
overlayfs = Need("overlayfs")
loop_device = Need("loop device")
kvm = Need("kvm")
veth = Need("veth")
bridge = Need("bridge")
vxlan = Need("vxlan")
tun = Need("tun")
seccomp = Need("seccomp")
ksm = Need("ksm")
psi = Need("psi")
process_events = Need("process events")
loopback = Need("loopback")
two_cores = Need("two cores")
guest_kernel = Need("guest kernel")
xen_hypervisor = Need("xen hypervisor")
virtual_display = Need("virtual display")
bubblewrap = Need("bubblewrap")
runc = Need("runc")
crun = Need("crun")
gvisor = Need("gvisor")
docker = Need("docker")
java = Need("java")
mono = Need("mono")
wasmtime = Need("wasmtime")
unicorn = Need("unicorn")
qemu = Need("qemu")
qemu_aarch64 = Need("qemu-aarch64")
qemu_system_aarch64 = Need("qemu-system-aarch64")
busybox = Need("busybox")
qemu_img = Need("qemu-img")
strace = Need("strace")
btrfs = Need("btrfs")
squashfs = Need("squashfs")
