"""The lab report: all claims with their verdicts, effects, guesses and plots, as one HTML file.

Everything is gathered from `runs/`, where the chapters' cells left it. Where the student has run
nothing yet, the sample of the course (`data/sample-report.json`, made from its recordings) shows
what a report looks like; it says of itself that it is nobody's own.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from virtlab import claims, host, keeping, predictions, published
from virtlab.measure.folders import data_folder, runs_folder
from virtlab.predictions import Part

SAMPLE = "sample-report.json"
NOT_RUN = "not run yet"
VERDICTS = (*claims.VERDICTS, NOT_RUN)
OWN_CHAPTER = "23"  # its guesses are about the report itself

# What each entry of a kept file must have; predictions may have any shape.
_NEEDED: dict[str, tuple[str, ...]] = {
    "ledger": ("verdict", "evidence", "source", "own", "experiment"),
    "predictions": (),
    "effects": ("experiment", "over", "under", "value", "low", "estimate", "high", "source"),
    "literature": ("what", "ours", "source"),
    "measurements": ("source", "reason"),
    "figures": ("title", "sentence", "source", "date"),
}
_UNITS = {"kib": "KiB", "mib": "MiB", "us": "µs"}  # as columns spell them, and as people do
_BROAD = 900  # a picture of so many pixels across needs a whole row


@dataclass(frozen=True)
class Report:
    """What a report shows.

    Attributes:
        claims: one row a claim: id, chapter (two digits), section, claim, kind, verdict, evidence,
            whence (in words: where the evidence comes from), own, experiment, date.
        parts: the predictions that could be judged, part by part.
        left: predictions that only their chapter can judge.
        unchanged: how many predictions are the guesses that stood in the text.
        effects: one row a ratio: chapter, what, low, estimate, high, source.
        literature: one row a comparison: chapter, what, published, ours, unit, conditions, year,
            standing, reference, source.
        figures: of the student's own plots: chapter, title, sentence, source, png.
        machine: facts of the machine that gave the numbers.
        sample: it is the course's sample, not the student's.
        damaged: what could not be read, and so is missing here; a sentence each.
        elsewhere: other machines that the kept measurements were made on; a sentence each.
    """

    claims: pd.DataFrame
    parts: pd.DataFrame
    left: list[str]
    unchanged: int
    effects: pd.DataFrame
    literature: pd.DataFrame
    figures: list[dict[str, Any]] = field(repr=False)
    machine: dict[str, Any]
    sample: bool
    damaged: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    @property
    def judged(self) -> int:
        """How many claims have a verdict."""
        return int((self.claims["verdict"] != NOT_RUN).sum())

    @property
    def own(self) -> int:
        """How many verdicts rest on this machine alone."""
        return int(self.claims["own"].sum())


# --- Gathering --------------------------------------------------------------------------------


def gather(sample: bool | None = None) -> Report:
    """Gather the student's report, or the course's sample.

    Args:
        sample: True for the sample, False for the student's; None takes the student's, and the
            sample where the student has no verdict yet.

    Raises:
        LedgerError: if the student's ledger or predictions are damaged.
    """
    if sample is None:
        sample = not claims.kept(claims.LEDGER)
    kept, damaged = (_sample(), []) if sample else _own()
    rows = _claims(kept)
    if sample:
        rows["own"] = False
    guesses = {name: one for name, one in kept["predictions"].items() if name[:2] != OWN_CHAPTER}
    typed = _sample()["predictions"]
    same = {name for name, guess in guesses.items() if name in typed and typed[name] == guess}
    counted = guesses if sample else {n: g for n, g in guesses.items() if n not in same}
    parts, left = predictions.judged(counted)
    machine = _recorded_machine() if sample else host.facts()
    return Report(
        claims=rows,
        parts=pd.DataFrame([vars(part) for part in parts], columns=list(Part.__annotations__)),
        left=left,
        unchanged=len(same),
        effects=_effects(kept["effects"]),
        literature=_literature(kept),
        figures=_figures(kept["figures"]),
        machine=machine,
        sample=sample,
        damaged=damaged,
        elsewhere=[] if sample else _elsewhere(machine),
    )


def missing(report: Report) -> pd.DataFrame:
    """Return the chapters with claims that have no verdict yet: chapter, title, claims, link."""
    rows = []
    for chapter, group in report.claims[report.claims["verdict"] == NOT_RUN].groupby("chapter"):
        slug, title = chapters().get(str(chapter), ("", "(to come)"))
        link = f"{slug}.ipynb" if slug else ""
        rows.append((chapter, title, len(group), ", ".join(group["id"]), link))
    return pd.DataFrame(rows, columns=["chapter", "title", "open", "claims", "link"])


def counts(report: Report) -> pd.DataFrame:
    """Return how many claims have which verdict, and how many of these are the machine's own."""
    table = report.claims.groupby("verdict")["own"].agg(["size", "sum"]).reindex(list(VERDICTS))
    table = table.fillna(0).astype(int).rename(columns={"size": "claims", "sum": "own"})
    return table.rename_axis("verdict").reset_index()


