"""Tries what the kernel lets this user do, in a process of its own: `python -I -S probes.py`.

Prints one JSON object: {name: [it works, why]}. A capability is never guessed from a file or a
version: Ubuntu 24.04 lets a user make a user namespace and then refuses the mount in it. Each
attempt runs in a forked child, so that what it changed ends with it.
"""

import contextlib
import ctypes
import errno
import fcntl
import functools
import json
import mmap
import os
import platform
import signal
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from virtlab import syscalls
from virtlab.container import walls

Verdict = tuple[bool, str]
PATIENCE_S = 5


def attempt(action: Callable[[], str | None]) -> Verdict:
    """Runs `action` in a child; what it returns is the why of a yes, what it raises of a no."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(PATIENCE_S)
        ok, why = True, ""
        try:
            why = action() or ""
        except OSError as error:
            ok, why = False, error.strerror or str(error)
            if error.errno == errno.EPERM:
                why = "not permitted"
        os.write(writer, json.dumps([ok, why]).encode())
        os._exit(0)
    os.close(writer)
    with open(reader) as answer:  # noqa: PTH123
        told = answer.read()
    os.waitpid(pid, 0)
    if not told:
        return False, "the attempt died"
    ok, why = json.loads(told)
    return ok, why


def isolate(*kinds: str) -> str:
    """Moves this process into new namespaces; as an ordinary user inside a new user namespace."""
    inside = "" if syscalls.may_administer() else " inside a user namespace"
    walls.put_up(kinds)
    return f"made one{inside}"


def user_namespace() -> str:
    """Moves this process into a new user namespace."""
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    return "made one"


def mount_in_user_namespace() -> str:
    """Makes user and mount namespaces and mounts a tmpfs there, as a container must."""
    syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNS)
    syscalls.mount("probe", "/tmp", "tmpfs", 0)
    return "mounted a tmpfs in one"


def overlay() -> str:
    """Mounts an overlay of two folders on a tmpfs."""
    isolate("mnt")
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.mount("probe", "/tmp", "tmpfs", 0)
    for name in ("lower", "upper", "work", "merged"):
        os.mkdir(f"/tmp/{name}")  # noqa: PTH102
    options = "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work"
    if not syscalls.may_administer():
        options += ",userxattr"
    syscalls.mount("overlay", "/tmp/merged", "overlay", 0, options)
    return "mounted one"


def loop_device() -> str:
    """Puts a small file behind a free loop device and takes it off again."""
    get_free, set_file, clear_file = 0x4C82, 0x4C00, 0x4C01
    backing = os.memfd_create("probe")
    os.ftruncate(backing, 4096)
    with open("/dev/loop-control", "rb+", buffering=0) as control:  # noqa: PTH123
        for _ in range(10):
            number = fcntl.ioctl(control, get_free)
            with open(f"/dev/loop{number}", "rb+", buffering=0) as device:  # noqa: PTH123
                try:
                    fcntl.ioctl(device, set_file, backing)
                except OSError as error:
                    if error.errno != errno.EBUSY:
                        raise
                    continue
                fcntl.ioctl(device, clear_file)
                return f"used /dev/loop{number}"
    raise OSError(errno.EBUSY, "others were quicker to take each free one")


def kvm() -> str:
    """Opens /dev/kvm and makes a virtual machine without a processor."""
    get_version, create_vm = 0xAE00, 0xAE01
    device = os.open("/dev/kvm", os.O_RDWR)
    version = fcntl.ioctl(device, get_version)
    os.close(fcntl.ioctl(device, create_vm, 0))
    return f"made a virtual machine (API {version}, {kvm_backend()})"


def kvm_backend() -> str:
    """Names what is behind /dev/kvm."""
    if platform.machine() == "aarch64":
        return "Arm virtualization extensions"
    modules = {path.name for path in Path("/sys/module").glob("kvm_*")}
    for module, name in [("kvm_pvm", "software: PVM"), ("kvm_intel", "VT-x"), ("kvm_amd", "AMD-V")]:
        if module in modules:
            return name
    return "nothing known"


def link(kind: str) -> Callable[[], str]:
    """Makes a network device of `kind` in a network namespace of its own."""

    def make() -> str:
        isolate("net")
        data = b""
        if kind == "vxlan":
            vni, port = 1, 15
            data = _attribute(vni, struct.pack("=I", 42))
            data += _attribute(port, struct.pack(">H", 4789))
        information = _attribute(1, kind.encode() + b"\0")
        information += _attribute(2, data) if data else b""
        _netlink_new_link(_attribute(3, b"probe0\0") + _attribute(18, information))
        return "made one"

    return make


def _attribute(kind: int, value: bytes) -> bytes:
    padding = -len(value) % 4
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(padding)


def _netlink_new_link(attributes: bytes) -> None:
    new_link, request_ack_create_exclusive = 16, 0x1 | 0x4 | 0x400 | 0x200
    body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, 0, 0, 0) + attributes
    header = struct.pack("=IHHII", 16 + len(body), new_link, request_ack_create_exclusive, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.settimeout(PATIENCE_S)
        kernel.send(header + body)
        answer = kernel.recv(4096)
    code = -int(struct.unpack_from("=i", answer, 16)[0])
    if code:
        raise OSError(code, os.strerror(code))


def tun() -> str:
    """Makes a tun device in a network namespace of its own."""
    isolate("net")
    set_interface, kind_tun_without_header = 0x400454CA, 0x1001
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, set_interface, struct.pack("16sH22x", b"probe0", kind_tun_without_header))
    return "made one"


def seccomp() -> str:
    """Installs a filter that allows everything."""
    allow = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000))
    program = ctypes.create_string_buffer(struct.pack("=Hxxxxxx", 1) + _pointer(allow))
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    syscalls.prctl(syscalls.PR_SET_SECCOMP, 2, ctypes.addressof(program))
    return "installed a filter"


def _pointer(buffer: ctypes.Array[ctypes.c_char]) -> bytes:
    return struct.pack("=Q", ctypes.addressof(buffer))


def same_page_merging() -> str:
    """Asks the kernel to merge equal pages of a mapping, and looks whether its scanner runs."""
    mergeable = getattr(mmap, "MADV_MERGEABLE", None)
    if mergeable is None:
        raise OSError("this Python knows no MADV_MERGEABLE")
    with mmap.mmap(-1, 4096) as pages:
        pages.madvise(mergeable)
    running = Path("/sys/kernel/mm/ksm/run").read_text().strip() == "1"
    if not running and not os.access("/sys/kernel/mm/ksm/run", os.W_OK):
        raise OSError("the scanner is off, and only root turns it on")
    return "the scanner runs" if running else "the scanner is off and can be turned on"


def pressure() -> str:
    """Reads the pressure stall information of the processor."""
    return Path("/proc/pressure/cpu").read_text().splitlines()[0]


def hypervisor_leaf() -> str:
    """The hypervisor's signature, from CPUID leaf 0x40000000; "" where the processor shows none."""
    if platform.machine() not in ("x86_64", "AMD64"):
        raise OSError(f"CPUID is an x86 instruction; this is {platform.machine()}")
    _, _, features, _ = cpuid(1)
    if not features >> 31 & 1:
        return ""
    _, *words = cpuid(0x40000000)
    return struct.pack("=3I", *words).rstrip(b"\0").decode("ascii", errors="replace")


