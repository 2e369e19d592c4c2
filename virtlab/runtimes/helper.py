"""The launcher's warm helper: a small process that starts programs and stamps their lives.

Run as a script by `python -I -S`, never imported by the notebook's process: what starts a process
is copied with it, and a notebook's hundreds of megabytes would be measured instead. For the same
reason this file and what it imports do with the least of the standard library: no json, no typing,
no dataclasses, no pathlib, which together would make it three times as large.

Standard input brings requests, standard output takes answers; each is a 4-byte length and a
marshalled dict. It ends, and takes everything it started with it, when standard input closes. Its
one argument is a marshalled dict, too, in hexadecimal:

- `folder`: the launcher's own folder, which is removed at the end
- `hide`: a mount that what is started must not see, or ""
- `ballast_mib`: memory to hold, to be as large as a program that starts others may be

A request has `op`:

- "run": start a life of each of `specs` at once, wait for the end of all
- "start": start one life and keep it; its answer carries an `id`
- "stop": end the life `id`

A spec says:

- `how`: "thread", "fork", "spawn", "subprocess", "container" or "inside"
- `argv`, `environment`: of programs; the other fields of `virtlab.container.engine.Container`: of
  containers; `module`: of what lives inside this process
- `clock`: how it tells its first instruction's time ("timespec": 16 bytes, "text": decimal
  nanoseconds, "": not at all)
- `reply`: what its first reply contains, where it says other things before
- `end`: what ends it ("stdin": its input closes, "reply": a signal after its first reply)
- `cleanup`: commands to run if it had to be killed
"""

# ruff: noqa: E402, SIM105  # the path comes before our imports; contextlib is one of those left out
from __future__ import annotations

import _thread
import marshal
import os
import select
import struct
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120
sys.path.append(ROOT)

from virtlab import syscalls
from virtlab.container import engine

OUTPUT_KEPT = 64 * 1024
CLEANUP_S = 5.0
SIGKILL = 9
now = time.monotonic_ns


class Failed(Exception):
    """A life that did not go as it should; the message is one line."""


