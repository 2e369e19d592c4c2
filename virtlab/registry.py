"""All experiments of the course, and where their numbers come from: live, recorded or simulated."""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from virtlab import host, keeping
from virtlab.measure import recording, statistics
from virtlab.measure.folders import data_folder
from virtlab.measure.provenance import provenance
from virtlab.runtimes.base import RuntimeFailed

# Parameters that decide how long is measured, not what.
EFFORT = frozenset({"rounds", "budget_s", "seconds", "seed", "progress", "only"})


class RegistryError(Exception):
    """An experiment is unknown or its source cannot be chosen; the message is one line."""


class CannotMeasure(Exception):
    """An experiment found that this host cannot run it after all; the message is one line."""


@dataclass(frozen=True)
class Experiment:
    """One measurement of the course. Call it to measure live; `run` it to get it from somewhere.

    Attributes:
        chapter: number and slug of its chapter, as `01-what-is-virtualization`.
        name: its name within the chapter.
        measure: the function that measures; it returns a table with a `condition` column, and in
            `attrs["failed"]` the conditions this host could not measure, each with the reason.
        needs: what the host must be able to do.
        claims: the ids of the claims it decides.
        simulated: it is a simulation, on every host.
        recorded_with: parameters for making its recording, where those of a lesson are too brief.
    """

    chapter: str
    name: str
    measure: Callable[..., pd.DataFrame]
    needs: tuple[Any, ...] = ()
    claims: tuple[str, ...] = ()
    simulated: bool = False
    recorded_with: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """`chapter/name`, unique in the course."""
        return f"{self.chapter}/{self.name}"

    @property
    def describe(self) -> str:
        """The first line of the measuring function's docstring."""
        return (inspect.getdoc(self.measure) or "").split("\n", 1)[0]

    def __call__(self, **parameters: Any) -> pd.DataFrame:
        """Measure live, without looking for recordings."""
        return self.measure(**parameters)

    def missing(self) -> str:
        """Return why this host cannot measure it, with the remedy; empty if it can."""
        for need in self.needs:
            capability = host.probe(need)
            if not capability:
                remedy = f"; {capability.remedy}" if capability.remedy else ""
                return f"{capability.name}: {capability.why}{remedy}"
        return ""


