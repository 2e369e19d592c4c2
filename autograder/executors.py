"""The same grading over many submissions: in this process, a local pool or a Dask cluster.

Each process that grades keeps one zygote. Results come as they are ready; only a few submissions
are under way at a time, so memory does not grow with the class.
"""

from __future__ import annotations

import atexit
import multiprocessing.util
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from itertools import islice

from autograder.assignment import Assignment, Submission
from autograder.cells import Limits
from autograder.grading import Grader, Result, State
from autograder.sandbox import SandboxUnavailable, Zygote, ZygoteDied

Run = Callable[[Assignment, Iterable[Submission], Limits], Iterator[Result]]

# So long a Dask scheduler has to answer, in seconds.
SCHEDULER_S = 10.0
# A submission whose process died is tried this often; then it is its own fault.
TRIES = 2
# So many graders a process keeps: assignments that are graded side by side take turns.
GRADERS = 4


class ExecutorError(Exception):
    """Why submissions cannot be graded there, and what to do, in one line."""


class _Worker:
    """What a grading process keeps between submissions: its zygote and the latest graders."""

    def __init__(self, unsafe: bool) -> None:
        self._zygote = Zygote(unsafe_no_sandbox=unsafe)
        self._zygote.__enter__()
        self._graders: dict[tuple[str, Limits], Grader] = {}  # the last one used is the last

    def grade(self, assignment: Assignment, submission: Submission, limits: Limits) -> Result:
        key = (assignment.digest, limits)
        grader = self._graders.pop(key, None) or Grader(assignment, self._zygote, limits)
        self._graders[key] = grader
        self._close_graders(but=GRADERS)
        return grader.grade(submission)

    def close(self) -> None:
        self._close_graders(but=0)
        self._zygote.__exit__(None, None, None)

    def _close_graders(self, but: int) -> None:
        while len(self._graders) > but:
            oldest = self._graders.pop(next(iter(self._graders)))
            oldest.__exit__(None, None, None)


_worker: _Worker | None = None
# A Dask worker may call from several threads; more processes, not threads, make it faster.
_one_at_a_time = threading.Lock()


def start_worker(unsafe: bool = False) -> None:
    """Start this process's zygote, unless it has one; it ends with the process.

    Raises:
        SandboxUnavailable: if this host cannot build rooms.
    """
    _this_worker(unsafe)


def stop_worker() -> None:
    """Stop this process's zygote, if it has one."""
    global _worker
    ending = _worker
    _worker = None
    if ending is not None:
        ending.close()


def _this_worker(unsafe: bool) -> _Worker:
    global _worker
    if _worker is None:
        _worker = _Worker(unsafe)
        # A pool's process ends without `atexit`; multiprocessing runs its own finalizers.
        multiprocessing.util.Finalize(None, stop_worker, exitpriority=1)
        atexit.register(stop_worker)
    return _worker


def grade_one(
    assignment: Assignment, submission: Submission, limits: Limits, unsafe: bool = False
) -> Result:
    """Grade one submission in this process. A fault of the grader itself costs only this one."""
    for _ in range(TRIES):
        try:
            with _one_at_a_time:
                return _this_worker(unsafe).grade(assignment, submission, limits)
        except ZygoteDied as error:
            stop_worker()
            reason = f"the sandbox ended while it was graded: {error}; grade it again"
        except SandboxUnavailable as error:
            reason = str(error)
        except Exception as error:
            words = " ".join(str(error).split())
            reason = f"the grader failed with {type(error).__name__}: {words}; please report it"
    return _not_graded(assignment, submission, f"{submission.where}: {reason[:400]}")


def executor(
    jobs: int = 1, scheduler: str = "", unsafe: bool = False
) -> AbstractContextManager[Run]:
    """Where to grade: a Dask cluster if `scheduler` names one, else `jobs` local processes.

    The context manager's value is called with the assignment, the submissions and the limits, and
    yields one result a submission as each is ready.

    Args:
        jobs: how many processes; 1 is this one.
        scheduler: the address of a Dask scheduler, such as `tcp://10.0.0.1:8786`.
        unsafe: run submissions without namespaces and without a seccomp filter.

    Raises:
        SandboxUnavailable: if the host that grades cannot build rooms.
        ExecutorError: if there is no such scheduler.
    """
    if scheduler:
        return _cluster(scheduler, unsafe)
    return _this_process(unsafe) if jobs <= 1 else _pool(jobs, unsafe)


