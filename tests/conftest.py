"""What all tests share."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True, scope="session")
def own_runs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keeps predictions and verdicts of tests out of the user's own `runs/`."""
    os.environ["VIRTLAB_RUNS"] = str(tmp_path_factory.mktemp("runs"))
