"""A virtual machine monitor of our own: /dev/kvm driven by plain ioctls, no C.

A `Machine` is guest memory, one virtual processor, and a loop: run the guest until it needs
something, do it, go on. What KVM answers inside the kernel never comes back to this loop; `stats`
shows both. The structures and numbers are those of the kernel's Documentation/virt/kvm/api.rst.

Only the standard library is imported: the launcher's helper runs this without site-packages.
"""

import ctypes
import errno
import fcntl
import mmap
import os
import signal
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from virtlab import probes
from virtlab.errors import RuntimeFailed

_GET_API_VERSION, _CREATE_VM, _GET_VCPU_MMAP_SIZE = 0xAE00, 0xAE01, 0xAE04
_GET_SUPPORTED_CPUID, _SET_CPUID2 = 0xC008AE05, 0x4008AE90
_SET_USER_MEMORY_REGION, _CREATE_VCPU = 0x4020AE46, 0xAE41
_RUN, _GET_REGS, _SET_REGS = 0xAE80, 0x8090AE81, 0x4090AE82
_GET_SREGS, _SET_SREGS = 0x8138AE83, 0x4138AE84
_GET_STATS_FD = 0xAECE

_REGISTERS: tuple[str, ...] = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp")
_REGISTERS += ("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rflags")
_REASONS = {
    2: "port",
    3: "hypercall",
    5: "halt",
    6: "mmio",
    8: "shutdown",
    9: "entry failed",
    10: "interrupted",
    17: "internal error",
    24: "system event",
}
_PAGE = 4096
_PAGE_TABLES, _REAL_ENTRY, _LONG_ENTRY = 0x10000, 0x1000, 0x100000
_PRESENT, _WRITABLE, _USER, _LARGE = 1, 2, 4, 128
_PAYLOADS = Path(__file__).with_name("payloads")

SERIAL_PORT = 0x3F8
END_PORT = 0xF4  # a guest writes here to end
RUN = _RUN  # the request that enters a guest, for a monitor in machine code
MMIO_ADDRESS = 0x3F000000  # mapped for the guest, but there is no memory
LEAST_MEMORY = 2 << 20

_LIBC = ctypes.CDLL(None, use_errno=True)
# Interrupts KVM_RUN; ignored by default, so that a late one harms nobody.
_KICK = signal.SIGURG


class GuestFailed(RuntimeFailed):
    """The guest did what ends it, or what this monitor cannot do for it; one line."""


@dataclass(frozen=True)
class Exit:
    """Why the guest stopped and what it wants.

    Attributes:
        reason: "port", "mmio", "halt", "shutdown", "interrupted", …
        address: the port, or the guest-physical address.
        write: whether the guest writes; else it waits for an answer.
        data: what it writes; empty for a read.
        size: in bytes, of one access.
    """

    reason: str
    address: int = 0
    write: bool = False
    data: bytes = b""
    size: int = 0


# Answers an exit: bytes for a read, or None; True ends the run.
Handler = Callable[[Exit], "bytes | bool | None"]


def guest(name: str) -> bytes:
    """A guest program of this package, by its file's name without `kvm-` and `.bin`."""
    return (_PAYLOADS / f"kvm-{name}.bin").read_bytes()


def backend() -> str:
    """What executes the guest's instructions: "VT-x", "AMD-V", or software, and which."""
    return probes.kvm_backend()


