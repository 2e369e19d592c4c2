"""WebAssembly: a module compiled to machine code that can reach nothing but what it is given."""

import functools
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from virtlab import host
from virtlab.runtimes.inside import InsideGuest, InsideRuntime

_SOURCE = Path(__file__).with_name("payloads") / "stamp.wat"


class Wasmtime(InsideRuntime):
    """A module in a running Wasmtime engine; compiling and instantiating are stamped apart."""

    name = "wasmtime"
    kind = "language"
    describe = "a WebAssembly module in a running Wasmtime engine"
    needs = (host.wasmtime.probe,)
    packages = True
    tried = False  # loading the engine takes long, and a package that is there works
    clock = "timespec"


@functools.cache
def engine_and_binary() -> tuple[Any, bytes]:
    """The engine that this process keeps, and the payload in WebAssembly's binary form."""
    import wasmtime

    return wasmtime.Engine(), bytes(wasmtime.wat2wasm(_SOURCE.read_text()))


class Guest(InsideGuest):
    """One module: compiled, instantiated, called."""

    def __init__(self) -> None:
        self._engine, self._binary = engine_and_binary()

    def live(
        self,
        say: Callable[[bytes], int],
        wait: Callable[[], bytes],
        stamp: Callable[[str], None],
    ) -> None:
        """Compiles and instantiates the module and calls its one function."""
        import wasmtime

        def now() -> None:
            say(struct.pack("<qq", *divmod(time.monotonic_ns(), 10**9)))

        module = wasmtime.Module(self._engine, self._binary)
        stamp("compiled")
        store = wasmtime.Store(self._engine)
        function = wasmtime.Func(store, wasmtime.FuncType([], []), now)
        instance = wasmtime.Instance(store, module, [function])
        stamp("instantiated")
        main: Any = instance.exports(store)["main"]
        main(store)
        wait()