def cpuid(leaf: int) -> tuple[int, int, int, int]:
    """Executes the CPUID instruction and returns eax, ebx, ecx, edx.

    Args:
        leaf: what to ask for; the subleaf is 0.
    """
    code = bytes.fromhex(
        "53"  # push rbx, which belongs to the caller
        "89f8"  # mov eax, edi: the leaf
        "31c9"  # xor ecx, ecx: the subleaf
        "0fa2"  # cpuid
        "8906" "895e04" "894e08" "89560c"  # mov [rsi], eax, ebx, ecx, edx
        "5bc3"  # pop rbx; ret
    )  # fmt: skip
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    words = (ctypes.c_uint32 * 4)()
    ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_void_p)(address)(leaf, ctypes.addressof(words))
    return words[0], words[1], words[2], words[3]


PROBES: dict[str, Callable[[], str | None]] = {
    **{f"{kind} namespace": functools.partial(isolate, kind) for kind in syscalls.NAMESPACES},
    "user namespace": user_namespace,
    "mount in user namespace": mount_in_user_namespace,
    "overlayfs": overlay,
    "loop device": loop_device,
    "kvm": kvm,
    "veth": link("veth"),
    "bridge": link("bridge"),
    "vxlan": link("vxlan"),
    "tun": tun,
    "seccomp": seccomp,
    "ksm": same_page_merging,
    "psi": pressure,
    "hypervisor leaf": hypervisor_leaf,
}


def main() -> None:
    """Tries everything and prints the verdicts."""
    print(json.dumps({name: attempt(action) for name, action in PROBES.items()}))


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
