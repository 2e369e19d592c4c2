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

pytestmark = pytest.mark.long


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


def test_the_bench_of_the_packages_fills_its_table() -> None:
    lines = found_by("tools/bench.py", "--rounds", "1")
    assert lines
    assert all(math.isfinite(line["value"]) for line in lines)


def test_the_bench_of_grading_fills_a_line_an_assignment_and_all_score_the_same() -> None:
    names = ["01-what-is-virtualization", "19-desktop"]
    small = ("--students", "3", "--sample", "2", "--rounds", "1", "--flat", "0")
    found = found_by("tools/bench_grading.py", *names, *small)
    assert list(found["assignments"]) == names
    assert found["same_scores"]
    assert set(found["figures"]) < set(bench_grading.BOUNDS)
    assert found["figures"][bench_grading.TIMES] > 1
