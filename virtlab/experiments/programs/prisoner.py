"""Puts a prisoner behind the walls of each level and lets it attack.

Run as `python -I -S prisoner.py levels FOLDER` (or `powers`), with one line on standard input when
it may begin. FOLDER holds `root`, which becomes the prisoner's root, `secret`, a file outside of
it, and `shared`, a folder that the prisoner is shown read-only. Prints one JSON list.

Every attack runs in a child of its own. Whether it got through is judged outside wherever that can
be seen: the victim is dead, the file is there, the connection has come.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import signal
import socket
import stat
import struct
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3]))

from virtlab import syscalls
from virtlab.container import engine
from virtlab.container.levels import LEVELS

THROUGH, STOPPED = "got through", "stopped"
FILTERED = "no new user namespaces"
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.shmat.restype = ctypes.c_void_p
# Of unshare, clone, clone3 and swapon.
_NUMBERS = {"x86_64": (272, 56, 435, 167), "aarch64": (97, 220, 435, 224)}


@dataclass(frozen=True)
class Target:
    """What there is to attack; all of it was made for this.

    Attributes:
        folder: that holds root, secret and shared.
        secret: what the file and the shared memory say.
        segment: the id of a segment of System V shared memory.
        port: of a service on the host's loopback address.
        victim: a process.
    """

    folder: Path
    secret: str
    segment: int
    port: int
    victim: int


# --- the attacks ----------------------------------------------------------------------------------


def climb() -> None:
    """Climbs out of a chroot: a working directory above the root has no root over it."""
    Path("tmp/step").mkdir(exist_ok=True)
    os.chroot("tmp/step")  # the root moves down; the working directory stays above it
    for _ in range(64):
        os.chdir("..")  # so nothing ends this climb but the real root
    os.chroot(".")


def outside_if_possible() -> None:
    """Climbs out first, as any attacker would; a wall that forbids even that is no surprise."""
    with contextlib.suppress(OSError):
        climb()


def read_by_name(target: Target) -> bool:
    """Opens a file of the host by its path."""
    return (target.folder / "secret").read_text() == target.secret


def read_after_climbing(target: Target) -> bool:
    """Climbs out, then opens the same file."""
    outside_if_possible()
    return read_by_name(target)


def kill(target: Target) -> bool:
    """Kills a process of the host; the victim's death is what counts."""
    os.kill(target.victim, signal.SIGKILL)
    return True


def read_memory(target: Target) -> bool:
    """Attaches a segment of shared memory that a process of the host has made."""
    address = _LIBC.shmat(target.segment, None, 0o10000)  # SHM_RDONLY
    if address in (None, ctypes.c_void_p(-1).value):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return ctypes.string_at(address).decode() == target.secret


def call_service(target: Target) -> bool:
    """Connects to a service that listens on the host's loopback address only."""
    with socket.socket() as client:
        client.settimeout(2)
        client.connect(("127.0.0.1", target.port))
    return True


def name_group(target: Target) -> bool:
    """Learns where in the host's tree of control groups it is."""
    outside_if_possible()
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    return any(line.split(":", 2)[2] != "/" for line in lines)


def unlock(target: Target) -> bool:
    """Writes into a folder that it was given to read, after making it writable if need be."""
    outside_if_possible()
    place = target.folder / "shared"
    try:
        (place / "written").write_text("by the prisoner")
    except OSError:
        keep = os.statvfs(place).f_flag & (
            syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC | 1024 | 2048
        )
        relatime = 1 << 21 if os.statvfs(place).f_flag & 4096 else 0
        flags = syscalls.MS_REMOUNT | syscalls.MS_BIND | keep | relatime
        syscalls.mount(None, str(place), None, flags)
        (place / "written").write_text("by the prisoner")
    return True


def nest(target: Target) -> bool:
    """Makes a user namespace, in which it is root again, over a world of its own."""
    outside_if_possible()
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    return True


def kill_own(target: Target) -> bool:
    """Kills a process of its own: the control of the weapon, not an attack."""
    pid = os.fork()
    if pid == 0:
        time.sleep(10)
        os._exit(0)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


