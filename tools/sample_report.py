"""Makes `data/sample-report.json`: what the last chapter shows where the student has run nothing.

    python -m tools.sample_report [CHAPTER ...]

Every chapter is executed from the course's recordings, so nothing is measured: the verdicts, the
ratios and the comparisons with the literature are those of the machine that made the recordings,
and the predictions are the guesses that stand in the text. Chapters that are named replace their
own part of the file; the others stay. Run it again whenever a recording or a chapter has changed.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools import build

SAMPLE = Path("data") / "sample-report.json"
LAST = "23-your-lab-report"
PARTS = ("ledger", "predictions", "effects", "literature", "measurements")


def sampled(text: Path) -> dict[str, Any]:
    """Execute one chapter from recordings and return what it kept in its `runs/`.

    Raises:
        build.BuildError: a cell failed.
    """
    notebook = build.from_text(text.read_text(encoding="utf-8"))
    wanted = {"VIRTLAB_SOURCE": "recorded"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        with tempfile.TemporaryDirectory(prefix="virtlab-sample-") as folder:
            build.execute(notebook, text.parent, Path(folder))
            return {part: _read(Path(folder) / f"{part}.json") for part in PARTS}
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _read(path: Path) -> dict[str, Any]:
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for row in rows.values():
        if isinstance(row, dict) and "date" in row:
            del row["date"]  # of the execution, not of the measurement
    return dict(rows)


def write(root: Path, chapters: Sequence[str] = ()) -> int:
    """Bring the file up to date, print a line a chapter, and return how many chapters failed.

    A chapter that fails keeps what the file held of it.
    """
    target = root / SAMPLE
    sample: dict[str, Any] = {}
    if target.exists():
        sample = json.loads(target.read_text(encoding="utf-8"))
    failed = 0
    for text, is_chapter in build.sources(root, chapters):
        if not is_chapter or text.stem == LAST:
            continue
        try:
            sample[text.stem] = sampled(text)
            print(f"{text.stem}: {len(sample[text.stem]['ledger'])} verdicts", flush=True)
        except build.BuildError as error:
            failed += 1
            print(f"sample_report: {text.stem}: {error}", file=sys.stderr)
    here = {text.stem for text, is_chapter in build.sources(root) if is_chapter}
    kept = {name: sample[name] for name in sorted(sample) if name in here}
    target.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return failed


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 if all went well, else 1."""
    names = sys.argv[1:] if argv is None else list(argv)
    try:
        return 1 if write(Path(__file__).resolve().parents[1], names) else 0
    except build.BuildError as error:  # a chapter that does not exist
        print(f"sample_report: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
