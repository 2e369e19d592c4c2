"""The few Linux system calls that Python 3.11 has no function for, as thin wrappers.

Each wrapper is named after its call, takes what the manual page says, and raises OSError. Only the
standard library is imported, so that the launcher's helper (`python -I -S`) stays small.
"""

import ctypes
import os

CLONE_NEWTIME = 0x00000080
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

# Every kind of namespace, by the name that /proc/self/ns gives it.
NAMESPACES: dict[str, int] = {
    "user": CLONE_NEWUSER,
    "mnt": CLONE_NEWNS,
    "pid": CLONE_NEWPID,
    "net": CLONE_NEWNET,
    "ipc": CLONE_NEWIPC,
    "uts": CLONE_NEWUTS,
    "cgroup": CLONE_NEWCGROUP,
    "time": CLONE_NEWTIME,
}

# Those that a container usually gets; for an ordinary user "user" comes with them.
CONTAINER_NAMESPACES = ("mnt", "pid", "net", "ipc", "uts", "cgroup")

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_SET_THP_DISABLE = 41
PR_CAP_AMBIENT = 47

_LIBC = ctypes.CDLL(None, use_errno=True)
# PyDLL keeps the interpreter's lock: the child of a raw clone must come back into Python with it.
_LIBC_WITH_LOCK = ctypes.PyDLL(None, use_errno=True)
_NUMBERS = {
    "x86_64": {"clone": 56, "pivot_root": 155, "capset": 126, "bpf": 321},
    "aarch64": {"clone": 220, "pivot_root": 41, "capset": 91, "bpf": 280},
}
_NUMBER = _NUMBERS.get(os.uname().machine, {})


def _checked(result: int, call: str) -> int:
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, f"{call}: {os.strerror(error)}")
    return result


def _number(call: str) -> int:
    if call not in _NUMBER:
        raise OSError(f"{call}: no system call number known for {os.uname().machine}")
    return _NUMBER[call]


def unshare(flags: int) -> None:
    """Moves this process into new namespaces; `flags` is a sum of CLONE_NEW… values."""
    _checked(_LIBC.unshare(flags), "unshare")


def setns(descriptor: int, kind: int) -> None:
    """Moves this thread into the namespace of this kind that an open file stands for."""
    _checked(_LIBC.setns(descriptor, kind), "setns")


def clone(flags: int) -> int:
    """Forks into new namespaces in one call; returns 0 in the child, like `os.fork`.

    Only for a process with one thread. SIGCHLD is sent at the child's end, as after a fork.
    """
    sigchld = 17
    return _checked(_LIBC_WITH_LOCK.syscall(_number("clone"), flags | sigchld, 0, 0, 0, 0), "clone")


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    """Mounts `source` on `target`."""
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    result = _LIBC.mount(*encoded, ctypes.c_ulong(flags), os.fsencode(data) or None)
    _checked(result, f"mount {target}")


def umount(target: str, flags: int = MNT_DETACH) -> None:
    """Unmounts `target`; by default lazily, with all that is mounted below it."""
    _checked(_LIBC.umount2(os.fsencode(target), flags), f"umount {target}")


def pivot_root(new_root: str, put_old: str) -> None:
    """Makes `new_root` the root of this mount namespace and puts the old one at `put_old`."""
    result = _LIBC.syscall(_number("pivot_root"), os.fsencode(new_root), os.fsencode(put_old))
    _checked(result, "pivot_root")


def sethostname(name: str) -> None:
    """Sets the host name of this UTS namespace."""
    encoded = name.encode()
    _checked(_LIBC.sethostname(encoded, len(encoded)), "sethostname")


def prctl(option: int, argument: int, more: int = 0) -> int:
    """Sets an attribute of this process."""
    arguments = [ctypes.c_ulong(value) for value in (argument, more, 0, 0)]
    return _checked(_LIBC.prctl(option, *arguments), "prctl")


def may_administer() -> bool:
    """Whether this process has CAP_SYS_ADMIN; the root of most containers has not."""
    try:
        with open("/proc/self/status") as status:  # noqa: PTH123
            words = next(line for line in status if line.startswith("CapEff:")).split()
    except (OSError, StopIteration):
        return False
    return bool(int(words[1], 16) >> 21 & 1)


def drop_capabilities() -> None:
    """Gives up every capability of this process, also those a later exec could bring back."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # past the last capability that this kernel knows, or not allowed to drop
    capset(0, 0, 0)


def capset(effective: int, permitted: int, inheritable: int) -> None:
    """Sets three of this process's capability sets; each has one bit a capability."""
    version_3 = 0x20080522
    header = (ctypes.c_uint32 * 2)(version_3, 0)
    sets = (effective, permitted, inheritable)
    words = [one >> shift & 0xFFFFFFFF for shift in (0, 32) for one in sets]
    data = (ctypes.c_uint32 * 6)(*words)
    _checked(_LIBC.syscall(_number("capset"), header, data), "capset")
