"""Experiments of chapter 10: what runs where, what moves while it runs, and what is lost.

Whole machines run under QEMU by translation (TCG); nothing here is said about their speed.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import platform
import shutil
import struct
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import pandas as pd

from virtlab import host, images, leftovers
from virtlab.experiments import emulators, moving
from virtlab.experiments.running import launched, qemu_img, qemu_io
from virtlab.host import find_tool
from virtlab.machines.bootsector import CLI, END, HALT, SERIAL_PORT, boot_sector, say
from virtlab.measure.rounds import measure_rows
from virtlab.models.migration import precopy
from virtlab.registry import CannotMeasure, Measurement, experiment
from virtlab.runtimes import RuntimeFailed, console
from virtlab.runtimes.console import ACCELERATOR, LOGIN, PC, Console
from virtlab.runtimes.launched import LaunchedRuntime
from virtlab.runtimes.linux_guest import find_kernel
from virtlab.runtimes.rooted import rooted

CHAPTER = "10-portability"
SPEAK = Path(__file__).parent / "programs" / "speak"
PAYLOADS = Path(console.__file__).parent / "payloads"
MIB = 1 << 20
Row = dict[str, Any]


# --- one artefact, several engines ----------------------------------------------------------------

REPORT = """#!/bin/sh
n=27 steps=0
while [ $n -ne 1 ]; do
  if [ $((n % 2)) -eq 0 ]; then n=$((n / 2)); else n=$((3 * n + 1)); fi
  steps=$((steps + 1))
done
echo "27 takes $steps steps"
sort /app/words
"""
# A hash of 100,000 numbers, mixed with the bits of a sum of fractions. It imports nothing.
WASM = """(module (func (export "run") (result i64)
  (local $i i64) (local $hash i64) (local $sum f64)
  (local.set $hash (i64.const -3750763034362895579))
  (loop $next
    (local.set $hash (i64.mul (i64.xor (local.get $hash) (local.get $i))
                              (i64.const 1099511628211)))
    (local.set $i (i64.add (local.get $i) (i64.const 1)))
    (local.set $sum (f64.add (local.get $sum)
      (f64.div (f64.const 1) (f64.convert_i64_s (local.get $i)))))
    (br_if $next (i64.lt_s (local.get $i) (i64.const 100000))))
  (i64.xor (local.get $hash) (i64.reinterpret_f64 (local.get $sum)))))"""
NEEDY_WASM = '(module (import "host" "now" (func $now)) (func (export "run") call $now))'
NODE = (
    "WebAssembly.instantiate(require('fs').readFileSync(process.argv[1]))"
    ".then(m => console.log(String(m.instance.exports.run())))"
)
ROOTED = ("namespaces", "bubblewrap", "crun", "runc", "gvisor")
BOARDS = {
    "PC of 1996": ("pc", ["-drive", "file={folder}/disk,format=raw,if=ide"]),
    "PC of 2009": ("q35", ["-drive", "file={folder}/disk,format=raw,if=ide"]),
    "PC, virtio disk": ("pc", ["-drive", "file={folder}/disk,format=raw,if=virtio"]),
}


def layers() -> list[bytes]:
    """The image of this chapter as uncompressed layers: busybox with a few names, and an app."""
    tools: dict[str, Any] = dict(images.programs("busybox"))
    for name in ("sh", "sort", "date", "uname"):
        tools[f"/bin/{name}"] = f'#!/bin/busybox sh\nexec /bin/busybox {name} "$@"\n'
    app: dict[str, Any] = {"/app/report": REPORT, "/app/words": "to\nbe\nor\nnot\n"}
    return [images.pack(tools), images.pack(app)]


@contextmanager
def unpacked(parts: list[bytes]) -> Iterator[Path]:
    """Unpack layers over each other, and give the folder."""
    store: dict[str, bytes] = {}
    manifest = images.build(parts, ["/app/report"], store)
    with leftovers.own_folder() as folder:
        root = folder / "root"
        root.mkdir()
        images.unpack(manifest, store, root)
        yield root


@experiment(f"{CHAPTER}/engines", claims=["C035"])
def engines() -> pd.DataFrame:
    """Run three artefacts under several engines each; hash the artefact and what it says.

    Returns:
        One row a run: condition (artefact: engine), artefact, engine, artefact_digest, output (its
        first line), output_digest, accelerator.
    """
    rows: list[Row] = []
    failed: dict[str, str] = {}

    def attempt(kind: str, engine: str, data: bytes, run: Callable[[], str], by: str = "") -> None:
        name = f"{kind}: {engine}"
        try:
            said = run().replace("\r", "").strip()
        except (RuntimeFailed, CannotMeasure, OSError, subprocess.SubprocessError) as error:
            failed[name] = " ".join(str(error).split())
            return
        rows.append(
            {
                "condition": name,
                "artefact": kind,
                "engine": engine,
                "artefact_digest": images.digest(data)[7:19],
                "output": (said.splitlines() or [""])[0],
                "output_digest": images.digest(said.encode())[7:19],
                "accelerator": by,
            }
        )

    try:
        module = wasm()
        attempt("wasm", "wasmtime", module, partial(_wasmtime, module))
        attempt("wasm", "Node (V8)", module, partial(_node, module))
    except CannotMeasure as error:
        failed |= dict.fromkeys(("wasm: wasmtime", "wasm: Node (V8)"), str(error))
    store: dict[str, bytes] = {}
    try:
        parts = layers()
    except images.ImageError as error:
        raise CannotMeasure(str(error)) from None
    manifest = images.build(parts, ["/app/report"], store)
    data = json.dumps(manifest).encode()
    with unpacked(parts) as root, _booting(root) as guest:  # it boots beside the others
        for name in ROOTED:
            run = partial(_in_root, name, root, ["/bin/busybox", "sh", "/app/report"])
            attempt("OCI image", name, data, run)
        attempt("OCI image", "Linux guest", data, guest, ACCELERATOR)
    disk = hello_disk("hello from the disk")
    for name, (board, options) in BOARDS.items():
        attempt("disk image", name, disk, partial(_boot, board, options, disk), ACCELERATOR)
    told = pd.DataFrame(rows)
    told.attrs["failed"] = failed
    return told


@cache
def wasm(source: str = WASM) -> bytes:
    """A module in WebAssembly's binary form."""
    try:
        import wasmtime
    except ImportError:
        raise CannotMeasure("no Python package wasmtime here; pip install wasmtime") from None
    return bytes(wasmtime.wat2wasm(source))


