"""Watches a program by ptrace: every instruction, or every system call behind library calls.

tracer.py steps LIMIT COMMAND…   follows a command instruction by instruction
tracer.py calls TIMES            calls library functions, and lists the system calls behind each

Run by `python -I -S`, never imported. x86-64 only. Prints one JSON object.
"""

import bisect
import ctypes
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path

TRACEME, PEEKUSER, POKEUSER, CONT, SINGLESTEP, SYSCALL, SETOPTIONS = 0, 3, 6, 7, 9, 24, 0x4200
KILL_WITH_ME, MARK_SYSTEM_CALLS = 0x100000, 1
RDI, ORIG_RAX, RIP = 8 * 14, 8 * 15, 8 * 16
CLOSE = 3
ENTER, LEAVE = -100_000, -200_000  # closing these "files" marks the ends of a library call

LIBC = ctypes.PyDLL(None, use_errno=True)  # keeps the interpreter's lock: no futex calls
LIBC.ptrace.restype = ctypes.c_long
LIBC.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)


def ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> int:
    """Ask the kernel about, or something of, a traced process."""
    ctypes.set_errno(0)
    result: int = LIBC.ptrace(request, pid, address, data)
    if result == -1 and ctypes.get_errno():
        error = ctypes.get_errno()
        raise OSError(error, f"ptrace: {os.strerror(error)}")
    return result


def traced(pid: int) -> None:
    """Wait for a new child's first stop, and let it die with this process."""
    _, status = os.waitpid(pid, 0)
    if not os.WIFSTOPPED(status):
        raise OSError("the traced process did not stop; is ptrace allowed here?")
    ptrace(SETOPTIONS, pid, 0, KILL_WITH_ME | MARK_SYSTEM_CALLS)


# --- instruction by instruction -------------------------------------------------------------------


class Files:
    """Which file holds an address of a process."""

    def __init__(self, pid: int) -> None:
        self.path = Path(f"/proc/{pid}/maps")
        self.forget()

    def forget(self) -> None:
        """Mappings may have changed."""
        self.starts: list[int] = []
        self.ends: list[tuple[int, str]] = []
        self.pages: dict[int, str] = {}

    def name(self, address: int) -> str:
        """Return the file's name without its folders."""
        page = address >> 12
        if page not in self.pages:
            self.pages[page] = self._look_up(address)
        return self.pages[page]

    def _look_up(self, address: int) -> str:
        if not self.starts:
            for line in self.path.read_text().splitlines():
                words = line.split(maxsplit=5)
                start, end = (int(part, 16) for part in words[0].split("-"))
                self.starts.append(start)
                name = words[5] if len(words) > 5 else "[nameless]"
                self.ends.append((end, name.rsplit("/", 1)[-1]))
        place = bisect.bisect_right(self.starts, address) - 1
        end, name = self.ends[place] if place >= 0 else (0, "")
        return name if address < end else "[nowhere]"


def kind(code: bytes) -> str:
    """Name an instruction as far as it matters: syscall, call, jump through memory, ret, other."""
    at = 0
    while code[at] in (0x66, 0xF2, 0xF3, 0x3E, 0x2E) and at < 4:
        at += 1
    if code[at : at + 2] == b"\x0f\x05":
        return "syscall"
    if code[at : at + 3] == b"\x0f\x1e\xfa":
        return "endbr64"
    if 0x40 <= code[at] <= 0x4F:
        at += 1
    if code[at] == 0xE8:
        return "call"
    if code[at] in (0xC3, 0xC2):
        return "ret"
    if code[at] == 0xFF and (code[at + 1] >> 3) & 7 in (2, 4):
        return "call" if (code[at + 1] >> 3) & 7 == 2 else "jump"
    return "other"


def run_to_its_entry(pid: int, memory: int, program: str) -> None:
    """Let the loader do its work, up to the program's own first instruction."""
    with Path(program).open("rb") as file:
        header = file.read(64)
    entry = int.from_bytes(header[24:32], "little")
    if header[16] == 3:  # it may lie anywhere
        maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
        own = next(line for line in maps if line.endswith(str(Path(program).resolve())))
        entry += int(own.split("-")[0], 16)
    kept = os.pread(memory, 1, entry)
    os.pwrite(memory, b"\xcc", entry)
    ptrace(CONT, pid)
    _, status = os.waitpid(pid, 0)
    if not os.WIFSTOPPED(status) or ptrace(PEEKUSER, pid, RIP) != entry + 1:
        raise OSError(f"{program} did not come to its first instruction")
    os.pwrite(memory, kept, entry)
    ptrace(POKEUSER, pid, RIP, entry)


