"""Our own monitor runs guests in every mode, serves their exits, and always comes back."""

import os
import struct
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab import host
from virtlab.errors import RuntimeFailed
from virtlab.runtimes import kvm
from virtlab.runtimes.kvm import END_PORT, MMIO_ADDRESS, Exit, GuestFailed, Machine, guest

pytestmark = pytest.mark.system
RINGS = pytest.mark.parametrize("ring", [0, 3])
HYPERCALL_PORT = 0xE0


@pytest.fixture(autouse=True)
def _needs_kvm() -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("the guests are x86-64 machine code")
    if not host.kvm:
        pytest.skip(f"kvm: {host.probe('kvm').why}")


@pytest.fixture
def machine():
    with Machine() as made:
        yield made


def test_a_real_mode_guest_speaks_and_halts(machine: Machine) -> None:
    machine.start_in_real_mode(guest("real-ready"))
    assert machine.run().reason == "halt"
    assert machine.serial == b"READY\n"
    assert machine.returns == {"port": 6, "halt": 1}


@RINGS
def test_a_long_mode_guest_speaks(machine: Machine, ring: int) -> None:
    machine.start_in_long_mode(guest("long-ready"), ring)
    leave = machine.run()
    assert (leave.reason, leave.address, leave.write) == ("port", END_PORT, True)
    assert machine.serial == b"READY\n"


@RINGS
def test_port_writes_return_one_by_one(machine: Machine, ring: int) -> None:
    machine.start_in_long_mode(guest("port"), ring, rcx=50, rax=7)
    seen: list[Exit] = []
    machine.run(seen.append)
    assert seen[:-1] == [Exit("port", 0x80, True, b"\x07", 1)] * 50
    assert machine.returns["port"] == 51


@RINGS
def test_mmio_writes_carry_their_data(machine: Machine, ring: int) -> None:
    machine.start_in_long_mode(guest("mmio"), ring, rcx=3)
    seen: list[Exit] = []
    machine.run(seen.append)
    data = [leave.data for leave in seen if leave.reason == "mmio"]
    assert data == [number.to_bytes(4, "little") for number in (3, 2, 1)]
    assert {leave.address for leave in seen if leave.reason == "mmio"} == {MMIO_ADDRESS}


@RINGS
def test_a_hypercall_is_asked_and_answered(machine: Machine, ring: int) -> None:
    machine.start_in_long_mode(guest("hypercall"), ring, rcx=4, rdi=7)
    asked: list[int] = []

    def serve(leave: Exit) -> bytes | None:
        if leave.address != HYPERCALL_PORT:
            return None
        if leave.write:
            asked.append(int.from_bytes(leave.data, "little"))
            return None
        return (asked[-1] * 6).to_bytes(4, "little")

    machine.run(serve)
    assert asked == [7] * 4
    assert machine.registers["rbx"] == 4 * 42


def test_an_unanswered_read_is_ones(machine: Machine) -> None:
    machine.start_in_long_mode(guest("hypercall"), 3, rcx=1)
    machine.run()
    assert machine.registers["rbx"] == 0xFFFFFFFF


def test_computing_needs_nobody(machine: Machine) -> None:
    machine.start_in_long_mode(guest("count"), 3, rcx=1_000_000)
    machine.run()
    assert machine.returns == {"port": 1}
    assert machine.registers["rcx"] == 0


def test_the_kernel_counts_exits_that_never_return_here(machine: Machine) -> None:
    machine.start_in_long_mode(guest("touch"), 3, rcx=100, rbx=0x120000)
    before = machine.stats()
    if not before:
        pytest.skip("this kernel has no KVM_GET_STATS_FD")
    machine.run()
    after = machine.stats()
    assert machine.returns.total() == 1
    assert after["exits"] > before["exits"]
    assert set(machine.memory[0x120000 : 0x120000 + 100 * 4096 : 4096]) == {1}


def test_a_halt_can_be_handled(machine: Machine) -> None:
    machine.start_in_long_mode(guest("halt"), 0, rcx=3)
    leave = machine.run(lambda leave: False if leave.reason == "halt" else None)
    assert leave.address == END_PORT
    assert machine.returns["halt"] == 3


def test_a_privileged_instruction_in_ring_3_ends_a_guest_without_handlers(
    machine: Machine,
) -> None:
    machine.start_in_long_mode(guest("halt"), 3, rcx=1)
    with pytest.raises(GuestFailed, match="shutdown at 0x100000"):
        machine.run()


