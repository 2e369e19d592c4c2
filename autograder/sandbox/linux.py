"""The few system calls that Python has no function for, by ctypes.

Every function raises OSError with the name of the call, so that a caller can say what failed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
ALL_NEW = (
    CLONE_NEWNS
    | CLONE_NEWCGROUP
    | CLONE_NEWUTS
    | CLONE_NEWIPC
    | CLONE_NEWUSER
    | CLONE_NEWPID
    | CLONE_NEWNET
)

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

# The numbers of the newer system calls are the same on every architecture.
SYS_OPEN_TREE = 428
SYS_MOVE_MOUNT = 429
SYS_MOUNT_SETATTR = 442
OPEN_TREE_CLONE = 1
MOVE_MOUNT_F_EMPTY_PATH = 4
AT_FDCWD = -100
AT_RECURSIVE = 0x8000
ATTR_RDONLY = 0x1
ATTR_NOSUID = 0x2
ATTR_NODEV = 0x4
ATTR_NOEXEC = 0x8
ATTR_NOSYMFOLLOW = 0x200000

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
SECCOMP_MODE_FILTER = 2

# SECBIT_NOROOT, SECBIT_NO_SETUID_FIXUP, SECBIT_KEEP_CAPS off, each with its lock.
SECUREBITS = 0x01 | 0x02 | 0x04 | 0x08 | 0x20

CAP_SYS_ADMIN = 21
_CAPABILITY_VERSION_3 = 0x20080522

_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` for new ones."""
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def setns(fd: int, kind: int) -> None:
    """Enter the namespace behind `fd`."""
    _check(_libc.setns(ctypes.c_int(fd), ctypes.c_int(kind)), "setns")


def mount(source: str, target: str, kind: str | None, flags: int = 0, data: str = "") -> None:
    """Mount `source` at `target`."""
    result = _libc.mount(
        source.encode(),
        os.fsencode(target),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        data.encode() if data else None,
    )
    _check(result, f"mount {target}")


def unmount(target: str, flags: int = MNT_DETACH) -> None:
    """Take away the mount at `target`."""
    _check(_libc.umount2(os.fsencode(target), ctypes.c_int(flags)), f"umount {target}")


class _MountAttr(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def restrict_mount(target: str, attributes: int, recursive: bool = True) -> None:
    """Add attributes (read-only, no devices, ...) to a mount and, if asked, all below it."""
    attr = _MountAttr(attributes, 0, 0, 0)
    result = _libc.syscall(
        ctypes.c_long(SYS_MOUNT_SETATTR),
        ctypes.c_int(AT_FDCWD),
        os.fsencode(target),
        ctypes.c_uint(AT_RECURSIVE if recursive else 0),
        ctypes.byref(attr),
        ctypes.c_size_t(ctypes.sizeof(attr)),
    )
    _check(result, f"mount_setattr {target}")


def detach_copy(target: str) -> int:
    """A copy of the mounts at and below `target`, attached nowhere yet, as a descriptor."""
    result = _libc.syscall(
        ctypes.c_long(SYS_OPEN_TREE),
        ctypes.c_int(AT_FDCWD),
        os.fsencode(target),
        ctypes.c_uint(OPEN_TREE_CLONE | AT_RECURSIVE),
    )
    return _check(result, f"open_tree {target}")


def attach(tree: int, target: str) -> None:
    """Attach what `detach_copy` made at `target`, and close its descriptor."""
    result = _libc.syscall(
        ctypes.c_long(SYS_MOVE_MOUNT),
        ctypes.c_int(tree),
        b"",
        ctypes.c_int(AT_FDCWD),
        os.fsencode(target),
        ctypes.c_uint(MOVE_MOUNT_F_EMPTY_PATH),
    )
    os.close(tree)
    _check(result, f"move_mount {target}")


def pivot_root(new_root: str) -> None:
    """Make `new_root` (a mount point) the root directory and let go of the old one."""
    number = _PIVOT_ROOT[platform.machine()]
    os.chdir(new_root)
    _check(_libc.syscall(ctypes.c_long(number), b".", b"."), "pivot_root")
    unmount(".", MNT_DETACH)
    os.chdir("/")


def prctl(option: int, *arguments: int) -> None:
    """Call prctl with up to four integer arguments."""
    padded = [ctypes.c_ulong(a) for a in (*arguments, 0, 0, 0, 0)[:4]]
    _check(_libc.prctl(ctypes.c_int(option), *padded), f"prctl {option}")


def current_processor() -> int:
    """The number of the processor that this process runs on now."""
    return _check(_libc.sched_getcpu(), "sched_getcpu")


def sethostname(name: str) -> None:
    """Name this UTS namespace."""
    raw = name.encode()
    _check(_libc.sethostname(raw, ctypes.c_size_t(len(raw))), "sethostname")


class _CapHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapData(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def set_capabilities(mask: int) -> None:
    """Make `mask` the permitted and effective set, and the inheritable set empty."""
    header = _CapHeader(_CAPABILITY_VERSION_3, 0)
    data = (_CapData * 2)()
    for half in range(2):
        bits = (mask >> (32 * half)) & 0xFFFFFFFF
        data[half].effective = bits
        data[half].permitted = bits
    _check(_libc.capset(ctypes.byref(header), ctypes.byref(data)), "capset")


def drop_all_capabilities() -> None:
    """Empty every capability set for good: bounding, ambient, permitted, effective, inheritable."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # past the last capability of this kernel, or no right to drop: then none to lose
    with contextlib.suppress(OSError):
        prctl(PR_SET_SECUREBITS, SECUREBITS)
    with contextlib.suppress(OSError):
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    set_capabilities(0)


def effective_capabilities() -> int:
    """The effective capability set of this process as a bit mask."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def write_id_maps(proc: int, inside: int, outside_uid: int, outside_gid: int) -> None:
    """Map one user and one group id into the user namespace just made.

    Args:
        proc: A descriptor of a /proc folder that may be written to.
        inside: The id inside, of user and group.
        outside_uid: The user that it is outside.
        outside_gid: The group that it is outside.
    """
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{inside} {outside_uid} 1"),
        ("gid_map", f"{inside} {outside_gid} 1"),
    ):
        write_proc(proc, name, text)


def write_proc(proc: int, name: str, text: str) -> None:
    """Write to a file of this process in the /proc folder behind the descriptor `proc`."""
    fd = os.open(f"self/{name}", os.O_WRONLY, dir_fd=proc)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def use_huge_pages() -> None:
    """Gather this process's memory in huge pages where the kernel can: forks copy less then.

    MADV_COLLAPSE (Linux 6.1) does so at once; an older kernel refuses, and nothing is lost.
    """
    madv_collapse, size = 25, 2 * 1024 * 1024
    for line in Path("/proc/self/maps").read_text().splitlines():
        fields = line.split()
        if not fields[1].startswith("rw") or (len(fields) > 5 and fields[5] != "[heap]"):
            continue
        first, last = (int(address, 16) for address in fields[0].split("-"))
        for start in range(-(-first // size) * size, last - size + 1, size):
            _libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), madv_collapse)