def _wasmtime(module: bytes, given: Mapping[str, Callable[[], None]] | None = None) -> str:
    import wasmtime

    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    linker = wasmtime.Linker(engine)
    for name, function in (given or {}).items():
        linker.define_func("host", name, wasmtime.FuncType([], []), function)
    try:
        instance = linker.instantiate(store, wasmtime.Module(engine, module))
    except wasmtime.WasmtimeError as error:
        raise RuntimeFailed(str(error).strip().splitlines()[0]) from None
    main: Any = instance.exports(store)["run"]
    return str(main(store))


def _node(module: bytes) -> str:
    program = find_tool("node")
    if program is None:
        raise RuntimeFailed("no node here; apt-get install nodejs")
    with leftovers.own_folder() as folder:
        (folder / "module.wasm").write_bytes(module)
        return _output_of([program, "-e", NODE, str(folder / "module.wasm")])


def _output_of(command: list[str], environment: Mapping[str, str] | None = None) -> str:
    """Run a program to its end; return its output, or raise with its last complaint."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=None if environment is None else dict(environment),
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [emulators.how_it_ended(done.returncode)]
        raise RuntimeFailed(said[-1])
    return done.stdout


def _available(name: str) -> LaunchedRuntime:
    runtime = launched(name)
    if not (available := runtime.available()):
        raise RuntimeFailed(available.why)
    return runtime


def _in_root(
    name: str, root: Path, command: list[str], environment: Mapping[str, str] | None = None
) -> str:
    """Run a command with an unpacked image as its root; return its output."""
    with rooted(_available(name), root) as runtime:
        if environment is not None:
            launcher = runtime.launcher()  # a copy of the usual one, made by `rooted`
            mark = {leftovers.OWNER_VARIABLE: leftovers.owner_mark()}
            launcher.environment = {**environment, **mark}
        life = runtime.lives(1, command)[0]
    if life["status"] != 0:
        said = str(life.get("errors", "")).strip().splitlines() or [f"status {life['status']}"]
        raise RuntimeFailed(said[-1])
    return str(life["output"])


@contextmanager
def _booting(root: Path) -> Iterator[Callable[[], str]]:
    """Start a Linux guest with the application in it; give what waits for it and asks it."""
    files = {f"/app/{path.name}": path.read_bytes() for path in (root / "app").iterdir()}
    with ExitStack() as stack:
        why = ""
        try:
            guest = stack.enter_context(console.linux(extra_files=files))
        except RuntimeFailed as error:
            why = str(error)

        def ask() -> str:
            if why:
                raise RuntimeFailed(why)
            guest.read_until(LOGIN)
            return guest.ask("sh /app/report")

        yield ask


def hello_disk(text: str, size: int = MIB) -> bytes:
    """A disk that boots, says a line on the serial port, and ends its machine."""
    return boot_sector(CLI + SERIAL_PORT + say(text + "\n") + END + HALT).ljust(size, b"\0")


def _boot(board: str, options: list[str], disk: bytes) -> str:
    words = ["-nodefaults", *options, *console.END_PORT_DEVICE]
    with Console(board, words, files={"disk": disk}) as machine:
        machine.read_until("hello")
        return machine.read_to_the_end(timeout_s=10.0).strip().splitlines()[-1]


# --- three borders --------------------------------------------------------------------------------

CODE_AT = 0x400078
SAFE = {"v1": b"", "v2": b"\xf3\x0f\xb8\xc0", "v3": b"\xc5\xfd\xfe\xc0"}
LEVELS = {**SAFE, "v4": b"\x62\xf1\x7d\x48\xfe\xc0"}  # popcnt, vpaddd of 256 and of 512 bits
NEEDS = {"v1": "", "v2": "popcnt", "v3": "avx2", "v4": "avx512f"}
BITS = {"popcnt": (1, 2, 23), "avx2": (7, 1, 5), "avx512f": (7, 1, 16)}  # CPUID leaf, word, bit
MODELS = {"AMD Opteron, 2003": "Opteron_G1", "Intel Nehalem, 2008": "Nehalem"}
MODELS |= {"Intel Haswell, 2013": "Haswell", "all that QEMU knows": "max"}
HERE = "this processor"


def x86_64_program(code: bytes) -> bytes:
    """A static program for x86-64 as a whole file, with nothing in it but code."""
    size = CODE_AT - 0x400000 + len(code)
    identity = struct.pack("<4s5B7x", b"\x7fELF", 2, 1, 1, 0, 0)
    header = struct.pack("<2HI3QI6H", 2, 62, 1, CODE_AT, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<2I6Q", 1, 5, 0, 0x400000, 0x400000, size, size, 0x1000)
    return identity + header + segment + code


def _call(number: int, first: int) -> bytes:
    """Code for a system call with two of its numbers fixed."""
    return b"\xb8" + struct.pack("<I", number) + b"\xbf" + struct.pack("<I", first) + b"\x0f\x05"


def _says_ok(before: bytes, write: int = 1, leave: int = 60) -> bytes:
    """Code that does something, writes `ok` and ends; the calls' numbers are Linux's."""
    text, after = b"ok\n", _call(leave, 0) + b"\xf4"
    called = b"\xba" + struct.pack("<I", len(text)) + _call(write, 1)
    there = b"\x48\x8d\x35" + struct.pack("<I", len(called) + len(after))  # lea rsi, [rip + …]
    return before + there + called + after + text


def _asks_cpuid(leaf: int) -> bytes:
    """Code that writes the four words of a CPUID leaf, each as eight bytes."""
    ask = b"\x31\xc9\xb8" + struct.pack("<I", leaf) + b"\x0f\xa2\x52\x51\x53\x50"
    return ask + b"\x48\x89\xe6\xba" + struct.pack("<I", 32) + _call(1, 1) + _call(60, 0)


@experiment(f"{CHAPTER}/baselines", claims=["C035", "C037"])
def baselines() -> pd.DataFrame:
    """Start programs with newer and newer instructions on this processor and on older ones.

    The others are QEMU's user mode (TCG), which refuses what a model does not have.

    Returns:
        One row a processor: condition, features (of popcnt, avx2, avx512f: what it says that it
        has; or none), v1 to v4 ("runs", or how the program ended), accelerator.
    """
    rows, failed = [], {}
    with leftovers.own_folder() as folder:
        for name, model in {HERE: "", **MODELS}.items():
            try:
                row = {"condition": name, "features": ", ".join(_features(folder, model)) or "none"}
                for level, instruction in LEVELS.items():
                    program = x86_64_program(_says_ok(instruction))
                    try:
                        said = _started(folder, program, model).decode()
                        row[level] = "runs" if said == "ok\n" else said
                    except RuntimeFailed as error:
                        row[level] = str(error)
            except RuntimeFailed as error:
                failed[name] = str(error)
                continue
            rows.append(row | {"accelerator": "TCG (QEMU user)" if model else ""})
    columns = ["condition", "features", *LEVELS, "accelerator"]
    data = pd.DataFrame(rows, columns=columns)
    data.attrs["failed"] = failed
    return data


def _features(folder: Path, model: str) -> list[str]:
    """What a processor says that it has, of the features that count here."""
    words = {
        leaf: struct.unpack("<4Q", _started(folder, x86_64_program(_asks_cpuid(leaf)), model))
        for leaf in {leaf for leaf, _, _ in BITS.values()}
    }
    # The words are eax, ebx, ecx, edx.
    return [name for name, (leaf, word, bit) in BITS.items() if words[leaf][word] >> bit & 1]


def _started(folder: Path, program: bytes, model: str = "") -> bytes:
    """Have the kernel, or QEMU as a model of processor, start a program; return its output."""
    file = folder / "program"
    file.unlink(missing_ok=True)
    file.write_bytes(program)
    file.chmod(0o755)
    command = [str(file)]
    if model:
        tool = find_tool("qemu-x86_64")
        if tool is None:
            raise RuntimeFailed("no qemu-x86_64 here; apt-get install qemu-user")
        command = [tool, "-cpu", model, *command]
    elif platform.machine() != "x86_64":
        raise RuntimeFailed(f"the programs are for x86-64; this is {platform.machine()}")
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False
        )
    except OSError as error:
        raise RuntimeFailed(str(error.strerror)) from None
    if done.returncode != 0:
        raise RuntimeFailed(emulators.how_it_ended(done.returncode))
    return done.stdout


# --- what does not run, and why -------------------------------------------------------------------


@experiment(
    f"{CHAPTER}/refusals",
    needs=[host.namespaces, host.qemu, host.qemu_img, host.guest_kernel],
    claims=["C035", "C097"],
)
def refusals() -> pd.DataFrame:
    """Start artefacts where they do not belong; note the reason, and where each does run.

    Returns:
        One row an artefact: condition, border (what it failed at), said (the reason that was
        given), elsewhere (where it was tried besides), runs_there.
    """
    rows: list[Row] = []
    failed: dict[str, str] = {}

    def attempt(
        name: str,
        border: str,
        wrong: Callable[[], object],
        elsewhere: str = "not tried: we have no such machine",
        right: Callable[[], object] | None = None,
    ) -> None:
        try:
            said = str(wrong())
        except RuntimeFailed as error:
            said = str(error)
            if " here; " in said:
                failed[name] = said
                return
        runs = "–"
        if right is not None:
            try:
                right()
                runs = "yes"
            except RuntimeFailed as error:
                runs = str(error)
        row = {"condition": name, "border": border, "said": said}
        rows.append(row | {"elsewhere": elsewhere, "runs_there": runs})

    with leftovers.own_folder() as folder:
        run = partial(_started, folder)
        arm = emulators.program("Arm")
        with emulators.program_file("Arm") as path:
            attempt(
                "Arm program",
                "ISA",
                partial(run, arm),
                "QEMU, as an Arm processor",
                partial(emulators.by_process, path, 1, "qemu-aarch64"),
            )
        new = x86_64_program(_says_ok(LEVELS["v3"]))
        attempt(
            "program with AVX2, on a Nehalem",
            "CPU feature",
            partial(run, new, "Nehalem"),
            "QEMU, as a Haswell",
            partial(run, new, "Haswell"),
        )
        # write and exit have the numbers 4 and 1 there.
        foreign = x86_64_program(_says_ok(b"", write=4, leave=1))
        attempt("program with FreeBSD's system calls", "OS ABI", partial(run, foreign))
        windows = (PAYLOADS / "Stamp.exe").read_bytes()
        attempt("Windows program (PE)", "OS ABI", partial(run, windows))
        attempt(
            "wasm module that imports a clock",
            "API",
            lambda: _wasmtime(wasm(NEEDY_WASM)),
            "an engine that gives it one",
            lambda: _wasmtime(wasm(NEEDY_WASM), {"now": lambda: None}),
        )
        attempt(
            "program without its library",
            "files",
            lambda: _lonely(with_library=False),
            "a root with the library",
            lambda: _lonely(with_library=True),
        )
        attempt(
            "64-bit kernel on a 32-bit PC",
            "ISA",
            partial(_kernel_says, "qemu32"),
            "a 64-bit PC",
            partial(_kernel_says, "qemu64"),
        )
        disk = _disk(folder)
        attempt(
            "qcow2 disk, attached as raw",
            "format",
            partial(_boots, disk, "raw"),
            "attached as qcow2",
            partial(_boots, disk, "qcow2"),
        )
    whole = cache(partial(moving.refusal, []))
    attempt(
        "running guest, into a PC of another kind",
        "machine",
        partial(moving.refusal, [], machine="q35"),
        "a PC of the same kind",
        whole,
    )
    attempt(
        "running guest, into less memory",
        "machine",
        partial(moving.refusal, [], memory_mib=moving.MEMORY_MIB // 2),
        "a PC with as much memory",
        whole,
    )
    data = pd.DataFrame(rows)
    data.attrs["failed"] = failed
    return data


def _lonely(with_library: bool) -> str:
    """Run the speaking program in a root that holds it, its loader, and perhaps its library."""
    with unpacked([_speaker(with_library)]) as root:
        return _in_root("namespaces", root, ["/bin/speak"])


def _speaker(with_library: bool = True, more: Mapping[str, str] | None = None) -> bytes:
    """A layer with the program that asks a library for a word, and the loader of this host."""
    loader = Path("/lib64/ld-linux-x86-64.so.2")
    if platform.machine() != "x86_64" or not loader.exists():
        raise RuntimeFailed("no x86-64 loader of the GNU C library here; use such a machine")
    with leftovers.own_folder() as folder:
        program = _install_speak(folder)
        files: dict[str, Any] = {str(loader): loader.resolve(), "/bin/speak": program}
        if with_library:
            files |= dict.fromkeys(("/lib/libword.so", "/lib64/libword.so"), _library(1))
        return images.pack({**files, **(more or {})})


def _install_speak(folder: Path) -> Path:
    """Put the speaking program into a folder as an executable file."""
    copy = folder / "speak"
    shutil.copyfile(SPEAK / "speak.bin", copy)
    copy.chmod(0o755)
    return copy


def _library(version: int) -> bytes:
    return (SPEAK / f"word-{version}.bin").read_bytes()


def _kernel_says(cpu: str) -> str:
    """Boot a distribution's kernel on a processor; raise with its complaint if it has one."""
    kernel = find_kernel()
    words = ["-nodefaults", "-cpu", cpu, "-kernel", str(kernel)]
    words += ["-append", "console=ttyS0"]
    with Console(PC, words, memory_mib=128) as machine:
        line = machine.read_until("Linux version", "requires", timeout_s=15.0)
    if "requires" in line:
        raise RuntimeFailed(line)
    return line


