"""The small warm process that starts every program that is measured.

A process started straight from a notebook's kernel would be measured with the kernel's hundreds of
megabytes. So the kernel asks `virtlab.runtimes.helper`, a few megabytes of `python -I -S`, which
starts the program and takes the stamps itself.
"""

import atexit
import contextlib
import marshal
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from virtlab import leftovers
from virtlab.container import rootfs
from virtlab.host import Capability
from virtlab.interrupts import uninterrupted
from virtlab.runtimes.base import RuntimeFailed

_HELPER = Path(__file__).with_name("helper.py")
_PAYLOADS = Path(__file__).with_name("payloads")
_GRACE_S = 10.0


def payload(name: str) -> bytes:
    """The bytes of a payload for this machine's own instruction set.

    Raises:
        RuntimeFailed: there is none for it.
    """
    path = _PAYLOADS / f"{name}.bin"
    if not path.exists():
        raise RuntimeFailed(f"no payload {name} in this package")
    return path.read_bytes()


def stamp_payload() -> Capability:
    """Whether the payload that stamps its first instruction exists for this machine."""
    machine = os.uname().machine
    if (_PAYLOADS / f"stamp-{machine}.bin").exists():
        return Capability("payload", True, f"stamp-{machine}.bin")
    remedy = f"write virtlab/runtimes/payloads/stamp-{machine}.S"
    return Capability("payload", False, f"no stamping payload for {machine}", remedy)


def _programs() -> dict[str, bytes]:
    """What lies in a container's root: the payload, and what tries to break out of a chroot."""
    machine = os.uname().machine
    programs = {"payload": payload(f"stamp-{machine}")}
    if (_PAYLOADS / f"escape-{machine}.bin").exists():
        programs["escape"] = payload(f"escape-{machine}")
    return programs


class Launcher:
    """A warm helper process with a folder of its own. A context manager: all gone after it.

    Args:
        hide: a mount that what it starts must not see; needs root.
        packages: whether the helper can import installed packages; it is larger then.
        ballast_mib: memory that the helper holds besides, to show what a large parent costs.

    Attributes:
        folder: holds the payload, a root file system for containers, boot images.
        root: the container rungs' root file system; `/payload` in it stamps its first instruction,
            `/escape` tries to break out.
        binds: folders of the host that containers with a command of the host show read-only.
    """

    def __init__(self, hide: str = "", packages: bool = False, ballast_mib: int = 0) -> None:
        self.environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            leftovers.OWNER_VARIABLE: leftovers.owner_mark(),
        }
        self._control_groups = False
        self._one_at_a_time = threading.Lock()
        with uninterrupted():  # what is half made would be owned by nobody
            try:
                self.folder = leftovers.make_folder()
            except OSError as error:
                raise RuntimeFailed(f"the launcher did not start: {error}") from None
            try:
                self.root = self.folder / "root"
                self.root.mkdir()
                self.binds = rootfs.make_root(self.root, _programs())
                self._process = self._start(hide, packages, ballast_mib)
            except OSError as error:
                leftovers.remove_folder(self.folder)
                raise RuntimeFailed(f"the launcher did not start: {error}") from None

    def _start(self, hide: str, packages: bool, ballast_mib: int) -> subprocess.Popen[bytes]:
        isolation = ["-I"] if packages else ["-I", "-S"]
        traits = {"folder": str(self.folder), "hide": hide, "ballast_mib": ballast_mib}
        return subprocess.Popen(
            [sys.executable, *isolation, str(_HELPER), marshal.dumps(traits).hex()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self.environment,
            cwd=self.folder,
            start_new_session=True,  # an interrupt from the terminal is the notebook's alone
        )

    @property
    def pid(self) -> int:
        """The helper's process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still answers requests."""
        return self._process.poll() is None

    def control_group(self, number: int) -> str:
        """A name for a control group that what it starts will make; gone with the launcher."""
        self._control_groups = True
        return f"{self.folder.name}-{number}"

    def ask(self, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Sends one request (see the helper) and returns its answer.

        An interrupt while waiting ends the launcher and everything it had started.

        Raises:
            RuntimeFailed: the request failed, or no answer came in time.
        """
        assert self._process.stdin
        try:
            asked = marshal.dumps({**request, "timeout": timeout_s})
            with self._one_at_a_time:
                self._process.stdin.write(struct.pack("<I", len(asked)) + asked)
                self._process.stdin.flush()
                told = self._read(timeout_s + _GRACE_S)
        except BrokenPipeError:
            told = b""
        except BaseException:
            self.close()
            raise
        if not told:
            self.close()
            raise RuntimeFailed("the launcher died; the next start makes a new one")
        answer: dict[str, Any] = marshal.loads(told)
        if "error" in answer:
            raise RuntimeFailed(answer["error"])
        return answer

    def _read(self, timeout_s: float) -> bytes:
        """Reads one answer; empty if none comes in time or ever."""
        assert self._process.stdout
        descriptor = self._process.stdout.fileno()
        deadline = time.monotonic() + timeout_s
        data = bytearray()
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while len(data) < 4 or len(data) < 4 + struct.unpack_from("<I", data)[0]:
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                return b""
            piece = os.read(descriptor, 1 << 20)
            if not piece:
                return b""
            data += piece
        return bytes(data[4:])

    def _await_its_end(self) -> None:
        """Waits until its output ends, as it does with the process: `Popen.wait` looks rarely."""
        output = self._process.stdout
        if output is None or output.closed:
            return
        deadline = time.monotonic() + _GRACE_S
        poll = select.poll()
        poll.register(output, select.POLLIN)
        while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            if not os.read(output.fileno(), 1 << 20):
                return

    def close(self) -> None:
        """Ends the helper, what it started, and its folder; the second time does nothing."""
        with uninterrupted():
            with contextlib.suppress(OSError):
                if self._process.stdin:
                    self._process.stdin.close()  # tells the helper to end
            self._await_its_end()
            try:
                self._process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                for pid in [self.pid, *_descendants(self.pid)]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                self._process.wait()
            if self._process.stdout:
                self._process.stdout.close()
            if self._control_groups:  # what was killed while it was made
                leftovers.remove_control_groups(self.folder.name)
            leftovers.remove_folder(self.folder)

    def __enter__(self) -> "Launcher":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _descendants(pid: int) -> list[int]:
    """The processes below one, children before grandchildren."""
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *_descendants(int(child))]
    return found


_warm: dict[str, Launcher] = {}
_warm_owner = 0  # a fork inherits the launchers, but they are not its own


def warm_launcher(
    name: str = "", hide: str = "", packages: bool = False, ballast_mib: int = 0
) -> Launcher:
    """This process's launcher: made at first use, made again if it died, closed at exit.

    Args:
        name: of another one besides the usual, for what would make the usual one larger.
        hide: a mount that what this one starts must not see.
        packages: whether this one can import installed packages.
        ballast_mib: memory that this one holds besides.
    """
    global _warm_owner
    if _warm_owner != os.getpid():
        _warm.clear()
        _warm_owner = os.getpid()
        leftovers.remove_own_folders_at_exit()  # registered first, it runs last
        atexit.register(close_warm_launcher)
    launcher = _warm.get(name)
    if launcher is None or not launcher.alive:
        if launcher is not None:
            launcher.close()
        with uninterrupted():
            launcher = _warm[name] = Launcher(hide, packages, ballast_mib)
    return launcher


def close_warm_launcher() -> None:
    """Ends this process's launchers, if it has any."""
    if _warm_owner == os.getpid():
        while _warm:
            _warm.popitem()[1].close()
