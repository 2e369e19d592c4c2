"""Published figures to set beside ours, each with its source, year and standing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pandas as pd

from virtlab.measure.folders import data_folder

# "seen": read in the abstract or the authors' raw data; "second-hand": read in another's careful
# summary. Anything else stays out of the course.
STANDINGS = ("seen", "second-hand")


def figures(what: Iterable[str]) -> pd.DataFrame:
    """Return published figures by what they are of, in the order asked for.

    Columns: topic, what, value (as printed), number (the value, where it is one number), unit,
    boundary_or_conditions, source, year, standing.

    Raises:
        ValueError: if there is no figure of that; names the nearest.
    """
    table = _all(data_folder() / "published-figures.csv")
    wanted = list(what)
    for name in wanted:
        if name not in table.index:
            near = difflib.get_close_matches(name, table.index, n=1, cutoff=0.3)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"no published figure of {name!r}{hint}")
    return table.loc[wanted].reset_index()


@cache
def _all(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table.insert(3, "number", pd.to_numeric(table["value"], errors="coerce"))
    return table.set_index("what")
