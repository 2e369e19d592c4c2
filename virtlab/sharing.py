"""What `virtlab sharing` tells: how this machine shares its CPU, memory and disk among tenants."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from virtlab import registry
from virtlab.measure import recording
from virtlab.measure.folders import runs_folder
from virtlab.measure.statistics import summarize
from virtlab.registry import Measurement, RegistryError

CHAPTER = "06-sharing"


class Summary(NamedTuple):
    """Which value of an experiment is told, in which unit, and by how much its column is scaled."""

    value: str
    what: str
    scale: float = 1.0


SUMMARIES = {
    "share-against-weight": Summary("share", "% of the core", 100),
    "weights-and-caps": Summary("core_share", "% of the core", 100),
    "throttling": Summary("response_ms", "ms response"),
    "overcommit": Summary("response_ms", "ms response"),
    "noisy-neighbours": Summary("response_ms", "ms response"),
    "lock-holder": Summary("spun", "% of CPU time spun", 100),
    "limits": Summary("got", ""),
    "page-sharing": Summary("pss_mib", "MiB PSS"),
}


def chosen(names: Sequence[str]) -> list[str]:
    """Return the experiments that were asked for, all if none was.

    Raises:
        RegistryError: if a name is unknown.
    """
    for name in names:
        if name not in SUMMARIES:
            raise RegistryError(
                f"no experiment on sharing is named {name!r}; there are: {', '.join(SUMMARIES)}"
            )
    return list(names or SUMMARIES)


def measure(names: Sequence[str] = (), seed: int = 1) -> Iterator[list[dict[str, Any]]]:
    """Measure experiments on sharing one after the other, and keep what is live in `runs/`.

    Args:
        names: of SUMMARIES; all if empty.
        seed: of the order of the conditions.

    Yields:
        For each experiment its rows, ready for JSON: experiment, condition (with the tenant, where
        tenants differ), n, median, p99 (None under 200 samples), interval of the median (both
        ends, None if unknown), unit, source, reason.

    Raises:
        RegistryError: if a name is unknown; nothing is measured then.
        DamagedRecording: if a recording is needed and missing, or cannot be written.
    """
    known = registry.load(CHAPTER)
    for name in chosen(names):
        measured = registry.take(known[name], seed=seed)
        yield list(_rows(name, measured, seed))
        if measured.source == "live":
            columns = measured.data.drop(columns=["source", "reason"])
            recording.save(columns, measured.provenance, runs_folder() / CHAPTER, name)


def _rows(name: str, measured: Measurement, seed: int) -> Iterator[dict[str, Any]]:
    value, what, scale = SUMMARIES[name]
    data = measured.data.assign(told=measured.data[value] * scale)
    if "tenant" in data:
        data["condition"] = data["condition"] + ", tenant " + data["tenant"].astype(str)
    first = data.groupby("condition").first()
    for row in summarize(data, "told", seed=seed).to_dict("records"):
        known = first.loc[row["condition"]]
        ends = [row["low"], row["high"]]
        yield {
            "experiment": name,
            "condition": row["condition"],
            "n": int(row["n"]),
            "median": float(f"{row['median']:.5g}"),
            "p99": None if math.isnan(row["p99"]) else float(f"{row['p99']:.5g}"),
            "interval": [None if abs(end) == float("inf") else float(f"{end:.5g}") for end in ends],
            "unit": what or str(known["unit"]),
            "source": str(known["source"]),
            "reason": str(known["reason"]),
        }
