"""The walls: the file tree that a room sees, and the steps by which a process goes behind them.

The zygote builds the tree once and moves into it, so that neither it nor any of its children ever
sees the course, the gradebook or another submission. Each room and each examiner is then a child
that adds its private folders, gives up every right, and only after that runs anything.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from autograder.cells import Limits
from autograder.sandbox import limits as resource_limits
from autograder.sandbox import linux, seccomp

FOLDER = "/room"  # the student's working directory
SOURCE = "/source"  # the examiner's copy of the source folder's helpers
INSIDE_ID = 1000
FIRST_OUTSIDE_ID = 1_000_000_000
FEW_IDS = 60_000
INODES = 4096
# Those in which there is nothing to begin with: no interface that is up, no segment, no name.
EMPTY_NAMESPACES = (
    linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS | linux.CLONE_NEWCGROUP
)

LAYERS = frozenset({"namespaces", "seccomp", "limits", "examiner"})

_ETC = ("alternatives", "fonts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "mime.types")
_ETC_TEXT = {
    "passwd": f"root:x:0:0::/:/bin/false\nstudent:x:{INSIDE_ID}:{INSIDE_ID}::/tmp:/bin/sh\n",
    "group": f"root:x:0:\nstudent:x:{INSIDE_ID}:\n",
    "hosts": "127.0.0.1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
_DEVICES = ("null", "zero", "full", "random", "urandom")
# Any folder that every Linux has and that the zygote does not need; hidden only from the zygote.
_MOUNT_POINT = "/sys"


@dataclass(frozen=True)
class Walls:
    """What this host's zygote builds its rooms with.

    Attributes:
        layers: The layers that are up (all of `LAYERS` but in the layer-removal test).
        privileged: Whether the zygote is root outside, so that each room gets its own host user.
        proc: A descriptor of the host's /proc, which the room itself never has: its own is
            read-only, and giving up rights needs one to write to.
        filter: The seccomp program.
        address_space: Bytes of address space of the warm zygote.
        below_tmp: Readable folders that a private /tmp would hide.
    """

    layers: frozenset[str]
    privileged: bool
    proc: int
    filter: bytes
    address_space: int
    below_tmp: tuple[str, ...] = ()

    @property
    def separated(self) -> bool:
        """Whether rooms get namespaces and a file tree of their own."""
        return "namespaces" in self.layers


def outside_id(zygote_pid: int, serial: int) -> int:
    """The host's user id for a room (its examiner has the next one).

    No two live rooms share one, so that nothing that the kernel counts or grants by user joins
    them: `zygote_pid` tells zygotes apart, `serial` the rooms of one zygote.
    """
    spread = zygote_pid * 256 + 2 * (serial % 128)
    if owned_ids() > FIRST_OUTSIDE_ID * 3:
        return FIRST_OUTSIDE_ID + spread
    return FEW_IDS // 2 + spread % (FEW_IDS // 2 - 1)  # a container with few ids of its own


def owned_ids() -> int:
    """How many user ids, from 0 on, this user namespace has."""
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        first, _, count = map(int, line.split())
        if first == 0:
            return count
    return 0


# -- the zygote's part ------------------------------------------------------------------------


def readable_folders(extra: tuple[str, ...]) -> list[str]:
    """What the room may read of the host: the interpreter, its libraries and what is asked for."""
    folders = ["/usr", sys.prefix, sys.base_prefix, sys.exec_prefix]
    folders.append(str(Path(sys.executable).resolve().parent.parent))
    spec = find_spec("virtlab")
    if spec is not None and spec.origin:
        folders.append(str(Path(spec.origin).parent))
    folders += extra
    kept: list[str] = []
    for folder in sorted({os.path.abspath(f) for f in folders}):  # noqa: PTH100 - keep links
        if folder == "/" or any(folder == k or folder.startswith(k + "/") for k in kept):
            continue
        if Path(folder).is_dir():
            kept.append(folder)
    return kept


def build_tree(readable: list[str]) -> None:
    """Build the tree that rooms see and make it this process's root.

    The caller must be in mount and pid namespaces of its own, with the right to mount.
    """
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
    top = _MOUNT_POINT
    linux.mount("tree", top, "tmpfs", linux.MS_NOSUID, "mode=0755,size=4m,nr_inodes=4096")
    os.umask(0o022)
    bound: list[str] = []
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            Path(top, name).symlink_to(path.readlink())
        elif path.is_dir():
            bound.append(str(path))
    bound += readable
    for folder in bound:
        Path(top + folder).mkdir(parents=True, exist_ok=True)
        linux.mount(folder, top + folder, None, linux.MS_BIND | linux.MS_REC)
    _build_etc(top)
    for name in ("dev", "dev/shm", "proc", "tmp", FOLDER[1:], SOURCE[1:]):
        Path(top, name).mkdir(exist_ok=True)
    for name in _DEVICES:
        Path(top, "dev", name).touch()
    for name, target in (
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ):
        Path(top, "dev", name).symlink_to(target)
    linux.restrict_mount(top, linux.ATTR_RDONLY | linux.ATTR_NOSUID | linux.ATTR_NODEV)
    for name in _DEVICES:
        linux.mount(f"/dev/{name}", f"{top}/dev/{name}", None, linux.MS_BIND)
        linux.restrict_mount(f"{top}/dev/{name}", linux.ATTR_NOSUID | linux.ATTR_NOEXEC)
    _mount_proc(f"{top}/proc")
    linux.pivot_root(top)


def _build_etc(top: str) -> None:
    etc = Path(top, "etc")
    etc.mkdir()
    for name in _ETC:
        source = Path("/etc", name)
        if source.is_dir():
            (etc / name).mkdir()
        elif source.is_file():
            (etc / name).touch()
        else:
            continue
        linux.mount(str(source), str(etc / name), None, linux.MS_BIND | linux.MS_REC)
    for name, text in _ETC_TEXT.items():
        (etc / name).write_text(text)


def _mount_proc(target: str, more: int = 0) -> None:
    """Mount this pid namespace's /proc.

    Inside a container with a masked /proc the kernel refuses; then there is an empty folder.
    """
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC | more
    try:
        linux.mount("proc", target, "proc", flags)
    except OSError:
        linux.mount("none", target, "tmpfs", flags, "size=4k,nr_inodes=2")


def mount_shared_folder(owner: int, limits: Limits) -> None:
    """Mount the folder that the next room writes to and its examiner reads."""
    options = f"mode=0755,uid={owner},gid={owner},size={limits.file_bytes},nr_inodes={INODES}"
    linux.mount("room", FOLDER, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, options)


def unmount_shared_folder() -> None:
    """Let go of that folder: the room and the examiner have their own mounts of it by now."""
    linux.unmount(FOLDER)


# -- the child's part -------------------------------------------------------------------------


def leave_shared_namespaces(is_room: bool) -> None:
    """Take namespaces of one's own (the pid namespace came with the fork).

    An examiner, which runs nothing of a student's, has mounts of its own and is otherwise where
    the zygote is: a network namespace alone costs the kernel most of a millisecond.
    """
    linux.unshare(linux.CLONE_NEWNS | (EMPTY_NAMESPACES if is_room else 0))
    _mount_proc("/proc", linux.MS_RDONLY)


def private_tmpfs(target: str, owner: int, size: int) -> None:
    """Mount an empty, size-limited folder that only this process and its children see."""
    options = f"mode=0700,uid={owner},gid={owner},size={size},nr_inodes={INODES}"
    linux.mount("tmp", target, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, options)


def private_tmp(walls: Walls, owner: int, size: int) -> None:
    """Mount an empty /tmp; what of the interpreter lives below the host's stays in its place."""
    kept = [(folder, linux.detach_copy(folder)) for folder in walls.below_tmp]
    private_tmpfs("/tmp", owner, size)
    for folder, tree in kept:
        Path(folder).mkdir(parents=True, exist_ok=True)
        linux.attach(tree, folder)


