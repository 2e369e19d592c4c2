"""The warm process: imports once what notebooks need, then forks rooms and examiners from that.

It is started by exec with a clean environment, before any source or submission is read, moves into
the rooms' file tree, and never runs a student's code itself. It is init of a pid namespace: when
it ends, or the grader that holds its socket does, the kernel ends every room with it.

Run as `python -m autograder.sandbox.zygote FD`; `Zygote` (in `autograder.sandbox`) does that.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Iterator
from typing import Any, NoReturn

from autograder.cells import Limits
from autograder.sandbox import limits as resource_limits
from autograder.sandbox import linux, room, seccomp

MESSAGE_BYTES = 1 << 16


def main() -> None:
    """Build the walls' shared parts, warm up, and serve requests until the grader hangs up."""
    control = socket.socket(fileno=int(sys.argv[1]))
    options = json.loads(control.recv(MESSAGE_BYTES))
    layers = frozenset(options["layers"])
    privileged = (
        os.geteuid() == 0
        and bool(linux.effective_capabilities() & (1 << linux.CAP_SYS_ADMIN))
        and room.owned_ids() >= room.FEW_IDS
    )
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        if "namespaces" in layers:
            _become_init(privileged, proc)
        with _home_of_its_own(*options["scratch"]):
            shell = warm_up()
        linux.use_huge_pages()
        address_space = resource_limits.own_address_space()
        readable = room.readable_folders(tuple(options["readable"]))
        if "namespaces" in layers:
            room.build_tree(readable)
        walls = room.Walls(
            layers=layers,
            privileged=privileged,
            proc=proc,
            filter=seccomp.build() if "seccomp" in layers else b"",
            address_space=address_space,
            below_tmp=tuple(f for f in readable if f.startswith("/tmp/")),
        )
    except (OSError, ValueError) as error:
        control.send(json.dumps({"error": str(error)}).encode())
        return
    # Not before: the compiled modules that start-up leaves behind make the next start quick.
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    gc.collect()
    gc.freeze()
    control.send(json.dumps({"ready": True}).encode())
    _Server(control, walls, shell).serve()


def _become_init(privileged: bool, proc: int) -> None:
    """Continue as init of a new pid namespace, without network; this process ends with it."""
    if not privileged:
        uid, gid = os.geteuid(), os.getegid()
        linux.unshare(linux.CLONE_NEWUSER)
        linux.write_id_maps(proc, 0, uid, gid)
    linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWPID | room.EMPTY_NAMESPACES)
    linux.sethostname("room")
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def _home_of_its_own(folder: str, prefix: str) -> Iterator[None]:
    """Start-up reads settings and writes caches: not where the host's other users can, in /tmp."""
    seen_by_rooms = {name: os.environ[name] for name in ("HOME", "IPYTHONDIR", "MPLCONFIGDIR")}
    with tempfile.TemporaryDirectory(dir=folder, prefix=prefix) as home:
        os.environ.update(dict.fromkeys(seen_by_rooms, home))
        yield
    os.environ.update(seen_by_rooms)


def warm_up() -> Any:
    """Import what rooms and examiners use and make the room's shell; return the shell."""
    import concurrent.futures
    import datetime
    import decimal
    import fractions
    import statistics
    import unittest.mock

    import IPython
    import matplotlib.pyplot as plt
    import matplotlib_inline.backend_inline
    import numpy.testing
    import pandas.testing

    from autograder.examiner import answering, testing

    del IPython, matplotlib_inline, numpy, pandas, testing, concurrent
    del datetime, decimal, fractions, statistics, unittest
    shell = answering.make_shell()
    plt.close("all")
    return shell