def _disk(folder: Path) -> Path:
    """A disk that boots, as qcow2."""
    raw, disk = folder / "hello.raw", folder / "hello.qcow2"
    raw.write_bytes(hello_disk("hello from the disk"))
    qemu_img("convert", "-f", "raw", "-O", "qcow2", raw, disk)
    return disk


def _boots(disk: Path, kind: str) -> str:
    """Boot a disk as a format; return what it says, or raise with the firmware's complaint."""
    drive = ["-drive", f"file={disk},format={kind},if=ide,snapshot=on"]
    with Console(PC, ["-nodefaults", *drive, *console.END_PORT_DEVICE]) as machine:
        line = machine.read_until("hello", "ot a bootable", "o bootable", timeout_s=15.0)
    if "hello" not in line:
        raise RuntimeFailed(line)
    return line[line.index("hello") :]


# --- bare and encapsulated ------------------------------------------------------------------------

SCRIPT = """speak || exit 1
printf 'b\\na\\n' | sort
date -d @0 +%H:%M
colour=none; [ -r "$HOME/.speakrc" ] && read -r colour < "$HOME/.speakrc"
echo "$colour"
[ -z "$ASK" ] || uname -r
"""
WAYS = ("bare", "files packed", "files and variables packed")
OWN_VARIABLES = {"PATH": "/bin", "HOME": "/home"}
BACKWARDS = "#!/bin/sh\necho this is another sort\n"


