"""Two WebAssembly instances in one process: `python -I tenants_wasm.py LENT ATTACK SECRET FILE`.

LENT is `nothing`, or `everything`: then the intruder is given the neighbour's memory, the file's
folder, and a function of the host that ends the process. ATTACK is memory, file, end or past.
Prints what the intruder got, or why not; then that the neighbour lives, if it does. Never imported.
"""

import os
import sys
from pathlib import Path
from typing import Any

import wasmtime

PAGE = 65536

# Its secret lies at 0 of its own memory; `greet` answers with the first byte.
NEIGHBOUR = """
(module
  (memory (export "memory") 1)
  (func (export "greet") (result i32) (i32.load8_u (i32.const 0))))
"""
# `peek` reads a byte at any address that a module can write down.
PEEK = """
(module
  {memory}
  (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0))))
"""
# As a C compiler would make it for WASI: open a file below folder 3, read it into memory at 100.
READ = """
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "{name}")
  (func (export "read") (result i32)
    (local $error i32)
    (local.set $error (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const {length})
      (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8)))
    (if (local.get $error) (then (return (local.get $error))))
    (i32.store (i32.const 0) (i32.const 100))
    (i32.store (i32.const 4) (i32.const 64))
    (call $read (i32.load (i32.const 8)) (i32.const 0) (i32.const 1) (i32.const 12))))
"""
END = """
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "end") (call $exit (i32.const 0))))
"""
END_LENT = """
(module (import "host" "end" (func $end)) (func (export "end") (call $end)))
"""


def memory(store: wasmtime.Store, secret: str, lent: bool) -> str:
    """Read the neighbour's secret: it lies in the same process."""
    if lent:
        module = wasmtime.Module(store.engine, PEEK.format(memory='(import "n" "m" (memory 1))'))
        theirs: Any = neighbour(store).exports(store)["memory"]
        theirs.write(store, secret.encode(), 0)
        lent_to: Any = wasmtime.Instance(store, module, [theirs]).exports(store)
        peek = lent_to["peek"]
        return bytes(peek(store, at) for at in range(len(secret))).decode()
    module = wasmtime.Module(store.engine, PEEK.format(memory="(memory 1)"))
    alone: Any = wasmtime.Instance(store, module, []).exports(store)
    peek = alone["peek"]
    trapped, tried = 0, [*range(PAGE, 1 << 32, 1 << 24), (1 << 32) - 1]
    for at in tried:  # from its own end to the last address that 32 bits can say
        try:
            peek(store, at - (at >> 31 << 32))
        except (wasmtime.WasmtimeError, wasmtime.Trap):
            trapped += 1
    return f"stopped: {trapped} of {len(tried)} addresses beyond its own memory trap"


def past(store: wasmtime.Store, secret: str, lent: bool) -> str:
    """Read one byte behind the end of a memory of one page."""
    module = wasmtime.Module(store.engine, PEEK.format(memory="(memory 1)"))
    exports: Any = wasmtime.Instance(store, module, []).exports(store)
    return str(exports["peek"](store, PAGE))


def linked(store: wasmtime.Store, source: str) -> Any:
    """Return what an instance with WASI exports; the store's configuration says what it may do."""
    linker = wasmtime.Linker(store.engine)
    linker.define_wasi()
    module = wasmtime.Module(store.engine, source)
    return linker.instantiate(store, module).exports(store)


def file(store: wasmtime.Store, name: str, lent: bool) -> str:
    """Read a file of the host through WASI."""
    path, config = Path(name), wasmtime.WasiConfig()
    if lent:
        config.preopen_dir(str(path.parent), "/lent", False)
    store.set_wasi(config)
    exports = linked(store, READ.format(name=path.name, length=len(path.name)))
    error = exports["read"](store)
    if error:
        return f"stopped: WASI error {error}, there is no such folder"
    return bytes(exports["memory"].read(store, 100, 164)).rstrip(b"\0").decode().strip()


def end(store: wasmtime.Store, secret: str, lent: bool) -> str:
    """End the process, or try to."""
    if lent:
        function = wasmtime.Func(store, wasmtime.FuncType([], []), lambda: os._exit(0))
        module = wasmtime.Module(store.engine, END_LENT)
        exports: Any = wasmtime.Instance(store, module, [function]).exports(store)
    else:
        store.set_wasi(wasmtime.WasiConfig())
        exports = linked(store, END)
    exports["end"](store)
    return "?"


def neighbour(store: wasmtime.Store) -> wasmtime.Instance:
    """Return an instance that keeps a secret in its memory."""
    return wasmtime.Instance(store, wasmtime.Module(store.engine, NEIGHBOUR), [])


def main() -> None:
    """Let the intruder loose."""
    lent, attack, secret, path = sys.argv[1:]
    store = wasmtime.Store()
    other: Any = neighbour(store).exports(store)
    other["memory"].write(store, secret.encode(), 0)
    attacks = {"memory": memory, "file": file, "end": end, "past": past}
    try:
        print(attacks[attack](store, path if attack == "file" else secret, lent == "everything"))
    except (wasmtime.WasmtimeError, wasmtime.Trap) as refusal:
        print("stopped:", str(refusal).strip().splitlines()[-1].rpartition("wasm trap: ")[2])
    if other["greet"](store) == ord(secret[0]):
        print("the neighbour lives")


main()
