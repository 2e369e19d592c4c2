"""The sample report: made from recordings, chapter by chapter."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tools import sample_report

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# 03 · Small

```{code-cell} ipython3
import os

from virtlab import claims

claims.predict("03 guess", [1, 2])
print(claims.record("C013", "holds", os.environ["VIRTLAB_SOURCE"]))
```
"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "03-containers.md").write_text(CHAPTER, encoding="utf-8")
    (tmp_path / "notebooks" / "23-your-lab-report.md").write_text(CHAPTER, encoding="utf-8")
    (tmp_path / "data").mkdir()
    shutil.copy(ROOT / "data" / "claims.csv", tmp_path / "data")
    return tmp_path


def test_a_chapter_is_run_from_recordings_and_leaves_no_date(course: Path) -> None:
    before = {name: os.environ.get(name) for name in ("VIRTLAB_SOURCE", "VIRTLAB_RUNS")}
    assert sample_report.write(course) == 0
    assert before == {name: os.environ.get(name) for name in before}
    sample = json.loads((course / sample_report.SAMPLE).read_text(encoding="utf-8"))
    assert list(sample) == ["03-containers"]  # the last chapter shows the sample, and is not in it
    assert sample["03-containers"]["predictions"] == {"03 guess": [1, 2]}
    entry = sample["03-containers"]["ledger"]["C013"]
    assert entry["evidence"] == "recorded"
    assert "date" not in entry


@pytest.mark.long
def test_a_chapter_that_fails_keeps_its_part_and_is_named(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample_report.write(course)
    before = (course / sample_report.SAMPLE).read_text(encoding="utf-8")
    text = course / "notebooks" / "03-containers.md"
    text.write_text(CHAPTER.replace("import os", "import nothing_of_that_name"), encoding="utf-8")
    assert sample_report.write(course) == 1
    assert "03-containers: cell" in capsys.readouterr().err
    assert (course / sample_report.SAMPLE).read_text(encoding="utf-8") == before
