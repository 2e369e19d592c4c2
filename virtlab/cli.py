"""The virtlab command."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # pandas takes half a second to import; only measuring commands pay for it
    import pandas as pd

    from virtlab.registry import Measurement

LADDER = "01-what-is-virtualization/startup-ladder"
PARENTS = "01-what-is-virtualization/large-parent"
REPORTED = "first_reply_ms"  # the one boundary that every runtime reaches


class CommandFailed(Exception):
    """A command cannot do what was asked; the message is one line."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        0 if it did what was asked, 1 if it could not, 2 if the arguments were wrong, 130 if it was
        interrupted.
    """
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as end:
        return int(end.code or 0)
    try:
        return int(arguments.run(arguments))
    except CommandFailed as error:
        print(f"virtlab {arguments.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"virtlab {arguments.command}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        return 0


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line."""

    def error(self, message: str) -> Any:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


@contextmanager
def _foreseen() -> Iterator[None]:
    """Turns the failures that the layers below name in one line into this command's."""
    from virtlab.claims import LedgerError
    from virtlab.errors import RuntimeFailed
    from virtlab.measure.folders import NoDataFolder
    from virtlab.measure.recording import DamagedRecording
    from virtlab.registry import RegistryError

    try:
        yield
    except (RegistryError, RuntimeFailed, DamagedRecording, NoDataFolder, LedgerError) as error:
        raise CommandFailed(str(error)) from None
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        raise CommandFailed(f"{error.strerror or error}:{where}") from None


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="virtlab", description="Measures virtualization on this machine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    doctor = commands.add_parser("doctor", help="what this machine is and can do, and why not")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.set_defaults(run=_doctor)

    startup = commands.add_parser(
        "startup", help="how long each way to run a program takes until its first reply"
    )
    startup.add_argument("--json", action="store_true", help="print JSON")
    startup.add_argument(
        "--rounds", type=_positive, metavar="N", help="start each N times (else: for some seconds)"
    )
    startup.add_argument(
        "--only", type=_names, default=[], metavar="NAME,…", help="only these runtimes"
    )
    startup.add_argument("--seed", type=int, default=1, help="of the order within each round")
    startup.add_argument(
        "--concurrency", type=_positive, default=1, metavar="N", help="start N of a kind at once"
    )
    startup.add_argument(
        "--present", type=_count, default=0, metavar="N", help="while N others of its kind run"
    )
    startup.set_defaults(run=_startup)

    sharing = commands.add_parser(
        "sharing", help="who gets the CPU, the memory and the disk when everyone wants them"
    )
    sharing.add_argument("names", nargs="*", metavar="EXPERIMENT", help="all if none")
    sharing.add_argument("--json", action="store_true", help="print JSON")
    sharing.add_argument("--seed", type=int, default=1, help="of the order within each round")
    sharing.set_defaults(run=_sharing)

    exercise = commands.add_parser(
        "exercise", help="make a fresh copy of an exercise in work/, beside older ones"
    )
    exercise.add_argument(
        "name", nargs="?", metavar="NN", help="its number or name (else: list them)"
    )
    exercise.set_defaults(run=_exercise)

    clean = commands.add_parser("clean", help="remove what a killed kernel left behind")
    clean.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    clean.set_defaults(run=_clean)

    record = commands.add_parser("record", help="measure here and save the recordings")
    record.add_argument("names", nargs="*", metavar="CHAPTER[/EXPERIMENT]", help="all if none")
    record.add_argument("--folder", type=Path, help="where to (else data/recordings)")
    record.set_defaults(run=_record)

    report = commands.add_parser("report", help="the claims of the notes and your verdicts so far")
    report.add_argument("--json", action="store_true", help="print JSON")
    report.add_argument("--to", type=Path, metavar="FILE", help="write the lab report as HTML")
    report.add_argument("--name", default="", help="your name, for the report")
    report.set_defaults(run=_report)
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def _names(text: str) -> list[str]:
    from virtlab.runtimes import RUNTIMES

    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in RUNTIMES:
            raise argparse.ArgumentTypeError(
                f"no runtime is named {name!r}; there are: {', '.join(RUNTIMES)}"
            )
    return names


