"""The grader's end of the zygote: start it, ask it for a room and an examiner, end both."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from autograder.cells import Limits
from autograder.sandbox import limits as resource_limits
from autograder.sandbox import room
from autograder.sandbox.limits import MemoryGroup
from autograder.sandbox.processors import Processor
from autograder.sandbox.scratch import owned_name, remove_left_behind

START_S = 120.0
ANSWER_S = 60.0
# What a room has in memory before it runs anything, at most.
WARM_BYTES = 256 * 1024 * 1024
REMEDY = "run `autograder doctor` to see why and what to do, or pass --unsafe-no-sandbox"

# What a notebook may see of the grader's environment: nothing but this.
_ENVIRONMENT = {
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "LOGNAME": "student",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "MPLCONFIGDIR": "/tmp/matplotlib",
    "IPYTHONDIR": "/tmp/ipython",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "TERM": "dumb",
    "TZ": "UTC",
    "USER": "student",
}
# Work-arounds for a processor that numpy's library mistakes; no secrets.
_PASSED_ON = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


class SandboxUnavailable(Exception):
    """This host cannot build rooms; the message says why and names the remedy."""


class ZygoteDied(Exception):
    """The warm process is gone; what was being graded is not graded, and may be tried again."""


class Pair:
    """A room and its examiner, as the grader holds them.

    Attributes:
        room: The control socket of the room; what comes from it is never trusted.
        examiner: The control socket of the examiner.
        cpu_s: CPU time of both in seconds, once closed.
    """

    def __init__(
        self,
        zygote: Zygote,
        sockets: tuple[socket.socket, socket.socket],
        pids: list[int],
        pidfds: list[int],
        room_pid: int,
        group: MemoryGroup,
        limits: Limits,
        unsafe_folder: str,
        processor: Processor,
    ) -> None:
        self.room, self.examiner = sockets
        self.cpu_s = 0.0
        self._zygote = zygote
        self._pids = pids
        self._pidfds = pidfds
        self._room_pid = room_pid
        self._group = group
        self._limits = limits
        self._unsafe_folder = unsafe_folder
        self._processor = processor

    def kill_room(self) -> None:
        """End every process of the room."""
        self._kill(0)

    def wait_for_room(self, wait_s: float = 0.0) -> bool:
        """Whether the room's first process, and so all of it, ends by itself within `wait_s`."""
        if not self._pidfds:
            return True
        poll = select.poll()
        poll.register(self._pidfds[0], select.POLLIN)
        return bool(poll.poll(wait_s * 1000))

    def watch_memory(self) -> None:
        """End the room if its processes together use too much; a cgroup does this by itself."""
        if self._group.folder is None and "limits" in self._zygote.layers:
            pids = resource_limits.processes_below(self._room_pid)
            if resource_limits.memory_of(pids) > self._limits.memory_bytes + WARM_BYTES:
                self.kill_room()

    def _kill(self, index: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfds[index], signal.SIGKILL)

    def close(self) -> tuple[int, int]:
        """End both and all that they started; return the exit codes, negative for a signal."""
        if not self._pidfds:
            return 0, 0
        try:
            for index in range(len(self._pids)):
                self._kill(index)
            answer = self._zygote.ask({"op": "close", "pids": self._pids})
            self.cpu_s = sum(end[1] for end in answer["ends"])
            return answer["ends"][0][0], answer["ends"][1][0]
        finally:
            for fd in self._pidfds:
                os.close(fd)
            self._pidfds = []
            self.room.close()
            self.examiner.close()
            self._group.remove()
            self._processor.release()
            if self._unsafe_folder:
                shutil.rmtree(self._unsafe_folder, ignore_errors=True)


