"""How a rectangle of pixels crosses the wire: the encodings of RFB (RFC 6143, section 7.7).

The RFC does not describe zlib, which is older: it is raw, deflated, with its length before it.

A pixel has four bytes, blue, green, red and an unused one; an array of them has the shape (height,
width) and the type `<u4`. The encoders choose simply, as a small server would: ZRLE tiles are
either one colour, a palette with runs, or runs of plain pixels.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint32]
PIXEL = np.dtype("<u4")
_COLOUR = np.uint32(0x00FFFFFF)


class Encoding(IntEnum):
    """The number of an encoding on the wire."""

    RAW = 0
    COPYRECT = 1
    RRE = 2
    HEXTILE = 5
    ZLIB = 6
    ZRLE = 16


class ProtocolError(Exception):
    """The other side sent what this protocol does not allow; the message is one line."""


Read = Callable[[int], bytes]


def black(height: int, width: int) -> Pixels:
    """Return a picture of black pixels."""
    return np.zeros((height, width), PIXEL)


# --- Decoding -------------------------------------------------------------------------------------


class Decoder:
    """Decodes the rectangles of one connection; the deflate streams go on from one to the next."""

    def __init__(self) -> None:
        self._streams = {one: zlib.decompressobj() for one in (Encoding.ZLIB, Encoding.ZRLE)}

    def rectangle(
        self, encoding: int, place: tuple[int, int, int, int], picture: Pixels, read: Read
    ) -> None:
        """Draw a rectangle of an update into the picture.

        Args:
            encoding: its number.
            place: x, y, width and height.
            picture: of the whole screen, changed in place.
            read: gives the next n bytes of the connection.

        Raises:
            ProtocolError: the rectangle is off the screen, or its content is wrong.
        """
        x, y, width, height = place
        if x + width > picture.shape[1] or y + height > picture.shape[0]:
            raise ProtocolError(f"a rectangle {place} is not on a screen of {picture.shape[::-1]}")
        part = picture[y : y + height, x : x + width]
        try:
            if encoding == Encoding.RAW:
                part[:] = _plain(read, width, height)
            elif encoding == Encoding.COPYRECT:
                self._copy(struct.unpack("!HH", read(4)), part, picture)
            elif encoding == Encoding.RRE:
                _read_rre(read, part)
            elif encoding == Encoding.HEXTILE:
                _read_hextile(read, part)
            elif encoding == Encoding.ZLIB:
                part[:] = _plain(self._inflated(Encoding.ZLIB, read, 4 * part.size), width, height)
            elif encoding == Encoding.ZRLE:
                most = part.size * 4 + 700 * (1 + width // 64) * (1 + height // 64)
                _read_zrle(self._inflated(Encoding.ZRLE, read, most), part)
            else:
                raise ProtocolError(f"encoding {encoding} was not asked for")
        except (ValueError, IndexError, struct.error, zlib.error) as error:
            raise ProtocolError(f"a rectangle {place} cannot be decoded: {error}") from None

    @staticmethod
    def _copy(source: tuple[int, int], part: Pixels, picture: Pixels) -> None:
        x, y = source
        height, width = part.shape
        if x + width > picture.shape[1] or y + height > picture.shape[0]:
            raise ProtocolError(f"a copy from {source} is not on the screen")
        part[:] = picture[y : y + height, x : x + width].copy()  # they may overlap

    def _inflated(self, encoding: Encoding, read: Read, most: int) -> Read:
        """Inflate a rectangle's bytes, never more than it can need: no bombs."""
        (length,) = struct.unpack("!I", read(4))
        return _taking(self._streams[encoding].decompress(read(length), most + 1))


def _taking(content: bytes) -> Read:
    at = 0

    def read(count: int) -> bytes:
        nonlocal at
        at += count
        if at > len(content):
            raise ProtocolError(f"a rectangle ends {at - len(content)} bytes too early")
        return content[at - count : at]

    return read


def _plain(read: Read, width: int, height: int) -> Pixels:
    raw = np.frombuffer(read(4 * width * height), PIXEL)
    return (raw & _COLOUR).reshape(height, width)


