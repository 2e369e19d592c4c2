"""What `make bench` prints: is virtlab right, light and quick enough, on this machine, now?

    tools/bench.py [--rounds N] [--json]

Each line compares two medians of one run, measured in alternating blocks, or one time with its
bound. Exit code 1 if a bound is broken. hyperfine is the second opinion; without it (`make system`)
its lines are left out, and said to be.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median

from virtlab.measure import stopwatch
from virtlab.runtimes import RUNTIMES
from virtlab.runtimes.launcher import close_warm_launcher

TRUE = "/bin/true"
BLOCK = 10  # starts of one kind in a row; blocks alternate, so that a slow minute hits both
SECOND_OPINION = ("posix_spawn", "bubblewrap", "runc")
Sampler = Callable[[], list[float]]


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Attributes:
        what: what is compared.
        value: a ratio, or a time in ms.
        low: the least that is right.
        high: the most that is right.
        note: the two medians behind a ratio.
    """

    what: str
    value: float
    low: float
    high: float
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether the value lies within its bounds."""
        return self.low <= self.value <= self.high


def lives(name: str) -> list[float]:
    """Times in ms from the call until the program is gone, of one block of starts by virtlab."""
    times = []
    for _ in range(BLOCK):
        stamps = RUNTIMES[name].run([TRUE])
        times.append((stamps["gone"] - stamps["call"]) / 1e6)
    return times


def argv_of(name: str) -> list[str]:
    """The command line by which a runtime's launcher starts /bin/true."""
    runtime = RUNTIMES[name]
    argv: list[str] = runtime.spec(runtime.launcher(), [TRUE])["argv"]  # type: ignore[attr-defined]
    return argv


def hyperfine(argv: Sequence[str], runs: int = BLOCK) -> list[float]:
    """Times in ms of a command as hyperfine measures them, without a shell."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        subprocess.run(
            [
                *("hyperfine", "-N", "--style=none", f"--runs={runs}", "--warmup=1"),
                *(f"--export-json={report.name}", shlex.join(argv)),
            ],
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
        (result,) = json.loads(Path(report.name).read_text())["results"]
    return [seconds * 1e3 for seconds in result["times"]]


def wall_ms(argv: Sequence[str]) -> float:
    """How long a command takes, in ms."""
    began = time.perf_counter_ns()
    subprocess.run(argv, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return (time.perf_counter_ns() - began) / 1e6


def compared(
    what: str, ours: Sampler, theirs: Sampler, rounds: int, low: float, high: float
) -> Line:
    """The ratio of two medians over alternating blocks; the first block of each only warms up."""
    ours()
    theirs()
    first, second = [], []
    for _ in range(rounds):
        first += ours()
        second += theirs()
    a, b = median(first), median(second)
    return Line(what, a / b, low, high, f"{a:.3f} ms and {b:.3f} ms, n = {len(first)} each")


def lines(rounds: int) -> list[Line | str]:
    """All lines of the table; a text stands for what could not be compared here, and why."""
    found: list[Line | str] = []
    usable = {name: RUNTIMES[name].available() for name in (*SECOND_OPINION, "namespaces")}
    for name in SECOND_OPINION:
        what = f"{name}: virtlab ÷ hyperfine"
        if not shutil.which("hyperfine"):
            found.append(f"{what}: no hyperfine here; make system installs it")
        elif not usable[name]:
            found.append(f"{what}: {usable[name].why}")
        else:
            theirs = partial(hyperfine, argv_of(name))
            found.append(compared(what, partial(lives, name), theirs, rounds, 0.9, 1.1))
    for other, high in (("bubblewrap", 1.0), ("runc", 0.5)):
        what = f"our own container ÷ {other}"
        if missing := [name for name in ("namespaces", other) if not usable[name]]:
            found.append(f"{what}: {usable[missing[0]].why}")
        else:
            ours = partial(lives, "namespaces")
            found.append(compared(what, ours, partial(lives, other), rounds, 0.0, high))
    python = sys.executable
    bare = median(wall_ms([python, "-c", "pass"]) for _ in range(rounds))
    loaded = median(wall_ms([python, "-c", "import virtlab"]) for _ in range(rounds))
    doctor = median(wall_ms([python, "-m", "virtlab.cli", "doctor"]) for _ in range(3))
    found.append(Line("import virtlab, ms", loaded - bare, -100, 100))
    found.append(Line("virtlab doctor, ms", doctor, 0, 1000))
    found.append(Line("the stopwatch's own cost, ms", stopwatch.own_cost_ns() / 1e6, 0, 0.005))
    return found


def print_table(found: Sequence[Line | str]) -> None:
    """Prints a line each: what, value, bound, verdict."""
    print(f"{'what':36}{'value':>9}{'bound':>14}")
    for line in found:
        if isinstance(line, str):
            print(f"left out: {line}")
            continue
        bound = f"{line.low:g} to {line.high:g}" if line.low > 0 else f"≤ {line.high:g}"
        verdict = "ok" if line.ok else "BROKEN"
        print(f"{line.what:36}{line.value:9.4g}{bound:>14}  {verdict:6}  {line.note}")


def main(argv: Sequence[str] | None = None) -> int:
    """Measures and prints; 0 if every bound holds, else 1."""
    parser = argparse.ArgumentParser(description="Benchmarks with their bounds.")
    parser.add_argument("--rounds", type=int, default=10, help=f"blocks of {BLOCK} starts each")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    try:
        found = lines(options.rounds)
    finally:
        close_warm_launcher()
    if options.json:
        rows = [{"left_out": x} if isinstance(x, str) else asdict(x) | {"ok": x.ok} for x in found]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        print_table(found)
    return 0 if all(line.ok for line in found if isinstance(line, Line)) else 1


if __name__ == "__main__":
    sys.exit(main())
