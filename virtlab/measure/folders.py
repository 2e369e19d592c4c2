"""Where recordings are read from and a student's own results are kept."""

from __future__ import annotations

import os
from pathlib import Path


class NoDataFolder(Exception):
    """The course's data folder was not found; the message is one line."""


def data_folder() -> Path:
    """Return the folder of recordings and claims: VIRTLAB_DATA, or `data/` of the course.

    Raises:
        NoDataFolder: if there is none.
    """
    named = os.environ.get("VIRTLAB_DATA")
    if named:
        if not Path(named).is_dir():
            raise NoDataFolder(f"VIRTLAB_DATA names no folder: {named}")
        return Path(named).resolve()
    here = Path.cwd()
    for root in (Path(__file__).resolve().parents[2], here, *here.parents):
        if (root / "data" / "claims.csv").is_file():
            return root / "data"
    raise NoDataFolder("no data/ folder found: work inside the course's folder or set VIRTLAB_DATA")


def runs_folder() -> Path:
    """Return the folder of the student's own results, made if need be: VIRTLAB_RUNS, or `runs/`."""
    named = os.environ.get("VIRTLAB_RUNS")
    folder = Path(named) if named else data_folder().parent / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
