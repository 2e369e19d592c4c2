"""What `make test` runs: every stage, one after the other, then one summary.

    tools/run_tests.py [--fast | --all] [--only STAGE,…]

All stages run even when one fails. Whatever else the machine does can disturb a measurement, or a
real machine that starts beside it: what fails in such a stage is tried once more, and the summary
says so. It also says how long each stage took, what was skipped and why, and which experiments were
live; its last line is 'N passed, N failed, N skipped' over all stages.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
NO_TESTS = 5  # pytest's exit code when it collected nothing
STAGE_SECONDS = 45 * 60
DISTURBED = 3  # files that a busy moment may spoil; where more fail, something is wrong
LONG = ("browser", "clone", "long", "system")  # marks of tests that `--fast` leaves out
NOTEBOOKS = ("notebooks",)
NBVAL = (
    "--nbval",  # compares every cell but those tagged nbval-ignore-output; stricter than lax
    "--nbval-cell-timeout=120",
    "--nbval-sanitize-with=tests/course/nbval-sanitize.cfg",
    "-oxfail_strict=true",  # an unexpected pass is a failure
)


@dataclass(frozen=True)
class Stage:
    """One command of the suite.

    Args:
        name: what the summary calls it, and `--only` takes.
        command: the command and its arguments, run in the repository's root.
        paths: what the command is told to test; nothing means what it tests by itself.
        is_pytest: whether it counts its own tests; any other command counts as one.
        disturbable: whether its tests depend on what else this machine does. The files of those
            that fail are then tested once more, and only what fails again is a failure.
        environment: variables to set for it.
    """

    name: str
    command: tuple[str, ...]
    paths: tuple[str, ...] = ()
    is_pytest: bool = False
    disturbable: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Result:
    """How a stage went."""

    name: str
    seconds: float = 0.0
    passed: int = 0
    failures: list[str] = field(default_factory=list)
    files: set[str] = field(default_factory=set)  # of the tests that failed
    passed_names: set[str] = field(default_factory=set)
    passed_later: list[str] = field(default_factory=list)  # when they were tried again
    skips: Counter[str] = field(default_factory=Counter)


# --- The stages -----------------------------------------------------------------------------------


def tool(name: str, *arguments: str) -> tuple[str, ...]:
    """The command line of a program of this environment."""
    return (str(BIN / name), *arguments)


def pytest(
    name: str,
    *arguments: str,
    paths: tuple[str, ...] = (),
    disturbable: bool = False,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Stage:
    """A stage that runs pytest."""
    # Of the two kinds of report, xunit1 says which file a test is in.
    told = ("-q", "-rfE", "--durations=5", "--override-ini=junit_family=xunit1")
    command = (sys.executable, "-m", "pytest", *told, *arguments)
    return Stage(name, command, paths, True, disturbable, environment)


def units(marks: str) -> Stage:
    """Tests that may run beside others: three for two cores, since browsers and servers wait."""
    return pytest("units", "-n3", "--dist=loadgroup", "-m", marks)


def of_the_system(marks: str) -> Stage:
    """Tests of real machines: one a core, so that none takes another's processor."""
    return pytest("system", "-n2", "--dist=loadgroup", "-m", marks, disturbable=True)


def stages(*, fast: bool, everything: bool) -> list[Stage]:
    """The stages in order: quick and likely to fail first."""
    lint = [
        Stage("ruff", tool("ruff", "check", "--quiet", ".")),
        Stage("format", tool("ruff", "format", "--check", "--quiet", ".")),
        Stage("mypy", tool("mypy", "--no-error-summary")),
    ]
    if fast:
        marks = " and ".join(f"not {mark}" for mark in ("serial", "slow", *LONG))
        return [*lint, units(marks)]
    slow = "" if everything else " and not slow"
    # A mutant that no test notices is for an author to read and fails nothing: a few suffice here.
    few = () if everything else ("--mutants", "4")
    return [
        *lint,
        units("not serial and not system" + slow),
        of_the_system("not serial and system" + slow),
        pytest("serial", "-m", "serial" + slow, disturbable=True),
        # The grading contract: every answer of answers/ earns what its name says.
        Stage("answers", tool("autograder", "validate", "--jobs", "2", *few)),
        pytest("live", *NBVAL, paths=NOTEBOOKS, disturbable=True),
        pytest(
            "recorded",
            *(*NBVAL, "-n2", "--dist=loadfile"),
            paths=NOTEBOOKS,
            environment={"VIRTLAB_SOURCE": "recorded"},
        ),
    ]


# --- Running them ---------------------------------------------------------------------------------


def run(stage: Stage, scratch: Path) -> Result:
    """Runs one stage, and, where it can be disturbed, what failed once more."""
    result = run_once(stage, scratch)
    if stage.disturbable and 0 < len(result.files) <= DISTURBED:
        print(f"\n── {stage.name} again: {', '.join(sorted(result.files))}", flush=True)
        again = run_once(replace(stage, paths=tuple(sorted(result.files))), scratch)
        # A skip, or no run at all, does not make up for a failure.
        result.passed_later = [name for name in result.failures if name in again.passed_names]
        still = [name for name in result.failures if name not in again.passed_names]
        new = [name for name in again.failures if name not in result.failures]
        result.passed += len(result.passed_later) - len(new)
        result.failures = still + new
        result.seconds += again.seconds
    return result