def main_effects(report: Report, most: int = 30) -> pd.DataFrame:
    """Return at most one ratio for each experiment, so that no chapter crowds out the others."""
    table = report.effects.drop_duplicates("experiment")
    while len(table) > most:
        largest = table.groupby("chapter").size().idxmax()
        table = table.drop(table.index[table["chapter"] == largest][-1])
    return table.reset_index(drop=True)


@cache
def chapters() -> dict[str, tuple[str, str]]:
    """Return slug and title of each chapter that is here, by its two digits."""
    found = {}
    for path in sorted((data_folder().parent / "notebooks").glob("[0-9][0-9]-*.ipynb")):
        head = path.read_text(encoding="utf-8", errors="replace")[:6000]
        if title := re.search(r'# (\d\d) (?:·|\\u00b7) ([^\\"]+)', head):
            found[title[1]] = (path.stem, title[2].strip())
    return found


def _own() -> tuple[dict[str, dict[str, Any]], list[str]]:
    """What the student's files hold, and in words what of it could not be read."""
    kept, damaged = {}, []
    for part, needed in _NEEDED.items():
        file = f"{part}.json"
        careful = file in (claims.LEDGER, claims.PREDICTIONS)
        content = claims.kept(file) if careful else keeping.kept(file)
        if not careful and keeping.damaged(file):
            damaged.append(f"{file} holds nothing that can be read.")
        whole = {key: row for key, row in content.items() if _whole(part, needed, row)}
        if bad := len(content) - len(whole):
            damaged.append(f"{file}: {bad} of {len(content)} entries cannot be read.")
        kept[part] = whole
    return kept, damaged


def _whole(part: str, needed: tuple[str, ...], row: Any) -> bool:
    """Whether an entry of a kept file has all that the report asks of it."""
    if not needed:
        return True
    if not isinstance(row, dict) or any(name not in row for name in needed):
        return False
    numbers = [row[name] for name in ("low", "estimate", "high", "ours") if name in needed]
    known = part != "ledger" or row["verdict"] in claims.VERDICTS
    return known and all(isinstance(number, int | float) for number in numbers)


def _sample() -> dict[str, dict[str, Any]]:
    whole: dict[str, dict[str, Any]] = {part: {} for part in _NEEDED}
    for chapter in keeping.kept(SAMPLE, data_folder()).values():
        for part in _NEEDED:
            whole[part] |= chapter.get(part, {})
    return whole