# --- doctor -------------------------------------------------------------------------------------


def _doctor(arguments: argparse.Namespace) -> int:
    from virtlab import host
    from virtlab.runtimes import RUNTIMES
    from virtlab.runtimes.launcher import close_warm_launcher

    # Most wait for a program to say its version; the kernel's, listed first, for one common trial.
    # The runtimes meanwhile are tried one by one, by launchers that this thread has to itself.
    with ThreadPoolExecutor(4) as pool:
        asked = {name: pool.submit(host.probe, name) for name in reversed(host.CAPABILITIES)}
        try:
            runtimes = [runtime.available() for runtime in RUNTIMES.values()]
        finally:
            close_warm_launcher()
        capabilities = [asked[name].result() for name in host.CAPABILITIES]
    if arguments.json:
        told = {
            "facts": host.facts(),
            "capabilities": [vars(capability) for capability in capabilities],
            "runtimes": [vars(runtime) for runtime in runtimes],
        }
        print(json.dumps(told, indent=2))
        return 0
    print("This machine")
    for name, value in host.facts().items():
        label = name.removesuffix("_bytes").replace("_", " ")
        print(f"  {label:24} {_readable(name, value)}")
    print("\nWhat its kernel and tools let you do")
    for capability in capabilities:
        print(_verdict(capability))
    print("\nWays to run a program")
    for runtime in runtimes:
        print(_verdict(runtime))
    return 0


def _readable(name: str, value: Any) -> str:
    if name.endswith("_bytes"):
        return f"{value / 2**30:.1f} GiB"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "none seen"


def _verdict(capability: Any) -> str:
    line = f"  {'yes' if capability.ok else 'no ':4}{capability.name:24} {capability.why}"
    return f"{line}\n{'':31}→ {capability.remedy}" if capability.remedy else line


# --- startup ------------------------------------------------------------------------------------


def _startup(arguments: argparse.Namespace) -> int:
    from virtlab.runtimes import RUNTIMES
    from virtlab.runtimes.launcher import close_warm_launcher

    with _foreseen():
        try:
            with _docker_engine(wanted="docker" in (arguments.only or RUNTIMES)):
                measured = _measured_ladder(arguments)
        finally:
            close_warm_launcher()
        rows = _ladder_rows(measured.data, arguments.seed)
        if not rows:
            reason = measured.reason or "no runtime answered"
            raise CommandFailed(f"nothing was measured: {reason}")
        if arguments.json:
            print(json.dumps(rows, indent=2))
        else:
            _print_ladder(rows, measured.reason)
            cost_us = measured.provenance["stopwatch_ns"] / 1000
            print(f"\nTaking a time stamp costs {cost_us:.2f} µs itself.")
            if "live" in set(measured.data["source"]):
                _keep(measured)
            print(_cold_launcher(arguments.seed))
    return 0


def _cold_launcher(seed: int) -> str:
    """What the ladder would look like without the small warm process that starts all its rungs."""
    from virtlab import registry
    from virtlab.measure import statistics
    from virtlab.runtimes.launcher import close_warm_launcher

    chapter, _, name = PARENTS.partition("/")
    try:
        measured = registry.take(registry.load(chapter)[name], sizes_mib=(0,), rounds=5, seed=seed)
    finally:
        close_warm_launcher()
    summaries = statistics.summarize(measured.data, REPORTED, seed=seed).to_dict("records")
    told = {row["condition"]: row for row in summaries}
    warm, cold = (told[f"posix_spawn, {kind}"] for kind in ("0 MiB", "cold launcher"))
    return (
        f"\nA launcher that must be started first makes posix_spawn take {cold['median']:.1f} ms, "
        f"not {warm['median']:.1f} ms (n = {cold['n']}; {measured.source})."
    )