@experiment(f"{CHAPTER}/environments", needs=[host.namespaces, host.busybox], claims=["C036"])
def environments() -> pd.DataFrame:
    """Change one thing of the host at a time; look whether an application says something else.

    The application runs bare; from an image that passes the caller's variables on; and from one
    that brings its own. A folder of ours plays the host's, so nothing of the host is changed.

    Returns:
        One row a change: condition, bare, files_packed, all_packed (each "same", "changed",
        "fails" or "–").
    """
    changes: dict[str, Callable[[Path, dict[str, str]], None]] = {
        "nothing": lambda place, variables: None,
        "new version of the library": lambda place, _: _replace_library(place, 2),
        "library renames its function": lambda place, _: _replace_library(place, 3),
        "library removed": lambda place, _: (place / "lib" / "libword.so").unlink(),
        "another tool first on the path": lambda place, _: _write_tool(place / "bin" / "sort"),
        "settings edited at home": _edit_settings,
        "another time zone": lambda _, variables: variables.update(TZ="JST-9"),
    }
    rows: list[Row] = []
    with unpacked(_packed_application()) as root:
        for name, change in changes.items():
            with leftovers.own_folder() as place:
                variables = _as_host(place)
                before = _three_ways(root, variables)
                change(place, variables)
                after = _three_ways(root, variables)
            told = [_compared(one, other) for one, other in zip(before, after, strict=True)]
            rows.append(dict(zip(("condition", *COLUMNS), (name, *told), strict=True)))
        name, failed = "another kernel (gVisor)", {}
        try:
            rows.append({"condition": name, **_another_kernel(root)})
        except RuntimeFailed as error:
            failed[name] = str(error)
    data = pd.DataFrame(rows)
    data.attrs["failed"] = failed
    return data