def steps(limit: int, command: list[str]) -> dict[str, object]:
    """Follow a command; count what each instruction crosses, and list what crosses a file.

    It is followed from its own first instruction on, to its end or the limit.
    """
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # turns are quicker on one core
    pid = os.fork()
    if pid == 0:
        null = os.open("/dev/null", os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        ptrace(TRACEME, 0)
        os.execve(command[0], command, {"LC_ALL": "C", "TZ": "UTC", "LD_BIND_NOW": "1"})
    traced(pid)
    files, counts = Files(pid), Counter[tuple[str, str]]()
    known: dict[int, str] = {}
    listed: list[tuple[str, str, str]] = []
    memory = os.open(f"/proc/{pid}/mem", os.O_RDWR)
    run_to_its_entry(pid, memory, command[0])
    here, stub, done = ptrace(PEEKUSER, pid, RIP), "", 0
    while done < limit:
        if here not in known:
            known[here] = kind(os.pread(memory, 15, here).ljust(15, b"\x90"))
        what, origin = known[here], files.name(here)
        ptrace(SINGLESTEP, pid)
        _, status = os.waitpid(pid, 0)
        done += 1
        if what == "syscall":
            files.forget()
            counts["syscall", "other file"] += 1
            listed.append(("syscall", origin, "[kernel]"))
        if not os.WIFSTOPPED(status):
            break
        here = ptrace(PEEKUSER, pid, RIP)
        if what == "syscall":
            continue
        target = files.name(here)
        if what == "jump" and stub and target != origin:
            # The call before this went to a stub of its own file, which now leads to the function.
            counts["call", "same file"] -= 1
            counts["other", "same file"] += 1
            what, origin = "call", stub
        away = "same file" if target == origin else "other file"
        counts["call" if what == "call" else "other", away] += 1
        if what == "call" and away == "other file":
            listed.append(("call", origin, target))
        stub = origin if what == "call" and away == "same file" else stub * (what == "endbr64")
    else:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    os.close(memory)
    return {
        "counts": [(what, away, number) for (what, away), number in counts.items()],
        "crossings": listed,
        "ended": done < limit,
    }


# --- library calls --------------------------------------------------------------------------------


def functions(times: int) -> list[tuple[str, int, object, tuple[object, ...]]]:
    """Return name, how often, function and arguments of each library call that is tried."""
    for name in ("fopen", "malloc"):
        getattr(LIBC, name).restype = ctypes.c_void_p
    stream = ctypes.c_void_p(LIBC.fopen(b"/dev/null", b"w"))
    room = ctypes.create_string_buffer(4096)
    few = max(1, times // 20)
    return [
        ("strlen", times, LIBC.strlen, (b"hello",)),
        ("clock_gettime", times, LIBC.clock_gettime, (1, room)),
        ("getpid", times, LIBC.getpid, ()),
        ("getcwd", times, LIBC.getcwd, (room, 4096)),
        ("malloc, 64 bytes", 10 * times, LIBC.malloc, (64,)),
        ("malloc, 1 MiB", few, LIBC.malloc, (1 << 20,)),
        ("fputc, one letter", 100 * times, LIBC.fputc, (ord("x"), stream)),
        ("fopen", few, LIBC.fopen, (b"/dev/null", b"r")),
        ("sysconf, processors", few, LIBC.sysconf, (84,)),
        ("system, an empty command", 3, LIBC.system, (b":",)),
    ]


def calls(times: int) -> dict[str, object]:
    """Call each function so often; return for each its events, as one string a call."""
    tried = [(name, count) for name, count, _, _ in functions(times)]
    pid = os.fork()
    if pid == 0:
        ready = functions(times)
        ptrace(TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        close = LIBC.close
        for number, (_, count, function, arguments) in enumerate(ready):
            for _ in range(count):
                close(ENTER - number)
                function(*arguments)  # type: ignore[operator]
                close(LEAVE - number)
        os._exit(0)
    traced(pid)
    behind: list[list[list[int]]] = [[] for _ in tried]
    inside, entering, pass_on = -1, False, 0
    while True:
        ptrace(SYSCALL, pid, 0, pass_on)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            break
        pass_on = 0
        if os.WSTOPSIG(status) != signal.SIGTRAP | 0x80:
            pass_on = os.WSTOPSIG(status)
            continue
        entering = not entering
        if not entering:
            continue
        number = ptrace(PEEKUSER, pid, ORIG_RAX)
        mark = ctypes.c_int32(ptrace(PEEKUSER, pid, RDI) & 0xFFFFFFFF).value
        if number == CLOSE and ENTER >= mark > ENTER - len(tried):
            inside = ENTER - mark
            behind[inside].append([])
        elif number == CLOSE and LEAVE >= mark > LEAVE - len(tried):
            inside = -1
        elif inside >= 0:
            behind[inside][-1].append(number)
    return {"functions": [(name, made) for (name, _), made in zip(tried, behind, strict=True)]}


def main() -> None:
    """Do what the first argument says."""
    if os.uname().machine != "x86_64":
        raise OSError(f"the tracer reads x86-64 code; this is {os.uname().machine}")
    what, number, *command = sys.argv[1:]
    found = steps(int(number), command) if what == "steps" else calls(int(number))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