class Machine:
    """A machine with one virtual processor and memory from guest-physical address 0.

    A context manager: its descriptors and memory are gone after it.

    Args:
        memory_bytes: a multiple of 4096; at least 2 MiB.
        memory: another machine's memory to use as its own, so that both have the same; the caller
            closes that one last.

    Attributes:
        memory: the guest's memory, to read and write.
        returns: how often KVM_RUN came back to this process, by reason.
        serial: what the guest wrote to its serial port.

    Raises:
        RuntimeFailed: this machine or user has no KVM.
    """

    def __init__(self, memory_bytes: int = LEAST_MEMORY, memory: mmap.mmap | None = None) -> None:
        self._own_memory = memory is None
        memory_bytes = memory_bytes if memory is None else len(memory)
        if memory_bytes < LEAST_MEMORY or memory_bytes % _PAGE:
            raise RuntimeFailed("kvm: guest memory is a multiple of 4096 bytes, at least 2 MiB")
        self.returns: Counter[str] = Counter()
        self.serial = bytearray()
        self._descriptors: list[int] = []
        self._thread, self._kicked = 0, False
        kind = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self.memory = mmap.mmap(-1, memory_bytes, kind) if memory is None else memory
        try:
            self._create()
        except OSError as error:
            self.close()
            raise RuntimeFailed(f"kvm: {error.strerror or error}; see `virtlab doctor`") from None

    def _create(self) -> None:
        system = self._keep(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
        if fcntl.ioctl(system, _GET_API_VERSION) != 12:
            raise OSError("this kernel speaks another version of KVM's interface")
        self._vm = self._keep(fcntl.ioctl(system, _CREATE_VM, 0))
        start = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        region = struct.pack("=IIQQQ", 0, 0, 0, len(self.memory), start)
        fcntl.ioctl(self._vm, _SET_USER_MEMORY_REGION, region)
        self._vcpu = self._keep(fcntl.ioctl(self._vm, _CREATE_VCPU, 0))
        fcntl.ioctl(self._vcpu, _SET_CPUID2, _supported_cpuid(system))
        size = fcntl.ioctl(system, _GET_VCPU_MMAP_SIZE)
        self._run = mmap.mmap(self._vcpu, size)

    def _keep(self, descriptor: int) -> int:
        self._descriptors.append(descriptor)
        return descriptor

    # --- before the first instruction ----------------------------------------------------------

    def start_in_real_mode(
        self, program: bytes, segment: int = 0, offset: int = _REAL_ENTRY
    ) -> None:
        """Loads a 16-bit program and points the processor at it, as after a reset.

        Args:
            program: machine code; it lies, and is entered, at `offset` of `segment`.
            segment: what all segment registers hold; the segment begins at 16 times that address.
            offset: from the segment's beginning.
        """
        entry = 16 * segment + offset
        self.memory[entry : entry + len(program)] = program
        sregs = self._sregs()
        for name in ("cs", "ds", "es", "ss"):
            sregs[name] = (16 * segment, 0xFFFF, segment, *_words(sregs[name])[3:])
        self._set_sregs(sregs)
        self.registers = {"rip": offset, "rflags": 2}

    def start_in_long_mode(self, program: bytes, ring: int = 3, **registers: int) -> None:
        """Loads a 64-bit program at 0x100000 and points the processor at it.

        The first GiB of addresses is mapped one to one with pages of 2 MiB, open to every ring.

        Args:
            program: position-independent machine code.
            ring: 0, or 3, which then may use I/O ports.
            registers: the processor's other registers by name, `rcx=1000`.
        """
        self.memory[_LONG_ENTRY : _LONG_ENTRY + len(program)] = program
        self._map_first_gib()
        sregs = self._sregs()
        code = (0, 0xFFFFFFFF, 8 | ring, 11, 1, ring, 0, 1, 1, 1, 0, 0)
        data = (0, 0xFFFFFFFF, 16 | ring, 3, 1, ring, 1, 1, 0, 1, 0, 0)
        sregs.update(dict.fromkeys(("ds", "es", "fs", "gs", "ss"), data), cs=code)
        protection, extension, paging = 1, 1 << 4, 1 << 31
        long_mode_enabled, long_mode_active, physical_address_extension = 1 << 8, 1 << 10, 1 << 5
        sregs["cr3"] = _PAGE_TABLES
        sregs["cr4"] = physical_address_extension
        sregs["cr0"] = protection | extension | paging
        sregs["efer"] = long_mode_enabled | long_mode_active
        self._set_sregs(sregs)
        io_privilege = ring << 12
        stack = _LONG_ENTRY  # grows down, away from the program
        start = {"rip": _LONG_ENTRY, "rsp": stack, "rflags": 2 | io_privilege}
        self.registers = {**start, **registers}

    def _map_first_gib(self) -> None:
        """Page tables of three levels: one entry, one entry, 512 large pages."""
        access = _PRESENT | _WRITABLE | _USER
        level_4, level_3, level_2 = (_PAGE_TABLES + index * _PAGE for index in range(3))
        struct.pack_into("=Q", self.memory, level_4, level_3 | access)
        struct.pack_into("=Q", self.memory, level_3, level_2 | access)
        large_pages = [(number << 21) | access | _LARGE for number in range(512)]
        struct.pack_into("=512Q", self.memory, level_2, *large_pages)

    @property
    def descriptor(self) -> int:
        """The processor's file descriptor, to which a monitor in machine code sends `RUN`."""
        return self._vcpu

    @property
    def registers(self) -> dict[str, int]:
        """The general registers, `rip` and `rflags`; what is set to zero need not be named."""
        buffer = bytearray(144)
        fcntl.ioctl(self._vcpu, _GET_REGS, buffer)
        return dict(zip(_REGISTERS, struct.unpack("=18Q", buffer), strict=True))

    @registers.setter
    def registers(self, values: dict[str, int]) -> None:
        if unknown := set(values) - set(_REGISTERS):
            raise RuntimeFailed(f"kvm: no such register: {', '.join(sorted(unknown))}")
        words = struct.pack("=18Q", *(values.get(name, 0) for name in _REGISTERS))
        fcntl.ioctl(self._vcpu, _SET_REGS, words)

    def _sregs(self) -> dict[str, "int | tuple[int, ...]"]:
        buffer = bytearray(312)
        fcntl.ioctl(self._vcpu, _GET_SREGS, buffer)
        return _unpack_sregs(bytes(buffer))

    def _set_sregs(self, sregs: dict[str, "int | tuple[int, ...]"]) -> None:
        fcntl.ioctl(self._vcpu, _SET_SREGS, _pack_sregs(sregs))

    # --- the loop ------------------------------------------------------------------------------

    def run(self, handler: Handler | None = None, limit_s: float | None = 10.0) -> Exit:
        """Runs the guest until it writes to port 0xf4, halts, or `handler` returns True.

        Args:
            handler: is asked first about every exit. Returning bytes answers a read; None leaves
                it to the monitor, which collects the serial port, ignores other writes, answers
                reads with ones, as an empty bus does, and ends at a halt.
            limit_s: how long the guest may take; None for ever.

        Returns:
            The exit that ended the run. `run` again goes on behind it.

        Raises:
            GuestFailed: the guest crashed, or its time is up.
        """
        with self._limited(limit_s):
            while True:
                leave = self._enter()
                self.returns[leave.reason] += 1
                if leave.reason == "interrupted":
                    if self._kicked:
                        limit = "" if limit_s is None else f" within {limit_s:g} s"
                        raise GuestFailed(f"kvm: the guest did not end{limit}; it was stopped")
                    continue
                answer = handler(leave) if handler else None
                if answer is True or self._ends(leave, handled=answer is False):
                    return leave
                if not leave.write and leave.size:
                    self._answer(leave, answer if isinstance(answer, bytes) else None)

    def _ends(self, leave: Exit, handled: bool) -> bool:
        """Does what an exit asks for; whether the run ends with it."""
        if leave.reason == "port" and leave.write:
            if leave.address == SERIAL_PORT:
                self.serial += leave.data
            return leave.address == END_PORT
        if leave.reason == "halt":
            return not handled
        if leave.reason in ("port", "mmio", "hypercall"):
            return False
        where = self.registers["rip"]
        raise GuestFailed(f"kvm: the guest ended with {leave.reason} at {where:#x}")

    def _enter(self) -> Exit:
        """Enters the guest once; says why it came back."""
        if _LIBC.ioctl(self._vcpu, _RUN, 0) == -1:
            error = ctypes.get_errno()
            if error in (errno.EINTR, errno.EAGAIN):
                return Exit("interrupted")
            raise GuestFailed(f"kvm: KVM_RUN: {os.strerror(error)}")
        (number,) = struct.unpack_from("=I", self._run, 8)
        reason = _REASONS.get(number, f"exit {number}")
        if reason == "port":
            write, size, port, count, place = struct.unpack_from("=BBHIQ", self._run, 32)
            data = bytes(self._run[place : place + size * count]) if write else b""
            return Exit(reason, port, bool(write), data, size * count)
        if reason == "mmio":
            address, data, size, write = struct.unpack_from("=Q8sIB", self._run, 32)
            return Exit(reason, address, bool(write), data[:size] if write else b"", size)
        return Exit(reason)

    def _answer(self, leave: Exit, value: bytes | None) -> None:
        """Gives the guest what it reads; KVM takes it at the next entry."""
        value = (value or b"").ljust(leave.size, b"\xff" if value is None else b"\0")[: leave.size]
        place = struct.unpack_from("=Q", self._run, 40)[0] if leave.reason == "port" else 40
        self._run[place : place + leave.size] = value

    @contextmanager
    def _limited(self, limit_s: float | None) -> Iterator[None]:
        """Kicks the guest out of its run when time is up."""
        accept_kicks()
        self._thread = threading.get_ident()
        timer = None
        if limit_s is not None:
            timer = threading.Timer(limit_s, self.kick)
            timer.daemon = True
            timer.start()
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()
                timer.join()
            self._thread, self._kicked, self._run[1] = 0, False, 0

    def kick(self) -> None:
        """From another thread: stops the guest, now or at its next entry; its run fails."""
        self._kicked = True
        self._run[1] = 1  # immediate_exit: also if it is just about to enter
        if self._thread:
            signal.pthread_kill(self._thread, _KICK)

    # --- what it cost --------------------------------------------------------------------------

    def stats(self) -> dict[str, int]:
        """KVM's own counters of this processor, by name (`exits`, `io_exits`, `hypercalls`, …).

        Empty on kernels before 5.14, which do not tell.
        """
        try:
            descriptor = fcntl.ioctl(self._vcpu, _GET_STATS_FD)
        except OSError:
            return {}
        try:
            return _read_stats(descriptor)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Ends the machine; the second time does nothing."""
        if hasattr(self, "_run") and not self._run.closed:
            self._run.close()
        while self._descriptors:
            os.close(self._descriptors.pop())
        if self._own_memory and not self.memory.closed:
            self.memory.close()

    def __enter__(self) -> "Machine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _supported_cpuid(system: int) -> bytearray:
    """What KVM can show a guest as its processor, in the form in which it is given to one."""
    room = 256
    buffer = bytearray(struct.pack("=II", room, 0) + bytes(40 * room))
    fcntl.ioctl(system, _GET_SUPPORTED_CPUID, buffer)
    return buffer


_SEGMENTS = ("cs", "ds", "es", "fs", "gs", "ss", "tr", "ldt")
_CONTROL = ("cr0", "cr2", "cr3", "cr4", "cr8", "efer", "apic_base")


def _unpack_sregs(raw: bytes) -> dict[str, "int | tuple[int, ...]"]:
    sregs: dict[str, int | tuple[int, ...]] = {}
    for index, name in enumerate(_SEGMENTS):
        sregs[name] = struct.unpack_from("=QIH10B", raw, 24 * index)[:-1]
    for index, name in enumerate(("gdt", "idt")):
        sregs[name] = struct.unpack_from("=QH", raw, 192 + 16 * index)
    sregs.update(zip(_CONTROL, struct.unpack_from("=7Q", raw, 224), strict=True))
    sregs["interrupts"] = struct.unpack_from("=4Q", raw, 280)
    return sregs


def _pack_sregs(sregs: dict[str, "int | tuple[int, ...]"]) -> bytes:
    raw = bytearray(312)
    for index, name in enumerate(_SEGMENTS):
        struct.pack_into("=QIH9Bx", raw, 24 * index, *_words(sregs[name]))
    for index, name in enumerate(("gdt", "idt")):
        struct.pack_into("=QH", raw, 192 + 16 * index, *_words(sregs[name]))
    struct.pack_into("=7Q", raw, 224, *(sregs[name] for name in _CONTROL))
    struct.pack_into("=4Q", raw, 280, *_words(sregs["interrupts"]))
    return bytes(raw)


def _words(value: "int | tuple[int, ...]") -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)


def _read_stats(descriptor: int) -> dict[str, int]:
    """Reads the counters behind a KVM_GET_STATS_FD descriptor; histograms are left out."""
    header = os.pread(descriptor, 24, 0)
    _, name_size, count, _, described_at, data_at = struct.unpack("=6I", header)
    stats = {}
    for index in range(count):
        place = described_at + index * (16 + name_size)
        description = os.pread(descriptor, 16 + name_size, place)
        _, _, size, offset, _ = struct.unpack_from("=IhHII", description)
        name = description[16:].split(b"\0")[0].decode()
        if size == 1:
            (stats[name],) = struct.unpack("=Q", os.pread(descriptor, 8, data_at + offset))
    return stats


def accept_kicks() -> None:
    """Makes the kick interrupt a system call, which an ignored signal would not.

    Raises:
        RuntimeFailed: this is not the main thread, which has to do it once.
    """
    if signal.getsignal(_KICK) in (signal.SIG_DFL, signal.SIG_IGN, None):
        try:
            signal.signal(_KICK, lambda *_: None)
        except ValueError:  # only the main thread may
            raise RuntimeFailed("kvm: call accept_kicks in the main thread first") from None
