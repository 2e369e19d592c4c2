"""The benches run to their end and fill their tables. What they measure here, beside other tests,
counts for nothing: whether a bound holds is asked on a quiet machine, by `make bench`.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import pytest

from tools import bench_grading
from tools.run_tests import ROOT


def found_by(*command: str) -> Any:
    done = subprocess.run(
        [sys.executable, *command, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


@pytest.mark.long
def test_the_bench_of_the_packages_fills_its_table() -> None:
    lines = found_by("tools/bench.py", "--rounds", "1")
    assert lines
    assert all(math.isfinite(line["value"]) for line in lines)


@pytest.mark.long
def test_the_bench_of_grading_fills_its_table_and_all_score_the_same() -> None:
    small = ("--students", "2", "--sample", "1", "--rounds", "1", "--flat", "0")
    found = found_by("tools/bench_grading.py", *small)
    assert found["same_scores"]
    assert set(found["figures"]) < set(bench_grading.BOUNDS)
    assert found["figures"][bench_grading.TIMES] > 1


def test_several_assignments_are_a_line_each_and_one_for_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    b = bench_grading
    wall = {b.STOCK: 1000.0, b.ONE: 50.0, b.TWO: 25.0, b.ROOMS: 45.0, b.BARE: 40.0}

    def measure(name: str, _: object) -> dict[str, Any]:
        times = 1 if name.startswith("01") else 3
        return {
            "conditions": {one: {"wall_ms": ms * times} for one, ms in wall.items()},
            "figures": {b.TIMES: 0.0, b.SCALES: 0.0, b.WALLS: 10.0 * times, b.BOOKS: 5.0},
            "same_scores": True,
        }

    monkeypatch.setattr(b, "measure", measure)
    assert b.main(["01-a", "02-b"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows if row and row[0] in ("01-a", "02-b", "all")] == [
        "01-a",
        "02-b",
        "all",
    ]
    assert next(row for row in rows if row[:1] == ["02-b"])[-4:] == ["2.0", "30.0", "!", "5.0"]
    assert next(row for row in rows if row[:1] == ["all"])[-4:] == ["20.0", "2.0", "20.0", "5.0"]
