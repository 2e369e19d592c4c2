"""A virtual machine by QEMU whose console we hold: we read its serial port, and type on it.

Every line carries the host's clock, in milliseconds from power-on (the call that starts QEMU). A
second channel, QMP, talks to QEMU itself: it saves, loads, and lists devices.
"""

from __future__ import annotations

import json
import os
import re
import select
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from virtlab import images, leftovers
from virtlab.host import find_tool
from virtlab.interrupts import uninterrupted
from virtlab.runtimes.base import RuntimeFailed
from virtlab.runtimes.linux_guest import find_kernel, guest_kernel, initramfs

PATIENCE_S = 60.0
ACCELERATOR = "TCG"
MICROVM = "microvm,x-option-roms=off,rtc=on,acpi=off"
PC = "pc,graphics=off"  # without a screen its BIOS speaks on the serial port
LOGIN = "guest login:"
END_PORT_DEVICE = ("-device", "isa-debug-exit,iobase=0xf4,iosize=1")

_CLEAR_SCREEN = re.compile(rb"\x1b\[2J")
_ESCAPES = re.compile(rb"\x1bc|\x1b\[[0-9;?]*[A-Za-z]|\r")
_DONE = re.compile(r"#done (\d+)$")

# The guest's first process: it says who it is, then obeys what is typed, line by line.
_INIT = f"""#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s /bin
export PATH=/bin
hostname guest
stty -echo
echo "{LOGIN}"
while read -r line; do eval "$line"; echo "#done $?"; done
"""
# earlyprintk: else the kernel keeps its first lines until its console driver is ready.
_LOUD = "console=ttyS0 earlyprintk=ttyS0,115200 reboot=t panic=-1"
_QUIET = "console=ttyS0 quiet loglevel=0 reboot=t panic=-1"


class MachineEnded(RuntimeFailed):
    """The machine went off while something was still expected of it; one line."""


