"""The whole container: namespaces, a root of its own, no capabilities, one program in it.

Only the standard library is imported: the launcher's helper runs this without site-packages.
"""

from __future__ import annotations

import os

from virtlab import syscalls

TYPE_CHECKING = False  # typing itself would make the helper larger
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

DEVICES = ("null", "zero", "full", "random", "urandom")
DEFAULT_NAMESPACES = syscalls.CONTAINER_NAMESPACES
_SIGKILL = 9


class Container:
    """What to run, and in what.

    Args:
        argv: the program, as a path inside the new root, and its arguments.
        root: the folder that becomes `/`; None keeps the host's root.
        namespaces: names from `syscalls.NAMESPACES`. "user" maps the caller to root inside.
        binds: folders of the host shown read-only at the same place inside.
        hostname: set if "uts" is among the namespaces.
        environment: the program's whole environment.
        chroot: move into the root by chroot, without a mount namespace; `binds` are not shown then.
        powerless: give up all capabilities before the program starts.
    """

    def __init__(
        self,
        argv: Sequence[str],
        root: str | None = None,
        namespaces: frozenset[str] = frozenset(DEFAULT_NAMESPACES),
        binds: Sequence[str] = (),
        hostname: str = "container",
        environment: Mapping[str, str] | None = None,
        chroot: bool = False,
        powerless: bool = True,
    ) -> None:
        self.argv, self.root, self.namespaces, self.binds = argv, root, namespaces, binds
        self.hostname, self.environment = hostname, environment or {}
        self.chroot, self.powerless = chroot, powerless


def start(container: Container, stdin: int, stdout: int, stderr: int) -> int:
    """Starts the container and returns its first process's id, as this process sees it.

    The descriptors become the program's standard input, output and error. What goes wrong between
    clone and exec is written to `stderr`, and the exit status is then 126.

    Raises:
        OSError: the kernel refused the namespaces.
    """
    ids = (os.geteuid(), os.getegid())
    pid = syscalls.clone(sum(syscalls.NAMESPACES[name] for name in container.namespaces))
    if pid == 0:
        _become(container, ids, (stdin, stdout, stderr))
    return pid


def _become(container: Container, ids: tuple[int, int], streams: tuple[int, int, int]) -> NoReturn:
    """Turns this fresh child into the container's first process. Never returns."""
    try:
        enter(container, ids)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        if container.powerless:
            syscalls.drop_capabilities()
            syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
        os.execve(container.argv[0], list(container.argv), container.environment)
    except OSError as error:
        os.write(streams[2], f"container: {error}\n".encode())
    finally:
        os._exit(126)


def enter(container: Container, ids: tuple[int, int]) -> None:
    """Takes a fresh child of `clone` to its root, with all its powers still in its hands.

    Args:
        container: whose namespaces the child was cloned into.
        ids: the user and the group that cloned it.
    """
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, _SIGKILL)
    os.setsid()
    if "user" in container.namespaces:
        _map_to_root(*ids)
    if "uts" in container.namespaces:
        syscalls.sethostname(container.hostname)
    if container.root is not None and "mnt" in container.namespaces:
        _move_into(container.root, container.binds, fresh_proc="pid" in container.namespaces)
    elif container.root is not None and container.chroot:
        os.chroot(container.root)
        os.chdir("/")


def _map_to_root(uid: int, gid: int) -> None:
    """Makes the caller root inside its new user namespace, and nobody else anything."""
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"0 {uid} 1")
    _write("/proc/self/gid_map", f"0 {gid} 1")


def _write(path: str, text: str) -> None:
    # One write system call each: the kernel takes a map whole or not at all.
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _move_into(root: str, binds: Sequence[str], fresh_proc: bool) -> None:
    """Makes `root` this mount namespace's root, with /proc, /dev and `binds`; the old one goes."""
    nothing_to_run_here = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.mount(root, root, None, syscalls.MS_BIND | syscalls.MS_REC)
    for folder in binds:
        show_read_only(folder, root + folder)
    if fresh_proc:
        syscalls.mount("proc", f"{root}/proc", "proc", nothing_to_run_here)
    else:  # the host's processes are its processes
        syscalls.mount("/proc", f"{root}/proc", None, syscalls.MS_BIND | syscalls.MS_REC)
    syscalls.mount("tmpfs", f"{root}/dev", "tmpfs", syscalls.MS_NOSUID, "mode=755,size=64k")
    for device in DEVICES:
        _show_device(f"/dev/{device}", f"{root}/dev/{device}")
    os.chdir(root)
    syscalls.pivot_root(".", ".")  # the old root now lies on top of the new one
    syscalls.umount(".")
    os.chdir("/")


def _show_device(device: str, place: str) -> None:
    os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o666))
    syscalls.mount(device, place, None, syscalls.MS_BIND)


def show_read_only(folder: str, place: str) -> None:
    """Binds `folder` at `place`, which exists, and makes the copy read-only."""
    syscalls.mount(folder, place, None, syscalls.MS_BIND | syscalls.MS_REC)
    # A remount in a user namespace may take no flag away that the mount came with.
    relatime_in_statvfs, relatime_in_mount = 4096, 1 << 21
    has = os.statvfs(place).f_flag
    keep = has & (syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC | 1024 | 2048)
    keep |= relatime_in_mount if has & relatime_in_statvfs else 0
    flags = syscalls.MS_REMOUNT | syscalls.MS_BIND | syscalls.MS_RDONLY | keep
    syscalls.mount(None, place, None, flags)
