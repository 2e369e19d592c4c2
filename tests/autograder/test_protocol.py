"""Frames: sizes, deadlines, and what a hostile sender may try."""

from __future__ import annotations

import socket
import struct
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.examiner import protocol


def soon(seconds: float = 20.0) -> float:
    return time.monotonic() + seconds


@given(st.lists(st.binary(max_size=5000), max_size=5))
@settings(max_examples=25, deadline=None)
def test_messages_come_as_they_were_sent_and_in_order(messages: list[bytes]) -> None:
    one, other = socket.socketpair()
    with one, other:
        for message in messages:
            protocol.send(one, message, soon())
        assert [bytes(protocol.receive(other, soon())) for _ in messages] == messages


def test_a_message_larger_than_the_buffers_crosses() -> None:
    message = bytes(3_000_000)
    one, other = socket.socketpair()
    with one, other:
        sender = threading.Thread(target=protocol.send, args=(one, message, soon(60)))
        sender.start()
        assert protocol.receive(other, soon(60)) == message
        sender.join()


def test_an_announced_length_over_the_limit_is_refused_before_it_is_read() -> None:
    one, other = socket.socketpair()
    with one, other:
        one.send(struct.pack("<I", 2**32 - 1))
        with pytest.raises(protocol.BadMessage):
            protocol.receive(other, soon())
        one.send(struct.pack("<I", 11))
        with pytest.raises(protocol.BadMessage):
            protocol.receive(other, soon(), most=10)


def test_too_large_a_message_is_not_sent() -> None:
    one, other = socket.socketpair()
    with one, other, pytest.raises(protocol.BadMessage):
        protocol.send(one, bytes(protocol.MOST_BYTES + 1))


@pytest.mark.parametrize("sent", [b"", b"\x05", struct.pack("<I", 5) + b"abc"])
def test_a_message_that_never_ends_meets_the_deadline(sent: bytes) -> None:
    one, other = socket.socketpair()
    with one, other:
        one.send(sent)
        with pytest.raises(protocol.DeadlinePassed):
            protocol.receive(other, soon(0.05))


@pytest.mark.parametrize("sent", [b"", b"\x05", struct.pack("<I", 5) + b"abc"])
def test_an_end_that_is_gone_is_told(sent: bytes) -> None:
    one, other = socket.socketpair()
    with other:
        one.send(sent)
        one.close()
        with pytest.raises(protocol.ChannelClosed):
            protocol.receive(other, soon())
        with pytest.raises(protocol.ChannelClosed):
            protocol.send(other, b"x", soon())


def test_a_reader_that_does_not_read_meets_the_deadline() -> None:
    one, other = socket.socketpair()
    with one, other, pytest.raises(protocol.DeadlinePassed):
        protocol.send(one, bytes(protocol.MOST_BYTES), soon(0.05))


def test_the_watch_is_called_while_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "WATCH_S", 0.01)
    calls: list[int] = []
    one, other = socket.socketpair()
    with one, other, pytest.raises(protocol.DeadlinePassed):
        protocol.receive(other, soon(0.2), watch=lambda: calls.append(1))
    assert calls


def test_descriptors_sent_along_are_dropped() -> None:
    one, other = socket.socketpair()
    with one, other:
        socket.send_fds(one, [struct.pack("<I", 2) + b"ab"], [0, 1, 2])
        before = len(list_descriptors())
        assert protocol.receive(other, soon()) == b"ab"
        assert len(list_descriptors()) == before


def list_descriptors() -> list[Path]:
    return list(Path("/proc/self/fd").iterdir())