def _measured_ladder(arguments: argparse.Namespace) -> Measurement:
    """The rungs that were asked for, live or recorded."""
    from virtlab import registry
    from virtlab.measure.provenance import provenance
    from virtlab.runtimes import RUNTIMES

    chapter, _, name = LADDER.partition("/")
    experiment = registry.load(chapter)[name]
    only = arguments.only or list(RUNTIMES)
    how = {"rounds": arguments.rounds, "only": only, "seed": arguments.seed, "progress": True}
    if arguments.concurrency == 1 and arguments.present == 0:
        measured = registry.take(experiment, **how)
        chosen = measured.data["condition"].isin(only)  # a recording holds them all
        return replace(measured, data=measured.data[chosen])
    # What was recorded was alone, and would be out of place beside what has company.
    company = {"concurrency": arguments.concurrency, "present": arguments.present}
    data = experiment(**how, **company)
    left_out = "; ".join(f"{name}: {why}" for name, why in data.attrs["failed"].items())
    notes = provenance("virtlab startup", arguments.seed) | company
    data = data.assign(source="live", reason="")
    return registry.Measurement(data, "live", left_out, notes, experiment)


def _keep(measured: Measurement) -> None:
    """Saves a measurement and its figure among the user's own results."""
    from virtlab import figures
    from virtlab.measure import recording
    from virtlab.measure.folders import runs_folder

    table = recording.save(measured.data, measured.provenance, runs_folder(), "startup")
    label = "ms from the call to the first reply"
    shown = figures.distribution(measured, REPORTED, label, "Each way to run a program, started")
    picture = table.with_suffix(".png")
    picture.write_bytes(shown.png())
    print(f"\nKept as {table}, with how it was made beside it; drawn in {picture}")


def _ladder_rows(data: pd.DataFrame, seed: int) -> list[dict[str, Any]]:
    from virtlab.measure import statistics
    from virtlab.runtimes import RUNTIMES

    rows = []
    summaries = statistics.summarize(data, REPORTED, "condition", seed).to_dict("records")
    for summary in sorted(summaries, key=lambda row: list(RUNTIMES).index(row["condition"])):
        first = data[data["condition"] == summary["condition"]].iloc[0]
        ends = [summary["low"], summary["high"]]
        rows.append(
            {
                "runtime": summary["condition"],
                "n": int(summary["n"]),
                "median_ms": round(summary["median"], 4),
                "p99_ms": None if math.isnan(summary["p99"]) else round(summary["p99"], 4),
                "interval_ms": [round(end, 4) if math.isfinite(end) else None for end in ends],
                "source": first["source"],
                "reason": first["reason"],
            }
        )
    return rows


def _print_ladder(rows: list[dict[str, Any]], reason: str) -> None:
    print("From the call to the first reply, in ms; the interval holds the median at 95 %.\n")
    print(f"{'runtime':16}{'n':>5}{'median':>11}{'interval':>22}{'p99':>11}  source")
    for row in rows:
        low, high = ("?" if end is None else f"{end:.3f}" for end in row["interval_ms"])
        p99 = "-" if row["p99_ms"] is None else f"{row['p99_ms']:.3f}"
        print(
            f"{row['runtime']:16}{row['n']:5}{row['median_ms']:11.3f}"
            f"{f'{low} to {high}':>22}{p99:>11}  {row['source']}"
        )
    if reason:
        print(f"\nNot live here: {reason}")


# --- sharing ------------------------------------------------------------------------------------


def _sharing(arguments: argparse.Namespace) -> int:
    from virtlab import sharing

    with _foreseen():
        names = sharing.chosen(arguments.names)
    rows: list[dict[str, Any]] = []
    code = 0
    for name in names:
        try:
            with _foreseen():
                for told in sharing.measure([name], arguments.seed):
                    rows += told
                    if not arguments.json:
                        _print_shares(told)
        except CommandFailed as error:  # the others go on
            print(f"virtlab sharing: {name}: {error}", file=sys.stderr)
            code = 1
    if arguments.json:
        print(json.dumps(rows, indent=2))
    return code


def _print_shares(rows: list[dict[str, Any]]) -> None:
    for row in rows[:1]:
        what = "n, median, the interval that holds it at 95 %, and p99 where n is 200 or more"
        print(f"{row['experiment']}: {what}")
    for row in rows:
        low, high = ("?" if end is None else f"{end:.4g}" for end in row["interval"])
        p99 = "-" if row["p99"] is None else f"{row['p99']:.4g}"
        print(
            f"  {row['condition']:34}{row['n']:6}{row['median']:11.4g}{f'{low} to {high}':>22}"
            f"{p99:>9}  {row['unit']:20} {row['source']}"
        )
    for reason in dict.fromkeys(row["reason"] for row in rows if row["reason"]):
        print(f"  Not live here: {reason}")
    print(flush=True)