class Zygote:
    """A warm process that forks rooms and examiners. Use it in a `with` statement.

    Not safe for use by two threads at once; each worker has its own.

    Attributes:
        layers: The layers of the walls that are up.
        prefix: Put before the warm process's command; tests start it as another user this way.
    """

    prefix: Sequence[str] = ()

    def __init__(
        self,
        *,
        unsafe_no_sandbox: bool = False,
        readable: Sequence[Path] = (),
        without: frozenset[str] = frozenset(),
    ) -> None:
        """Say how rooms shall be built; nothing is started before `__enter__`.

        Args:
            unsafe_no_sandbox: Run submissions with no namespaces and no seccomp filter.
            readable: More folders of the host that a room may read, such as a course's data.
            without: Layers to leave out (see `room.LAYERS`); for the layer-removal test alone.
        """
        off = without | ({"namespaces", "seccomp"} if unsafe_no_sandbox else frozenset())
        self.layers = room.LAYERS - off
        self._readable = [str(Path(folder).resolve()) for folder in readable]
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._serial = 0

    def __enter__(self) -> Zygote:
        """Start the warm process.

        Raises:
            SandboxUnavailable: This host cannot build rooms.
        """
        remove_left_behind()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = dict(_ENVIRONMENT)
        environment["PATH"] = os.pathsep.join(
            [str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]
        )
        environment |= {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        with theirs:
            module = ["-s", "-P", "-m", "autograder.sandbox.zygote", str(theirs.fileno())]
            self._process = subprocess.Popen(
                [*self.prefix, sys.executable, *module],
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._socket = ours
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def _start(self) -> None:
        options = {
            "layers": sorted(self.layers),
            "readable": self._readable,
            "scratch": [tempfile.gettempdir(), owned_name()],
        }
        try:
            answer = self.ask(options, START_S)
        except ZygoteDied as error:
            raise SandboxUnavailable(f"the grader's warm process did not start: {error}") from None
        if "error" in answer:
            raise SandboxUnavailable(f"this host cannot build rooms ({answer['error']}): {REMEDY}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the warm process and with it every room."""
        self._stop()

    def _stop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stderr is not None:
            process.stderr.close()
        remove_left_behind()  # again: what was still ending when this one started

    def ask(self, request: dict, wait_s: float = ANSWER_S) -> dict:
        """Send one request and return the answer.

        Raises:
            ZygoteDied: There is no zygote any more.
        """
        self._send(request, [])
        answer, _ = self._receive(wait_s)
        return answer

    def _send(self, request: dict, fds: list[int]) -> None:
        if self._socket is None:
            raise ZygoteDied("the zygote is not running; use it in a `with` statement")
        try:
            socket.send_fds(self._socket, [json.dumps(request).encode()], fds)
        except OSError:
            raise ZygoteDied(self._last_words()) from None

    def _receive(self, wait_s: float) -> tuple[dict, list[int]]:
        assert self._socket is not None
        try:
            self._socket.settimeout(wait_s)
            message, received, _, _ = socket.recv_fds(self._socket, 1 << 16, 4)
        except OSError as error:
            raise ZygoteDied(f"no answer from the warm process ({error})") from None
        if not message:
            raise ZygoteDied(self._last_words())
        return json.loads(message), received

    def _last_words(self) -> str:
        """The last line that the dead process wrote."""
        process = self._process
        if process is None or process.stderr is None:
            return "it ended"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)
        os.set_blocking(process.stderr.fileno(), False)
        lines = (process.stderr.read() or b"").decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"it ended with code {process.returncode}"

    def open_pair(self, folder: Path, source_folder: Path, limits: Limits) -> Pair:
        """Fork a room that holds a copy of `folder`, and its examiner.

        Args:
            folder: The submission's files; copied, never written to.
            source_folder: The examiner's helper modules and data; copied for it alone.
            limits: What the room may use.

        Raises:
            ZygoteDied: There is no zygote any more.
        """
        assert self._process is not None
        self._serial += 1
        unsafe = "" if "namespaces" in self.layers else tempfile.mkdtemp(prefix=owned_name())
        processor = Processor()
        request = {
            "op": "open",
            "processors": processor.allowed,
            "limits": vars(limits),
            "owner": room.outside_id(self._process.pid, self._serial),
            "unsafe_folder": unsafe,
        }
        with contextlib.ExitStack() as stack, contextlib.ExitStack() as if_it_fails:
            if_it_fails.callback(processor.release)
            fds = []
            for path in (folder, source_folder):
                fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
                stack.callback(os.close, fd)
                fds.append(fd)
            room_ours, room_theirs = socket.socketpair()
            exam_ours, exam_theirs = socket.socketpair()
            asked, asking = socket.socketpair()
            for end in (room_theirs, exam_theirs, asked, asking):
                stack.enter_context(end)
            fds += [end.fileno() for end in (room_theirs, asked, exam_theirs, asking)]
            self._send(request, fds)
            made, pidfds = self._receive_made()
            for fd in pidfds:
                if_it_fails.callback(os.close, fd)
            pid = _process_of(pidfds[0])
            # While the two get ready: the kernel may take 20 ms to move a process to a group.
            group = MemoryGroup(None)
            if "limits" in self.layers:
                name = f"{owned_name()}{self._serial}"
                group = MemoryGroup.make(name, limits.memory_bytes, pid)
            if_it_fails.callback(group.remove)
            self._receive_made()
            if_it_fails.pop_all()
        sockets = (room_ours, exam_ours)
        return Pair(self, sockets, made["pids"], pidfds, pid, group, limits, unsafe, processor)

    def _receive_made(self) -> tuple[dict, list[int]]:
        """One of the two answers to "open": the processes are there; they are ready."""
        answer, pidfds = self._receive(ANSWER_S)
        if "error" in answer:
            raise ZygoteDied(f"no room could be made: {answer['error']}")
        return answer, pidfds


def _process_of(pidfd: int) -> int:
    """The process id, as this process sees it, behind a pidfd."""
    for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines():
        if line.startswith("Pid:"):
            return int(line.split()[1])
    return -1
