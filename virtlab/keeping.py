"""What the chapters' cells keep in `runs/` as they go, so that the last chapter can show it again.

Verdicts and predictions are kept by `claims`. Kept here, without any call in a notebook: each
measurement, each ratio with its interval, each figure that was shown, each comparison with the
literature. Nothing here ever stops a measurement: where nothing can be written, nothing is kept.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from virtlab.measure import recording
from virtlab.measure.folders import NoDataFolder, runs_folder

if TYPE_CHECKING:
    from virtlab.measure.statistics import Interval
    from virtlab.registry import Measurement

MEASUREMENTS = "measurements"
EFFECTS = "effects.json"
FIGURES = "figures"
LITERATURE = "literature.json"
MOST_ROWS = 20_000  # a longer table is a trace, of no use to a report


def measurement(m: Measurement) -> None:
    """Keep a measurement: its source and reason, and its table where it is not a recording."""
    table = ""
    try:
        if m.source != "recorded" and len(m.data) <= MOST_ROWS:
            folder = runs_folder() / MEASUREMENTS / m.experiment.chapter
            recording.save(m.data, m.provenance, folder, m.experiment.name)
            table = m.experiment.id
    except (OSError, NoDataFolder, recording.DamagedRecording, TypeError, ValueError):
        table = ""
    row = {"source": m.source, "reason": m.reason, "table": table, "date": _now()}
    _add(f"{MEASUREMENTS}.json", m.experiment.id, row)


def effect(m: Measurement, over: str, under: str, value: str, ratio: Interval, source: str) -> None:
    """Keep a ratio of two conditions' medians, with the interval that holds it at 95 %."""
    row = {
        "experiment": m.experiment.id,
        "over": over,
        "under": under,
        "value": value,
        "low": float(ratio.low),
        "estimate": float(ratio.estimate),
        "high": float(ratio.high),
        "source": source,
        "date": _now(),
    }
    _add(EFFECTS, f"{m.experiment.id}: {over} / {under} ({value})", row)


def literature(ours: Mapping[str, float | None], m: Measurement) -> None:
    """Keep which of our numbers was set beside which published figure."""
    for what, number in ours.items():
        if number is not None:
            row = {"ours": float(number), "experiment": m.experiment.id, "source": m.source}
            _add(LITERATURE, f"{m.experiment.chapter}: {what}", row | {"what": what})


def figure(experiment: str, axes: str, png: bytes, title: str, sentence: str, source: str) -> None:
    """Keep a picture that was shown; one with the same axes from the same experiment replaces it.

    Args:
        experiment: its id.
        axes: the words at the axes, which tell the figures of one experiment apart.
        png: the picture.
        title: its message.
        sentence: what it says in words.
        source: where its numbers come from, in words.
    """
    chapter, _, name = experiment.partition("/")
    place = f"{chapter}/{name}-{hashlib.sha256(axes.encode()).hexdigest()[:6]}.png"
    try:
        path = runs_folder() / FIGURES / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png)
    except (OSError, NoDataFolder):
        return
    row = {"experiment": experiment, "title": title, "sentence": sentence, "source": source}
    _add(f"{FIGURES}.json", place, row | {"date": _now()})


def kept(file: str, folder: Path | None = None) -> dict[str, Any]:
    """Return what a file of `runs/` (or of another folder) holds; nothing if it is not there.

    A damaged file counts as not there: all in it can be measured again.
    """
    try:
        content = json.loads(((folder or runs_folder()) / file).read_text(encoding="utf-8"))
    except (OSError, NoDataFolder, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def damaged(file: str) -> bool:
    """Whether a file of `runs/` is there, and holds nothing that `kept` could read."""
    try:
        path = runs_folder() / file
        return path.exists() and not isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except NoDataFolder:
        return False
    except (OSError, ValueError):
        return True


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _add(file: str, key: str, row: dict[str, Any]) -> None:
    try:
        path = runs_folder() / file
        draft = path.with_name(path.name + ".part")
        with (path.parent / ".lock").open("w") as turn:  # two notebooks may write at once
            fcntl.flock(turn, fcntl.LOCK_EX)
            content = json.dumps(kept(file) | {key: row}, indent=1, ensure_ascii=False)
            draft.write_text(content + "\n", encoding="utf-8")
            draft.replace(path)
    except (OSError, NoDataFolder, TypeError, ValueError):
        return
