"""A desktop made by a script: pictures before and after something happened, and what it costs.

It needs no display and looks the same on every machine. Its server compares pictures tile by tile.
"""

from __future__ import annotations

import io
import struct
from typing import NamedTuple

import numpy as np

from virtlab.desktop.encodings import PIXEL, Decoder, Encoder, Encoding, Pixels, black
from virtlab.desktop.rfb import update_message

WIDTH, HEIGHT = 480, 320
ACTIVITIES = ("typing", "scrolling", "moving a window", "film")
Place = tuple[int, int, int, int]
_BLUE, _WHITE, _ORANGE, _INK = 0x0072B2, 0xFFFFFF, 0xE69F00, 0x222222
_PAGE: Place = (10, 150, 320, 160)
_LINE = 16


class Step(NamedTuple):
    """What happened on the screen.

    Attributes:
        before, after: the pictures.
        moved: x, y, width and height of what was moved, and its new x and y; None if nothing was.
    """

    before: Pixels
    after: Pixels
    moved: tuple[Place, tuple[int, int]] | None = None


def screen(
    typed: int = 0, top: int = 0, window: tuple[int, int] = (350, 30), film: int = 0
) -> Pixels:
    """Draw the desktop: letters in an editor, a page from some line on, a window and a film."""
    picture = black(HEIGHT, WIDTH)
    picture[:] = _BLUE
    _box(picture, (10, 30, 320, 100), _WHITE)
    _text(picture, 16, 36, typed, seed=1)
    x, y, _, height = _PAGE
    _box(picture, _PAGE, _WHITE)
    for line in range(height // _LINE):
        _text(picture, x + 6, y + 2 + line * _LINE, 34, seed=100 + top + line)
    noise = np.random.default_rng(film).integers(0, 1 << 24, (96, 96)).astype(PIXEL)
    picture[214:310, 350:446] = noise
    _box(picture, (*window, 80, 60), _ORANGE)
    _text(picture, window[0] + 8, window[1] + 24, 7, seed=7)
    return picture


def step(activity: str) -> Step:
    """Return the pictures before and after one step of an activity."""
    if activity == "typing":
        return Step(screen(typed=5), screen(typed=6))
    if activity == "film":
        return Step(screen(film=0), screen(film=1))
    if activity == "moving a window":
        old, new = (350, 30), (382, 62)
        return Step(screen(window=old), screen(window=new), ((*old, 80, 60), new))
    x, y, width, height = _PAGE
    moved = ((x, y + _LINE, width, height - _LINE), (x, y))
    return Step(screen(top=0), screen(top=1), moved)


def tell(happened: Step, encoding: Encoding, tile: int = 16) -> bytes:
    """Return the message that brings a client from one picture to the other.

    With COPYRECT it first moves what was moved, and sends the rest as ZRLE.
    """
    encoder = Encoder()
    known, rectangles = happened.before, []
    if encoding is Encoding.COPYRECT:
        encoding = Encoding.ZRLE
        if happened.moved:
            (x, y, width, height), (to_x, to_y) = happened.moved
            known = known.copy()
            known[to_y : to_y + height, to_x : to_x + width] = happened.before[
                y : y + height, x : x + width
            ]
            source = x.to_bytes(2, "big") + y.to_bytes(2, "big")
            rectangles.append(((to_x, to_y, width, height), Encoding.COPYRECT, source))
    for place in changed(known, happened.after, tile):
        x, y, width, height = place
        content = encoder.rectangle(encoding, happened.after[y : y + height, x : x + width])
        rectangles.append((place, encoding, content))
    return update_message(rectangles)


def changed(before: Pixels, after: Pixels, tile: int) -> list[Place]:
    """Return the places of the tiles that differ."""
    rows, columns = np.nonzero(before != after)
    height, width = after.shape
    places = sorted(set(zip((rows // tile).tolist(), (columns // tile).tolist(), strict=True)))
    return [
        (x * tile, y * tile, min(tile, width - x * tile), min(tile, height - y * tile))
        for y, x in places
    ]


def _box(picture: Pixels, place: Place, colour: int) -> None:
    x, y, width, height = place
    picture[y : y + height, x : x + width] = colour


def _text(picture: Pixels, x: int, y: int, letters: int, seed: int) -> None:
    strokes = np.random.default_rng(seed).random((40, 10, 6)) < 0.4
    for place in range(letters):
        cell = picture[y : y + 10, x + 9 * place : x + 9 * place + 6]
        cell[strokes[place]] = _INK


def drawn(before: Pixels, message: bytes) -> bytes:
    """Return the pixels of a client that had this picture, after it got the message."""
    picture, decoder = before.copy(), Decoder()
    content = io.BytesIO(message)
    (count,) = struct.unpack("!xxH", content.read(4))
    for _ in range(count):
        x, y, width, height, encoding = struct.unpack("!HHHHi", content.read(12))
        decoder.rectangle(encoding, (x, y, width, height), picture, content.read)
    return picture.tobytes()