def _colour(read: Read, size: int = 4) -> int:
    return int.from_bytes(read(size), "little") & int(_COLOUR)


def _fill(part: Pixels, place: tuple[int, int, int, int], colour: int) -> None:
    x, y, width, height = place
    if x + width > part.shape[1] or y + height > part.shape[0]:
        raise ValueError("a part of it is outside")
    part[y : y + height, x : x + width] = colour


def _read_rre(read: Read, part: Pixels) -> None:
    (count,) = struct.unpack("!I", read(4))
    part[:] = _colour(read)
    for _ in range(count):
        colour = _colour(read)
        x, y, width, height = struct.unpack("!HHHH", read(8))
        _fill(part, (x, y, width, height), colour)


def _tiles(part: Pixels, size: int) -> Iterator[Pixels]:
    for y in range(0, part.shape[0], size):
        for x in range(0, part.shape[1], size):
            yield part[y : y + size, x : x + size]


_HEXTILE_RAW, _BACKGROUND, _FOREGROUND, _SUBRECTS, _COLOURED = 1, 2, 4, 8, 16


def _read_hextile(read: Read, part: Pixels) -> None:
    background = foreground = 0
    for tile in _tiles(part, 16):
        kind = read(1)[0]
        if kind & _HEXTILE_RAW:
            tile[:] = _plain(read, tile.shape[1], tile.shape[0])
            continue
        if kind & _BACKGROUND:
            background = _colour(read)
        if kind & _FOREGROUND:
            foreground = _colour(read)
        tile[:] = background
        for _ in range(read(1)[0] if kind & _SUBRECTS else 0):
            colour = _colour(read) if kind & _COLOURED else foreground
            place, size = read(2)
            where = (place >> 4, place & 15, (size >> 4) + 1, (size & 15) + 1)
            _fill(tile, where, colour)