@contextmanager
def _this_process(unsafe: bool) -> Iterator[Run]:
    def run(
        assignment: Assignment, submissions: Iterable[Submission], limits: Limits
    ) -> Iterator[Result]:
        for submission in submissions:
            yield grade_one(assignment, submission, limits, unsafe)

    start_worker(unsafe)
    try:
        yield run
    finally:
        stop_worker()


def _end_with_maker() -> None:
    """Let this process of a pool end with the process that made it, even if that one is killed.

    Its siblings hold the pipe of the work to come open, so it would wait for ever.
    """
    maker = multiprocessing.parent_process()
    assert maker is not None

    def watch() -> None:
        maker.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _pool(jobs: int, unsafe: bool) -> Iterator[Run]:
    def make() -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(jobs, context, initializer=_end_with_maker)

    pool = make()

    def renew() -> Executor:
        nonlocal pool
        pool.shutdown(wait=False, cancel_futures=True)
        pool = make()
        return pool

    def run(
        assignment: Assignment, submissions: Iterable[Submission], limits: Limits
    ) -> Iterator[Result]:
        def start(submission: Submission) -> Future[Result]:
            try:
                return pool.submit(grade_one, assignment, submission, limits, unsafe)
            except BrokenProcessPool:
                return renew().submit(grade_one, assignment, submission, limits, unsafe)

        return _spread(start, assignment, submissions, 2 * jobs)

    try:
        pool.submit(start_worker, unsafe).result()
        yield run
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _cluster(address: str, unsafe: bool) -> Iterator[Run]:
    try:
        from distributed import Client
    except ImportError:
        raise ExecutorError(
            "--scheduler needs Dask; install it with `pip install distributed`"
        ) from None
    try:
        client = Client(address, timeout=SCHEDULER_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ExecutorError(f"{address}: no Dask scheduler answers there ({error})") from None

    def run(
        assignment: Assignment, submissions: Iterable[Submission], limits: Limits
    ) -> Iterator[Result]:
        # Sent once to each worker that asks. Not scattered: what is scattered is lost with the
        # workers that hold it, and this is sent again.
        shipped = client.submit(_itself, assignment, pure=False, retries=TRIES)

        def start(submission: Submission) -> Future[Result]:
            return pool.submit(grade_one, shipped, submission, limits, unsafe)

        workers = max(1, sum(client.nthreads().values()))
        return _spread(start, assignment, submissions, 2 * workers)

    with client, client.get_executor(pure=False, retries=TRIES) as pool:
        yield run


def _itself(assignment: Assignment) -> Assignment:
    return assignment


def _spread(
    start: Callable[[Submission], Future[Result]],
    assignment: Assignment,
    submissions: Iterable[Submission],
    most: int,
) -> Iterator[Result]:
    """Keep `most` submissions under way, and try one whose process died once more."""
    under_way: dict[Future[Result], Submission] = {}
    coming = iter(submissions)
    again: list[Submission] = []
    while True:
        if again:
            # One at a time after a death, so that the next one shows whose fault it was.
            if not under_way:
                suspect = again.pop()
                yield _result_or_blame(start(suspect), assignment, suspect)
                continue
        else:
            for submission in islice(coming, most - len(under_way)):
                under_way[start(submission)] = submission
        if not under_way:
            return
        done, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for future in done:
            submission = under_way.pop(future)
            if _went_well(future):
                yield future.result()
            else:
                again.append(submission)


def _went_well(future: Future[Result]) -> bool:
    """Wait for a future; Dask also cancels those whose worker is gone."""
    try:
        return future.exception() is None
    except CancelledError:
        return False


def _result_or_blame(
    future: Future[Result], assignment: Assignment, submission: Submission
) -> Result:
    if _went_well(future):
        return future.result()
    return _not_graded(
        assignment,
        submission,
        f"{submission.where}: the grading process died {TRIES} times on it; "
        "look at the notebook before you grade it again",
    )


def _not_graded(assignment: Assignment, submission: Submission, reason: str) -> Result:
    return Result(
        submission.student, assignment.name, State.NOT_GRADED, assignment.points, reason=reason
    )
