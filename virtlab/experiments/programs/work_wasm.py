"""The work of `managed/work.wat` by Wasmtime. Run as `python -I work_wasm.py TARGET WAT N TIMES`.

TARGET is `native` or `pulley64`, an instruction set that Wasmtime itself interprets. Prints the
clock at its start, the digest, then the nanoseconds of each repetition, a line each. Never
imported.
"""

import itertools
import sys
import time
from pathlib import Path
from typing import Any

BEGUN = time.monotonic_ns()


def main() -> None:
    """Compile, work, and tell."""
    import wasmtime

    target, source, n, times = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    config = wasmtime.Config()
    if target != "native":
        config.target = target
    engine = wasmtime.Engine(config)
    store = wasmtime.Store(engine)
    module = wasmtime.Module(engine, source.read_text(encoding="utf-8"))
    work: Any = wasmtime.Instance(store, module, []).exports(store)["work"]
    at = [time.monotonic_ns()]
    digest = 0
    for _ in range(times):
        digest = work(store, n)
        at.append(time.monotonic_ns())
    spans = [after - before for before, after in itertools.pairwise(at)]
    print(BEGUN, digest, *spans, sep="\n")


main()