@pytest.mark.parametrize("thread", [False, True])
def test_a_guest_that_never_ends_is_stopped(machine: Machine, thread: bool) -> None:
    machine.start_in_long_mode(guest("count"), 3, rcx=2**63)
    failures: list[str] = []

    def run() -> None:
        try:
            machine.run(limit_s=0.1)
        except GuestFailed as error:
            failures.append(str(error))

    kvm.accept_kicks()
    started = time.monotonic()
    if thread:
        worker = threading.Thread(target=run)
        worker.start()
        worker.join(20)
    else:
        run()
    assert failures == ["kvm: the guest did not end within 0.1 s; it was stopped"]
    assert time.monotonic() - started < 10
    assert 0 < machine.registers["rcx"] < 2**63


def test_it_goes_on_where_it_stopped(machine: Machine) -> None:
    machine.start_in_long_mode(guest("port"), 3, rcx=5)
    for left in (5, 4, 3, 2, 1):
        machine.run(lambda _: True)
        assert machine.registers["rcx"] == left
    assert machine.run(lambda _: True).address == END_PORT


def test_two_machines_run_at_once_and_know_nothing_of_each_other() -> None:
    kvm.accept_kicks()
    with Machine() as one, Machine() as other:
        for number, each in enumerate((one, other), start=1):
            each.start_in_long_mode(guest("count"), 3, rcx=20_000_000, rbx=number)
            each.memory[0x180000] = number
        workers = [threading.Thread(target=each.run) for each in (one, other)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(30)
        assert [each.registers["rcx"] for each in (one, other)] == [0, 0]
        assert [each.registers["rbx"] for each in (one, other)] == [1, 2]
        assert [each.memory[0x180000] for each in (one, other)] == [1, 2]


@given(rcx=st.integers(1, 40), rbx=st.integers(0, 2**64 - 1), ring=st.sampled_from([0, 3]))
@settings(max_examples=10, deadline=None)
def test_registers_go_in_and_come_out(rcx: int, rbx: int, ring: int) -> None:
    with Machine() as machine:
        machine.start_in_long_mode(guest("count"), ring, rcx=rcx, rbx=rbx)
        assert machine.registers["rbx"] == rbx
        machine.run()
        assert machine.registers["rcx"] == 0
        assert machine.registers["rbx"] == rbx


def test_nothing_stays_open() -> None:
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with Machine() as machine:
        machine.start_in_real_mode(guest("real-ready"))
        machine.run()
        machine.stats()
    machine.close()
    assert set(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    assert "kvm-vcpu" not in Path("/proc/self/maps").read_text()


@pytest.mark.parametrize("size", [0, 4096, (2 << 20) + 1])
def test_wrong_memory_is_one_line(size: int) -> None:
    with pytest.raises(RuntimeFailed, match="at least 2 MiB"):
        Machine(size)


def test_a_wrong_register_is_one_line(machine: Machine) -> None:
    with pytest.raises(RuntimeFailed, match="no such register: rxx"):
        machine.start_in_long_mode(guest("count"), 3, rxx=1)


def test_without_kvm_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(kvm.os, "open", refuse)
    with pytest.raises(RuntimeFailed, match=r"^kvm: Permission denied; see `virtlab doctor`$"):
        Machine()


SEGMENT = st.binary(min_size=23, max_size=23).map(lambda content: content + b"\0")
TABLE = st.binary(min_size=10, max_size=10).map(lambda content: content + bytes(6))


@given(
    segments=st.lists(SEGMENT, min_size=8, max_size=8),
    tables=st.lists(TABLE, min_size=2, max_size=2),
    rest=st.binary(min_size=88, max_size=88),
)
@settings(max_examples=50)
def test_special_registers_survive_unpacking(
    segments: list[bytes], tables: list[bytes], rest: bytes
) -> None:
    raw = b"".join([*segments, *tables, rest])
    assert kvm._pack_sregs(kvm._unpack_sregs(raw)) == raw


@given(
    st.dictionaries(
        st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=40),
        st.integers(0, 2**64 - 1),
        max_size=8,
    )
)
@settings(max_examples=30)
def test_statistics_are_read_as_the_kernel_lays_them_out(counters: dict[str, int]) -> None:
    name_size, described_at = 48, 24 + 48
    data_at = described_at + len(counters) * (16 + name_size)
    content = struct.pack("=6I", 0, name_size, len(counters), 24, described_at, data_at)
    content += b"kvm-1/vcpu-0".ljust(48, b"\0")
    for place, name in enumerate(counters):
        content += struct.pack("=IhHII", 0, 0, 1, 8 * place, 0)
        content += name.encode().ljust(name_size, b"\0")
    content += struct.pack(f"={len(counters)}Q", *counters.values())
    descriptor = os.memfd_create("stats")
    try:
        os.write(descriptor, content)
        assert kvm._read_stats(descriptor) == counters
    finally:
        os.close(descriptor)
