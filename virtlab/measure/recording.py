"""Recordings: a table as CSV beside a JSON that says how it was made, with its checksum."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd

FORMAT = 1


class DamagedRecording(Exception):
    """A recording is missing, damaged or cannot be written; the message is one line."""


def save(data: pd.DataFrame, provenance: dict[str, Any], folder: Path, name: str) -> Path:
    """Write `name.csv` and `name.json` into the folder and return the path of the CSV.

    Both files are complete before either replaces an older one, so a full disk loses nothing.

    Raises:
        DamagedRecording: if the files cannot be written.
    """
    table, notes = _paths(folder, name)
    content = data.to_csv(index=False, float_format="%.7g", lineterminator="\n").encode()
    description = {
        "format": FORMAT,
        "sha256": hashlib.sha256(content).hexdigest(),
        "rows": len(data),
        "columns": list(data.columns),
        "provenance": provenance,
    }
    text = (json.dumps(description, indent=2, ensure_ascii=False) + "\n").encode()
    drafts = [path.with_name(f"{path.name}.{os.getpid()}.part") for path in (table, notes)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for draft, written in zip(drafts, (content, text), strict=True):
            draft.write_bytes(written)
        for draft, path in zip(drafts, (table, notes), strict=True):
            draft.replace(path)
    except OSError as error:
        for draft in drafts:
            draft.unlink(missing_ok=True)
        raise DamagedRecording(
            f"{table}: cannot be written ({error.strerror}); free some space"
        ) from None
    return table


def load(folder: Path, name: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the table and the provenance of a recording.

    Raises:
        DamagedRecording: if a file is missing, unreadable, or not what the checksum says.
    """
    table, notes = _paths(folder, name)
    again = f"make it again with `virtlab record {folder.name}/{name}`"
    for path in (table, notes):
        if not path.is_file():
            raise DamagedRecording(f"{path}: no such recording; {again}")
    try:
        description = json.loads(notes.read_text(encoding="utf-8"))
        checksum, provenance = description["sha256"], description["provenance"]
    except (ValueError, KeyError, TypeError):
        raise DamagedRecording(f"{notes}: not the JSON of a recording; {again}") from None
    except OSError as error:
        raise DamagedRecording(f"{notes}: cannot be read ({error.strerror})") from None
    if not isinstance(provenance, dict):
        raise DamagedRecording(f"{notes}: its provenance is not an object; {again}")
    if hashlib.sha256(table.read_bytes()).hexdigest() != checksum:
        raise DamagedRecording(
            f"{table}: its checksum differs from the one in {notes.name}; {again}"
        )
    # Only an empty cell is a missing value: "None" or "NA" may be the name of a condition.
    data = pd.read_csv(table, keep_default_na=False, na_values=[""])
    return data, provenance


def _paths(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.csv", folder / f"{name}.json"