COLUMNS = ("bare", "files_packed", "all_packed")


def _packed_application() -> list[bytes]:
    try:
        return [*layers()[:1], _speaker(more={"/home/.speakrc": "green\n"})]
    except images.ImageError as error:
        raise CannotMeasure(str(error)) from None


def _as_host(place: Path) -> dict[str, str]:
    """Lay out a folder as a host with the application installed; return its user's variables."""
    for name in ("bin", "lib", "home"):
        (place / name).mkdir()
    _install_speak(place / "bin")
    _replace_library(place, 1)
    (place / "home" / ".speakrc").write_text("green\n")
    path = f"{place}/bin:{os.environ.get('PATH', os.defpath)}:/bin"
    return {"PATH": path, "LD_LIBRARY_PATH": f"{place}/lib", "HOME": f"{place}/home", "TZ": "UTC"}


def _replace_library(place: Path, version: int) -> None:
    (place / "lib" / "libword.so").write_bytes(_library(version))


def _write_tool(file: Path) -> None:
    file.write_text(BACKWARDS)
    file.chmod(0o755)


def _edit_settings(place: Path, _: dict[str, str]) -> None:
    (place / "home" / ".speakrc").write_text("red\n")


def _three_ways(root: Path, variables: dict[str, str]) -> list[str | None]:
    shell = ["/bin/busybox", "sh", "-c", SCRIPT]
    return [
        _said(partial(_output_of, ["/bin/sh", "-c", SCRIPT], variables)),
        _said(partial(_in_root, "namespaces", root, shell, variables)),
        _said(partial(_in_root, "namespaces", root, shell, OWN_VARIABLES)),
    ]