def _claims(kept: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    rows = []
    for claim in claims.CLAIMS.values():
        entry = kept["ledger"].get(claim.id, {})
        rows.append(
            {
                "id": claim.id,
                "chapter": claim.chapter.zfill(2),
                "section": claim.section,
                "claim": claim.claim,
                "kind": claim.kind,
                "verdict": entry.get("verdict", NOT_RUN),
                "evidence": entry.get("evidence", ""),
                "whence": _whence(entry, kept["measurements"]),
                "own": bool(entry.get("own", False)),
                "experiment": entry.get("experiment", ""),
                "date": str(entry.get("date", ""))[:10],
            }
        )
    return pd.DataFrame(rows)


def _whence(entry: Mapping[str, Any], measurements: Mapping[str, Any]) -> str:
    """Say in words where the evidence of a verdict comes from; empty if there is no verdict."""
    if not entry:
        return ""
    source = str(entry["source"])
    told = {
        "live": "measured on this machine",
        "computed": "computed; no measurement needed",
        "simulated": "simulated: a model, the same on every machine",
        "cited": "cited; nothing here measures it",
    }
    if source in told:
        return told[source]
    reason = str(measurements.get(entry["experiment"], {}).get("reason", ""))
    why = f" because {reason}" if reason and "VIRTLAB_SOURCE" not in reason else ""
    if source == "mixed":
        return f"partly from a recording of another machine{why}"
    return f"from a recording of another machine{why}"


def _effects(kept: Mapping[str, Any]) -> pd.DataFrame:
    columns = ["chapter", "experiment", "what", "low", "estimate", "high", "source"]
    rows = []
    for row in kept.values():
        unit = " ".join(_UNITS.get(word, word) for word in str(row["value"]).split("_"))
        what = f"{row['over']} / {row['under']} ({unit})"
        chapter = str(row["experiment"])[:2]
        rows.append({"chapter": chapter, **row, "what": f"{chapter} {what}"})
    table = pd.DataFrame(rows, columns=[*columns, "over"])[columns]
    return table.sort_values(["chapter", "experiment"], kind="stable", ignore_index=True)


# Comparisons that their chapters make by hand: chapter, published figure, experiment, our number.
_TIMES: tuple[tuple[str, str, str, str, str, float], ...] = (
    ("01", "fork/exec of a process (abstract)", "01-what-is-virtualization/startup-ladder",
     "posix_spawn", "first_reply_ms", 1),
    ("01", "no-op unikernel", "01-what-is-virtualization/startup-ladder", "kvm",
     "first_reply_ms", 1),
    ("01", "minimal Docker container", "01-what-is-virtualization/startup-ladder", "runc",
     "first_reply_ms", 1),
    ("03", "runc create+start+delete", "03-containers/start", "runc", "first_reply_ms", 1),
    ("03", "crun create+start+delete", "03-containers/start", "crun", "first_reply_ms", 1),
    ("03", "creating 1 network namespace", "03-containers/walls", "net", "us", 0.001),
    ("10", "downtime: Quake 3 server / SPECweb", "10-portability/migrate", "idle", "downtime_ms",
     1),
    ("10", "blackout at Google: median / p99", "10-portability/migrate", "idle", "downtime_ms", 1),
)  # fmt: skip


def _literature(kept: Mapping[str, Any]) -> pd.DataFrame:
    """Our numbers beside published ones, for the chapters that have run."""
    ran = {str(row["experiment"]) for row in kept["ledger"].values()} | set(kept["measurements"])
    rows = []
    for chapter, what, experiment, condition, column, times in _TIMES:
        if experiment in ran and (m := predictions.measured(experiment)):
            usual = m.data.groupby("condition")[column].median()
            if condition in usual:
                rows.append((chapter, what, times * float(usual[condition]), m.source))
    for key, row in kept["literature"].items():
        rows.append((key[:2], row["what"], row["ours"], row["source"]))
    rows.sort(key=lambda row: row[0])
    columns = ["chapter", "what", "published", "ours", "unit", "conditions", "year", "standing",
               "reference", "source"]  # fmt: skip
    if not rows:
        return pd.DataFrame(columns=columns)
    table = published.figures(row[1] for row in rows)
    table = table.rename(columns={"value": "published", "source": "reference"})
    table = table.rename(columns={"boundary_or_conditions": "conditions"})
    table["chapter"] = [row[0] for row in rows]
    table["ours"] = [float(f"{row[2]:.3g}") for row in rows]
    table["source"] = [row[3] for row in rows]
    return table[columns]


def _figures(kept: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for place, row in sorted(kept.items()):
        try:
            png = (runs_folder() / keeping.FIGURES / place).read_bytes()
        except OSError:
            continue
        if png.startswith(b"\x89PNG") and len(png) > 24:
            broad = int.from_bytes(png[16:20], "big") >= _BROAD
            found.append({"chapter": place[:2], "png": png, "broad": broad, **row})
    return found


def _hosts(folder: Path) -> Iterator[dict[str, Any]]:
    """The facts of the machine of each measurement in a folder."""
    for path in sorted(folder.glob("*/*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            yield dict(json.loads(path.read_text(encoding="utf-8"))["provenance"]["host"])


def _recorded_machine() -> dict[str, Any]:
    """Facts of the machine that most recordings come from."""
    hosts = _hosts(data_folder() / "recordings")
    seen = Counter(json.dumps(facts, ensure_ascii=False) for facts in hosts)
    return dict(json.loads(seen.most_common(1)[0][0])) if seen else {}


def _elsewhere(machine: Mapping[str, Any]) -> list[str]:
    """Say which of the kept measurements another kernel or processor than this one gave."""

    def kind(facts: Mapping[str, Any]) -> tuple[str, str]:
        return str(facts.get("kernel")), str(facts.get("cpu"))

    hosts = Counter(kind(facts) for facts in _hosts(runs_folder() / keeping.MEASUREMENTS))
    return [
        f"{number} of {hosts.total()} experiments were measured under kernel {kernel} on {cpu}."
        for (kernel, cpu), number in sorted(hosts.items())
        if (kernel, cpu) != kind(machine)
    ]


def abilities() -> pd.DataFrame:
    """Return how many experiments of each chapter this host could measure itself, and why not all.

    Columns: chapter, live, recorded, simulated, why (the reason of the first that is recorded).
    """
    from virtlab import registry

    rows = []
    every = registry.load_all()
    for chapter in sorted({exp.chapter for exp in every.values()}):
        table = registry.overview(chapter)
        number = table["source"].value_counts()
        whys = table.loc[table["source"] == "recorded", "why"]
        why = whys.iloc[0] if len(whys) else ""
        sources = [int(number.get(source, 0)) for source in ("live", "recorded", "simulated")]
        rows.append((chapter[:2], *sources, why))
    return pd.DataFrame(rows, columns=["chapter", "live", "recorded", "simulated", "why"])


# --- What chance does -------------------------------------------------------------------------


def chance(comparisons: int = 60, rounds: int = 15, seed: int = 1) -> pd.DataFrame:
    """Compare pairs that do not differ, and see how many look as if they did.

    Both sides of each pair are drawn from the same lognormal distribution.

    Returns:
        One row a comparison: what, low, estimate, high, source ("simulated"), decided.
    """
    import numpy as np

    from virtlab.measure.statistics import ratio_interval

    random = np.random.default_rng(seed)
    rows = []
    for number in range(1, comparisons + 1):
        one, other = random.lognormal(0, 0.3, rounds), random.lognormal(0, 0.3, rounds)
        ratio = ratio_interval(one, other, paired=True, seed=seed)
        decided = not ratio.low <= 1 <= ratio.high
        rows.append((f"pair {number}", *ratio, "simulated", decided))
    columns = ["what", "low", "estimate", "high", "source", "decided"]
    return pd.DataFrame(rows, columns=columns)


# --- The HTML file ----------------------------------------------------------------------------


def write(target: Path, report: Report | None = None, student: str = "") -> Path:
    """Write the report as one HTML file, with all that it shows inside, and return its path.

    Raises:
        OSError: if it cannot be written; an older report is still there then.
        LedgerError: if the student's ledger or predictions are damaged.
    """
    page = to_html(
        report or gather(), _way(data_folder().parent / "notebooks", target.parent), student
    )
    draft = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(page, encoding="utf-8", errors="replace")
        draft.replace(target)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise OSError(error.errno, error.strerror, str(target)) from None
    return target


def _way(there: Path, here: Path) -> str:
    """A relative link from one folder to another."""
    return Path(os.path.relpath(there.resolve(), here.resolve())).as_posix()


def to_html(report: Report, notebooks: str = "../notebooks", student: str = "") -> str:
    """Return the report as one HTML page that needs no other file and no network.

    Args:
        report: what it shows.
        notebooks: the way to the folder of the notebooks, for links to chapters.
        student: whose it is; an empty line to fill in by hand if empty.
    """
    from jinja2 import Environment, FileSystemLoader

    from virtlab import figures
    from virtlab.figures.verdicts import VERDICTS as VERDICT_STYLES

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn: dict[str, Any] = {"map": figures.verdict_map(report.claims)}
    if len(report.parts):
        drawn["calibration"] = figures.calibration(report.parts)
    if len(main := main_effects(report)):
        drawn["effects"] = figures.effects(main)
    pictures = {name: _picture(shown.png()) for name, shown in drawn.items()}
    own = [figure | {"picture": _picture(figure["png"])} for figure in report.figures]
    return environment.get_template("report.html").render(
        report=report,
        student=student,
        notebooks=notebooks,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        chapters=_by_chapter(report),
        missing=missing(report).to_dict("records"),
        counts=counts(report).to_dict("records"),
        drawn=drawn,
        pictures=pictures,
        own=own,
        number=_number,
        letters={name: letter for name, (letter, _, _) in VERDICT_STYLES.items()},
        machine=[_fact(name, value) for name, value in report.machine.items()],
        days=sorted({date for date in report.claims["date"] if date}),
        short=240,  # a longer sentence is not read under a picture
    )


def _fact(name: str, value: Any) -> tuple[str, str]:
    """Name and value of a fact about a machine, as a person would write them."""
    if name == "memory_bytes":
        return "memory", f"{float(value or 0) / 2**30:.1f} GiB"
    if isinstance(value, bool):
        value = "yes" if value else "no"
    return name.replace("_", " "), str("none seen" if value in ("", None) else value)


def _picture(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _number(value: Any) -> str:
    from virtlab.figures.base import short

    return short(float(value)) if isinstance(value, int | float) else str(value)


def _by_chapter(report: Report) -> list[dict[str, Any]]:
    """What the report says chapter by chapter."""

    def rows(table: pd.DataFrame, chapter: str) -> list[dict[Any, Any]]:
        return table[table["chapter"] == chapter].to_dict("records")

    told = []
    tables = (report.claims, report.parts, report.effects)
    for chapter in sorted({str(one) for table in tables for one in table["chapter"]}):
        slug, title = chapters().get(chapter, ("", ""))
        told.append(
            {
                "number": chapter,
                "slug": slug,
                "title": title,
                "claims": rows(report.claims, chapter),
                "parts": rows(report.parts, chapter),
                "effects": rows(report.effects, chapter),
                "left": [name for name in report.left if name[:2] == chapter],
            }
        )
    return told
