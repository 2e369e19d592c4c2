"""Filters of system calls are followed along every path; those of a live process are read."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import time

import pytest

from virtlab import host, syscall_filters
from virtlab.errors import RuntimeFailed
from virtlab.syscall_filters import SYSTEM_CALLS, filters_of, may_pass, reachable

ALLOW, ERRNO, KILL, LOG = 0x7FFF0000, 0x00050001, 0x80000000, 0x7FFC0000
READ, MOUNT, CLONE = 0, 165, 56
LOAD_NUMBER, LOAD_MODE, LOAD_ARGUMENT = (0x20, 0, 0, 0), (0x20, 0, 0, 4), (0x20, 0, 0, 16)


def program(*instructions: tuple[int, int, int, int]) -> bytes:
    return b"".join(struct.pack("=HBBI", *one) for one in instructions)


def answer(value: int) -> tuple[int, int, int, int]:
    return (0x06, 0, 0, value)


def test_the_table_knows_the_numbers_of_x86_64() -> None:
    assert SYSTEM_CALLS[READ] == "read"
    assert SYSTEM_CALLS[CLONE] == "clone"
    assert SYSTEM_CALLS[MOUNT] == "mount"
    assert SYSTEM_CALLS[334] == "rseq"
    assert SYSTEM_CALLS[424] == "pidfd_send_signal"
    assert 335 not in SYSTEM_CALLS
    assert len(set(SYSTEM_CALLS.values())) == len(SYSTEM_CALLS)


@pytest.mark.parametrize(
    ("value", "passes"), [(ALLOW, True), (LOG, True), (ERRNO, False), (KILL, False), (0, False)]
)
def test_what_a_filter_answers(value: int, passes: bool) -> None:
    assert may_pass(program(answer(value)), READ) is passes


def test_one_number_is_refused() -> None:
    refuses = program(LOAD_NUMBER, (0x15, 0, 1, MOUNT), answer(ERRNO), answer(ALLOW))
    assert not may_pass(refuses, MOUNT)
    assert may_pass(refuses, READ)
    assert set(SYSTEM_CALLS.values()) - set(reachable([refuses])) == {"mount"}


def test_all_filters_must_let_a_call_pass() -> None:
    first = program(LOAD_NUMBER, (0x15, 0, 1, MOUNT), answer(ERRNO), answer(ALLOW))
    second = program(LOAD_NUMBER, (0x35, 0, 1, 1), answer(KILL), answer(ALLOW))  # from 1 on
    assert reachable([first, second]) == ["read"]
    assert len(reachable([])) == len(SYSTEM_CALLS)


def test_an_argument_is_unknown_so_both_ways_are_followed() -> None:
    some = program(LOAD_ARGUMENT, (0x45, 1, 0, 0x7E020000), answer(ALLOW), answer(ERRNO))
    assert may_pass(some, CLONE)
    never = program(LOAD_ARGUMENT, (0x45, 1, 0, 1), answer(ERRNO), answer(KILL))
    assert not may_pass(never, CLONE)


def test_another_processor_mode_is_not_ours() -> None:
    killed = program(LOAD_MODE, (0x15, 1, 0, 0xC000003E), answer(KILL), answer(ALLOW))
    assert may_pass(killed, READ)


def test_memory_arithmetic_and_registers_are_followed() -> None:
    # Keep the number, take 4 from it, move it through X, add 4 again, and compare.
    winding = program(
        LOAD_NUMBER,
        (0x02, 0, 0, 3),
        (0x00, 0, 0, 7),
        (0x60, 0, 0, 3),
        (0x14, 0, 0, 4),
        (0x07, 0, 0, 0),
        (0x87, 0, 0, 0),
        (0x04, 0, 0, 4),
        (0x15, 0, 1, MOUNT),
        answer(ERRNO),
        answer(ALLOW),
    )
    assert not may_pass(winding, MOUNT)
    assert may_pass(winding, READ)


def test_many_unknown_branches_are_not_followed_twice() -> None:
    branches = [one for _ in range(200) for one in (LOAD_ARGUMENT, (0x15, 0, 0, 1))]
    started = time.monotonic()
    assert not may_pass(program(*branches, answer(ERRNO)), READ)
    assert time.monotonic() - started < 5


FILTERED = """
import ctypes, struct, sys
code = bytes.fromhex(sys.argv[1])
buffer = ctypes.create_string_buffer(code)
line = struct.pack("=H6xQ", len(code) // 8, ctypes.addressof(buffer))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, line, 0, 0) == 0
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.system
def test_the_filter_of_a_live_process_is_read() -> None:
    if not host.seccomp or os.geteuid() != 0 or os.uname().machine != "x86_64":
        pytest.skip("needs root on x86-64, and seccomp")
    code = program(LOAD_NUMBER, (0x15, 0, 1, MOUNT), answer(ERRNO), answer(ALLOW))
    command = [sys.executable, "-I", "-S", "-c", FILTERED, code.hex()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            assert process.stdin
            assert process.stdout.readline() == b"ready\n"
            try:
                assert filters_of(process.pid) == [code]
            except RuntimeFailed as error:
                pytest.skip(str(error))
            process.stdin.close()  # it was let go again: it still hears us
            assert process.wait(10) == 0
        finally:
            process.kill()


def test_a_process_without_a_filter_has_none_and_a_dead_one_is_named() -> None:
    with subprocess.Popen(["sleep", "30"]) as process:
        try:
            if "Seccomp:\t0" in open(f"/proc/{process.pid}/status").read():  # noqa: PTH123, SIM115
                assert filters_of(process.pid) == []
        finally:
            process.kill()
    with pytest.raises(RuntimeFailed, match=str(process.pid)):
        filters_of(process.pid)
    assert syscall_filters.reachable([])
