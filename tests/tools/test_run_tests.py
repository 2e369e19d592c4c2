"""The runner of the suite: its counts must not lie."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest

from tools import run_tests
from tools.run_tests import Stage
from virtlab import claims

SUITE = """
import pytest

def test_good(): pass
def test_bad(): assert False
@pytest.mark.skip(reason="no such thing here")
def test_skipped(): pass
@pytest.fixture
def broken(): raise ValueError
def test_error(broken): pass
@pytest.mark.xfail(strict=True, reason="never")
def test_unexpected(): pass
"""


def python(code: str) -> Stage:
    return Stage("python", (sys.executable, "-c", code))


def test_a_stage_may_keep_what_python_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    stage = python("import sys; sys.exit(sys.dont_write_bytecode)")
    assert run_tests.run(stage, tmp_path).failures == []


@pytest.mark.long
def test_every_outcome_is_counted(tmp_path: Path) -> None:
    suite = tmp_path / "test_suite.py"
    suite.write_text(SUITE)
    stage = run_tests.pytest("suite", str(suite), "--rootdir", str(tmp_path), "-c", "/dev/null")
    result = run_tests.run(stage, tmp_path)
    assert result.passed == 1
    assert [name.rpartition("::")[2] for name in result.failures] == [
        "test_bad",
        "test_error",
        "test_unexpected",
    ]
    assert result.skips == {"no such thing here": 1}


@pytest.mark.long
def test_a_stage_that_collects_nothing_is_skipped_and_says_so(tmp_path: Path) -> None:
    stage = run_tests.pytest("suite", str(tmp_path), "-c", "/dev/null")
    result = run_tests.run(stage, tmp_path)
    assert (result.passed, result.failures) == (0, [])
    assert result.skips == {"no test was collected": 1}


@pytest.mark.long
def test_a_suite_that_cannot_start_is_a_failure(tmp_path: Path) -> None:
    stage = run_tests.pytest("suite", "--no-such-option", "-c", "/dev/null")
    assert run_tests.run(stage, tmp_path).failures == ["suite: ended with exit code 4; see above"]


MEASURED = """
from pathlib import Path

def test_good(): pass
def test_wrong(): assert False
def test_disturbed():
    before = Path(__file__).with_name("before")
    quiet = before.exists()
    before.touch()
    assert quiet
def test_gone():
    gone = Path(__file__).with_name("gone")
    if gone.exists():
        import pytest
        pytest.skip("a skip is no pass")
    gone.touch()
    assert False
"""


@pytest.mark.long
@pytest.mark.parametrize("disturbable", [False, True])
def test_only_what_can_be_disturbed_is_tried_again_and_the_summary_says_so(
    disturbable: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = tmp_path / "test_suite.py"
    suite.write_text(MEASURED)
    arguments = ("--rootdir", str(run_tests.ROOT), "-c", "/dev/null", "-p", "no:cacheprovider")
    stage = run_tests.pytest("suite", *arguments, paths=(str(suite),), disturbable=disturbable)
    result = run_tests.run(stage, tmp_path)
    run_tests.print_summary([result])
    told = capsys.readouterr().out
    failed = [name.rpartition("::")[2] for name in result.failures]
    assert ("test_disturbed" in failed) != disturbable
    assert {"test_wrong", "test_gone"} <= set(failed)  # once more is not enough for these
    assert (result.passed, "test_disturbed failed, and passed when tried again" in told) == (
        (2, True) if disturbable else (1, False)
    )
    assert result.passed + len(result.failures) == 4


@pytest.mark.long
def test_who_fails_only_the_second_time_fails(tmp_path: Path) -> None:
    """In a chapter, say, where another cell is disturbed then."""
    suite = tmp_path / "test_suite.py"
    suite.write_text(
        MEASURED.partition("def test_wrong")[0]
        + """
def test_first():
    before = Path(__file__).with_name("before")
    again = before.exists()
    before.touch()
    assert again