class Life:
    """One started program, thread, container or guest, from its call to its end."""

    def __init__(self, spec: dict[str, Any], hold: bool) -> None:
        self.spec, self.hold = spec, hold
        self.stamps: dict[str, int] = {}
        self.output = bytearray()
        self.pid = self.pidfd = -1
        self.status: int | None = None
        self.guest: Any = None
        self.stdin, self.stdin_writer = os.pipe() if hold else (_DEV_NULL, -1)
        self.stdout, self.stdout_writer = os.pipe()
        self.stderr = os.memfd_create("stderr")

    def begin(self) -> None:
        """Calls the kernel; what the payload needs was made before, so that it is not timed."""
        getattr(self, "_begin_" + self.spec["how"])()
        if self.pid > 0:
            self.pidfd = os.pidfd_open(self.pid)
        os.close(self.stdout_writer)
        self.stdout_writer = -1

    def _begin_thread(self) -> None:
        stdin = os.dup(self.stdin)
        stdout = os.dup(self.stdout_writer)
        self.stamps["call"] = now()
        _thread.start_new_thread(_live_as_thread, (stdin, stdout))

    def _begin_fork(self) -> None:
        self.stamps["call"] = now()
        self.pid = os.fork()
        if self.pid == 0:
            _say_now(self.stdout_writer)
            os.dup2(self.stdin, 0)
            os.closerange(1, 1 << 16)  # other lives' pipes must end with them
            os.setpgid(0, 0)
            os.read(0, 1)
            os._exit(0)

    def _begin_spawn(self) -> None:
        argv, environment = self.spec["argv"], self.spec["environment"]
        streams = [
            (os.POSIX_SPAWN_DUP2, self.stdin, 0),
            (os.POSIX_SPAWN_DUP2, self.stdout_writer, 1),
            (os.POSIX_SPAWN_DUP2, self.stderr, 2),
        ]
        self.stamps["call"] = now()
        self.pid = os.posix_spawn(argv[0], argv, environment, file_actions=streams, setpgroup=0)

    def _begin_subprocess(self) -> None:
        import subprocess

        self.stamps["call"] = now()
        process = subprocess.Popen(
            self.spec["argv"],
            env=self.spec["environment"],
            stdin=self.stdin,
            stdout=self.stdout_writer,
            stderr=self.stderr,
            process_group=0,
        )
        self.pid = process.pid
        process.returncode = 0  # this helper reaps; Popen must not

    def _begin_inside(self) -> None:
        import importlib

        self.guest = importlib.import_module(self.spec["module"]).Guest()
        streams = (os.dup(self.stdin), os.dup(self.stdout_writer), os.dup(self.stderr))
        self.stamps["call"] = now()
        _thread.start_new_thread(_live_inside, (self, streams))

    def _begin_container(self) -> None:
        spec = self.spec
        container = engine.Container(
            argv=spec["argv"],
            root=spec["root"],
            namespaces=frozenset(spec["namespaces"]),
            binds=spec["binds"],
            hostname=spec["hostname"],
            environment=spec["environment"],
            chroot=spec["chroot"],
            powerless=spec["powerless"],
        )
        self.stamps["call"] = now()
        self.pid = engine.start(container, self.stdin, self.stdout_writer, self.stderr)

    def descriptors(self) -> list[int]:
        """What to poll: the output until it ends, then the process until it ends."""
        watched = [self.stdout] if self.stdout >= 0 else []
        return [*watched, self.pidfd] if self.pidfd >= 0 else watched

    def look(self, descriptor: int) -> None:
        """Takes what `descriptor`, which is readable, has to say."""
        stamp = now()
        if descriptor == self.pidfd:
            self.stamps["gone"] = stamp
            self._take_the_rest()
            self._reap()
            self._close("pidfd")
            return
        data = os.read(self.stdout, 65536)
        if data:
            self._take(data, stamp)
        else:
            self._close("stdout")
            if self.pid < 0:  # closing its end was the last thing the thread did
                self.stamps["gone"], self.status = stamp, 0

    def _take(self, data: bytes, stamp: int) -> None:
        self.output += data[: OUTPUT_KEPT - len(self.output)]
        if "first_reply" not in self.stamps and self.spec["reply"].encode() in self.output:
            self.stamps["first_reply"] = stamp
            if self.spec["end"] == "reply" and not self.hold:
                _kill(self.pid)

    def _take_the_rest(self) -> None:
        """Takes what the program wrote between the last look and its end."""
        while self.stdout >= 0 and select.select([self.stdout], [], [], 0)[0]:
            data = os.read(self.stdout, 65536)
            if not data:
                break
            self._take(data, now())

    def _reap(self) -> None:
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    @property
    def replied(self) -> bool:
        """Whether all that a held life has to say at its start is here."""
        whole = len(self.output) >= 16 or self.spec["clock"] != "timespec"
        return whole and "first_reply" in self.stamps

    @property
    def over(self) -> bool:
        """Whether the program has ended and was reaped."""
        return self.status is not None

    def release(self) -> None:
        """Tells a held life to end."""
        if self.spec["end"] == "reply":
            _kill(self.pid)
        self._close("stdin_writer")

    def kill(self) -> None:
        """Ends the program by force and waits until it is gone."""
        self._close("stdin_writer")
        if self.pid > 0 and not self.over:
            _kill(-self.pid)
            _kill(self.pid)
            try:
                self._reap()
            except ChildProcessError:
                pass
        if self.guest is not None:
            self.guest.stop()
        for command in self.spec.get("cleanup", []):
            _run_quietly(command)

    def close(self) -> None:
        """Gives back every descriptor."""
        for name in ("stdin_writer", "stdout", "stdout_writer", "stderr", "pidfd"):
            self._close(name)
        if self.hold:
            self._close("stdin")

    def _close(self, name: str) -> None:
        descriptor = getattr(self, name)
        if descriptor >= 0:
            os.close(descriptor)
            setattr(self, name, -1)

    def told(self) -> dict[str, Any]:
        """What to answer about this life.

        Raises:
            Failed: it did not say what its spec promised.
        """
        if self.spec["clock"] == "timespec" and len(self.output) == 16:
            seconds, nanoseconds = struct.unpack("<qq", self.output)
            self.stamps["first_instruction"] = seconds * 10**9 + nanoseconds
        elif self.spec["clock"] == "text" and self.output.strip().isdigit():
            self.stamps["first_instruction"] = int(self.output)
        elif self.spec["clock"] or (self.spec["reply"] and "first_reply" not in self.stamps):
            raise Failed(self._why())
        shown = "" if self.spec["clock"] else self.output.decode(errors="replace")
        return {
            "stamps": self.stamps,
            "pid": self.pid,
            "status": self.status,
            "output": shown,
            "errors": self._errors(),
        }

    def _errors(self) -> str:
        return os.pread(self.stderr, 4096, 0).decode(errors="replace").strip()

    def _why(self) -> str:
        said = self._errors()
        return said.splitlines()[-1] if said else f"it ended with status {self.status}, silent"


