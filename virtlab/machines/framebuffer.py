"""A frame buffer, the tiles of it that changed, and the bytes that tell a remote screen so.

A pixel is one byte, an index into a palette. An update is laid out like RFB's (RFC 6143): a
message header of 4 bytes with the number of rectangles, then for each a header of 12 bytes (x, y,
width, height, encoding) and its content. The encodings are this module's own.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from enum import IntEnum
from itertools import groupby
from typing import NamedTuple

MESSAGE_HEADER, RECTANGLE_HEADER = 4, 12


class Encoding(IntEnum):
    """How a rectangle's pixels are written."""

    RAW = 0  # as they are
    COPY = 1  # taken from another place of the remote screen: its x and y, no pixels
    RLE = 2  # pairs of (1 to 255 times, pixel)
    ZLIB = 6  # deflated


class Rectangle(NamedTuple):
    """A part of the screen; x and y are its left upper corner."""

    x: int
    y: int
    width: int
    height: int


class UpdateError(ValueError):
    """Bytes that are no update for this screen."""


class FrameBuffer:
    """A screen.

    Attributes:
        width, height: in pixels.
        pixels: one byte each, row after row, from the left upper corner.
    """

    def __init__(self, width: int, height: int) -> None:
        if not (0 < width <= 0xFFFF and 0 < height <= 0xFFFF):
            raise ValueError("a screen has 1 to 65535 pixels each way")
        self.width, self.height = width, height
        self.pixels = bytearray(width * height)

    def copy(self) -> FrameBuffer:
        """Return another screen with the same picture."""
        twin = FrameBuffer(self.width, self.height)
        twin.pixels[:] = self.pixels
        return twin

    def get(self, part: Rectangle) -> bytes:
        """Return the pixels of a rectangle, row after row; ValueError if it is off the screen."""
        return b"".join(bytes(self.pixels[start:end]) for start, end in self._rows(part))

    def put(self, part: Rectangle, pixels: bytes) -> None:
        """Replace the pixels of a rectangle; ValueError if they are too many or too few."""
        if len(pixels) != part.width * part.height:
            raise ValueError(f"{part} has {part.width * part.height} pixels, not {len(pixels)}")
        for row, (start, end) in enumerate(self._rows(part)):
            self.pixels[start:end] = pixels[row * part.width : (row + 1) * part.width]

    def fill(self, part: Rectangle, pixel: int) -> None:
        """Paint a rectangle in one colour."""
        self.put(part, bytes([pixel]) * (part.width * part.height))

    def move(self, part: Rectangle, x: int, y: int) -> None:
        """Copy a rectangle to another place, as a window is moved; they may overlap."""
        self.put(part._replace(x=x, y=y), self.get(part))

    @property
    def text(self) -> str:
        """The picture as lines of characters, darker for higher pixels; for small screens."""
        shades = " .:-=+*#%@"
        rows = (self.pixels[y * self.width : (y + 1) * self.width] for y in range(self.height))
        return "\n".join("".join(shades[pixel * 10 // 256] for pixel in row) for row in rows)

    def _rows(self, part: Rectangle) -> list[tuple[int, int]]:
        x, y, width, height = part
        if not (0 <= x <= x + width <= self.width and 0 <= y <= y + height <= self.height):
            raise ValueError(f"{part} is not on a screen of {self.width} x {self.height}")
        starts = range(y * self.width + x, (y + height) * self.width + x, self.width)
        return [(start, start + width) for start in starts[:height]]


def tiles(width: int, height: int, size: int) -> list[Rectangle]:
    """Cut a screen into square tiles, row by row; those at the right and lower edge may be cut."""
    if size < 1:
        raise ValueError("a tile has one pixel at least")
    return [
        Rectangle(x, y, min(size, width - x), min(size, height - y))
        for y in range(0, height, size)
        for x in range(0, width, size)
    ]


def dirty_tiles(before: FrameBuffer, after: FrameBuffer, size: int) -> list[Rectangle]:
    """Return the tiles that differ between two pictures, row by row.

    Raises:
        ValueError: if the pictures have not the same size.
    """
    if (before.width, before.height) != (after.width, after.height):
        raise ValueError("the pictures have not the same size")
    return [
        tile
        for tile in tiles(after.width, after.height, size)
        if before.get(tile) != after.get(tile)
    ]


def encode(pixels: bytes, encoding: Encoding) -> bytes:
    """Encode the pixels of a rectangle; ValueError for COPY, which has none."""
    if encoding is Encoding.RAW:
        return pixels
    if encoding is Encoding.RLE:
        return b"".join(_run(pixel, len(list(run))) for pixel, run in groupby(pixels))
    if encoding is Encoding.ZLIB:
        packed = zlib.compress(pixels)
        return struct.pack("!I", len(packed)) + packed
    raise ValueError("a copied rectangle has no pixels to encode")


def _run(pixel: int, length: int) -> bytes:
    whole, rest = divmod(length, 255)
    return bytes([255, pixel]) * whole + (bytes([rest, pixel]) if rest else b"")


def update_bytes(screen: FrameBuffer, parts: Iterable[Rectangle], encoding: Encoding) -> int:
    """Return how many bytes an update of these rectangles takes, headers included; 0 for none."""
    encoded = [len(encode(screen.get(part), encoding)) for part in parts]
    return MESSAGE_HEADER + sum(RECTANGLE_HEADER + n for n in encoded) if encoded else 0


def build_update(screen: FrameBuffer, parts: Sequence[Rectangle], encoding: Encoding) -> bytes:
    """Return the update that brings these rectangles of a remote screen up to date."""
    body = b"".join(_header(part, encoding) + encode(screen.get(part), encoding) for part in parts)
    return struct.pack("!BxH", 0, len(parts)) + body if parts else b""


def build_copy(source: Rectangle, x: int, y: int) -> bytes:
    """Return the update that moves a rectangle the remote screen already shows: 20 bytes."""
    header = _header(source._replace(x=x, y=y), Encoding.COPY)
    return struct.pack("!BxH", 0, 1) + header + struct.pack("!HH", source.x, source.y)


def apply_update(screen: FrameBuffer, update: bytes) -> None:
    """Do to a remote screen what an update says.

    Raises:
        UpdateError: if it is cut short, wrong or for another screen. Rectangles before the wrong
            one have been drawn.
    """
    if not update:
        return
    try:
        kind, count = struct.unpack_from("!BxH", update)
        if kind != 0:
            raise ValueError(f"message {kind} is no update")
        at = MESSAGE_HEADER
        for _ in range(count):
            *corners, encoding = struct.unpack_from("!HHHHi", update, at)
            part = Rectangle(*corners)
            pixels, at = _decode(screen, part, Encoding(encoding), update, at + RECTANGLE_HEADER)
            screen.put(part, pixels)
        if at != len(update):
            raise ValueError(f"{len(update) - at} bytes too many")
    except (ValueError, struct.error, zlib.error) as error:
        raise UpdateError(f"not an update for this screen: {error}") from None


def _header(part: Rectangle, encoding: Encoding) -> bytes:
    return struct.pack("!HHHHi", *part, encoding)


def _decode(
    screen: FrameBuffer, part: Rectangle, encoding: Encoding, update: bytes, at: int
) -> tuple[bytes, int]:
    """Return a rectangle's pixels, and where the next rectangle begins."""
    wanted = len(screen.get(part))  # a rectangle off the screen ends here
    if encoding is Encoding.COPY:
        x, y = struct.unpack_from("!HH", update, at)
        return screen.get(part._replace(x=x, y=y)), at + 4
    if encoding is Encoding.RAW:
        return update[at : at + wanted], at + wanted
    if encoding is Encoding.ZLIB:
        (length,) = struct.unpack_from("!I", update, at)
        inflate = zlib.decompressobj()  # never more than the rectangle holds: no zip bombs
        return inflate.decompress(update[at + 4 : at + 4 + length], wanted + 1), at + 4 + length
    pixels = bytearray()
    while len(pixels) < wanted:
        length, pixel = struct.unpack_from("!BB", update, at)
        pixels += bytes([pixel]) * length
        at += 2
        if not length:
            raise ValueError("a run of no pixels")
    return bytes(pixels), at