@dataclass(frozen=True)
class Measurement:
    """What an experiment gave.

    Attributes:
        data: the table; its `source` column says live, recorded or simulated row by row, and
            `reason` why a row is not live.
        source: "live", "recorded" or "simulated"; "mixed" if rows differ.
        reason: why it is not (all) live; empty if it is.
        provenance: how the data was made; of the live part, if there is one.
        experiment: which experiment gave it.
    """

    data: pd.DataFrame
    source: str
    reason: str
    provenance: dict[str, Any]
    experiment: Experiment

    def ratio(
        self, over: str, under: str, value: str = "value", seed: int = 1
    ) -> tuple[statistics.Interval, str]:
        """Return median(over) / median(under), paired by round, and the source of both.

        A ratio never mixes hosts: if only one of the two conditions is live here, both are taken
        from the recording.

        Raises:
            ValueError: if a condition was not measured.
        """
        rows = self.data[self.data["condition"].isin((over, under))]
        source = "recorded"
        if rows["source"].nunique() == 1:
            source = str(rows["source"].iloc[0])
        else:
            rows, _ = recording.load(_recordings(self.experiment.chapter), self.experiment.name)
        a, b = statistics.paired_by_round(rows, over, under, value)
        interval = statistics.ratio_interval(a, b, paired=True, seed=seed)
        keeping.effect(self, over, under, value, interval, source)
        return interval, source

    def __repr__(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        return f"{self.experiment.id}: {len(self.data)} rows, {self.source}{why}"


EXPERIMENTS: dict[str, Experiment] = {}


def experiment(
    identifier: str,
    *,
    needs: Sequence[Any] = (),
    claims: Sequence[str] = (),
    simulated: bool = False,
    recorded_with: dict[str, Any] | None = None,
) -> Callable[[Callable[..., pd.DataFrame]], Experiment]:
    """Register a measuring function as the experiment `chapter/name`.

    Example:
        @experiment("03-containers/start", needs=[host.namespaces], claims=["C014"])
        def start(rounds: int = 20, seed: int = 1) -> pd.DataFrame: ...
    """
    chapter, _, name = identifier.partition("/")
    if not name or "/" in name:
        raise RegistryError(f"an experiment is named chapter/name, not {identifier!r}")

    def register(measure: Callable[..., pd.DataFrame]) -> Experiment:
        known = EXPERIMENTS.get(identifier)
        if known and known.measure.__module__ != measure.__module__:
            raise RegistryError(f"two experiments are named {identifier}")
        EXPERIMENTS[identifier] = Experiment(
            chapter, name, measure, tuple(needs), tuple(claims), simulated, recorded_with or {}
        )
        return EXPERIMENTS[identifier]

    return register


def run(exp: Experiment, **parameters: Any) -> Measurement:
    """Measure live where this host can, else load the recording of the same experiment.

    Conditions that fail or are missing here are filled in from the recording, row by row. Of the
    parameters only `only`, the conditions to measure, can act on a recording; where it was made
    with others than those asked for, the reason says so.

    VIRTLAB_SOURCE=recorded in the environment forces recordings; "live" forbids them. What it
    returns is kept in `runs/` for the report of the last chapter.

    Raises:
        RegistryError: if VIRTLAB_SOURCE is neither, or is "live" where live is impossible.
        DamagedRecording: if a recording is needed and missing or damaged.
    """
    measurement = take(exp, **parameters)
    keeping.measurement(measurement)
    return measurement


def take(exp: Experiment, **parameters: Any) -> Measurement:
    """Do as `run` does, but keep nothing: for commands, which measure parts and variants."""
    wish = os.environ.get("VIRTLAB_SOURCE", "")
    if wish not in ("", "live", "recorded"):
        raise RegistryError(f"VIRTLAB_SOURCE is {wish!r}; it may be 'live', 'recorded' or empty")
    if exp.simulated:
        data = exp.measure(**parameters)
        return _measurement(exp, data, "simulated", "a simulation on every host", parameters)
    if wish == "recorded":
        return _recorded(exp, "VIRTLAB_SOURCE=recorded", parameters)
    reason = exp.missing()
    if not reason:
        try:
            live = _measurement(exp, exp.measure(**parameters), "live", "", parameters)
        except (CannotMeasure, RuntimeFailed, OSError) as error:
            reason = f"not measured here: {' '.join(str(error).split())}"
        else:
            return live if wish == "live" else _filled_in(live, parameters)
    if wish == "live":
        raise RegistryError(f"{exp.id} cannot be measured live: {reason}")
    return _recorded(exp, reason, parameters)


def load(chapter: str) -> dict[str, Experiment]:
    """Import a chapter's experiments and return them by name.

    Raises:
        RegistryError: if the chapter has no experiments.
    """
    module = "virtlab.experiments.c" + chapter.replace("-", "_")
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise RegistryError(f"no experiments for chapter {chapter!r}") from None
    return {exp.name: exp for exp in EXPERIMENTS.values() if exp.chapter == chapter}


def load_all() -> dict[str, Experiment]:
    """Import the experiments of every chapter and return them by id, in chapter order."""
    from virtlab import experiments

    for module in pkgutil.iter_modules(experiments.__path__):
        if module.name.startswith("c") and module.name[1:3].isdigit():
            importlib.import_module(f"virtlab.experiments.{module.name}")
    return dict(sorted(EXPERIMENTS.items()))


def overview(chapter: str) -> pd.DataFrame:
    """Return where each experiment of a chapter would get its numbers on this host, and why.

    Columns: experiment, what (its one line), claims, source (live, recorded or simulated), why (it
    is not live; empty if it is).
    """
    forced = os.environ.get("VIRTLAB_SOURCE") == "recorded"
    rows = []
    for exp in load(chapter).values():
        why = "VIRTLAB_SOURCE=recorded" if forced else exp.missing()
        source = "recorded" if why else "live"
        if exp.simulated:
            source, why = "simulated", "a simulation on every host"
        rows.append((exp.name, exp.describe, ", ".join(exp.claims), source, why))
    return pd.DataFrame(rows, columns=["experiment", "what", "claims", "source", "why"])


@dataclass(frozen=True)
class Recorded:
    """What became of one experiment of `record`: a path, or the reason why there is none."""

    id: str
    path: Path | None
    reason: str = ""


def record(
    names: Sequence[str] = (),
    folder: Path | None = None,
    report: Callable[[Recorded], None] | None = None,
) -> list[Recorded]:
    """Measure experiments on this host and save their recordings.

    Args:
        names: experiments (`chapter/name`) or whole chapters; all if empty.
        folder: where the chapters' folders of recordings lie; `data/recordings` if None.
        report: called after each experiment, for progress.

    Returns:
        One entry an experiment; one that this host cannot measure has a reason and keeps its older
        recording. Simulations are not recorded.

    Raises:
        RegistryError: if a name is unknown; nothing is measured then.
        DamagedRecording: if a recording cannot be written.
    """
    folder = folder or data_folder() / "recordings"
    outcomes = []
    for exp in _named(names):
        outcome = _record_one(exp, folder)
        outcomes.append(outcome)
        if report:
            report(outcome)
    return outcomes


def _record_one(exp: Experiment, folder: Path) -> Recorded:
    reason = exp.missing()
    if reason:
        return Recorded(exp.id, None, reason)
    parameters = exp.recorded_with
    try:
        data = exp.measure(**parameters)
    except (CannotMeasure, RuntimeFailed, OSError) as error:
        return Recorded(exp.id, None, " ".join(str(error).split()))
    notes = _provenance(exp, data, parameters)
    path = recording.save(data, notes, folder / exp.chapter, exp.name)
    left_out = _in_words(notes["failed"])
    return Recorded(exp.id, path, f"without {left_out}" if left_out else "")


def _named(names: Sequence[str]) -> list[Experiment]:
    known = {exp.id: exp for exp in load_all().values() if not exp.simulated}
    if not names:
        return list(known.values())
    chosen: dict[str, Experiment] = {}
    for name in names:
        found = {key: exp for key, exp in known.items() if name in (key, exp.chapter)}
        if not found:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.3)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise RegistryError(f"no experiment or chapter named {name!r}{hint}")
        chosen |= found
    return list(chosen.values())