class Console:
    """A running machine. A context manager: it and its folder are gone after it.

    Args:
        machine: QEMU's words after `-M`.
        options: further words of the command.
        memory_mib: the memory that the guest is promised.
        files: files of its folder by name; `{folder}` in an option stands for the folder.
        qmp: whether to open a channel to QEMU itself.
        paused: stop before the first instruction.

    Attributes:
        lines: what the machine wrote, each with the milliseconds since power-on.
        folder: its folder.

    Raises:
        RuntimeFailed: there is no QEMU, or it did not start.
    """

    def __init__(
        self,
        machine: str = PC,
        options: Sequence[str] = (),
        *,
        memory_mib: int = 16,
        files: Mapping[str, bytes] | None = None,
        qmp: bool = False,
        paused: bool = False,
    ) -> None:
        program = find_tool("qemu-system-x86_64")
        if program is None:
            raise RuntimeFailed("no QEMU here; apt-get install qemu-system-x86")
        self.lines: list[tuple[float, str]] = []
        self._rest, self._at_ms = b"", 0.0
        self._channel: Any = None
        with uninterrupted():  # what is half made would be owned by nobody
            self.folder = leftovers.make_folder()
            try:
                for name, content in (files or {}).items():
                    (self.folder / name).write_bytes(content)
                argv = [program, "-M", machine, "-accel", "tcg", "-m", str(memory_mib)]
                argv += ["-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio"]
                argv += [word.replace("{folder}", str(self.folder)) for word in options]
                argv += ["-S"] if paused else []
                if qmp:
                    argv += ["-qmp", f"unix:{self.folder}/qmp,server=on,wait=off"]
                self._started = time.perf_counter_ns()
                self.process = self._spawn(argv)
            except OSError as error:
                leftovers.remove_folder(self.folder)
                raise RuntimeFailed(f"QEMU did not start: {error}") from None
        self._with_qmp = qmp

    def _spawn(self, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        mark = {leftovers.OWNER_VARIABLE: leftovers.owner_mark()}
        with (self.folder / "errors").open("wb") as errors:
            return subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **mark},
                start_new_session=True,  # an interrupt from the terminal is the notebook's alone
            )

    @property
    def now_ms(self) -> float:
        """Milliseconds since power-on."""
        return (time.perf_counter_ns() - self._started) / 1e6

    @property
    def is_on(self) -> bool:
        """Whether the machine still runs."""
        return self.process.poll() is None

    # --- the serial port -----------------------------------------------------------------------

    def read_until(self, *words: str, timeout_s: float = PATIENCE_S) -> str:
        """Reads on until a new, whole line holds one of the words, and returns that line.

        Raises:
            MachineEnded: the machine went off before.
            RuntimeFailed: no such line came in time.
        """
        deadline = time.monotonic() + timeout_s
        seen = len(self.lines)
        while True:
            for number in range(seen, len(self.lines)):
                if any(word in self.lines[number][1] for word in words):
                    return self.lines[number][1]
            seen = len(self.lines)
            self._read(deadline - time.monotonic(), " or ".join(words))

    def read_to_the_end(self, timeout_s: float = PATIENCE_S) -> str:
        """Reads until the machine goes off; returns all that it wrote.

        Raises:
            RuntimeFailed: it does not go off in time.
        """
        deadline = time.monotonic() + timeout_s
        with suppress(MachineEnded):
            while True:
                self._read(deadline - time.monotonic(), "its end")
        rest = self._clean(self._rest)
        return "\n".join([line for _, line in self.lines] + ([rest] if rest else []))

    def listen(self, seconds: float) -> list[str]:
        """Returns the lines that come within a time, or until the machine goes off."""
        seen, deadline = len(self.lines), time.monotonic() + seconds
        with suppress(RuntimeFailed):
            while True:
                self._read(deadline - time.monotonic(), "")
        return [line for _, line in self.lines[seen:]]

    def _read(self, seconds: float, wanted: str) -> None:
        output = self.process.stdout
        assert output
        if seconds <= 0 or not select.select([output], [], [], seconds)[0]:
            raise RuntimeFailed(f"QEMU: no {wanted!r} from the guest in time")
        data = os.read(output.fileno(), 65536)
        if not data:
            self.process.wait(PATIENCE_S)
            errors = (self.folder / "errors").read_text(errors="replace").strip().splitlines()
            said = errors[-1] if errors else f"it went off before {wanted!r}"
            raise MachineEnded(f"QEMU: {said}")
        self._at_ms = self.now_ms
        *whole, self._rest = _CLEAR_SCREEN.sub(b"\n", self._rest + data).split(b"\n")
        cleaned = (self._clean(line) for line in whole)
        self.lines += [(self._at_ms, line) for line in cleaned if line]

    @staticmethod
    def _clean(raw: bytes) -> str:
        return _ESCAPES.sub(b"", raw).decode("ascii", errors="replace").rstrip()

    def enter(self, text: str) -> None:
        """Types on the serial port.

        Raises:
            MachineEnded: the machine is off.
        """
        assert self.process.stdin
        try:
            self.process.stdin.write(text.encode())
            self.process.stdin.flush()
        except OSError:
            raise MachineEnded("QEMU: the machine is off") from None

    def ask(self, command: str, timeout_s: float = PATIENCE_S) -> str:
        """Has a Linux guest run a shell command; returns what it printed.

        Raises:
            RuntimeFailed: it does not come back.
        """
        seen = len(self.lines)
        self.enter(command + "\n")
        self.read_until("#done ", timeout_s=timeout_s)
        said = [line for _, line in self.lines[seen:]]
        return "\n".join(line for line in said if not _DONE.match(line)).strip()

    # --- QEMU itself ---------------------------------------------------------------------------

    def monitor(self, command: str, timeout_s: float = PATIENCE_S) -> str:
        """Has QEMU run a command of its human monitor, such as `info qtree`; returns the answer.

        Raises:
            RuntimeFailed: QEMU refuses, or does not answer.
        """
        answer = self._ask_qemu("human-monitor-command", timeout_s, **{"command-line": command})
        if answer.startswith("Error"):
            raise RuntimeFailed(f"QEMU: {' '.join(answer.split())}")
        return answer

    def _ask_qemu(self, name: str, timeout_s: float, **arguments: str) -> str:
        try:
            if self._channel is None:
                self._channel = self._connect()
                self._ask_qemu("qmp_capabilities", timeout_s)
            request = json.dumps({"execute": name, "arguments": arguments})
            self._channel.write(request + "\n")
            self._channel.flush()
            while True:  # events come in between
                answer = json.loads(self._channel.readline() or '{"error": {"desc": "gone"}}')
                if "error" in answer:
                    raise RuntimeFailed(f"QEMU: {answer['error']['desc']}")
                if "return" in answer:
                    return str(answer["return"])
        except (OSError, ValueError) as error:
            raise RuntimeFailed(f"QEMU: its monitor does not answer: {error}") from None

    def _connect(self) -> Any:
        place = self.folder / "qmp"
        deadline = time.monotonic() + PATIENCE_S
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE_S)
        while True:
            try:
                connection.connect(str(place))
                break
            except OSError:
                if time.monotonic() > deadline or not self.is_on:
                    connection.close()
                    raise
                time.sleep(0.005)
        channel = connection.makefile("rw")
        connection.close()  # the channel keeps it open
        channel.readline()  # the greeting
        return channel

    # --- the end -------------------------------------------------------------------------------

    def stop(self) -> None:
        """Ends the machine and waits until it is gone; the second time does nothing."""
        with uninterrupted():
            if self._channel is not None:
                with suppress(OSError, ValueError):
                    self._channel.close()
                self._channel = None
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()
            leftovers.remove_folder(self.folder)

    def __enter__(self) -> Console:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def boot_sector(sector: bytes, machine: str = PC) -> Console:
    """Starts a PC that boots these 512 bytes. A write to port 0xf4 ends it."""
    drive = ("-drive", "file={folder}/sector,format=raw,if=floppy,readonly=on")
    return Console(machine, ["-nodefaults", *drive, *END_PORT_DEVICE], files={"sector": sector})


