"""Ways to run machine code that may be another processor's: the CPU itself, and what stands in.

Every way runs the same two programs, `collatz-x86_64` and `collatz-aarch64`: each holds the same
function `repeat(n, times)` at the same place. A way that cannot raises RuntimeFailed, in one line.
"""

from __future__ import annotations

import os
import platform
import re
import select
import signal
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from virtlab import leftovers
from virtlab.host import find_tool
from virtlab.machines import arm64
from virtlab.machines.chip8 import Chip8, assemble, roms
from virtlab.runtimes import RuntimeFailed, kvm
from virtlab.runtimes.cpu_emulator import emulated_processor
from virtlab.runtimes.launcher import payload

PROGRAMS = Path(__file__).parent / "programs"
ISAS = {"x86-64": "x86_64", "Arm": "aarch64"}
N = 27
STEPS = 111  # that 27 takes to 1
FUNCTION = 0x78  # where `repeat` stands in both programs
PATIENCE_S = 20
BASE, AWAY = 0x400000, 0x500000  # where code lies in an emulated processor; where it returns to


class Run(NamedTuple):
    """What one call of `repeat` gave: the sum of all steps, and how long it took."""

    total: int
    seconds: float


def native_isa() -> str:
    """The instruction set of this machine's processor, as the course names it."""
    machine = platform.machine()
    return {name: isa for isa, name in ISAS.items()}.get(machine, machine)


def program(isa: str) -> bytes:
    """The program for an instruction set, a whole static ELF file."""
    return payload(f"collatz-{ISAS[isa]}")


# --- as a process -------------------------------------------------------------------------------


@contextmanager
def program_file(isa: str) -> Iterator[Path]:
    """The program as an executable file in a folder of our own."""
    with leftovers.own_folder() as folder:
        path = folder / f"collatz-{ISAS[isa]}"
        path.write_bytes(program(isa))
        path.chmod(stat.S_IRUSR | stat.S_IXUSR)
        yield path