def _say_now(stdout: int) -> None:
    """Does what the payload does first."""
    stamp = now()
    os.write(stdout, struct.pack("<qq", *divmod(stamp, 10**9)))


def _live_as_thread(stdin: int, stdout: int) -> None:
    _say_now(stdout)
    os.read(stdin, 1)
    os.close(stdin)
    os.close(stdout)


def _live_inside(life: Life, streams: tuple[int, int, int]) -> None:
    """Lets a guest live in a thread of this process; `virtlab.runtimes.inside` says how."""
    stdin, stdout, stderr = streams

    def say(data: bytes) -> int:
        return os.write(stdout, data)

    def wait() -> bytes:
        return os.read(stdin, 1)

    def stamp(name: str) -> None:
        life.stamps[name] = now()

    try:
        life.guest.live(say, wait, stamp)
    except Exception as error:
        os.write(stderr, " ".join(str(error).split()).encode())
    finally:
        for stream in streams:
            os.close(stream)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, SIGKILL)
    except ProcessLookupError:
        pass


def _run_quietly(argv: list[str]) -> None:
    """Runs a command to its end, or until its time is up."""
    quiet = [(os.POSIX_SPAWN_DUP2, _DEV_NULL, number) for number in (0, 1, 2)]
    try:
        pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=quiet)
        pidfd = os.pidfd_open(pid)
        if not select.select([pidfd], [], [], CLEANUP_S)[0]:
            _kill(pid)
        os.close(pidfd)
        os.waitpid(pid, 0)
    except OSError:
        pass


def _watch(lives: list[Life], until: str, timeout: float) -> None:
    """Takes what the lives say until each is `until` ("replied" or "over").

    Raises:
        Failed: time is up.
        EOFError: whoever asked is gone.
    """
    deadline = time.monotonic() + timeout
    while waiting := [life for life in lives if not (getattr(life, until) or life.over)]:
        poll = select.poll()
        owner = {fd: life for life in waiting for fd in life.descriptors()}
        for descriptor in owner:
            poll.register(descriptor, select.POLLIN)
        poll.register(0, 0)  # only a hang-up is reported
        events = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
        if not events:
            goal = "end" if until == "over" else "reply"
            raise Failed(f"no {goal} within {timeout:g} s; it was ended")
        for descriptor, _ in events:
            if descriptor not in owner:
                raise EOFError
            owner[descriptor].look(descriptor)


