"""Every plot of the course, in one style, with a sentence and a table that say the same.

One module for each theme; `base` holds what they share, `general` what many chapters use.
"""

from virtlab.figures.aggregation import pool_speedup, refusals
from virtlab.figures.base import MOST_BYTES, Shown, style
from virtlab.figures.costs import bill, tolls
from virtlab.figures.desktop import update_map
from virtlab.figures.emulation import results_per_second, screens
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
from virtlab.figures.hardware_level import promises, time_split
from virtlab.figures.hypervisors import exits, fleet
from virtlab.figures.isolation import leak_map, message, survivors
from virtlab.figures.languages import warm_up
from virtlab.figures.machine_model import calls_behind, crowd
from virtlab.figures.migration import moves, tick_rate
from virtlab.figures.models import copy_rounds, one_core, packed_hosts, table_walk
from virtlab.figures.security import grid
from virtlab.figures.serving import followed, outages, stall
from virtlab.figures.sharing import (
    limits,
    overcommit,
    page_sharing,
    share_against_weight,
    utilization,
)
from virtlab.figures.startup import idle_memory, startup_ladder, walls
from virtlab.figures.techniques import registers
from virtlab.figures.verdicts import calibration, effects, verdict_map
from virtlab.figures.virtual_machines import guest_memory, interface_width

__all__ = [
    "MOST_BYTES",
    "Shown",
    "bill",
    "calibration",
    "calls_behind",
    "copy_rounds",
    "crowd",
    "distribution",
    "dots",
    "effects",
    "exits",
    "fleet",
    "followed",
    "grid",
    "guest_memory",
    "heat_map",
    "idle_memory",
    "interface_width",
    "leak_map",
    "limits",
    "lines",
    "literature",
    "median_and_interval",
    "message",
    "moves",
    "one_core",
    "outages",
    "overcommit",
    "packed_hosts",
    "page_sharing",
    "phases",
    "pool_speedup",
    "promises",
    "refusals",
    "registers",
    "results_per_second",
    "screens",
    "share_against_weight",
    "slowdown",
    "stall",
    "startup_ladder",
    "style",
    "survivors",
    "table_walk",
    "tick_rate",
    "time_split",
    "timeline",
    "tolls",
    "update_map",
    "utilization",
    "verdict_map",
    "walls",
    "warm_up",
]