def _said(run: Callable[[], str]) -> str | None:
    """What came out; None if the application failed."""
    try:
        return run()
    except RuntimeFailed:
        return None


def _compared(before: str | None, after: str | None) -> str:
    if before is None:
        raise CannotMeasure("the application does not even run unchanged")
    return "fails" if after is None else "same" if after == before else "changed"


def _another_kernel(root: Path) -> Row:
    """The application that asks for its kernel, on the host's and on gVisor's."""
    shell = ["/bin/busybox", "sh", "-c", SCRIPT]
    asking = {**OWN_VARIABLES, "ASK": "yes"}
    here, there = (_in_root(name, root, shell, asking) for name in ("namespaces", "gvisor"))
    told = _compared(here, there)
    return {"bare": "–", "files_packed": told, "all_packed": told}


# --- moving a running machine ---------------------------------------------------------------------

PAGES_A_SECOND = 25_600  # of the link: about 105 MB/s, as a network of 1 Gbit/s minus its headers
PAGES = moving.MEMORY_MIB * MIB // moving.PAGE
LIMIT_MS, MAX_ROUNDS = 40, 8
LOADS = {
    "idle": moving.Load(0, 1),
    "writes 20 %": moving.Load(5, 3072),
    "writes 50 %": moving.Load(13, 3072),
    "writes 70 %": moving.Load(18, 3072),
    "writes 300 %": moving.Load(76, 3072),
    "writes 300 %, to few pages": moving.Load(76, 512),
}