ATTACKS: dict[str, Callable[[Target], bool]] = {
    "file": read_by_name,
    "climb": read_after_climbing,
    "kill": kill,
    "memory": read_memory,
    "service": call_service,
    "group": name_group,
    "unlock": unlock,
    "nest": nest,
    "own": kill_own,
}


# --- what root's powers are good for --------------------------------------------------------------


def use_chroot(target: Target) -> bool:
    """Moves its root (SYS_CHROOT)."""
    os.chroot("/tmp")
    return True


def use_mount(target: Target) -> bool:
    """Mounts a new file system (SYS_ADMIN)."""
    syscalls.mount("tmpfs", "/tmp", "tmpfs", syscalls.MS_NOSUID)
    return True


def use_device(target: Target) -> bool:
    """Makes a device file of its own and reads from the device (MKNOD). This one gives zeros."""
    os.mknod("/dev/mine", 0o600 | stat.S_IFCHR, os.makedev(1, 5))
    with Path("/dev/mine").open("rb") as device:
        return device.read(4) == bytes(4)


def use_swap(target: Target) -> bool:
    """Asks the kernel to swap to a file (SYS_ADMIN, as a mount). There is no such file."""
    number = _NUMBERS[os.uname().machine][3]
    _LIBC.syscall(number, b"/tmp/no-such-file", 0)
    refused = ctypes.get_errno()
    if refused in (errno.EPERM, errno.ENOSYS):
        raise OSError(refused, os.strerror(refused))
    return True  # it got past the guard, and found nothing behind the door


POWERS: dict[str, Callable[[Target], bool]] = {
    "chroot": use_chroot,
    "mount": use_mount,
    "device": use_device,
    "swap": use_swap,
}


# --- the prison -----------------------------------------------------------------------------------


def refuse_new_users() -> None:
    """Installs a filter of system calls: no new user namespace, by whichever call."""
    unshare, clone, clone3, _ = _NUMBERS[os.uname().machine]
    load, equal, has_bit, answer = 0x20, 0x15, 0x45, 0x06
    allow, error = 0x7FFF0000, 0x00050000
    program = [
        (load, 0, 0, 0),  # the call's number
        (equal, 2, 0, unshare),
        (equal, 1, 0, clone),
        (equal, 4, 2, clone3),
        (load, 0, 0, 16),  # the low half of its first argument
        (has_bit, 1, 0, syscalls.CLONE_NEWUSER),
        (answer, 0, 0, allow),
        (answer, 0, 0, error | errno.EPERM),
        (answer, 0, 0, error | errno.ENOSYS),  # its flags lie in memory, where no filter looks
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *line) for line in program))
    filter_mode = 2
    whole = struct.pack("<HxxxxxxQ", len(program), ctypes.addressof(code))
    pointer = ctypes.create_string_buffer(whole)
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    syscalls.prctl(syscalls.PR_SET_SECCOMP, filter_mode, ctypes.addressof(pointer))


def give_up_powers() -> None:
    """Drops every capability, for good."""
    syscalls.drop_capabilities()
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)