def make_folder_read_only() -> None:
    """Turn the examiner's mount of the room's folder into a view that follows no links."""
    linux.restrict_mount(
        FOLDER,
        linux.ATTR_RDONLY
        | linux.ATTR_NOSUID
        | linux.ATTR_NODEV
        | linux.ATTR_NOEXEC
        | linux.ATTR_NOSYMFOLLOW,
    )


def copy_tree(folder_fd: int, target: str, owner: int, most_bytes: int) -> None:
    """Copy the regular files and folders below `folder_fd`; links and special files are left out.

    Args:
        folder_fd: The folder, opened by the grader.
        target: An existing folder.
        owner: Who owns the copies.
        most_bytes: Copying stops (the rest is left out) when this is used up.
    """
    budget = [most_bytes, INODES // 2]
    _copy_folder(folder_fd, target, owner, budget)


def _copy_folder(folder_fd: int, target: str, owner: int, budget: list[int]) -> None:
    for name in sorted(os.listdir(folder_fd)):
        try:
            status = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
        except OSError:
            continue
        is_file = stat.S_ISREG(status.st_mode)
        if not (is_file or stat.S_ISDIR(status.st_mode)) or budget[1] <= 0:
            continue
        if is_file and status.st_size > budget[0]:
            continue
        budget[1] -= 1
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            source = os.open(name, flags, dir_fd=folder_fd)
        except OSError:
            continue
        path = os.path.join(target, name)  # noqa: PTH118 - names may be any bytes
        try:
            if not is_file:
                os.mkdir(path, 0o755)  # noqa: PTH102
                _copy_folder(source, path, owner, budget)
            else:
                budget[0] -= status.st_size
                with Path(path).open("wb") as copy, open(source, "rb", closefd=False) as original:
                    shutil.copyfileobj(original, copy)
                os.chmod(path, 0o644 | (status.st_mode & 0o111))  # noqa: PTH101
            if os.geteuid() == 0 and owner:
                os.chown(path, owner, owner)
        finally:
            os.close(source)


def give_up_rights(walls: Walls, proc: int, owner: int, limits: Limits) -> None:
    """Become a user without any right, under limits and the system-call filter; for good."""
    with contextlib.suppress(OSError):  # when memory runs out, a room goes before anything else
        linux.write_proc(proc, "oom_score_adj", "500")
    if walls.separated:
        if walls.privileged:
            os.setgroups([])
            linux.prctl(linux.PR_SET_KEEPCAPS, 1)
            os.setresgid(owner, owner, owner)
            os.setresuid(owner, owner, owner)
            linux.prctl(linux.PR_SET_DUMPABLE, 1)  # else /proc/self is root's; no one else is here
            linux.set_capabilities(1 << linux.CAP_SYS_ADMIN)
        try:
            linux.unshare(linux.CLONE_NEWUSER)
            linux.write_id_maps(proc, INSIDE_ID, owner, owner)
        except OSError:
            if not walls.privileged:
                raise
            # A host that forbids user namespaces even to root: the user has no rights all the same.
    if "limits" in walls.layers:
        resource_limits.apply(limits, walls.address_space)
    if walls.separated:
        linux.drop_all_capabilities()
    if "seccomp" in walls.layers:
        seccomp.install(walls.filter)
    else:
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