@experiment(f"{CHAPTER}/migrate", needs=[host.qemu], claims=["C038"], recorded_with={"rounds": 5})
def migrate(rounds: int = 1, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Move a running guest (TCG) between two QEMU processes by pre-copy, under several loads.

    The load is in percent of what the link between them carries. Times are those of the guest's own
    ticks, a thousand a second.

    Returns:
        Columns round, order, condition, dirty_rate (pages a second, by the ticks that came),
        working_set (pages), total_ms (from the command to the first tick at the new place),
        downtime_ms (without a tick), qemu_downtime_ms (what QEMU says), rounds (how often it looked
        for dirty pages), sent_pages, forced (the limit was lifted, the rounds had run out),
        lost_ticks, accelerator.
    """
    conditions: dict[str, Callable[[], Iterable[Row]]] = {
        name: partial(_moved, load) for name, load in LOADS.items()
    }
    return measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)


def _moved(load: moving.Load) -> list[Row]:
    done = moving.move(load, PAGES_A_SECOND, LIMIT_MS, MAX_ROUNDS)
    rate = load.per_tick * done.ticks_per_s
    row: Row = {"dirty_rate": rate, "working_set": load.working_set}
    names = ("total_ms", "downtime_ms", "qemu_downtime_ms", "rounds", "sent_pages", "forced")
    row |= {name: getattr(done, name) for name in (*names, "lost_ticks")}
    return [row | {"accelerator": ACCELERATOR}]


def predicted(m: Measurement) -> pd.DataFrame:
    """Return what the model of pre-copy says of the loads of `migrate`, beside what was measured.

    Columns: condition, rounds, total_ms, downtime_ms, forced as measured (medians), and the same of
    the model with `model_` in front.
    """
    rows = []
    for name, group in m.data.groupby("condition", sort=False):
        rate, working = float(group["dirty_rate"].median()), float(group["working_set"].iloc[0])
        # The boot sector's own page is written at each tick, too.
        told = precopy(PAGES, rate + 1, PAGES_A_SECOND, working + 1, LIMIT_MS / 1000, MAX_ROUNDS)
        rows.append(
            {
                "condition": name,
                "rounds": group["rounds"].median(),
                "model_rounds": told.rounds,
                "total_ms": group["total_ms"].median(),
                "model_total_ms": 1000 * told.total,
                "downtime_ms": group["downtime_ms"].median(),
                "model_downtime_ms": 1000 * told.downtime,
                "forced": bool(group["forced"].mode().iloc[0]),
                "model_forced": told.forced,
                "source": group["source"].iloc[0],
            }
        )
    return pd.DataFrame(rows)


SLICE_MS, SHOWN_MS = 20, 1600


@experiment(f"{CHAPTER}/ticks", needs=[host.qemu], claims=["C038"])
def ticks() -> pd.DataFrame:
    """Move a guest that writes faster than the link carries, by pre-copy and by post-copy (TCG).

    Returns:
        One row a slice of time: condition, ms (from the command; the slice's middle), ticks (a
        millisecond, from either place), and for the whole move total_ms, downtime_ms,
        longest_gap_ms, asked_pages, lost_ticks, accelerator.
    """
    rows, failed = [], {}
    for name, late in (("pre-copy", False), ("post-copy", True)):
        try:
            done = moving.move(LOADS["writes 300 %"], PAGES_A_SECOND, LIMIT_MS, MAX_ROUNDS, late)
        except RuntimeFailed as error:
            failed[name] = str(error)
            continue
        names = ("total_ms", "downtime_ms", "longest_gap_ms", "asked_pages", "lost_ticks")
        whole = {key: getattr(done, key) for key in names}
        last = min(SHOWN_MS, max(at for at, _ in done.ticks) - SLICE_MS)
        for begin in range(-100, int(last), SLICE_MS):
            count = sum(begin <= at < begin + SLICE_MS for at, _ in done.ticks)
            here = {"condition": name, "ms": begin + SLICE_MS / 2, "ticks": count / SLICE_MS}
            rows.append(here | whole | {"accelerator": ACCELERATOR})
    data = pd.DataFrame(rows)
    data.attrs["failed"] = failed
    return data


# --- disk formats ---------------------------------------------------------------------------------

FORMATS = ("qcow2", "vmdk", "vdi", "vpc", "raw")
NAMES = {"vpc": "vpc (VHD)"}
DISK_BYTES = 8 * MIB + 512  # a size that not every format can have


@experiment(f"{CHAPTER}/formats", needs=[host.qemu, host.qemu_img], claims=["C037", "C097"])
def formats() -> pd.DataFrame:
    """Convert a disk with a history into each format; look what survives, and boot it.

    The disk is an overlay on a base, has two snapshots inside, and is mostly empty.

    Returns:
        One row a file: condition (the format), content (digest of what a guest reads, up to the
        disk's first size), same_content, disk_bytes (its size for a guest), file_kib (what it takes
        on the host), snapshots, base (whether it still stands on another file), boots (what it
        says), back_same (converted back to qcow2, the content is the same).
    """
    rows = []
    with leftovers.own_folder() as folder:
        first = _disk_with_history(folder)
        rows.append({"condition": "qcow2, the original", **_look(first, "qcow2", folder)})
        for kind in FORMATS:
            file, back = folder / f"disk.{kind}", folder / "back.qcow2"
            qemu_img("convert", "-f", "qcow2", "-O", kind, first, file)
            qemu_img("convert", "-f", kind, "-O", "qcow2", file, back)
            row = {"condition": NAMES.get(kind, kind), **_look(file, kind, folder)}
            row["back_same"] = _content(back, "qcow2", folder) == rows[0]["content"]
            rows.append(row)
    data = pd.DataFrame(rows)
    data["back_same"] = data["back_same"].map(lambda one: "–" if pd.isna(one) else str(bool(one)))
    data["same_content"] = data["content"] == data["content"].iloc[0]
    return data


def _disk_with_history(folder: Path) -> Path:
    base, disk, raw = folder / "base.qcow2", folder / "disk", folder / "base.raw"
    raw.write_bytes(hello_disk("hello from the disk", DISK_BYTES))
    qemu_img("convert", "-f", "raw", "-O", "qcow2", raw, base)
    qemu_img("create", "-f", "qcow2", "-F", "qcow2", "-b", base, disk)
    for number in (1, 2):
        qemu_io(disk, f"write -P {number} {number}M 512k")
        qemu_img("snapshot", "-c", f"day {number}", disk)
    return disk


def _look(file: Path, kind: str, folder: Path) -> Row:
    """What a file is as a disk."""
    told = json.loads(qemu_img("info", "--output=json", "-f", kind, file))
    try:
        says = _boots(file, kind)
    except RuntimeFailed as error:
        says = str(error)
    return {
        "content": _content(file, kind, folder),
        "disk_bytes": told["virtual-size"],
        "file_kib": told["actual-size"] // 1024,
        "snapshots": len(told.get("snapshots", [])),
        "base": "yes" if "backing-filename" in told else "no",
        "boots": says,
    }


def _content(file: Path, kind: str, folder: Path) -> str:
    """A digest of what a guest reads, up to the first disk's size."""
    raw = folder / "look.raw"
    qemu_img("convert", "-f", kind, "-O", "raw", file, raw)
    return hashlib.sha256(raw.read_bytes()[:DISK_BYTES]).hexdigest()[:12]


# --- from an image to a reply, and back -----------------------------------------------------------

STEPS = ("first time", "upgrade", "back")
FILLING = 4 * MIB


@experiment(
    f"{CHAPTER}/rollout",
    needs=[host.namespaces, host.qemu],
    claims=["C004"],
    recorded_with={"rounds": 20},
)
def rollout(rounds: int = 2, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Bring an application from a registry to its first reply; upgrade it; go back.

    As an image for a container, and as a disk for a virtual machine (TCG), from the same registry
    on this machine. The second version is broken: it says so.

    Returns:
        One row a phase: round, order, condition (way, step), phase, start_ms and end_ms (from the
        step's call), says (the first reply), moved_bytes (of the step).
    """
    conditions: dict[str, Callable[[], Iterable[Row]]] = {
        "container": partial(_rolled_out, "container"),
        "VM (TCG)": partial(_rolled_out, "VM (TCG)"),
    }
    _available("namespaces")  # tried before, so that the first round is as warm as the others
    data = measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)
    data["condition"] = data.pop("step")
    return data


def _rolled_out(way: str) -> list[Row]:
    """One whole story: version 1, version 2, which is broken, and version 1 again."""
    rows: list[Row] = []
    store: dict[str, bytes] = {}
    mine: dict[str, bytes] = {}
    with leftovers.own_folder() as folder, images.Registry(store) as registry:
        for version, word in (("1", "version 1"), ("2", "version 2 is broken")):
            parts = _container_parts(word) if way == "container" else [_machine_disk(word)]
            registry.push(f"app:{version}", images.build(parts, ["/app/hello"], store))
        for step, version in zip(STEPS, ("1", "2", "1"), strict=True):
            before = time.perf_counter_ns()
            manifest, fetched = images.pull(registry.address, f"app:{version}", mine)
            pulled = time.perf_counter_ns()
            place = folder / version
            if not place.exists():
                _lay_out(way, manifest, mine, place)
            laid_out = time.perf_counter_ns()
            says, start_ms = _first_reply(way, place)
            ends = [(pulled - before) / 1e6, (laid_out - before) / 1e6]
            ends.append(ends[-1] + start_ms)
            begins = [0.0, *ends[:-1]]
            moved = sum(len(mine[one]) for one in fetched)
            for phase, begin, end in zip(("pull", "unpack", "start"), begins, ends, strict=True):
                row = {"step": f"{way}, {step}", "phase": phase, "start_ms": begin, "end_ms": end}
                rows.append(row | {"says": says, "moved_bytes": moved})
    return rows


@cache
def _container_base() -> bytes:
    return layers()[0]


def _container_parts(word: str) -> list[bytes]:
    return [_container_base(), images.pack({"/app/hello": f"#!/bin/busybox sh\necho {word}\n"})]


@cache
def _machine_disk(word: str) -> bytes:
    """A disk that says a word, with as much else on it as fills a few MiB."""
    filling = b"".join(hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(4096))
    return hello_disk(word, 512) + filling * (FILLING // len(filling))


def _lay_out(way: str, manifest: images.Manifest, store: Mapping[str, bytes], place: Path) -> None:
    if way == "container":
        place.mkdir()
        images.unpack(manifest, store, place)
    else:
        place.write_bytes(gzip.decompress(store[manifest["layers"][0]["digest"]]))


def _first_reply(way: str, place: Path) -> tuple[str, float]:
    """Start what lies there; return its first reply and the milliseconds to it."""
    if way == "container":
        with rooted(_available("namespaces"), place) as runtime:
            life = runtime.lives(1, ["/bin/busybox", "sh", "/app/hello"])[0]
        stamps = life["stamps"]
        return str(life["output"]).strip(), (stamps["first_reply"] - stamps["call"]) / 1e6
    drive = ["-drive", f"file={place},format=raw,if=ide,snapshot=on"]
    with Console("pc", ["-nodefaults", *drive, *console.END_PORT_DEVICE]) as machine:
        line = machine.read_until("version", timeout_s=15.0)
        return line, machine.lines[-1][0]


def rollout_phases(m: Measurement) -> Measurement:
    """Return the phases of `rollout` in the order in which a figure shows them, from below."""
    names = [f"{way}, {step}" for way in ("container", "VM (TCG)") for step in STEPS]
    places = {name: place for place, name in enumerate(reversed(names))}
    data = m.data.iloc[m.data["condition"].map(places).argsort(kind="stable")]
    return replace(m, data=data.reset_index(drop=True))