def tried(action: Callable[[Target], bool], target: Target) -> str:
    """Run one attack in a child; THROUGH, STOPPED, or STOPPED and why."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writer, (THROUGH if action(target) else STOPPED).encode())
        except OSError as error:
            os.write(writer, f"{STOPPED}: {os.strerror(error.errno or 0)}".encode())
        finally:
            os._exit(0)
    os.close(writer)
    said = os.read(reader, 1000).decode()
    os.close(reader)
    os.waitpid(pid, 0)
    return said or f"{STOPPED}: it died"


def imprison(
    container: engine.Container,
    actions: Mapping[str, Callable[[Target], bool]],
    target: Target,
    before: Callable[[], None] | None = None,
) -> dict[str, str]:
    """Put a prisoner into a container, let it try each action, and return what came of each.

    Raises:
        OSError: the kernel refused to build the prison.
    """
    ids = (os.geteuid(), os.getegid())
    reader, writer = os.pipe()
    flags = sum(syscalls.NAMESPACES[name] for name in container.namespaces)
    pid = syscalls.clone(flags)
    if pid == 0:
        try:
            engine.enter(container, ids)
            os.chdir("/")
            if container.root is None:
                os.chdir(target.folder / "root")
            if container.powerless:
                give_up_powers()
            if before is not None:
                before()
            told = {name: tried(action, target) for name, action in actions.items()}
            os.write(writer, json.dumps(told).encode())
        except OSError as error:
            os.write(writer, json.dumps({"error": str(error)}).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    os.waitpid(pid, 0)
    told = json.loads(text or '{"error": "the prisoner died"}')
    if "error" in told:
        raise OSError(told["error"])
    return dict(told)


def container_of(
    folder: Path, kinds: tuple[str, ...], chroot: bool = False, powerless: bool = False
) -> engine.Container:
    """The container of a level. For an ordinary user a user namespace comes with its walls."""
    walled = bool(kinds) or chroot
    extra = () if syscalls.may_administer() or not walled else ("user",)
    return engine.Container(
        argv=(),
        root=str(folder / "root") if walled else None,
        namespaces=frozenset((*kinds, *extra)),
        binds=[str(folder / "shared")],
        chroot=chroot,
        powerless=powerless,
    )


def levels(folder: Path, secret: str, segment: int) -> list[dict[str, str]]:
    """Let a prisoner attack from each level; one row a level."""
    cases = [(level.name, level, False) for level in LEVELS]
    cases.append((FILTERED, LEVELS[-1], True))
    rows = []
    for name, level, filtered in cases:
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            server.setblocking(False)
            victim = os.fork()
            if victim == 0:
                syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
                time.sleep(60)
                os._exit(0)
            target = Target(folder, secret, segment, server.getsockname()[1], victim)
            box = container_of(folder, level.namespaces, level.chroot, level.powerless)
            try:
                told = imprison(box, ATTACKS, target, refuse_new_users if filtered else None)
                told["kill"] = seen(told["kill"], ended(victim))
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(victim, 0)
            told["service"] = seen(told["service"], called(server))
        written = folder / "shared" / "written"
        told["unlock"] = seen(told["unlock"], written.exists())
        written.unlink(missing_ok=True)
        rows.append({"condition": name, **told})
    return rows


def powers(folder: Path, secret: str, segment: int) -> list[dict[str, str]]:
    """Let root use its powers in a container, behind a user namespace, and without them."""
    kinds = engine.DEFAULT_NAMESPACES
    target = Target(folder, secret, segment, 0, 0)
    cases = {
        "all powers": container_of(folder, kinds),
        "all powers, user namespace": container_of(folder, (*kinds, "user")),
        "no powers": container_of(folder, kinds, powerless=True),
    }
    return [{"condition": name, **imprison(box, POWERS, target)} for name, box in cases.items()]


def seen(said: str, happened: bool) -> str:
    """What an attack said of itself, mended by what is seen outside."""
    if happened:
        return THROUGH
    return f"{STOPPED}: it hit nothing" if said == THROUGH else said


def ended(victim: int) -> bool:
    """Whether the victim is dead; it is given a moment."""
    deadline = time.monotonic() + 0.2
    while time.monotonic() < deadline:
        if os.waitpid(victim, os.WNOHANG)[0]:
            return True
        time.sleep(0.005)
    return False


def called(server: socket.socket) -> bool:
    """Whether a connection has come."""
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def shared_memory(secret: str) -> int:
    """A segment of System V memory that holds the secret, and goes with this process."""
    private, create, remove = 0, 0o1600, 0
    identity = int(_LIBC.shmget(private, 4096, create))
    address = _LIBC.shmat(identity, None, 0)
    if identity == -1 or address in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "no shared memory here")
    ctypes.memmove(address, secret.encode(), len(secret))
    _LIBC.shmctl(identity, remove, None)  # gone as soon as nobody holds it any more
    return identity


def main() -> None:
    """Wait for the word, then play every row and print what came of it."""
    what, folder = sys.argv[1], Path(sys.argv[2])
    sys.stdin.readline()
    secret = (folder / "secret").read_text()
    rows = {"levels": levels, "powers": powers}[what](folder, secret, shared_memory(secret))
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
