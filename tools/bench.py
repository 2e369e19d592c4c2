"""What `make bench` prints: is virtlab right, light and quick enough, on this machine, now?

    tools/bench.py [--rounds N] [--json]

Each line compares two medians of one run, measured in alternating blocks, or one number with its
bound. Exit code 1 if a bound is broken. hyperfine is the second opinion; without it (`make system`)
its lines are left out, and said to be. Takes about two minutes, and wants the machine to itself.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from virtlab.measure import statistics, stopwatch
from virtlab.measure.rounds import measure_rounds
from virtlab.runtimes import RUNTIMES
from virtlab.runtimes.launcher import close_warm_launcher

TRUE = "/bin/true"
BLOCK = 5  # starts of one kind in a row; blocks alternate, so that a slow minute hits both
ROUNDS = 20
DELAY_MS = 5.0
TRIALS = 100  # of two identical conditions, on synthetic data
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
            start_new_session=True,  # as the launcher has one: Linux shares the CPU by sessions
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
    for number in range(rounds):
        if number % 2:
            second += theirs()
            first += ours()
        else:
            first += ours()
            second += theirs()
    a, b = median(first), median(second)
    return Line(what, a / b, low, high, f"{a:.3f} ms and {b:.3f} ms, n = {len(first)} each")


def planted_delay(trials: int = 20, rounds: int = 30) -> Line:
    """How many intervals hold a delay that is planted in one of two conditions, and show it.

    Each is of a measurement of its own; 95 in 100 should hold it, so 16 of 20 are all but certain.
    """

    def spin(ms: float) -> None:
        until = time.perf_counter_ns() + round(ms * 1e6)
        while time.perf_counter_ns() < until:
            pass

    def start(delay_ms: float) -> float:
        began = time.perf_counter_ns()
        RUNTIMES["posix_spawn"].run([TRUE])
        spin(delay_ms)
        took_ms = (time.perf_counter_ns() - began) / 1e6
        # A launcher that has rested is slower to start the next: it rests as long either way.
        spin(DELAY_MS - delay_ms)
        return took_ms

    held, found = 0, []
    for seed in range(trials):
        data = measure_rounds(
            {"plain": partial(start, 0.0), "delayed": partial(start, DELAY_MS)},
            rounds=rounds,
            seed=seed,
        )
        pairs = statistics.paired_by_round(data, "delayed", "plain")
        interval = statistics.difference_interval(*pairs, paired=True, seed=seed)
        held += interval.low > 0 and interval.holds(DELAY_MS)
        found.append(interval.estimate)
    note = f"of {trials} measurements of {rounds} rounds; found {median(found):.3f} ms"
    return Line(f"a planted {DELAY_MS:g} ms is held, times", held, 16, trials, note)


def coverage() -> Line:
    """How many intervals of the ratio of two identical conditions hold 1 (synthetic, seeded)."""
    chance = np.random.default_rng(20)
    held = 0
    for seed in range(TRIALS):
        weather = chance.lognormal(0, 0.2, 40)
        a, b = (chance.lognormal(0, 0.5, 40) * weather for _ in range(2))
        held += statistics.ratio_interval(a, b, paired=True, seed=seed).holds(1.0)
    return Line(
        "two equal conditions hold 1, times", held, 93, TRIALS, f"of {TRIALS} seeded trials"
    )


def ladder(rounds: int) -> Line:
    """How long the whole ladder takes, from the command to its end; few rounds shorten it."""
    with tempfile.TemporaryDirectory() as runs:
        began = time.perf_counter()
        command = [sys.executable, "-m", "virtlab.cli", "startup", "--json"]
        command += ["--rounds", str(rounds)] if rounds < ROUNDS else []
        run = subprocess.run(
            command,
            check=True,
            capture_output=True,
            env={**os.environ, "VIRTLAB_RUNS": runs},
            stdin=subprocess.DEVNULL,
        )
        seconds = time.perf_counter() - began
    rows = json.loads(run.stdout)
    live = [row["n"] for row in rows if row["source"] == "live"]
    note = f"{len(live)} of {len(rows)} rungs live, n = {min(live)} to {max(live)}"
    return Line("the whole ladder, s", seconds, 0, 60, note)


def lines(rounds: int) -> Iterator[Line | str]:
    """All lines of the table; a text stands for what could not be compared here, and why."""
    usable = {name: RUNTIMES[name].available() for name in (*SECOND_OPINION, "namespaces")}
    for name in SECOND_OPINION:
        what = f"{name}: virtlab ÷ hyperfine"
        if not shutil.which("hyperfine"):
            yield f"{what}: no hyperfine here; make system installs it"
        elif not usable[name]:
            yield f"{what}: {usable[name].why}"
        else:
            theirs = partial(hyperfine, argv_of(name))
            yield compared(what, partial(lives, name), theirs, rounds, 0.9, 1.1)
    for other, high in (("bubblewrap", 1.0), ("runc", 0.5)):
        what = f"our own container ÷ {other}"
        if missing := [name for name in ("namespaces", other) if not usable[name]]:
            yield f"{what}: {usable[missing[0]].why}"
        else:
            ours = partial(lives, "namespaces")
            yield compared(what, ours, partial(lives, other), rounds, 0.0, high)
    yield planted_delay(rounds=min(30, 2 * rounds))
    yield coverage()
    python, times = sys.executable, max(1, rounds // 2)
    bare = median(wall_ms([python, "-c", "pass"]) for _ in range(times))
    loaded = median(wall_ms([python, "-c", "import virtlab"]) for _ in range(times))
    doctor = median(wall_ms([python, "-m", "virtlab.cli", "doctor"]) for _ in range(3))
    yield Line("import virtlab, ms", loaded - bare, -100, 100)
    yield Line("virtlab doctor, ms", doctor, 0, 1000)
    yield Line("the stopwatch's own cost, ms", stopwatch.own_cost_ns() / 1e6, 0, 0.005)
    yield ladder(rounds)


def print_line(line: Line | str) -> None:
    """Prints what, value, bound, verdict."""
    if isinstance(line, str):
        print(f"left out: {line}", flush=True)
        return
    bound = f"{line.low:g} to {line.high:g}" if line.low > 0 else f"≤ {line.high:g}"
    verdict = "ok" if line.ok else "BROKEN"
    value = f"{line.value:9.4g}{bound:>14}"
    print(f"{line.what:36}{value}  {verdict:6}  {line.note}".rstrip(), flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Measures and prints; 0 if every bound holds, else 1."""
    parser = argparse.ArgumentParser(description="Benchmarks with their bounds.")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"blocks of {BLOCK} starts each")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    found = []
    if not options.json:
        print(f"{'what':36}{'value':>9}{'bound':>14}")
    try:
        for line in lines(options.rounds):
            found.append(line)
            if not options.json:
                print_line(line)
    finally:
        close_warm_launcher()
    if options.json:
        rows = [{"left_out": x} if isinstance(x, str) else asdict(x) | {"ok": x.ok} for x in found]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    return 0 if all(line.ok for line in found if isinstance(line, Line)) else 1


if __name__ == "__main__":
    sys.exit(main())
