"""Experiments of chapter 00: a first measurement."""

from __future__ import annotations

import pandas as pd

from virtlab.experiments.ladder import measure_starts
from virtlab.registry import experiment


@experiment("00-start-here/first-measurement", recorded_with={"rounds": 200})
def first_measurement(rounds: int = 50, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Start a thread and start a process: which takes longer, and by how much?"""
    return measure_starts(
        ("thread", "posix_spawn"),
        budget_s=None,
        rounds=rounds,
        least=1,
        seed=seed,
        progress=progress,
    )
