"""What all tests share."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from virtlab import leftovers

_LOCK = Path(tempfile.gettempdir()) / f"virtlab-tests-{os.getuid()}.lock"


@pytest.fixture(autouse=True, scope="session")
def own_runs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keeps predictions and verdicts of tests out of the user's own `runs/`."""
    os.environ["VIRTLAB_RUNS"] = str(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def alone_with_leftovers() -> Iterator[None]:
    """Has the machine's leftovers to itself: another session's test would clean up ours."""
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def leaves_nothing() -> Iterator[None]:
    """What a test started is gone after it; meanwhile no other test leaves something on purpose."""
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        before = set(leftovers.find())
        children = {child.pid for child in psutil.Process().children()}
        yield
        assert set(leftovers.find()) - before == set()
        new = [child for child in psutil.Process().children() if child.pid not in children]
        assert [child for child in new if "helper.py" not in str(child.cmdline())] == []