def run_once(stage: Stage, scratch: Path) -> Result:
    """Runs one stage, its output going straight to the terminal."""
    report = scratch / f"{stage.name}.xml"
    report.unlink(missing_ok=True)
    command = [*stage.command, *stage.paths]
    if stage.is_pytest:
        command.append(f"--junitxml={report}")
    # Chapters of a test run must not write into the user's own ledger.
    environment = {**os.environ, "VIRTLAB_RUNS": str(scratch / f"{stage.name} runs")}
    # Hundreds of processes load the same modules: compile each once.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    print(f"\n── {stage.name}", flush=True)
    began = time.monotonic()
    code = exit_code(command, {**environment, **stage.environment})
    result = Result(stage.name)
    if stage.is_pytest and report.exists():
        read_report(report, result)
    elif code == 0:
        result.passed = 1
    if code == NO_TESTS and stage.is_pytest:
        result.skips["no test was collected"] += 1
    elif code != 0 and not result.failures:
        result.failures.append(f"{stage.name}: {ended_with(code)}")
    result.seconds = time.monotonic() - began
    return result


def exit_code(command: Sequence[str], environment: dict[str, str]) -> int:
    """Runs a command to its end, or for `STAGE_SECONDS`; then its whole process group goes."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        return process.wait(STAGE_SECONDS)
    except subprocess.TimeoutExpired:
        return -signal.SIGKILL
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def ended_with(code: int) -> str:
    """Says how a command without a report of its own ended."""
    if code == -signal.SIGKILL:
        return f"took more than {STAGE_SECONDS // 60} minutes, or was killed"
    return f"ended with exit code {code}; see above"


def read_report(report: Path, result: Result) -> None:
    """Adds the counts of pytest's JUnit report to a result."""
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname', '')}::{case.get('name', '')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            result.failures.append(name)
            result.files.add(case.get("file", ""))
        elif skipped is not None:
            result.skips[skipped.get("message") or "no reason given"] += 1
        else:
            result.passed += 1
            result.passed_names.add(name)


# --- Saying how it went ---------------------------------------------------------------------------


def print_experiments() -> None:
    """Prints which experiments this host measures live, and why the others are not."""
    from virtlab import registry  # late: the other stages must run even if virtlab is broken

    reasons: dict[str, list[str]] = {}
    live = simulated = 0
    for experiment in registry.load_all().values():
        if experiment.simulated:
            simulated += 1
        elif why := experiment.missing():
            reasons.setdefault(why, []).append(experiment.id)
        else:
            live += 1
    recorded = sum(map(len, reasons.values()))
    print(f"experiments: {live} live here, {recorded} recorded, {simulated} simulated")
    for why, experiments in sorted(reasons.items()):
        print(f"recorded: {', '.join(experiments)}: {why}")


def print_claims(runs: Path) -> None:
    """Prints how many claims the chapters of the live pass judged, and how many by measuring here.

    Args:
        runs: the folder with the ledger that they wrote.
    """
    from virtlab import claims

    chapters = {path.name[:2] for path in ROOT.glob("notebooks/[0-9]*.ipynb")}
    os.environ["VIRTLAB_RUNS"] = str(runs)
    ledger = claims.report()
    owed = ledger[ledger["chapter"].isin(chapters)]
    measured = owed[owed["kind"] == "measured"]
    live = measured[measured["source"].isin(("live", "mixed"))]
    judged = owed[owed["verdict"] != "not yet"]
    print(
        f"claims: {len(judged)} of {len(owed)} judged; "
        f"of {len(measured)} to be measured, {len(live)} were measured live"
    )
    for what, left in (
        ("not judged", set(owed["id"]) - set(judged["id"])),
        ("not measured live", set(measured["id"]) - set(live["id"])),
    ):
        if left:
            print(f"{what}: {', '.join(sorted(left))}")


def print_summary(results: Sequence[Result]) -> None:
    """Prints the stages, the failures, the skips and their reasons, and the closing line."""
    for result in results:
        print(
            f"{result.name:<18}{result.seconds:7.1f} s  {result.passed:5} passed"
            f"  {len(result.failures):3} failed  {result.skips.total():3} skipped"
        )
    for result in results:
        for name in result.passed_later:
            print(f"disturbed: {result.name}: {name} failed, and passed when tried again")
        for name in result.failures:
            print(f"failed: {result.name}: {name}")
    skips = sum((result.skips for result in results), Counter[str]())
    for reason, count in sorted(skips.items()):
        print(f"skipped {count}: {reason}")
    passed = sum(result.passed for result in results)
    failed = sum(len(result.failures) for result in results)
    print(f"{sum(result.seconds for result in results):.0f} s in all")
    print(f"{passed} passed, {failed} failed, {skips.total()} skipped", flush=True)


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Runs the test suite.")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--fast", action="store_true", help="lint and short tests, about two minutes")
    how.add_argument("--all", action="store_true", help="also what takes long")
    parser.add_argument("--only", default="", metavar="STAGE,…", help="only these stages")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the stages; 0 if nothing failed, else 1."""
    options = arguments(argv)
    chosen = stages(fast=options.fast, everything=options.all)
    if options.only:
        names = set(options.only.split(","))
        if unknown := names - {stage.name for stage in chosen}:
            known = ", ".join(stage.name for stage in chosen)
            print(f"no stage is called {', '.join(sorted(unknown))}: {known}", file=sys.stderr)
            return 2
        chosen = [stage for stage in chosen if stage.name in names]
    with tempfile.TemporaryDirectory(prefix="virtlab-tests-") as scratch:
        results = [run(stage, Path(scratch)) for stage in chosen]
        print("\n── summary")
        if any(result.name == "live" for result in results):
            print_experiments()
            print_claims(Path(scratch) / "live runs")
    print_summary(results)
    return 1 if any(result.failures for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