def _read_zrle(read: Read, part: Pixels) -> None:
    for tile in _tiles(part, 64):
        kind = read(1)[0]
        height, width = tile.shape
        colours = np.array([_colour(read, 3) for _ in range(kind & 127)], PIXEL)
        if kind == 0:
            raw = np.frombuffer(read(3 * tile.size), np.uint8).reshape(height, width, 3)
            tile[:] = raw @ np.array([1, 1 << 8, 1 << 16], PIXEL)
        elif kind == 1:
            tile[:] = colours[0]
        elif kind <= 16:
            bits = 1 if kind == 2 else 2 if kind <= 4 else 4
            packed = np.frombuffer(read(-(-width * bits // 8) * height), np.uint8)
            digits = np.unpackbits(packed.reshape(height, -1), axis=1)
            places = digits.reshape(height, -1, bits) @ (1 << np.arange(bits)[::-1])
            tile[:] = colours[places[:, :width]]
        elif kind >= 128 and kind != 129:
            tile[:] = _runs(read, colours, tile.size).reshape(height, width)
        else:
            raise ValueError(f"there is no tile of kind {kind}")


def _runs(read: Read, colours: Pixels, wanted: int) -> Pixels:
    values: list[int] = []
    lengths: list[int] = []
    done = 0
    while done < wanted:
        length = 1
        if len(colours):
            place = read(1)[0]
            colour = int(colours[place & 127])
            long = place >= 128
        else:
            colour, long = _colour(read, 3), True
        while long:
            more = read(1)[0]
            length += more
            long = more == 255
        done += length
        values.append(colour)
        lengths.append(length)
    if done > wanted:
        raise ValueError("a run is longer than its tile")
    return np.repeat(np.array(values, PIXEL), lengths)


# --- Encoding -------------------------------------------------------------------------------------


class Encoder:
    """Encodes the rectangles of one connection, as a small server does."""

    def __init__(self) -> None:
        self._streams = {one: zlib.compressobj(6) for one in (Encoding.ZLIB, Encoding.ZRLE)}

    def rectangle(self, encoding: Encoding, part: Pixels) -> bytes:
        """Return a rectangle's content, without its header; ValueError for COPYRECT."""
        part = part & _COLOUR
        if encoding is Encoding.RAW:
            return part.astype(PIXEL).tobytes()
        if encoding is Encoding.RRE:
            return _write_rre(part)
        if encoding is Encoding.HEXTILE:
            return b"".join(_hextile(tile) for tile in _tiles(part, 16))
        if encoding is Encoding.ZLIB:
            return self._deflated(encoding, part.astype(PIXEL).tobytes())
        if encoding is Encoding.ZRLE:
            tiles = b"".join(_zrle(tile) for tile in _tiles(part, 64))
            return self._deflated(encoding, tiles)
        raise ValueError("a copied rectangle has no pixels to encode")

    def _deflated(self, encoding: Encoding, content: bytes) -> bytes:
        stream = self._streams[encoding]
        packed = stream.compress(content) + stream.flush(zlib.Z_SYNC_FLUSH)
        return struct.pack("!I", len(packed)) + packed


def _usual(part: Pixels) -> int:
    values, counts = np.unique(part, return_counts=True)
    return int(values[counts.argmax()])


def _row_runs(part: Pixels, background: int) -> list[tuple[int, int, int, int]]:
    """Return (colour, x, y, width) of every run in a row that is not of the background."""
    runs = []
    for y, row in enumerate(part):
        edges = np.flatnonzero(np.diff(row)) + 1
        for x, end in zip([0, *edges], [*edges, len(row)], strict=True):
            if row[x] != background:
                runs.append((int(row[x]), int(x), y, int(end - x)))
    return runs


def _write_rre(part: Pixels) -> bytes:
    background = _usual(part)
    runs = _row_runs(part, background)
    rectangles = [struct.pack("<I", one) + struct.pack("!HHHH", *rest, 1) for one, *rest in runs]
    return struct.pack("!I", len(runs)) + struct.pack("<I", background) + b"".join(rectangles)


def _hextile(tile: Pixels) -> bytes:
    background = _usual(tile)
    runs = _row_runs(tile, background)
    if not runs:
        return struct.pack("<BI", _BACKGROUND, background)
    if len(runs) > 255 or 7 + 6 * len(runs) > 4 * tile.size:
        return bytes([_HEXTILE_RAW]) + tile.astype(PIXEL).tobytes()
    colours = {colour for colour, *_ in runs}
    one = len(colours) == 1
    head = struct.pack(
        "<BI", _BACKGROUND | _SUBRECTS | (_FOREGROUND if one else _COLOURED), background
    )
    head += struct.pack("<I", runs[0][0]) if one else b""
    body = [
        (b"" if one else struct.pack("<I", colour)) + bytes([x << 4 | y, width - 1 << 4])
        for colour, x, y, width in runs
    ]
    return head + bytes([len(runs)]) + b"".join(body)


def _zrle(tile: Pixels) -> bytes:
    flat = tile.ravel()
    palette = np.unique(flat)
    if len(palette) == 1:
        return b"\x01" + _cpixel(palette[0])
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff([0, *edges, len(flat)])
    if len(palette) > 127:
        runs = [_cpixel(flat[at]) for at in [0, *edges]]
        written = b"".join(one + _length(n) for one, n in zip(runs, lengths, strict=True))
        if len(written) < 3 * tile.size:
            return b"\x80" + written
        return b"\x00" + b"".join(map(_cpixel, flat))
    places = np.searchsorted(palette, flat[[0, *edges]])
    body = [
        bytes([place | 128]) + _length(n) if n > 1 else bytes([place])
        for place, n in zip(places.tolist(), lengths.tolist(), strict=True)
    ]
    return bytes([128 + len(palette)]) + b"".join(map(_cpixel, palette)) + b"".join(body)


def _cpixel(colour: int | np.uint32) -> bytes:
    return int(colour).to_bytes(4, "little")[:3]


def _length(run: int) -> bytes:
    whole, rest = divmod(int(run) - 1, 255)
    return b"\xff" * whole + bytes([rest])
