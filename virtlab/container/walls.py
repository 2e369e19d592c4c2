"""Walls that a process puts up around itself, whoever its user is.

Only the standard library is imported: programs run this without site-packages.
"""

import fcntl
import json
import os
import socket
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from virtlab import syscalls

_SIOCSIFFLAGS, _SIOCSIFTXQLEN, _UP = 0x8914, 0x8943, 1


def put_up(kinds: Iterable[str]) -> None:
    """Moves this process into new namespaces; an ordinary user gets a user namespace with them.

    A new PID namespace begins with the next child. Mounts are private from then on.

    Raises:
        OSError: the kernel refuses.
    """
    wanted = set(kinds)
    if not wanted:
        return
    if not syscalls.may_administer():
        wanted.add("user")
    uid, gid = os.geteuid(), os.getegid()
    syscalls.unshare(sum(syscalls.NAMESPACES[kind] for kind in wanted))
    if "user" in wanted:
        texts = {"setgroups": "deny", "uid_map": f"0 {uid} 1", "gid_map": f"0 {gid} 1"}
        for name, text in texts.items():
            Path(f"/proc/self/{name}").write_text(text)
    if "mnt" in wanted:
        syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)


def own_mounts() -> str:
    """Gives this process mounts of its own; returns what overlay options then end with."""
    as_root = syscalls.may_administer()
    put_up(["mnt"])
    return "" if as_root else ",userxattr"


def in_child(action: Callable[[], Any]) -> Any:
    """Does an action in a forked child, with which its walls end; returns what it returns, by JSON.

    Raises:
        OSError: the kernel refused it there, or the child died.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        try:
            answer = {"answer": action()}
        except OSError as error:
            answer = {"error": str(error)}
        with os.fdopen(writer, "w") as out:
            json.dump(answer, out)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        text = told.read()
    os.waitpid(pid, 0)
    answer = json.loads(text or '{"error": "a child died"}')
    if "error" in answer:
        raise OSError(answer["error"])
    return answer["answer"]


def show_own_processes() -> None:
    """Mounts a /proc of this PID namespace; needs a mount namespace of its own."""
    flags = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
    syscalls.mount("proc", "/proc", "proc", flags)


def can_name(pid: int) -> bool:
    """Whether a signal of this process would find another one; none is sent."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def set_loopback(up: bool) -> None:
    """Switches this network namespace's loopback card on or off."""
    _change_card(_SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", _UP if up else 0))


def set_queue_length(packets: int) -> None:
    """Says how many packets may wait at the loopback card: a very small change of the network."""
    _change_card(_SIOCSIFTXQLEN, struct.pack("16si20x", b"lo", packets))


def _change_card(what: int, request: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as card:
        fcntl.ioctl(card, what, request)
