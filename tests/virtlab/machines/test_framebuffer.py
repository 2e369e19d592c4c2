import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab.machines.framebuffer import (
    Encoding,
    FrameBuffer,
    Rectangle,
    UpdateError,
    apply_update,
    build_copy,
    build_update,
    dirty_tiles,
    encode,
    tiles,
    update_bytes,
)

PIXEL_ENCODINGS = [Encoding.RAW, Encoding.RLE, Encoding.ZLIB]


@st.composite
def screens(draw: st.DrawFn) -> tuple[FrameBuffer, FrameBuffer]:
    """A picture, and the same picture with a few rectangles painted."""
    before = FrameBuffer(draw(st.integers(1, 24)), draw(st.integers(1, 24)))
    after = before.copy()
    for _ in range(draw(st.integers(0, 3))):
        x = draw(st.integers(0, before.width - 1))
        y = draw(st.integers(0, before.height - 1))
        width = draw(st.integers(0, before.width - x))
        height = draw(st.integers(0, before.height - y))
        after.fill(Rectangle(x, y, width, height), draw(st.integers(0, 255)))
    return before, after


@given(screens(), st.integers(1, 9), st.sampled_from(PIXEL_ENCODINGS))
@settings(max_examples=80, deadline=None)
def test_the_dirty_tiles_bring_a_remote_screen_up_to_date(
    pictures: tuple[FrameBuffer, FrameBuffer], size: int, encoding: Encoding
) -> None:
    before, after = pictures
    parts = dirty_tiles(before, after, size)
    update = build_update(after, parts, encoding)
    assert len(update) == update_bytes(after, parts, encoding)
    apply_update(before, update)
    assert before.pixels == after.pixels
    assert dirty_tiles(before, after, size) == []


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 50))
@settings(max_examples=40, deadline=None)
def test_tiles_cover_each_pixel_once(width: int, height: int, size: int) -> None:
    screen = FrameBuffer(width, height)
    for tile in tiles(width, height, size):
        screen.put(tile, bytes(pixel + 1 for pixel in screen.get(tile)))
    assert screen.pixels == b"\1" * (width * height)


def test_one_pixel_dirties_one_tile() -> None:
    before, after = FrameBuffer(20, 20), FrameBuffer(20, 20)
    after.fill(Rectangle(17, 9, 1, 1), 255)
    assert dirty_tiles(before, after, 8) == [Rectangle(16, 8, 4, 8)]
    with pytest.raises(ValueError, match="same size"):
        dirty_tiles(before, FrameBuffer(20, 21), 8)
    with pytest.raises(ValueError, match="one pixel"):
        tiles(1, 1, 0)


def test_run_lengths() -> None:
    assert encode(b"aaab", Encoding.RLE) == b"\x03a\x01b"
    assert encode(b"a" * 300, Encoding.RLE) == b"\xffa\x2da"
    assert encode(b"", Encoding.RLE) == b""
    with pytest.raises(ValueError, match="no pixels"):
        encode(b"", Encoding.COPY)


def test_which_encoding_is_smallest_depends_on_the_picture() -> None:
    flat, noisy = FrameBuffer(64, 64), FrameBuffer(64, 64)
    noisy.pixels[:] = bytes(i * i * 7919 >> 3 & 0xFF for i in range(4096))
    whole = [Rectangle(0, 0, 64, 64)]
    raw, rle, zipped = (update_bytes(flat, whole, e) for e in PIXEL_ENCODINGS)
    assert zipped <= rle < raw == 4 + 12 + 4096
    assert update_bytes(noisy, whole, Encoding.RLE) > raw
    assert update_bytes(noisy, [], Encoding.RAW) == 0


def test_moving_a_window_takes_twenty_bytes() -> None:
    here = FrameBuffer(30, 20)
    here.put(Rectangle(2, 3, 5, 4), bytes(range(20)))
    there = here.copy()
    here.move(Rectangle(2, 3, 5, 4), 4, 4)  # the two places overlap
    update = build_copy(Rectangle(2, 3, 5, 4), 4, 4)
    assert len(update) == 20
    apply_update(there, update)
    assert there.pixels == here.pixels
    assert there.get(Rectangle(4, 4, 5, 4)) == bytes(range(20))


def test_the_screen_ends_where_it_says() -> None:
    screen = FrameBuffer(4, 3)
    for part in [(-1, 0, 1, 1), (0, 0, 5, 1), (0, 3, 1, 1), (3, 0, -1, 1)]:
        with pytest.raises(ValueError, match="not on a screen of 4 x 3"):
            screen.get(Rectangle(*part))
    with pytest.raises(ValueError, match="has 2 pixels, not 1"):
        screen.put(Rectangle(0, 0, 2, 1), b"a")
    with pytest.raises(ValueError, match="1 to 65535"):
        FrameBuffer(0, 1)
    screen.fill(Rectangle(0, 1, 2, 1), 255)
    assert screen.text == "    \n@@  \n    "


@given(st.binary(max_size=60), screens())
@settings(max_examples=80, deadline=None)
def test_noise_is_refused(noise: bytes, pictures: tuple[FrameBuffer, FrameBuffer]) -> None:
    with contextlib.suppress(UpdateError):
        apply_update(pictures[0], noise)
    assert len(pictures[0].pixels) == pictures[0].width * pictures[0].height


@given(screens(), st.sampled_from(PIXEL_ENCODINGS), st.data())
@settings(max_examples=60, deadline=None)
def test_an_update_that_is_cut_short_is_refused(
    pictures: tuple[FrameBuffer, FrameBuffer], encoding: Encoding, data: st.DataObject
) -> None:
    whole = Rectangle(0, 0, pictures[1].width, pictures[1].height)
    update = build_update(pictures[1], [whole], encoding)
    cut = data.draw(st.integers(1, len(update) - 1))
    if encoding is Encoding.ZLIB:
        cut = min(cut, len(update) - 6)  # the last bytes are only its checksum
    with pytest.raises(UpdateError):
        apply_update(pictures[0], update[:cut])


def test_a_small_update_cannot_ask_for_endless_memory() -> None:
    large, small = FrameBuffer(2000, 2000), FrameBuffer(2, 2)
    bomb = bytearray(build_update(large, [Rectangle(0, 0, 2000, 2000)], Encoding.ZLIB))
    bomb[8:12] = bytes([0, 2, 0, 2])
    with pytest.raises(UpdateError, match="has 4 pixels, not 5"):
        apply_update(small, bytes(bomb))