def by_process(path: Path, times: int, emulator: str = "") -> Run:
    """Run a program's file: by the kernel and the CPU, or by a user-mode emulator.

    The program reads the clock itself, around its function: no start of a process is in it.
    """
    command = [str(path)]
    if emulator:
        tool = find_tool(emulator)
        if tool is None:
            raise RuntimeFailed(f"no {emulator} here; apt-get install qemu-user")
        command.insert(0, tool)
    try:
        done = subprocess.run(
            command,
            input=struct.pack("<QQ", N, times),
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except OSError as error:
        raise RuntimeFailed(f"the kernel refuses it: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise RuntimeFailed(f"it did not end within {PATIENCE_S} s") from None
    if done.returncode != 0 or len(done.stdout) != 40:
        complaint = done.stderr.decode(errors="replace").strip().rpartition(": ")[2]
        raise RuntimeFailed(complaint or how_it_ended(done.returncode))
    total, *clock = struct.unpack("<5Q", done.stdout)
    return Run(total, clock[2] - clock[0] + (clock[3] - clock[1]) / 1e9)


def how_it_ended(status: int) -> str:
    """Say how a process ended, from the status that `subprocess` gives."""
    if status >= 0:
        return f"it ended with status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


def by_jumping(code: bytes, offset: int, *arguments: int) -> int:
    """Let this machine's CPU execute bytes, whatever they are, in a process of their own.

    Raises:
        RuntimeFailed: the process died of it, as a rule by a signal.
    """
    command = [sys.executable, "-I", "-S", str(PROGRAMS / "jump.py"), str(offset)]
    done = subprocess.run(
        [*command, *map(str, arguments)], input=code, capture_output=True, timeout=60, check=False
    )
    if done.returncode != 0:
        raise RuntimeFailed(how_it_ended(done.returncode))
    return int(done.stdout)


# --- an emulated processor: Unicorn, and our own ------------------------------------------------


class UnicornProcessor:
    """A processor by Unicorn with the program of an instruction set in its memory."""

    def __init__(self, isa: str) -> None:
        try:
            import unicorn
            from unicorn import arm64_const, x86_const
        except ImportError:
            raise RuntimeFailed("no Python package unicorn here; pip install unicorn") from None
        if isa == "Arm":
            self.engine = emulated_processor(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
            names = ("X0", "X1", "X0")
            self.registers = [getattr(arm64_const, f"UC_ARM64_REG_{name}") for name in names]
            self.engine.reg_write(arm64_const.UC_ARM64_REG_LR, AWAY)
        else:
            self.engine = emulated_processor(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
            names = ("RDI", "RSI", "RAX")
            self.registers = [getattr(x86_const, f"UC_X86_REG_{name}") for name in names]
            self.stack = x86_const.UC_X86_REG_RSP
        self.isa = isa
        for address in (BASE, AWAY):
            self.engine.mem_map(address, 0x1000)
        self.engine.mem_write(BASE, program(isa))

    def repeat(self, times: int) -> Run:
        """Call the function; the time includes what is still to be translated."""
        for register, value in zip(self.registers, (N, times), strict=False):
            self.engine.reg_write(register, value)
        if self.isa == "x86-64":  # its return address lies on the stack
            self.engine.reg_write(self.stack, AWAY + 0x800)
            self.engine.mem_write(AWAY + 0x800, struct.pack("<Q", AWAY))
        start = time.perf_counter_ns()
        self.engine.emu_start(BASE + FUNCTION, AWAY)
        seconds = (time.perf_counter_ns() - start) / 1e9
        return Run(self.engine.reg_read(self.registers[2]), seconds)


def by_our_own(processor: arm64.Interpreter, times: int, n: int = N) -> Run:
    """Call the function on a processor of ours, which has the Arm program in its memory."""
    start = time.perf_counter_ns()
    total = processor.call(processor.base + FUNCTION, n, times)
    return Run(total, (time.perf_counter_ns() - start) / 1e9)


def by_chip8() -> Run:
    """Run the CHIP-8 program that does the same once, until it stops; its count is in V6."""
    machine = Chip8(assemble(roms.COLLATZ))
    start = time.perf_counter_ns()
    run_until_it_stops(machine)
    return Run(machine.v[6], (time.perf_counter_ns() - start) / 1e9)


def run_until_it_stops(machine: Chip8, most: int = 100_000) -> None:
    """Step until the program jumps to where it is; RuntimeFailed if it never does."""
    for _ in range(most):
        at = machine.pc
        machine.step()
        if machine.pc == at:
            return
    raise RuntimeFailed(f"the CHIP-8 program did not stop within {most} instructions")


# --- a whole board ------------------------------------------------------------------------------

ENTRY, CODE, ARGUMENTS = 0x40200000, 0x40300000, 0x40400000
MAKERS = {0x41: "Arm"}
PARTS = {0xD03: "Cortex-A53", 0xD07: "Cortex-A57", 0xD08: "Cortex-A72"}


class BoardRun(NamedTuple):
    """What the bare guest said, line by line, and the times on its clock and ours."""

    said: dict[str, str]
    total: int
    seconds: float
    first_reply_ms: float
    gone_ms: float


def board(cpu: str, accelerator: str = "tcg") -> list[str]:
    """The command of QEMU's Arm board `virt`: 64 MiB, a serial port, and nothing to boot."""
    tool = find_tool("qemu-system-aarch64")
    if tool is None:
        raise RuntimeFailed("no qemu-system-aarch64 here; apt-get install qemu-system-arm")
    machine = ["-M", "virt", "-accel", accelerator, "-cpu", cpu, "-m", "64", "-no-reboot"]
    return [tool, *machine, "-no-user-config", "-nodefaults", "-display", "none"]


def by_board(times: int, cpu: str = "cortex-a57", accelerator: str = "tcg") -> BoardRun:
    """Start the bare guest on the board, with the Arm program beside it; return what it says."""
    with leftovers.own_folder() as folder:
        guest, function = folder / "bare.bin", folder / "collatz.bin"
        guest.write_bytes(payload("bare-aarch64"))
        function.write_bytes(program("Arm"))
        loaded = [
            f"loader,file={guest},addr={ENTRY:#x},cpu-num=0,force-raw=on",
            f"loader,file={function},addr={CODE:#x},force-raw=on",
            f"loader,addr={ARGUMENTS:#x},data={N},data-len=8",
            f"loader,addr={ARGUMENTS + 8:#x},data={times},data-len=8",
        ]
        command = [*board(cpu, accelerator), "-serial", "stdio"]
        for one in loaded:
            command += ["-device", one]
        return _watched(command)


def _watched(command: Sequence[str]) -> BoardRun:
    """Start a board, read its serial port until it switches off, and note when."""
    start = time.perf_counter_ns()
    machine = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,  # else the first byte takes others with it, and `communicate` misses them
        env={**os.environ, leftovers.OWNER_VARIABLE: leftovers.owner_mark()},
    )
    try:
        assert machine.stdout
        if not select.select([machine.stdout], [], [], PATIENCE_S)[0]:
            raise RuntimeFailed(f"the guest said nothing within {PATIENCE_S} s")
        first = machine.stdout.read(1)
        replied = time.perf_counter_ns()
        rest, errors = machine.communicate(timeout=PATIENCE_S)
        gone = time.perf_counter_ns()
    except subprocess.TimeoutExpired:
        raise RuntimeFailed(f"the guest did not end within {PATIENCE_S} s") from None
    finally:
        machine.kill()
        machine.wait()
    said = dict(re.findall(r"(\w+) (\w+)", (first + rest).decode(errors="replace")))
    if "hertz" not in said:
        complaint = errors.decode(errors="replace").strip().rpartition("\n")[2]
        raise RuntimeFailed(complaint.partition(": ")[2] or how_it_ended(machine.returncode))
    return BoardRun(
        said,
        int(said["sum"]),
        int(said["ticks"]) / int(said["hertz"]),
        (replied - start) / 1e6,
        (gone - start) / 1e6,
    )


def processor_name(midr: str) -> str:
    """Say in words which Arm processor its main identification register names."""
    number = int(midr, 16)
    part = PARTS.get(number >> 4 & 0xFFF)
    maker = MAKERS.get(number >> 24, f"maker {number >> 24:#x}")
    return f"{maker} {part}" if part else f"{maker}, part {number >> 4 & 0xFFF:#x}"


# --- a 16-bit program, and the DOS that it asks -------------------------------------------------

SEGMENT, DOS_CALL = 0x1000, 0x21
STUB = 0x600  # where the real-mode interrupt leads to under KVM


class DosRun(NamedTuple):
    """What a DOS program wrote, and how many calls of DOS that took."""

    text: str
    calls: int
    seconds: float


class Dos:
    """The three services of MS-DOS that the program asks for."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.calls = 0

    def serve(self, ah: int, dl: int, text: bytes) -> bool:
        """Serve one call; `text` is what lies at DS:DX. Say whether the program goes on."""
        self.calls += 1
        if ah == 0x09:
            self.written += text.partition(b"$")[0]
        elif ah == 0x02:
            self.written.append(dl)
        elif ah != 0x4C:
            raise RuntimeFailed(f"our DOS does not know the service {ah:#04x}")
        return ah != 0x4C


def dos_by_unicorn(code: bytes) -> DosRun:
    """Run a .COM program on an emulated 16-bit processor; interrupts come to our DOS."""
    try:
        import unicorn
        from unicorn import x86_const
    except ImportError:
        raise RuntimeFailed("no Python package unicorn here; pip install unicorn") from None
    engine = emulated_processor(unicorn.UC_ARCH_X86, unicorn.UC_MODE_16)
    engine.mem_map(0, 0x10000)
    engine.mem_write(0x100, code)
    engine.reg_write(x86_const.UC_X86_REG_SP, 0xFFFE)
    dos = Dos()

    def interrupt(_: Any, number: int, __: object) -> None:
        if number != DOS_CALL:
            raise RuntimeFailed(f"interrupt {number:#x} has no handler")
        ah, dl, dx = (
            engine.reg_read(getattr(x86_const, f"UC_X86_REG_{name}")) for name in ("AH", "DL", "DX")
        )
        if not dos.serve(ah, dl, bytes(engine.mem_read(dx, min(200, 0x10000 - dx)))):
            engine.emu_stop()

    engine.hook_add(unicorn.UC_HOOK_INTR, interrupt)
    start = time.perf_counter_ns()
    try:
        engine.emu_start(0x100, 0xFFFF, timeout=PATIENCE_S * 1_000_000)
    except unicorn.UcError as error:
        raise RuntimeFailed(f"unicorn: {error}") from None
    seconds = (time.perf_counter_ns() - start) / 1e9
    return DosRun(dos.written.decode("ascii", "replace"), dos.calls, seconds)


def dos_by_kvm(code: bytes) -> DosRun:
    """Run a .COM program in a machine of KVM that is in real mode, as a PC is after a reset.

    Its interrupt table leads DOS's interrupt to three bytes: a write to a port, which leaves the
    machine and so comes to our DOS, and the return from the interrupt.
    """
    dos = Dos()
    with kvm.Machine() as machine:
        machine.start_in_real_mode(code, SEGMENT, 0x100)
        machine.registers = {**machine.registers, "rsp": 0xFFFE}
        machine.memory[STUB : STUB + 3] = bytes([0xE6, DOS_CALL, 0xCF])  # out 0x21, al; iret
        struct.pack_into("<HH", machine.memory, 4 * DOS_CALL, STUB, 0)

        def serve(leave: kvm.Exit) -> bool | None:
            if leave.reason != "port" or leave.address != DOS_CALL:
                return None
            registers = machine.registers
            ah, dx = registers["rax"] >> 8 & 0xFF, registers["rdx"] & 0xFFFF
            text = machine.memory[16 * SEGMENT + dx : 16 * SEGMENT + dx + 200]
            return None if dos.serve(ah, dx & 0xFF, text) else True

        start = time.perf_counter_ns()
        machine.run(serve, limit_s=PATIENCE_S)
        seconds = (time.perf_counter_ns() - start) / 1e9
    return DosRun(dos.written.decode("ascii", "replace"), dos.calls, seconds)