class _Server:
    """Forks a room and an examiner a request, and says how they ended."""

    def __init__(self, control: socket.socket, walls: room.Walls, shell: Any) -> None:
        self.control = control
        self.walls = walls
        self.shell = shell
        self.own_pid_namespace = os.open("self/ns/pid", os.O_RDONLY, dir_fd=walls.proc)

    def serve(self) -> None:
        while True:
            message, fds, _, _ = socket.recv_fds(self.control, MESSAGE_BYTES, 8)
            if not message:
                return
            request = json.loads(message)
            try:
                if request["op"] == "open":
                    answer = self.open(request, fds)
                else:
                    answer = self.close(request["pids"])
            except OSError as error:
                answer = {"error": str(error)}
            finally:
                for fd in fds:
                    os.close(fd)
            self.control.send(json.dumps(answer).encode())

    def introduce(self, pids: list[int]) -> None:
        """Send the processes' pids and pidfds, so that the grader can limit their memory."""
        pidfds = [os.pidfd_open(pid) for pid in pids]
        socket.send_fds(self.control, [json.dumps({"pids": pids}).encode()], pidfds)
        for fd in pidfds:
            os.close(fd)

    def open(self, request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
        """Fork a room and an examiner that share one folder; introduce them and wait for both."""
        limits = Limits(**request["limits"])
        folder, source, room_control, room_channel, exam_control, exam_channel = fds
        owner = request["owner"] if self.walls.privileged else 0
        jobs = {
            "room": (owner, (folder, room_control, room_channel)),
            "examiner": (owner + self.walls.privileged, (source, exam_control, exam_channel)),
        }
        ready_read, ready_write = os.pipe()
        pids = []
        if self.walls.separated:
            room.mount_shared_folder(owner, limits)
        try:
            for kind, (user, kept) in jobs.items():
                pid = self.fork()
                if pid == 0:
                    _child(self.walls, self.shell, kind, kept, ready_write, user, limits, request)
                pids.append(pid)
            os.close(ready_write)
            ready_write = -1
            self.introduce(pids)
            missing = len(pids)
            while missing and (came := os.read(ready_read, missing)):
                missing -= len(came)
        finally:
            os.close(ready_read)
            if ready_write >= 0:
                os.close(ready_write)
            if self.walls.separated:
                room.unmount_shared_folder()
        return {"ready": True}

    def fork(self) -> int:
        """Fork; where walls are up, the child is init of a pid namespace of its own."""
        if not self.walls.separated:
            return os.fork()
        linux.unshare(linux.CLONE_NEWPID)
        pid = os.fork()
        if pid:
            linux.setns(self.own_pid_namespace, linux.CLONE_NEWPID)
        return pid

    def close(self, pids: list[int]) -> dict[str, Any]:
        """Wait for children that the grader has killed; say how each ended and its CPU time."""
        ends = []
        for pid in pids:
            try:
                _, status, usage = os.wait4(pid, 0)
                ends.append([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime])
            except ChildProcessError:
                ends.append([0, 0.0])
        return {"ends": ends}


def _child(
    walls: room.Walls,
    shell: Any,
    kind: str,
    kept: tuple[int, int, int],
    ready: int,
    user: int,
    limits: Limits,
    request: dict[str, Any],
) -> NoReturn:
    """Go behind the walls and run a room or an examiner; never returns."""
    code = 1
    try:
        folder, control, channel, ready, proc = _keep_only((*kept, ready, walls.proc))
        is_room = kind == "room"
        work = request["unsafe_folder"] or room.FOLDER
        os.setsid()
        if walls.separated:
            room.leave_shared_namespaces(is_room)
            room.private_tmp(walls, user, limits.file_bytes)
            if is_room:
                room.private_tmpfs("/dev/shm", user, limits.file_bytes)
                room.copy_tree(folder, work, user, limits.file_bytes)
            else:
                room.private_tmpfs(room.SOURCE, user, limits.file_bytes)
                room.copy_tree(folder, room.SOURCE, user, limits.file_bytes)
                room.make_folder_read_only()
        elif is_room:
            room.copy_tree(folder, work, 0, limits.file_bytes)
        os.chdir(work)
        os.close(folder)
        os.write(ready, b".")
        os.close(ready)
        room.give_up_rights(walls, proc, user, limits)
        os.close(proc)
        _seed()
        with contextlib.suppress(OSError):  # not before this: they get ready side by side
            os.sched_setaffinity(0, request["processors"])
        from autograder.examiner import answering, testing

        if is_room:
            answering.serve(shell, socket.socket(fileno=control), socket.socket(fileno=channel))
        else:
            linux.prctl(linux.PR_SET_DUMPABLE, 0)
            gc.disable()  # it lives for a second, and a collection would copy the pages it walks
            testing.serve(socket.socket(fileno=control), socket.socket(fileno=channel))
        code = 0
    except BaseException:  # the only place left to say it is the control socket, and it shows
        traceback.print_exc()
    finally:
        os._exit(code)


def _keep_only(fds: tuple[int, ...]) -> list[int]:
    """Close every descriptor but these; return their new numbers, which start at 3."""
    null = os.open("/dev/null", os.O_RDWR)
    base = max(*fds, null, 2 + len(fds)) + 1
    for index, fd in enumerate(fds):
        os.dup2(fd, base + index)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    targets = list(range(3, 3 + len(fds)))
    for index, target in enumerate(targets):
        os.dup2(base + index, target, inheritable=False)
    os.closerange(3 + len(fds), 65536)
    return targets


def _seed() -> None:
    """Make random numbers the same each time; the examiner gets a seed of its own later."""
    import numpy as np

    random.seed(0)
    np.random.seed(0)


if __name__ == "__main__":
    main()
