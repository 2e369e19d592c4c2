"""A virtual display with a program on it, and a server that shows it to clients. All real.

The display (Xvfb), the program and the RFB server (x11vnc) are processes of this user. The display
lets in only who has its cookie, and the server listens at a Unix socket in a folder that only this
user may enter: no port, no other user. A context manager ends all of them; they carry their owner's
mark, so that `virtlab clean` finds them if their owner is killed.
"""

from __future__ import annotations

import json
import os
import queue
import secrets
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from virtlab import host, leftovers
from virtlab.desktop.encodings import PIXEL, Pixels
from virtlab.desktop.rfb import Client, connected
from virtlab.experiments.running import PROGRAMS
from virtlab.host import find_tool
from virtlab.interrupts import uninterrupted
from virtlab.registry import CannotMeasure

WIDTH, HEIGHT = 480, 320
_PATIENCE_S = 15.0


class Desktop:
    """A running desktop; `desktop()` makes one.

    Attributes:
        address: the Unix socket at which its server listens.
        folder: of the display, on the server's side.
        door: the display's own socket, where programs come to draw.
    """

    def __init__(self, folder: Path, program: subprocess.Popen[str], number: str) -> None:
        self.folder = folder
        self.door = Path(f"/tmp/.X11-unix/X{number}")
        self.address = folder / "rfb"
        self._program = program

    def attach(self, address: Path | None = None) -> Client:
        """Connect a new client, at the server's own address or at that of a relay."""
        return Client(connected(address or self.address))

    def ask(self, word: str = "state") -> dict[str, Any]:
        """Ask the program itself, past all pictures, what it knows.

        "run" lets its clock run, "rest" stops it, "film" draws another frame.
        """
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(f"{word}\n")
        self._program.stdin.flush()
        line = self._program.stdout.readline()
        if not line:
            raise CannotMeasure("the program on the display has ended")
        return dict(json.loads(line))

    def screen(self) -> Pixels:
        """The display's own picture, from the file in which it keeps it: the truth."""
        content = (self.folder / "Xvfb_screen0").read_bytes()
        head = struct.unpack_from("!25I", content)
        size, width, height, line, colours = head[0], head[4], head[5], head[12], head[19]
        start = size + 12 * colours
        raw = np.frombuffer(content, PIXEL, line // 4 * height, start).reshape(height, -1)
        return raw[:, :width] & np.uint32(0x00FFFFFF)

    def agrees(self, client: Client, part: tuple[int, int, int, int] | None = None) -> bool:
        """Whether a client's picture is the display's own, in a part or everywhere."""
        x, y, width, height = part or (0, 0, *client.size)
        here = (slice(y, y + height), slice(x, x + width))
        return bool((client.picture[here] == self.screen()[here]).all())


@contextmanager
def desktop(width: int = WIDTH, height: int = HEIGHT) -> Iterator[Desktop]:
    """Start a display, a program on it and a server for it; all gone after the block.

    Raises:
        CannotMeasure: something for it is missing here, or did not start.
    """
    with leftovers.own_folder() as folder, ExitStack() as stack:
        cookie = folder / "cookie"
        environment = {**_environment(), "XAUTHORITY": str(cookie)}
        secret = secrets.token_bytes(16)
        cookie.touch(0o600)
        cookie.write_bytes(_cookie(secret))
        number = _start_display(stack, folder, cookie, f"{width}x{height}x24", environment)
        environment["DISPLAY"] = f":{number}"
        program = stack.enter_context(
            _running(
                [sys.executable, "-I", str(PROGRAMS / "desk.py"), str(width), str(height)],
                environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        )
        found = Desktop(folder, program, number)
        try:
            found.ask()
        except (OSError, CannotMeasure):
            raise CannotMeasure("the program on the display did not start") from None
        _start_server(stack, found, environment)
        yield found


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WAYLAND")}
    return {**kept, leftovers.OWNER_VARIABLE: leftovers.owner_mark()}


def _cookie(secret: bytes) -> bytes:
    """One entry of an X authority file, for every display of every host."""
    fields = (b"", b"", b"MIT-MAGIC-COOKIE-1", secret)
    return b"\xff\xff" + b"".join(struct.pack("!H", len(one)) + one for one in fields)


def _start_display(
    stack: ExitStack, folder: Path, cookie: Path, screen: str, environment: dict[str, str]
) -> str:
    can = host.virtual_display.probe()
    if not can:
        raise CannotMeasure(f"{can.why}; {can.remedy}")
    reader, writer = os.pipe()
    with ExitStack() as ends:
        ends.callback(os.close, reader)
        try:
            stack.enter_context(
                _running(
                    [
                        *[str(find_tool("Xvfb")), "-displayfd", str(writer)],
                        *["-screen", "0", screen, "-fbdir", str(folder), "-nolisten", "tcp"],
                        *["-auth", str(cookie), "-noreset", "-nocursor"],
                    ],
                    environment,
                    pass_fds=(writer,),
                )
            )
        finally:
            os.close(writer)
        number = b""
        while not number.endswith(b"\n"):
            more = os.read(reader, 16)
            if not more:
                raise CannotMeasure("Xvfb did not start")
            number += more
    return number.decode().strip()


def _start_server(stack: ExitStack, found: Desktop, environment: dict[str, str]) -> None:
    stack.enter_context(
        _running(
            [
                *[str(find_tool("x11vnc")), "-unixsock", str(found.address), "-rfbport", "0"],
                *["-norc", "-forever", "-shared", "-nopw", "-quiet", "-noxrecord", "-nocursor"],
                *["-nonap", "-wait", "10", "-defer", "5", "-nosel", "-noipv6", "-norepeat"],
                # Shared memory of System V would outlive a server that is killed.
                *["-nowireframe", "-noscr", "-speeds", "lan", "-noshm"],
            ],
            environment,
        )
    )
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        with suppress(OSError), found.attach():
            return
        time.sleep(0.05)
    raise CannotMeasure("x11vnc did not start")


@contextmanager
def _running(
    command: list[str], environment: dict[str, str], **more: Any
) -> Iterator[subprocess.Popen[str]]:
    """Run a program for the time of the block; killed and collected after it."""
    process = None
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **more}
    try:
        with uninterrupted():
            process = subprocess.Popen(
                command, env=environment, text=True, stderr=subprocess.DEVNULL, **streams
            )
        yield process
    finally:
        with uninterrupted():
            if process is not None:
                for stream in (process.stdin, process.stdout):
                    with suppress(OSError):
                        if stream is not None:
                            stream.close()
                if command[0].endswith("Xvfb"):  # killed, it would leave its lock file behind
                    process.terminate()
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(3)
                process.kill()
                process.wait()


# --- A longer wire --------------------------------------------------------------------------------


@contextmanager
def relay(
    server: Path, address: Path, one_way_s: float = 0.0, tap: IO[bytes] | None = None
) -> Iterator[None]:
    """Stand between clients and a server, and hand on what each sends, some time later.

    Args:
        server: where the server listens.
        address: where clients come to instead; a path that is free.
        one_way_s: how late each piece is handed on, in either direction.
        tap: what the clients send is written here, too.
    """
    with socket.socket(socket.AF_UNIX) as door, ExitStack() as stack:
        door.bind(str(address))
        door.listen()

        def hand_on(source: socket.socket, target: socket.socket, copy: IO[bytes] | None) -> None:
            late: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

            def send() -> None:
                with suppress(OSError):
                    while True:
                        due, piece = late.get()
                        time.sleep(max(0.0, due - time.monotonic()))
                        if not piece:
                            target.shutdown(socket.SHUT_WR)
                            return
                        target.sendall(piece)

            threading.Thread(target=send, daemon=True).start()
            with suppress(OSError):
                while piece := source.recv(1 << 16):
                    if copy is not None:
                        copy.write(piece)
                    late.put((time.monotonic() + one_way_s, piece))
            late.put((time.monotonic() + one_way_s, b""))

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = door.accept()
                    behind = socket.socket(socket.AF_UNIX)
                    behind.connect(str(server))
                    stack.callback(_hang_up, client)
                    stack.callback(_hang_up, behind)
                    for ends in ((client, behind, tap), (behind, client, None)):
                        threading.Thread(target=hand_on, args=ends, daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield
        finally:
            with suppress(OSError):
                door.shutdown(socket.SHUT_RDWR)
            address.unlink(missing_ok=True)


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def whole(shown: Desktop, client: Client, part: tuple[int, int, int, int] | None = None) -> int:
    """Ask for all pixels of the screen, or of a part, until they are the display's own.

    A server looks at the display only from time to time, so the first answer may be old.

    Returns:
        How many bytes the last answer had.

    Raises:
        CannotMeasure: the pictures never came to agree.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        client.request(False, part)
        update = client.update(1.0)
        if update is not None and shown.agrees(client, part):
            return update.size
        time.sleep(0.1)
    raise CannotMeasure("the client's picture did not become the display's")


def settle(
    shown: Desktop, client: Client, act: Callable[[], None], patience_s: float = 3.0
) -> dict[str, float]:
    """Do something and read updates until the client's picture is the display's own again.

    Returns:
        size (bytes of all updates), updates, rectangles, pixels in them, and delay_ms from the act
        to the last of them.

    Raises:
        CannotMeasure: the pictures never came to agree.
    """
    before = shown.screen()
    total = {"size": 0.0, "updates": 0.0, "rectangles": 0.0, "pixels": 0.0, "delay_ms": 0.0}
    client.request()
    start = time.perf_counter()
    act()
    while time.perf_counter() < start + patience_s:
        update = client.update(0.2)
        if update is not None:
            total["delay_ms"] = (time.perf_counter() - start) * 1e3
            total["size"] += update.size
            total["updates"] += 1
            total["rectangles"] += len(update.places)
            total["pixels"] += sum(width * height for _, _, width, height in update.places)
            client.request()
        changed = total["updates"] and bool((shown.screen() != before).any())
        if changed and shown.agrees(client) and not client.waits(0.04):
            return total
    raise CannotMeasure("the client's picture did not become the display's")
