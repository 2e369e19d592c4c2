"""Every plot of the course, in one style, with a sentence and a table that say the same.

One module for each theme; `base` holds what they share, `general` what many chapters use.
"""

from virtlab.figures.base import MOST_BYTES, Shown, style
from virtlab.figures.general import (
    distribution,
    dots,
    heat_map,
    lines,
    literature,
    median_and_interval,
    phases,
    slowdown,
    timeline,
)
from virtlab.figures.sharing import (
    limits,
    overcommit,
    page_sharing,
    share_against_weight,
    utilization,
)
from virtlab.figures.startup import idle_memory, startup_ladder, walls

__all__ = [
    "MOST_BYTES",
    "Shown",
    "distribution",
    "dots",
    "heat_map",
    "idle_memory",
    "limits",
    "lines",
    "literature",
    "median_and_interval",
    "overcommit",
    "page_sharing",
    "phases",
    "share_against_weight",
    "slowdown",
    "startup_ladder",
    "style",
    "timeline",
    "utilization",
    "walls",
]