class Helper:
    """Answers requests, and owns what it started."""

    def __init__(self) -> None:
        self.held: dict[int, Life] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Does what one request asks; what goes wrong is one line under "error"."""
        act: dict[str, Callable[[dict[str, Any]], dict[str, Any]]]
        act = {"run": self._run, "start": self._start, "stop": self._stop}
        try:
            return act[request["op"]](request)
        except Failed as error:
            return {"error": str(error)}
        except OSError as error:
            where = f": {error.filename}" if error.filename else ""
            return {"error": f"{error.strerror or error}{where}"}

    def _run(self, request: dict[str, Any]) -> dict[str, Any]:
        lives = [Life(spec, hold=False) for spec in request["specs"]]
        try:
            for life in lives:
                life.begin()
            _watch(lives, "over", request["timeout"])
            return {"lives": [life.told() for life in lives]}
        finally:
            for life in lives:
                if not life.over:
                    life.kill()
                life.close()

    def _start(self, request: dict[str, Any]) -> dict[str, Any]:
        life = Life(request["spec"], hold=True)
        try:
            life.begin()
            _watch([life], "replied", request["timeout"])
            told = life.told()
        except BaseException:
            life.kill()
            life.close()
            raise
        identity = max(self.held, default=0) + 1
        self.held[identity] = life
        return {**told, "id": identity}

    def _stop(self, request: dict[str, Any]) -> dict[str, Any]:
        life = self.held.pop(request["id"])
        try:
            life.release()
            _watch([life], "over", request["timeout"])
            return {"stamps": life.stamps, "status": life.status}
        finally:
            if not life.over:
                life.kill()
            life.close()

    def end(self) -> None:
        """Ends all that is still held, then whatever it left behind below this helper."""
        for life in self.held.values():
            life.kill()
        try:
            while children := _children():
                for pid in children:
                    _kill(pid)
                    os.waitpid(pid, 0)
        except OSError:
            pass


def _children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children") as listing:  # noqa: PTH123
        return [int(pid) for pid in listing.read().split()]


def _hide(mount: str) -> None:
    """Takes a mount out of this process's sight, and out of nobody else's."""
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.umount(mount)


def _touched(mebibytes: int) -> bytearray:
    """Memory of which every page is really there, in pages of 4 KiB on every host.

    Whether huge pages are given unasked differs from host to host, and a fork copies few of them.
    """
    try:
        syscalls.prctl(syscalls.PR_SET_THP_DISABLE, 1 if mebibytes else 0)
    except OSError:
        pass
    memory = bytearray(mebibytes << 20)
    memory[::4096] = b"\1" * len(memory[::4096])
    return memory


def _remove(folder: str) -> None:
    """Removes the launcher's folder, if it carries our owner's mark and holds no mount."""
    mark = os.environ.get("VIRTLAB_OWNER")
    if not mark or not os.path.basename(folder).startswith(f"virtlab-{mark}-"):  # noqa: PTH119
        return
    with open("/proc/self/mountinfo") as mounts:  # noqa: PTH123
        if any(folder in line for line in mounts):
            return
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _read(size: int) -> bytes:
    """Reads exactly `size` bytes of a request.

    Raises:
        EOFError: standard input closed.
    """
    data = bytearray()
    while len(data) < size:
        piece = os.read(0, size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)


def main() -> None:
    """Answers until standard input closes."""
    if len(sys.argv) != 2:
        sys.exit("helper.py is started by virtlab.runtimes.launcher, not by hand")
    traits = marshal.loads(bytes.fromhex(sys.argv[1]))
    try:  # what a program leaves behind becomes this process's child, and ends with it
        syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
    except OSError:
        pass
    if traits["hide"]:
        _hide(traits["hide"])
    ballast = _touched(traits["ballast_mib"])
    helper = Helper()
    try:
        while True:
            (size,) = struct.unpack("<I", _read(4))
            answer = marshal.dumps(helper.answer(marshal.loads(_read(size))))
            os.write(1, struct.pack("<I", len(answer)) + answer)
    except (EOFError, BrokenPipeError):
        pass
    finally:
        helper.end()
        del ballast
        _remove(traits["folder"])


_DEV_NULL = os.open(os.devnull, os.O_RDWR)
if __name__ == "__main__":
    main()
