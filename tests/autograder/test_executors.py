from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import psutil
import pytest

from autograder import executors
from autograder.assignment import Submission
from autograder.cells import Limits
from autograder.course import Course
from autograder.executors import ExecutorError, executor, grade_one
from autograder.grading import Result, State
from autograder.sandbox import SandboxUnavailable, ZygoteDied
from autograder.validate import answered


@pytest.fixture
def assignment(course_folder):
    return Course(course_folder).assignment("ps")


@pytest.fixture
def class_of(assignment, right):
    """A class of which every second submission is right."""

    def make(size):
        for number in range(size):
            answers = right if number % 2 else {}
            submission = answered(assignment, "", answers, reference=False)
            yield replace(submission, student=f"s{number}")

    return make


def expected(size):
    return {f"s{number}": 5.0 if number % 2 else 0.0 for number in range(size)}


def spread(assignment, submissions, start, most=4):
    return list(executors._spread(start, assignment, submissions, most))


def done(submission):
    future = Future()
    future.set_result(Result(submission.student, "ps", State.GRADED, 7))
    return future


def broken():
    future = Future()
    future.set_exception(BrokenProcessPool("a process ended"))
    return future


def test_a_death_costs_nobody_and_who_caused_it_twice_is_named(assignment):
    """Four are under way when one kills the pool; only that one kills it again when alone."""
    submissions = [Submission(f"s{n}", "ps", f"submitted/s{n}/ps") for n in range(10)]
    tried = Counter()

    def start(submission):
        tried[submission.student] += 1
        number = int(submission.student[1:])
        if number == 2 or (number < 4 and tried[submission.student] == 1):
            return broken()
        return done(submission)

    results = {result.student: result for result in spread(assignment, submissions, start)}
    assert len(results) == 10
    assert [n for n, r in results.items() if r.state == State.NOT_GRADED] == ["s2"]
    assert "submitted/s2/ps: the grading process died" in results["s2"].reason
    assert max(tried.values()) == 2


def test_submissions_are_read_only_as_they_are_needed(assignment):
    read = []

    def submissions():
        for number in range(100):
            read.append(number)
            yield Submission(f"s{number}", "ps", "")

    results = executors._spread(done, assignment, submissions(), 4)
    for _ in range(10):
        next(results)
    assert len(read) <= 14


class Dying:
    """A grading process whose zygote dies on the first submissions."""

    def __init__(self, times):
        self.times = times

    def grade(self, assignment, submission, limits):
        if self.times:
            self.times -= 1
            raise ZygoteDied("it ended")
        return Result(submission.student, "ps", State.GRADED, 7)


@pytest.mark.parametrize(("deaths", "state"), [(1, State.GRADED), (9, State.NOT_GRADED)])
def test_zygote_that_died_is_started_again_once(assignment, monkeypatch, deaths, state):
    dying = Dying(deaths)
    monkeypatch.setattr(executors, "_this_worker", lambda unsafe: dying)
    monkeypatch.setattr(executors, "stop_worker", lambda: None)
    result = grade_one(assignment, Submission("ann", "ps", "submitted/ann/ps"), Limits())
    assert result.state == state


def test_a_process_keeps_the_latest_graders(assignment, worker, monkeypatch):
    opened, closed = [], []

    class Counted(executors.Grader):
        def __init__(self, *of):
            super().__init__(*of)
            opened.append(of[0].name)

        def __exit__(self, *error):
            super().__exit__(*error)
            closed.append(self.assignment.name)

    monkeypatch.setattr(executors, "Grader", Counted)
    for turn in (1, 2):
        for name in ("a", "b", "c"):
            taken = replace(assignment, name=name)
            worker.grade(taken, answered(taken, "s", {}), Limits())
        assert opened == ["a", "b", "c"], turn
    for name in ("d", "e"):
        taken = replace(assignment, name=name)
        worker.grade(taken, answered(taken, "s", {}), Limits())
    assert closed == ["a"]
    worker._close_graders(but=0)


def test_a_fault_of_the_grader_is_a_state_and_no_traceback(assignment, monkeypatch):
    monkeypatch.setattr(executors, "_this_worker", lambda unsafe: 1 / 0)
    result = grade_one(assignment, Submission("ann", "ps", "submitted/ann/ps"), Limits())
    assert result.state == State.NOT_GRADED
    assert result.reason.startswith("submitted/ann/ps: the grader failed with ZeroDivisionError")


def test_host_without_rooms_ends_the_run_with_the_remedy(monkeypatch):
    def refuse(**_):
        raise SandboxUnavailable("no rooms; run `autograder doctor`")

    monkeypatch.setattr(executors, "_worker", None)
    monkeypatch.setattr(executors, "Zygote", refuse)
    with pytest.raises(SandboxUnavailable, match="doctor"), executor():
        pass


def test_no_scheduler_is_one_line(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(executors, "SCHEDULER_S", 1.0)
    with (
        pytest.raises(ExecutorError, match=r"127\.0\.0\.1:1: no Dask scheduler"),
        executor(scheduler="tcp://127.0.0.1:1"),
    ):
        pass


@pytest.mark.long
@pytest.mark.usefixtures("worker")
def test_pool_grades_each_once_though_a_process_is_killed(assignment, class_of):
    with executor(jobs=2) as run:
        scores = {}
        for result in run(assignment, class_of(8), Limits()):
            assert result.student not in scores
            scores[result.student] = result.score
            if len(scores) == 2:
                _kill_a_pool_process()
    assert scores == expected(8)


def _kill_a_pool_process():
    victim = next(
        child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())
    )
    victim.kill()


@pytest.fixture
def cluster(tmp_path, worker):
    """A Dask scheduler and two workers as processes of their own; yields address and pids."""
    pytest.importorskip("distributed")
    contact = tmp_path / "scheduler.json"
    common = [sys.executable, "-m", "dask"]
    at = ["--scheduler-file", str(contact)]
    scheduler = [*common, "scheduler", *at, "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    worker_command = [
        *common, "worker", *at, "--nthreads", "1", "--no-nanny", "--no-dashboard",
        "--death-timeout", "60",
    ]  # fmt: skip
    environment = {**os.environ, "DASK_TEMPORARY_DIRECTORY": str(tmp_path)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = []
    try:
        for command in (scheduler, worker_command, worker_command):
            started.append(subprocess.Popen(command, env=environment, **quiet))
        until = time.monotonic() + 120
        while not contact.exists() or not contact.read_text().rstrip().endswith("}"):
            assert time.monotonic() < until, "the scheduler did not start"
            assert started[0].poll() is None, "the scheduler ended"
            time.sleep(0.1)
        yield json.loads(contact.read_text())["address"], [w.pid for w in started[1:]]
    finally:
        for process in reversed(started):  # the scheduler last
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:  # a worker may wait for the one that was killed
                process.kill()
                process.wait()


@pytest.mark.long
def test_dask_cluster_grades_each_once_though_a_worker_is_killed(cluster, assignment, class_of):
    address, workers = cluster
    with executor(scheduler=address) as run:
        scores = {}
        for result in run(assignment, class_of(12), Limits()):
            assert result.student not in scores
            scores[result.student] = result.score
            if len(scores) == 3:
                os.kill(workers[0], signal.SIGKILL)
    assert scores == expected(12)