def test_second():
    twice = Path(__file__).with_name("twice")
    again = twice.exists()
    twice.touch()
    assert not again
"""
    )
    arguments = ("--rootdir", str(run_tests.ROOT), "-c", "/dev/null", "-p", "no:cacheprovider")
    stage = run_tests.pytest("suite", *arguments, paths=(str(suite),), disturbable=True)
    result = run_tests.run(stage, tmp_path)
    assert [name.rpartition("::")[2] for name in result.failures] == ["test_second"]
    assert result.passed == 2


@pytest.mark.long
def test_where_much_fails_nothing_is_tried_again(tmp_path: Path) -> None:
    names = [tmp_path / f"test_{number}.py" for number in range(run_tests.DISTURBED + 1)]
    for name in names:
        name.write_text(MEASURED)
    arguments = ("--rootdir", str(tmp_path), "-c", "/dev/null", "-p", "no:cacheprovider")
    stage = run_tests.pytest("suite", *arguments, paths=(str(tmp_path),), disturbable=True)
    result = run_tests.run(stage, tmp_path)
    # All write the same notes, so only the first file is disturbed, and skips nothing.
    assert len(result.failures) == len(names) + 2
    assert not result.passed_later


def test_a_command_counts_as_one(tmp_path: Path) -> None:
    assert run_tests.run(python("pass"), tmp_path).passed == 1
    failed = run_tests.run(python("raise SystemExit(3)"), tmp_path)
    assert failed.failures == ["python: ended with exit code 3; see above"]


def test_a_hanging_stage_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_tests, "STAGE_SECONDS", 0.5)
    result = run_tests.run(python("import time; time.sleep(600)"), tmp_path)
    assert result.seconds < 60
    assert len(result.failures) == 1


def test_the_last_line_adds_up_and_a_failure_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = [python("raise SystemExit(1)"), Stage("again", (sys.executable, "-c", "pass"))]
    monkeypatch.setattr(run_tests, "stages", lambda **_: chosen)
    assert run_tests.main([]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 1 failed, 0 skipped"


def test_an_unknown_stage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tests.main(["--only", "nothing"]) == 2
    assert capsys.readouterr().err.startswith("no stage is called nothing: ruff, ")


def test_chapters_run_live_once_and_from_recordings_in_parallel() -> None:
    by_name = {stage.name: stage for stage in run_tests.stages(fast=False, everything=False)}
    assert by_name["live"].environment == {}
    assert "-n2" not in by_name["live"].command
    assert by_name["recorded"].environment == {"VIRTLAB_SOURCE": "recorded"}
    assert by_name["live"].paths == by_name["recorded"].paths == ("notebooks",)
    assert {"-n2", "--dist=loadfile"} <= set(by_name["recorded"].command)


@pytest.mark.parametrize("everything", [False, True])
def test_every_test_runs_in_exactly_one_stage(everything: bool) -> None:
    """For each set of marks, one of the stages over tests/ takes it."""
    taken = [
        stage.command[stage.command.index("-m", 3) + 1]
        for stage in run_tests.stages(fast=False, everything=everything)
        if "-m" in stage.command[3:]
    ]
    for serial, slow, system in itertools.product((False, True), repeat=3):
        marks = {"serial": serial, "slow": slow, "system": system}
        chosen = sum(bool(eval(expression, {}, marks)) for expression in taken)
        assert chosen == int(everything or not slow)


def test_the_claims_that_a_live_pass_left_out_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTLAB_RUNS", str(tmp_path))
    run_tests.print_claims(tmp_path)
    assert capsys.readouterr().out.startswith("claims: 0 of ")
    claims.record("C029", "holds", "seen")
    run_tests.print_claims(tmp_path)
    out = capsys.readouterr().out
    assert out.startswith("claims: 1 of ")
    not_judged, not_live = out.splitlines()[1:]
    assert "C028, C030" in not_judged
    assert not_live.startswith("not measured live: ")