def _measurement(
    exp: Experiment, data: pd.DataFrame, source: str, reason: str, parameters: dict[str, Any]
) -> Measurement:
    notes = _provenance(exp, data, parameters)
    row_reason = "" if source == "live" else reason
    return Measurement(data.assign(source=source, reason=row_reason), source, reason, notes, exp)


def _with_defaults(exp: Experiment, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return all parameters of a measurement, those not given too."""
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(exp.measure).parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }
    return defaults | parameters


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters as JSON has them."""
    return {
        name: value if isinstance(value, str | int | float | bool | None) else repr(value)
        for name, value in parameters.items()
    }


def _provenance(exp: Experiment, data: pd.DataFrame, parameters: dict[str, Any]) -> dict[str, Any]:
    used = _plain(_with_defaults(exp, parameters))
    seed = used.get("seed")
    notes = provenance(f"virtlab record {exp.id}", seed if isinstance(seed, int) else None)
    return notes | {"parameters": used, "failed": dict(data.attrs.get("failed", {}))}


def _recorded(exp: Experiment, reason: str, parameters: dict[str, Any]) -> Measurement:
    data, notes = recording.load(_recordings(exp.chapter), exp.name)
    if only := _with_defaults(exp, parameters).get("only"):
        data = data[data["condition"].isin(only)].reset_index(drop=True)
    reason += _differing(notes, parameters)
    return Measurement(
        data.assign(source="recorded", reason=reason), "recorded", reason, notes, exp
    )


def _differing(notes: dict[str, Any], parameters: dict[str, Any]) -> str:
    """Say in which of the parameters that were asked for a recording differs; empty if in none."""
    recorded = notes.get("parameters", {})
    differing = [
        f"{name}={recorded[name]}"
        for name, value in _plain(parameters).items()
        if name not in EFFORT and name in recorded and recorded[name] != value
    ]
    return f"; recorded with {', '.join(differing)}" if differing else ""


def _filled_in(live: Measurement, parameters: dict[str, Any]) -> Measurement:
    """Add from the recording the conditions that this host could not measure."""
    failed: dict[str, str] = live.provenance["failed"]
    if not failed:
        return live
    try:
        recorded, notes = recording.load(_recordings(live.experiment.chapter), live.experiment.name)
    except recording.DamagedRecording as error:
        reason = _in_words(failed)
        if live.data.empty:
            raise
        return Measurement(
            live.data, "live", f"{reason}; {error}", live.provenance, live.experiment
        )
    rows = recorded[recorded["condition"].isin(failed)]
    differing = _differing(notes, parameters)
    rows = rows.assign(source="recorded", reason=rows["condition"].map(failed) + differing)
    reason = _in_words(failed) + differing
    if rows.empty:
        return Measurement(live.data, "live", reason, live.provenance, live.experiment)
    if live.data.empty:
        return Measurement(rows, "recorded", reason, live.provenance, live.experiment)
    # A table lists its conditions in one order, wherever each was measured.
    place = {name: number for number, name in enumerate(recorded["condition"].unique())}
    both = pd.concat([live.data, rows], ignore_index=True)
    both = both.sort_values(
        "condition", key=lambda names: names.map(place), kind="stable", ignore_index=True
    )
    return Measurement(both, "mixed", reason, live.provenance, live.experiment)


def _in_words(failed: dict[str, str]) -> str:
    """Say which conditions failed and why, each reason once."""
    by_reason: dict[str, list[str]] = {}
    for name, why in failed.items():
        by_reason.setdefault(why, []).append(name)
    told = []
    for why, names in by_reason.items():
        more = f" and {len(names) - 2} others" if len(names) > 3 else ""
        told.append(f"{', '.join(names[:2] if more else names)}{more}: {why}")
    return "; ".join(told)


def _recordings(chapter: str) -> Path:
    return data_folder() / "recordings" / chapter
