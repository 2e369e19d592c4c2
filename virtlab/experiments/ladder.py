"""Starting runtimes side by side: what the ladders of several chapters have in common."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from functools import partial
from statistics import median

import pandas as pd

from virtlab.measure.rounds import measure_rounds
from virtlab.registry import RegistryError
from virtlab.runtimes import RUNTIMES
from virtlab.runtimes.base import Runtime

BOUNDARIES = ("first_instruction", "first_reply", "gone")


def start_once(
    runtime: Runtime,
    command: Sequence[str] | None = None,
    *,
    concurrency: int = 1,
    present: int = 0,
) -> dict[str, float]:
    """Start a runtime and end it; return the ms from the call to each boundary it reached.

    Args:
        runtime: what to start.
        command: what to run in it; the payload if not given.
        concurrency: how many to start at once; the result then is their median.
        present: how many others of its kind run meanwhile.
    """
    with ExitStack() as others:
        for _ in range(present):
            others.enter_context(runtime.start())
        lives = runtime.run_many(concurrency, command)
    return {
        f"{boundary}_ms": median((stamps[boundary] - stamps["call"]) / 1e6 for stamps in lives)
        for boundary in BOUNDARIES
        if boundary in lives[0]
    }


def measure_starts(
    names: Collection[str],
    *,
    budget_s: float | None,
    rounds: int | None,
    least: int,
    seed: int,
    progress: bool,
    concurrency: int = 1,
    present: int = 0,
) -> pd.DataFrame:
    """Start each runtime in interleaved rounds; what is not available here is left out, with why.

    `concurrency` and `present` are those of `start_once`.

    Returns:
        Columns round, order, condition (the runtime's name), first_instruction_ms, first_reply_ms,
        gone_ms (all from the call), kind, accelerator.

    Raises:
        RegistryError: if there is no runtime of a name.
    """
    failed: dict[str, str] = {}
    conditions: dict[str, Callable[[], dict[str, float]]] = {}
    for name in names:
        if name not in RUNTIMES:
            raise RegistryError(f"no runtime named {name!r}; there are: {', '.join(RUNTIMES)}")
        available = RUNTIMES[name].available()
        if available:
            conditions[name] = partial(
                start_once, RUNTIMES[name], concurrency=concurrency, present=present
            )
        else:
            failed[name] = available.why
    data = measure_rounds(
        conditions,
        budget_s=None if rounds else budget_s,
        rounds=rounds,
        least=least,
        seed=seed,
        progress=progress,
    )
    data["kind"] = data["condition"].map(lambda name: RUNTIMES[name].kind)
    data["accelerator"] = data["condition"].map(lambda name: RUNTIMES[name].accelerator)
    data.attrs["failed"] = failed | data.attrs["failed"]
    return data
