"""Interleaved rounds: every condition is measured beside every other, in shuffled order."""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd
from tqdm.auto import tqdm

from virtlab.runtimes.base import RuntimeFailed

Condition = Callable[[], Mapping[str, float] | float]


def measure_rounds(
    conditions: Mapping[str, Condition],
    *,
    budget_s: float | None = None,
    rounds: int | None = None,
    least: int = 5,
    most: int = 200,
    seed: int,
    warm: bool = True,
    progress: bool = False,
) -> pd.DataFrame:
    """Measure all conditions in interleaved rounds and return one row a measurement.

    Rounds and not blocks, because a machine drifts: what disturbs one minute then disturbs every
    condition alike.

    Args:
        conditions: name → function that measures once and returns one value, or named values.
        budget_s: seconds for the recorded measurements. Cheap conditions then get up to `most`
            rounds and slow ones at least `least`, spread evenly over the rounds.
        rounds: the exact number of rounds for every condition; give this or `budget_s`.
        least: fewest rounds of a condition, even over the budget.
        most: most rounds of a condition, even under the budget.
        seed: decides the order within each round, and nothing else.
        warm: run each condition once beforehand, unrecorded, so that all samples are warm.
        progress: show a progress bar.

    Returns:
        Columns `round`, `order` (when within the round), `condition`, then the values (`value` if
        a condition returns a bare number); the rows of a round in the order of `conditions`.
        `attrs["failed"]` maps each condition that failed to the reason; the others are measured to
        the end.

    Raises:
        ValueError: if not exactly one of `budget_s` and `rounds` is given, or is not positive.
    """
    if (budget_s is None) == (rounds is None):
        raise ValueError("measure_rounds needs either budget_s or rounds, not both")
    if (budget_s is not None and budget_s <= 0) or (rounds is not None and rounds < 1):
        raise ValueError("measure_rounds needs a positive budget_s or at least one round")
    measuring = _Measuring(conditions, budget_s, rounds, least, most, seed, progress)
    if warm:
        measuring.warm_up()
    return measuring.to_the_end()


def measure_rows(
    conditions: Mapping[str, Callable[[], Iterable[Mapping[str, Any]]]], **settings: Any
) -> pd.DataFrame:
    """Measure as `measure_rounds` does, where each measurement gives several rows.

    Args:
        conditions: name → function that measures once and returns its rows.
        **settings: those of `measure_rounds`.
    """
    runs: list[list[Mapping[str, Any]]] = []

    def numbered(measure: Callable[[], Iterable[Mapping[str, Any]]]) -> Condition:
        def once() -> dict[str, float]:
            runs.append(list(measure()))
            return {"run": len(runs) - 1}

        return once

    index = measure_rounds({name: numbered(one) for name, one in conditions.items()}, **settings)
    places = index.to_dict("records")
    data = pd.DataFrame(
        [
            {name: place[name] for name in ("round", "order", "condition")} | dict(row)
            for place in places
            for row in runs[int(place["run"])]
        ]
    )
    data.attrs.update(index.attrs)
    return data if len(data) else index.drop(columns="run", errors="ignore")


class _Measuring:
    """One call of measure_rounds: its plan, its rows and what failed."""

    def __init__(
        self,
        conditions: Mapping[str, Condition],
        budget_s: float | None,
        rounds: int | None,
        least: int,
        most: int,
        seed: int,
        progress: bool,
    ) -> None:
        self.conditions = dict(conditions)
        self.places = {name: place for place, name in enumerate(conditions)}
        self.budget_s, self.rounds, self.least, self.most = budget_s, rounds, least, most
        self.shuffle = random.Random(seed).shuffle
        self.progress = progress
        self.started = time.monotonic()
        self.rows: list[dict[str, Any]] = []
        self.failed: dict[str, str] = {}
        self.spent_s: defaultdict[str, float] = defaultdict(float)
        self.allowed_s: dict[str, float] = {}
        self.taken: Counter[str] = Counter()

    def warm_up(self) -> None:
        for name in list(self.conditions):
            self._measure(name)
        self.spent_s.clear()

    def to_the_end(self) -> pd.DataFrame:
        # The first round tells what each costs; the plan for the rest follows from it.
        self._round(0, list(self.conditions))
        wanted = self._plan()
        total = max(wanted.values(), default=0)
        with tqdm(total=sum(wanted.values()), disable=not self.progress, leave=False) as bar:
            bar.update(len(self.conditions))
            for number in range(1, total):
                due = [name for name in self.conditions if self._is_due(name, number, wanted)]
                bar.update(self._round(number, due))
        columns = ["round", "order", "condition"]
        self.rows.sort(key=lambda row: (row["round"], self.places[row["condition"]]))
        data = pd.DataFrame(self.rows) if self.rows else pd.DataFrame(columns=columns)
        data.attrs["failed"] = self.failed
        data.attrs["seconds"] = round(time.monotonic() - self.started, 3)
        return data

    def _plan(self) -> dict[str, int]:
        """Return how many rounds each condition gets: the budget in equal shares, cheapest first.

        What a cheap condition cannot use (it has `most` rounds already) is left to the dearer ones.
        """
        if self.rounds is not None:
            return dict.fromkeys(self.conditions, self.rounds)
        assert self.budget_s is not None
        left = self.budget_s
        wanted: dict[str, int] = {}
        by_cost = sorted(self.conditions, key=lambda name: self.spent_s[name])
        for place, name in enumerate(by_cost):
            cost = max(self.spent_s[name], 1e-9)
            self.allowed_s[name] = max(left, 0) / (len(by_cost) - place)
            wanted[name] = int(min(max(self.allowed_s[name] / cost, self.least), self.most))
            left -= wanted[name] * cost
        return wanted

    def _is_due(self, name: str, number: int, wanted: Mapping[str, int]) -> bool:
        """Say whether the condition takes part: its rounds lie evenly among all rounds."""
        total = max(wanted.values())
        if number * wanted[name] // total == (number - 1) * wanted[name] // total:
            return False
        # The plan rests on one sample; a condition that proves dearer stops at its share.
        spent = self.rounds is None and self.spent_s[name] > self.allowed_s[name]
        return not (spent and self.taken[name] >= self.least)

    def _round(self, number: int, due: list[str]) -> int:
        """Measure the conditions that are due, in shuffled order, and return how many they are."""
        order = sorted(due)
        self.shuffle(order)
        for place, name in enumerate(order):
            values = self._measure(name)
            if values is not None:
                self.taken[name] += 1
                self.rows.append({"round": number, "order": place, "condition": name, **values})
        return len(order)

    def _measure(self, name: str) -> dict[str, float] | None:
        """Measure one condition once; a condition that fails leaves the measurement."""
        before = time.monotonic()
        try:
            result = self.conditions[name]()
        except (RuntimeFailed, OSError) as error:
            self.failed[name] = " ".join(str(error).split())
            del self.conditions[name]
            self.rows = [row for row in self.rows if row["condition"] != name]
            return None
        self.spent_s[name] += time.monotonic() - before
        return dict(result) if isinstance(result, Mapping) else {"value": float(result)}
