"""Frames between the room and the examiner: length-prefixed messages with a size and a deadline.

Only bytes cross. Descriptors sent along by a hostile room are dropped by the kernel, since the
reader never asks for ancillary data.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable

MOST_BYTES = 64 * 1024 * 1024
WATCH_S = 0.25
_LENGTH = struct.Struct("<I")


class ChannelClosed(Exception):
    """The other end is gone."""


class DeadlinePassed(Exception):
    """The other end did not answer in time."""


class BadMessage(Exception):
    """What came is not a message of this protocol; the room that sent it is not asked again."""


def send(channel: socket.socket, payload: bytes | bytearray, deadline: float | None = None) -> None:
    """Send one message.

    Args:
        channel: A stream socket.
        payload: The message; at most `MOST_BYTES`.
        deadline: On the clock of `time.monotonic`; None waits for ever.

    Raises:
        BadMessage: The payload is too large.
        ChannelClosed: The other end is gone.
        DeadlinePassed: The other end does not read.
    """
    if len(payload) > MOST_BYTES:
        raise BadMessage(f"a message of {len(payload)} bytes; at most {MOST_BYTES} can cross")
    view = memoryview(_LENGTH.pack(len(payload)) + payload)
    while view:
        _check(deadline)
        try:
            sent = channel.send(view, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        except BlockingIOError:
            _wait(channel, deadline, writing=True)
            continue
        except OSError:
            raise ChannelClosed from None
        view = view[sent:]


def receive(
    channel: socket.socket,
    deadline: float | None = None,
    most: int = MOST_BYTES,
    watch: Callable[[], None] | None = None,
) -> bytearray:
    """Receive one message of at most `most` bytes.

    Args:
        channel: A stream socket.
        deadline: On the clock of `time.monotonic`; None waits for ever.
        most: The longest message that is accepted, in bytes.
        watch: Called every `WATCH_S` seconds of waiting.

    Raises:
        BadMessage: The announced length is too large.
        ChannelClosed: The other end is gone.
        DeadlinePassed: The message did not come, or not to its end.
    """
    (length,) = _LENGTH.unpack(_receive_exactly(channel, _LENGTH.size, deadline, watch))
    if length > most:
        raise BadMessage(f"a message of {length} bytes is announced; at most {most} may come")
    return _receive_exactly(channel, length, deadline, watch)


def is_quiet(channel: socket.socket) -> bool:
    """Whether the other end has sent nothing that is not read yet.

    Raises:
        ChannelClosed: The other end is gone.
    """
    try:
        came = channel.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        raise ChannelClosed from None
    if not came:
        raise ChannelClosed
    return False


def _receive_exactly(
    channel: socket.socket,
    length: int,
    deadline: float | None,
    watch: Callable[[], None] | None,
) -> bytearray:
    data = bytearray()
    while len(data) < length:
        _check(deadline)  # also when there is always more to read
        try:
            # Grown by what came, never by what was announced.
            piece = channel.recv(min(length - len(data), 1 << 20), socket.MSG_DONTWAIT)
        except BlockingIOError:
            _wait(channel, deadline, writing=False, watch=watch)
            continue
        except OSError:
            raise ChannelClosed from None
        if not piece:
            raise ChannelClosed
        data += piece
    return data


def _check(deadline: float | None) -> None:
    if deadline is not None and time.monotonic() >= deadline:
        raise DeadlinePassed


def _wait(
    channel: socket.socket,
    deadline: float | None,
    *,
    writing: bool,
    watch: Callable[[], None] | None = None,
) -> None:
    poll = select.poll()
    poll.register(channel, select.POLLOUT if writing else select.POLLIN)
    while True:
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise DeadlinePassed
        if watch is not None:
            left = WATCH_S if left is None else min(left, WATCH_S)
        if poll.poll(None if left is None else left * 1000 + 1):
            return
        if watch is not None:
            watch()