def linux(
    machine: str = MICROVM,
    *,
    memory_mib: int = 128,
    loud: bool = False,
    extra_files: Mapping[str, bytes] | None = None,
    options: Iterable[str] = (),
    qmp: bool = False,
) -> Console:
    """Starts a machine that boots a distribution's kernel; its shell obeys what is typed.

    It is ready once it has written `LOGIN`.

    Args:
        machine: QEMU's words after `-M`.
        memory_mib: the memory that the guest is promised.
        loud: whether the kernel writes its log to the console.
        extra_files: further files of the guest's root, by path.
        options: further words of QEMU's command.
        qmp: whether to open a channel to QEMU itself.

    Raises:
        RuntimeFailed: there is no kernel to boot, or no QEMU.
    """
    kernel = find_kernel()
    if not guest_kernel() or kernel is None:
        raise RuntimeFailed(f"no guest: {guest_kernel().why}; {guest_kernel().remedy}")
    words = ["-nodefaults", "-cpu", "max", "-kernel", str(kernel)]
    words += ["-initrd", "{folder}/root.cpio", "-append", _LOUD if loud else _QUIET, *options]
    files = {"root.cpio": _root(extra_files or {})}
    return Console(machine, words, memory_mib=memory_mib, files=files, qmp=qmp)


def _root(extra_files: Mapping[str, bytes]) -> bytes:
    """The guest's root file system: one static shell, the first process, and what is added."""
    try:
        files = {path: file.read_bytes() for path, file in images.programs("busybox").items()}
    except (images.ImageError, OSError) as error:
        raise RuntimeFailed(f"no guest: {error}") from None
    return initramfs({**files, "/init": _INIT.encode(), **extra_files})


def software_bytes() -> int:
    """How many bytes of software the Linux guest is made of: its kernel and its root.

    Raises:
        RuntimeFailed: there is no kernel to boot.
    """
    kernel: Path | None = find_kernel()
    if kernel is None:
        raise RuntimeFailed(f"no guest: {guest_kernel().why}")
    return kernel.stat().st_size + len(_root({}))