# --- exercise -----------------------------------------------------------------------------------


def _exercise(arguments: argparse.Namespace) -> int:
    from virtlab import exercises

    with _foreseen():
        course = exercises.course_folder()
        if arguments.name is None:
            for name in exercises.exercises(course):
                print(name)
            return 0
        try:
            made = exercises.fresh_copy(course, arguments.name)
        except exercises.NoExercise as error:
            raise CommandFailed(str(error)) from None
    place = made.relative_to(course) if made.is_relative_to(course) else made
    original = exercises.find(course, arguments.name).name
    if made.name != original:
        print(f"{place.with_name(original)} is yours already and stays as it is")
    for notebook in sorted(made.glob("*.ipynb")):
        print(f"a fresh copy: open {place / notebook.name}")
    return 0


# --- clean, record, report ----------------------------------------------------------------------


def _clean(arguments: argparse.Namespace) -> int:
    from virtlab import leftovers

    found = leftovers.find() if arguments.dry_run else leftovers.clean()
    for what in found:
        print(f"{'left' if arguments.dry_run else 'removed'}: {what}")
    if not found:
        print("nothing was left behind")
    remaining = [] if arguments.dry_run else leftovers.find()
    if remaining:
        raise CommandFailed(f"could not remove: {'; '.join(remaining)}; try as root")
    return 0


def _record(arguments: argparse.Namespace) -> int:
    from virtlab import registry
    from virtlab.runtimes.launcher import close_warm_launcher

    def tell(outcome: registry.Recorded) -> None:
        reason = f" ({outcome.reason})" if outcome.reason else ""
        print(f"{outcome.id}: {outcome.path or 'not recorded'}{reason}", flush=True)

    with _foreseen():
        try:
            with _docker_engine(wanted=True):
                outcomes = registry.record(arguments.names, arguments.folder, tell)
        finally:
            close_warm_launcher()
    if not any(outcome.path for outcome in outcomes):
        raise CommandFailed("nothing was recorded; see the reasons above")
    return 0


@contextmanager
def _docker_engine(wanted: bool) -> Iterator[None]:
    """A Docker engine of our own for a while, where none answers here and root may start one."""
    from virtlab import host
    from virtlab.errors import RuntimeFailed
    from virtlab.runtimes import RUNTIMES
    from virtlab.runtimes.base import is_root
    from virtlab.runtimes.docker import own_docker_engine

    live = os.environ.get("VIRTLAB_SOURCE") != "recorded"
    may_start = is_root() and host.find_tool("dockerd")
    if not (wanted and live and may_start) or host.docker_engine():
        yield
        return
    with ExitStack() as stack:
        try:
            stack.enter_context(own_docker_engine())
        except RuntimeFailed as error:  # the others go on
            print(f"virtlab: {error}", file=sys.stderr)
        else:
            stack.callback(RUNTIMES["docker"].forget)  # type: ignore[attr-defined]
        yield


def _report(arguments: argparse.Namespace) -> int:
    from virtlab import claims

    if arguments.to:
        return _lab_report(arguments.to, arguments.name)
    with _foreseen():
        table = claims.report()
    if arguments.json:
        print(table.to_json(orient="records", indent=2, force_ascii=False))
        return 0
    for row in table.to_dict("records"):
        own = "" if row["own"] or not row["evidence"] else f" ({row['source']})"
        print(f"{row['id']}  {row['verdict']:22} {row['claim']}{own}")
    return 0


def _lab_report(target: Path, student: str) -> int:
    from virtlab import report

    with _foreseen():
        gathered = report.gather(sample=False)
        path = report.write(target, gathered, student)
    for sentence in gathered.damaged:
        print(f"virtlab report: left out: {sentence}", file=sys.stderr)
    print(f"{path}: {gathered.judged} of {len(gathered.claims)} claims have a verdict,")
    print(f"{gathered.own} of them by this machine alone; open it in a browser, and print it there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
