"""The ledger: what a student predicted, and what became of each claim on the student's machine."""

from __future__ import annotations

import csv
import difflib
import fcntl
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from virtlab.measure.folders import data_folder, runs_folder
from virtlab.registry import Measurement

VERDICTS = (
    "holds",
    "holds with conditions",
    "does not hold here",
    "not measured here",
    "cited",
)
LEDGER = "ledger.json"
PREDICTIONS = "predictions.json"


class LedgerError(Exception):
    """A claim, a verdict or a file of the ledger is wrong; the message is one line."""


@dataclass(frozen=True)
class Claim:
    """One sentence of the notes, and how the course tests it.

    `objectives` are those of its chapter that its idea belongs to, with spaces between; empty while
    the chapter is still to come.
    """

    id: str
    section: str
    chapter: str
    claim: str
    kind: str
    experiment: str
    objectives: str = ""


@dataclass(frozen=True)
class Entry:
    """A verdict in the ledger.

    Attributes:
        claim: the claim's id.
        verdict: one of VERDICTS.
        evidence: one sentence that says what was seen.
        source: "live", "mixed", "recorded", "simulated", "computed" or "cited".
        own: the student's own machine gave all the evidence.
        experiment: which experiment gave it; empty if none.
        date: when it was recorded, in UTC.
    """

    claim: str
    verdict: str
    evidence: str
    source: str
    own: bool
    experiment: str
    date: str

    def __repr__(self) -> str:
        whose = "" if self.own else f" [{self.source}: not your machine's own]"
        whose = "" if self.source in ("computed", "cited", "simulated") else whose
        return f"{self.claim}: {self.verdict} ({self.source}){whose}. {self.evidence}"


@cache
def _claims(path: Path) -> dict[str, Claim]:
    with path.open(encoding="utf-8", newline="") as lines:
        return {row["id"]: Claim(**row) for row in csv.DictReader(lines)}


def __getattr__(name: str) -> Any:
    # Read on first use: importing virtlab must work where there is no data folder.
    if name == "CLAIMS":
        return _claims(data_folder() / "claims.csv")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def record(
    claim_id: str, verdict: str, evidence: str, measurement: Measurement | None = None
) -> Entry:
    """Keep a verdict on a claim in the ledger; a later one replaces it.

    Args:
        claim_id: as "C005".
        verdict: one of VERDICTS.
        evidence: one sentence that says what was seen, with its numbers.
        measurement: what it rests on; its source decides whether the verdict is the student's own.

    Raises:
        LedgerError: if the claim or verdict is unknown, a cited claim is given another verdict than
            "cited", or the ledger cannot be written.
    """
    claims = _claims(data_folder() / "claims.csv")
    if claim_id not in claims:
        raise LedgerError(f"no claim {claim_id!r}: the ids run from C001 to C{len(claims):03}")
    if verdict not in VERDICTS:
        near = difflib.get_close_matches(verdict, VERDICTS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise LedgerError(f"{verdict!r} is no verdict{hint} One of: {', '.join(VERDICTS)}")
    if claims[claim_id].kind == "cited" and verdict != "cited":
        raise LedgerError(f"{claim_id} is a claim of value: nothing here measures it; use 'cited'")
    if measurement is None:
        source, experiment = ("cited" if verdict == "cited" else "computed"), ""
    else:
        source, experiment = measurement.source, measurement.experiment.id
    entry = Entry(
        claim=claim_id,
        verdict=verdict,
        evidence=evidence,
        source=source,
        own=source in ("live", "computed"),
        experiment=experiment,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    _keep(LEDGER, claim_id, asdict(entry))
    return entry


def report() -> pd.DataFrame:
    """Return all claims with the verdicts recorded so far.

    Columns: id, chapter, section, claim, kind, verdict ("not yet" if none), evidence, source, own.
    """
    ledger = kept(LEDGER)
    rows = []
    for claim in _claims(data_folder() / "claims.csv").values():
        entry = ledger.get(claim.id, {})
        rows.append(
            {
                "id": claim.id,
                "chapter": claim.chapter,
                "section": claim.section,
                "claim": claim.claim,
                "kind": claim.kind,
                "verdict": entry.get("verdict", "not yet"),
                "evidence": entry.get("evidence", ""),
                "source": entry.get("source", ""),
                "own": entry.get("own", False),
            }
        )
    return pd.DataFrame(rows)


def predict(name: str, value: Any) -> Any:
    """Keep a prediction under its name, before the measurement, and return it.

    Raises:
        LedgerError: if the value is not plain data, or cannot be written.
    """
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        raise LedgerError(
            f"the prediction {name!r} must be numbers, text, lists or dicts, not {value!r}"
        ) from None
    _keep(PREDICTIONS, name, value)
    return value


def prediction(name: str) -> Any:
    """Return the prediction kept under the name, or None."""
    return kept(PREDICTIONS).get(name)


def _keep(file: str, key: str, value: Any) -> None:
    folder = runs_folder()
    path = folder / file
    draft = path.with_name(path.name + ".part")
    try:
        with (folder / ".lock").open("w") as turn:  # two notebooks may write at once
            fcntl.flock(turn, fcntl.LOCK_EX)
            content = json.dumps(kept(file) | {key: value}, indent=2, ensure_ascii=False)
            draft.write_text(content + "\n", encoding="utf-8")
            draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise LedgerError(f"{path}: cannot be written ({error.strerror})") from None


def kept(file: str) -> dict[str, Any]:
    """Return what a file of the ledger holds; nothing if there is none yet.

    Raises:
        LedgerError: if it is damaged: unlike a measurement, a guess cannot be made again.
    """
    path = runs_folder() / file
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict):
        raise LedgerError(f"{path}: not the JSON of a ledger; repair it or move it away")
    return content
