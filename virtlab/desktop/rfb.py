"""A client of the remote framebuffer protocol, version 3.8 (RFC 6143), without security.

It draws into a picture in memory. A connection is any socket: TCP, Unix, or a pair for tests.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from virtlab.desktop.encodings import Decoder, Encoding, Pixels, ProtocolError, black

VERSION = b"RFB 003.008\n"
PIXEL_FORMAT = struct.pack("!BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
MOST_PIXELS = 1 << 24
_PATIENCE_S = 10.0


def connected(address: Path) -> socket.socket:
    """Return a connection to a server's Unix socket; OSError if nobody listens."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(address))
    except OSError:
        connection.close()
        raise
    return connection


class Update(NamedTuple):
    """One message of the server that changed the picture.

    Attributes:
        size: its bytes on the wire, all headers included.
        places: x, y, width and height of each rectangle.
        encodings: the encoding of each.
    """

    size: int
    places: list[tuple[int, int, int, int]]
    encodings: list[int]


class Client:
    """A client at one end of a connection. A context manager: disconnected after it.

    Args:
        connection: a connected socket; the client closes it.

    Attributes:
        picture: what it believes to be on the screen; it stays when the client has left.
        name: of the desktop.
        received, sent: bytes so far.

    Raises:
        ProtocolError: the server speaks another protocol, or wants a password.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._socket.settimeout(_PATIENCE_S)
        self._decoder = Decoder()
        self.received = self.sent = 0
        try:
            self._shake_hands()
        except (OSError, ProtocolError):
            connection.close()
            raise

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave. The picture stays as it was."""
        self._socket.close()

    def _shake_hands(self) -> None:
        version = self._read(12)
        if not version.startswith(b"RFB 003."):
            raise ProtocolError(f"this is no RFB server: it says {version!r}")
        self._send(VERSION)
        kinds = self._read(self._read(1)[0])
        if 1 not in kinds:
            raise ProtocolError("the server lets nobody in without a password")
        self._send(b"\x01")
        (refused,) = struct.unpack("!I", self._read(4))
        if refused:
            raise ProtocolError("the server refused this client")
        self._send(b"\x01")  # shared: other clients may stay
        width, height, _, length = struct.unpack("!HH16sI", self._read(24))
        if not 0 < width * height <= MOST_PIXELS or length > 4096:
            raise ProtocolError(f"a screen of {width} x {height} is none")
        self.name = self._read(length).decode("utf-8", "replace")
        self.picture: Pixels = black(height, width)
        self._send(b"\x00\x00\x00\x00" + PIXEL_FORMAT)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the remote screen."""
        return self.picture.shape[1], self.picture.shape[0]

    def encodings(self, wanted: Sequence[Encoding]) -> None:
        """Tell the server which encodings this client likes, the best first."""
        self._send(struct.pack(f"!BxH{len(wanted)}i", 2, len(wanted), *wanted))

    def request(
        self, incremental: bool = True, part: tuple[int, int, int, int] | None = None
    ) -> None:
        """Ask for an update: of what changed, or of all; of a part of the screen, or of all."""
        self._send(struct.pack("!BBHHHH", 3, incremental, *(part or (0, 0, *self.size))))

    def key(self, symbol: int) -> None:
        """Press and release a key; its number is an X keysym, for ASCII the character's own."""
        for down in (1, 0):
            self._send(struct.pack("!BBxxI", 4, down, symbol))

    def type(self, text: str) -> None:
        """Press and release the keys of an ASCII text."""
        for character in text:
            self.key(ord(character))

    def point(self, x: int, y: int, buttons: int = 0) -> None:
        """Move the pointer; each bit of `buttons` is one that is held down."""
        self._send(struct.pack("!BBHH", 5, buttons, x, y))

    def waits(self, seconds: float) -> bool:
        """Whether a message of the server comes within this time."""
        return bool(select.select([self._socket], [], [], seconds)[0])

    def update(self, patience_s: float = _PATIENCE_S) -> Update | None:
        """Read the next update and draw it; None if none comes in time.

        Raises:
            ProtocolError: what came is no message of this protocol.
        """
        deadline = time.monotonic() + patience_s
        while self.waits(max(0.0, deadline - time.monotonic())):
            before = self.received
            kind = self._read(1)[0]
            if kind == 0:
                places, encodings = self._rectangles()
                return Update(self.received - before, places, encodings)
            if kind == 3:  # text for the clipboard
                (length,) = struct.unpack("!xxxI", self._read(7))
                self._skip(length)
            elif kind != 2:  # 2 is the bell
                raise ProtocolError(f"the server sent a message of kind {kind}")
        return None

    def _rectangles(self) -> tuple[list[tuple[int, int, int, int]], list[int]]:
        (count,) = struct.unpack("!xH", self._read(3))
        places, encodings = [], []
        for _ in range(count):
            x, y, width, height, encoding = struct.unpack("!HHHHi", self._read(12))
            place = (x, y, width, height)
            self._decoder.rectangle(encoding, place, self.picture, self._read)
            places.append(place)
            encodings.append(encoding)
        return places, encodings

    def _read(self, count: int) -> bytes:
        if count > 8 * MOST_PIXELS:
            raise ProtocolError(f"the server announced {count} bytes at once")
        content = bytearray()
        while len(content) < count:
            more = self._socket.recv(min(count - len(content), 1 << 16))
            if not more:
                raise ProtocolError("the server hung up")
            content += more
        self.received += count
        return bytes(content)

    def _skip(self, count: int) -> None:
        for start in range(0, count, 1 << 16):
            self._read(min(1 << 16, count - start))

    def _send(self, content: bytes) -> None:
        self.sent += len(content)
        self._socket.sendall(content)


def update_message(
    rectangles: Iterable[tuple[tuple[int, int, int, int], Encoding, bytes]],
) -> bytes:
    """Return the message of a server that holds these rectangles: place, encoding, content."""
    parts = [struct.pack("!HHHHi", *place, kind) + body for place, kind, body in rectangles]
    return struct.pack("!BxH", 0, len(parts)) + b"".join(parts)
