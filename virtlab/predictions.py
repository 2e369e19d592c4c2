"""What was measured, beside what was predicted: for each question the truth in the guess's shape.

A question is named as in the chapter's `claims.predict`. Its truth is computed from the student's
own measurement where `runs/` holds it, else from the recording. Where the right answer is a matter
of judgement, the question is not in this table; the report then sends the student to the chapter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from virtlab import keeping, registry
from virtlab.measure import recording
from virtlab.measure.folders import data_folder, runs_folder
from virtlab.registry import Measurement

Truth = Callable[[Measurement], Any]

GRADES = ("right", "near", "far")
RIGHT_TIMES, NEAR_TIMES = 2.0, 10.0  # a guess of a size, as a factor
RIGHT_POINTS, NEAR_POINTS = 10.0, 25.0  # a guess of a percentage, in points of 100


@dataclass(frozen=True)
class Question:
    """How to find out what would have been right.

    Attributes:
        experiment: the id of the experiment that answers it; empty if none is needed.
        truth: computes the answer, in the shape of the prediction: a number, a text, a set of
            names, a dictionary of these, or a list, part by part. None is a part left unjudged.
        scale: how a number is judged: a "size" as a factor, "points" (a percentage) by its
            distance, a "count" by whether it is exactly so.
    """

    experiment: str
    truth: Truth
    scale: str = "size"


@dataclass(frozen=True)
class Part:
    """One part of a prediction beside what was measured.

    `grade` is one of GRADES; `times` is guess / measured for sizes, else NaN; `source` is of the
    measurement.
    """

    chapter: str
    name: str
    part: str
    guess: str
    measured: str
    grade: str
    times: float
    source: str


def median(column: str, times: float = 1.0) -> Truth:
    """The median of a column by condition."""

    def truth(m: Measurement) -> Any:
        return (times * m.data.groupby("condition")[column].median()).to_dict()

    return truth


def by(key: str, column: str, times: float = 1.0) -> Truth:
    """The median of a column by another column than the condition."""

    def truth(m: Measurement) -> Any:
        return (times * m.data.groupby(key)[column].median()).to_dict()

    return truth


def quotient(over: str, under: str, column: str) -> Truth:
    """The ratio of two conditions' medians."""

    def truth(m: Measurement) -> Any:
        usual = m.data.groupby("condition")[column].median()
        return float(usual[over] / usual[under])

    return truth


def first(column: str) -> Truth:
    """The text of a column by condition."""

    def truth(m: Measurement) -> Any:
        return m.data.groupby("condition")[column].first().to_dict()

    return truth


def cells(columns: Iterable[str], *words: str) -> Truth:
    """By condition, the set of columns whose cell is one of the words."""

    def truth(m: Measurement) -> Any:
        table = m.data.set_index("condition")
        return {
            str(name): {column for column in columns if row[column] in words}
            for name, row in table.iterrows()
        }

    return truth


def fixed(answer: Any, scale: str = "count") -> Question:
    """A question that needs no measurement."""
    return Question("", lambda _: answer, scale)


def _busy(m: Measurement) -> list[float]:
    busy = m.data.groupby("tenants")["busy_fraction"].median()
    return [100 * float(busy[1]), 100 * float(busy[6])]


def _longer_bursts(m: Measurement) -> float:
    response = m.data.groupby("tenants")["response_ms"].median()
    return float(response[6] / response[1])


def _one_address(m: Measurement) -> str:
    own = bool((m.data["reads"] == m.data["wrote"]).all())
    return "each sees its own number" if own else "both see 1001"


def _fleet(m: Measurement) -> list[Any]:
    runs = {name: rows["million_turns"] for name, rows in m.data.groupby("condition")}
    rest = m.data.query("condition == 'guest C' and state == 'paused'")["million_turns"]
    advance = sum(bool(run.iloc[-1] > run.iloc[0]) for run in runs.values())
    return [advance, "catches up" if rest.max() > rest.min() else "stands still"]


def _attack(m: Measurement) -> list[Any]:
    hit = m.data.groupby("condition")["victim_pages_hit"].max()
    own = hit[[name for name in hit.index if "of its own" in str(name)]].max()
    shared = hit[[name for name in hit.index if "on purpose" in str(name)]].max()
    return [{"memory of its own": float(own), "the victim's memory": float(shared)}, None]


def _copy_up(m: Measurement) -> list[Any]:
    usual = m.data.groupby("condition")["ms"].median()
    return [None, "faster" if usual["second write"] < usual["first write"] else "slower"]


def _upgrade(m: Measurement) -> list[Any]:
    moved = (m.data["bytes"] * m.data["moved"]).groupby(m.data["condition"]).sum()
    return [float(100 * moved["one file of the app changed"] / moved["first pull"]), "no"]


def _runc_share(m: Measurement) -> float:
    lengths = m.data.assign(ms=m.data["end_ms"] - m.data["start_ms"])
    usual = lengths.groupby(["condition", "phase"])["ms"].median()["docker run"]
    return float(100 * usual[["runc create", "runc start"]].sum() / usual.sum())


def _boot(m: Measurement) -> dict[str, float]:
    from virtlab.experiments import c04_virtual_machines as lab

    phases = lab.phases(m).data
    length = (phases["end_ms"] - phases["start_ms"]).groupby([phases["condition"], phases["phase"]])
    pc = length.median()["PC, Linux (TCG)"]
    return {str(name): float(100 * part / pc.sum()) for name, part in pc.items()}


def _exits(m: Measurement) -> dict[str, float]:
    rate = 1000 * m.data["exits"] / m.data["steps"]
    return {str(key): float(one) for key, one in rate.groupby(m.data["condition"]).median().items()}


def _held(m: Measurement) -> dict[str, float]:
    big = m.data[m.data["condition"] == "Linux, 512 MiB"]
    return {str(key): float(one) for key, one in big.groupby("step")["held_mib"].median().items()}


def _still_readable(m: Measurement) -> set[str]:
    rows = m.data[m.data["condition"] == "base lost"]
    return set(rows.loc[rows["clusters"] != "cannot be read", "file"])


def _width(m: Measurement) -> dict[str, float]:
    can = m.data.set_index("condition")
    return {
        "Docker": float(can["calls"]["container by Docker"]),
        "doors of a PC": float(can["doors"]["VM, QEMU's usual PC"]),
    }


def _resets(m: Measurement) -> Any:
    from virtlab.experiments import c04_virtual_machines as lab

    return lab.resets(m).data.groupby("condition")["reset_ms"].median().to_dict()


def _any_file(m: Measurement) -> str:
    opened = cells(["file"], "got through", "OPEN", "open")(m)
    found = [name for name, what in opened.items() if what and "+" not in name]
    return found[0] if found else "none"


def _ping(m: Measurement) -> dict[str, str]:
    after = first("after")(m)
    return {
        "normally": after["plain process, ping"],
        "no_new_privs": after["the same, no_new_privs"],
        "not in the bounding set": after["the same, NET_RAW not in the bounding set"],
    }


def _snapshots(m: Measurement) -> list[Any]:
    ms = m.data.groupby(["condition", "mib"])["secure_ms"].median()
    copy, snap = ms["full copy"], ms["snapshot"]
    small = copy.index.min()
    large = copy.index.max()
    slower = "slower" if copy[small] > snap[small] else "faster"
    return [float(copy[large] / snap[large]), slower]


def _adds_up(m: Measurement) -> float:
    adds = m.data.groupby(["application", "way"])["adds_up"].mean()
    return float(100 * adds["two files", "frozen"])


def _shares(m: Measurement) -> dict[str, float]:
    four = m.data[m.data["condition"] == "1:2:3:4"].groupby("tenant")["share"].median()
    return {str(int(float(str(tenant)))): 100 * float(share) for tenant, share in four.items()}


def _slowest(m: Measurement) -> dict[str, float]:
    p99 = m.data.groupby("condition")["response_ms"].quantile(0.99, interpolation="higher")
    return {str(name): float(one / p99["no cap"]) for name, one in p99.items()}


def _what_limits_do(m: Measurement) -> Any:
    limited = m.data[m.data["limited"].astype(str).isin(("True", "1"))]
    return limited.groupby("limit")["outcome"].first().to_dict()


def _hurt(m: Measurement) -> Any:
    hurt = m.data[m.data["guests"] == 14].groupby("condition")["hurt_mib"].median()
    return hurt.to_dict()


def _three_tenants(m: Measurement) -> dict[str, float]:
    usual = m.data.groupby("tenants")[["response_ms", "waited"]].median()
    waited = usual["waited"]
    times = float(waited[3] / waited[1]) if waited[1] > 0 else math.inf
    answer = float(usual["response_ms"][3] / usual["response_ms"][1])
    return {"usual answer, times": answer, "waiting, times": times}


def _speedups(m: Measurement) -> Any:
    return m.data[m.data["servers"] == 4].groupby("condition")["speedup"].median().to_dict()


def _refused(m: Measurement) -> Any:
    return m.data[m.data["load"] == 80].groupby("condition")["refused_percent"].mean().to_dict()


def _death(m: Measurement) -> dict[str, Any]:
    row: dict[str, Any] = dict(m.data.set_index("condition").loc["one of four dies"])
    right = str(row["right"]) == "True"
    counter = str(row["counter"]).split(" (")[0]
    return {"right": right, "runs": float(row["runs"]), "counter": counter}


def _arm_runs(m: Measurement) -> set[str]:
    works = m.data["works"].astype(str).eq("True") & m.data["program"].eq("Arm")
    return set(m.data.loc[works, "executor"])


def _kvm_refuses(m: Measurement) -> str | None:
    row = m.data[m.data["condition"] == "host (KVM)"]
    works = row["works"].astype(str).eq("True").any()
    return None if works or row.empty else "it is refused"


def _works(m: Measurement) -> set[str]:
    return set(m.data.loc[m.data["works"].astype(str).eq("True"), "condition"])


def _visible(m: Measurement) -> dict[str, float]:
    return {
        place: float((m.data[place].astype(str) != "–").sum()) for place in ("host", "box", "inner")
    }


def _neighbours(m: Measurement) -> list[Any]:
    usual = m.data.groupby("condition")["response_ms"].median()
    times = {str(name): float(one / usual["alone"]) for name, one in usual.items()}
    limited = [one for name, one in times.items() if name.endswith(", limited")]
    return [times, max(limited)]


def _survivors(m: Measurement) -> dict[str, float]:
    from virtlab.experiments import c09_isolation as lab

    asked = m.data
    late = (asked["answered"] - asked["sent"] > asked["deadline"]) | asked["answered"].isna()
    during = (asked["sent"] >= asked["start"]) & (asked["sent"] < asked["end"])
    chosen = during & (asked["tenant"] != lab.CRASHED)
    failed = 100 * late[chosen].groupby(asked.loc[chosen, "condition"]).mean()
    return {str(name): float(one) for name, one in failed.items()}


def _highest_level(m: Measurement) -> dict[str, str]:
    table = m.data.set_index("condition")
    levels = ["v1", "v2", "v3", "v4"]
    return {
        str(name): max((level for level in levels if row[level] == "runs"), default="none")
        for name, row in table.iterrows()
    }


def _noticed(m: Measurement) -> dict[str, float]:
    found = {way: m.data[way].isin(["changed", "fails"]).sum() for way in ("bare", "files_packed")}
    packed = m.data["all_packed"].isin(["changed", "fails"]).sum()
    return {"bare": float(found["bare"]), "files and variables packed": float(packed)}


def _survives(m: Measurement) -> dict[str, str]:
    others = m.data.iloc[1:]
    content = others["same_content"].astype(str).eq("True").all()
    snapshots = bool((pd.to_numeric(others["snapshots"]) > 0).any())
    size = others["disk_bytes"].nunique() == 1
    told = {"content": content, "snapshots": snapshots, "size": size}
    return {what: "yes" if stays else "no" for what, stays in told.items()}


def _behind(m: Measurement) -> Any:
    found = m.data.groupby("condition")[["none", "one", "many"]].sum()
    return found.idxmax(axis=1).to_dict()


def _reads(m: Measurement) -> float:
    return float(m.data.set_index("condition")["reads"]["4 + 4"])


def _cheaper(m: Measurement) -> list[str]:
    cost = m.data.assign(cost=m.data["references"] + 100 * m.data["exits"])
    table = cost.pivot(index="frames", columns="condition", values="cost")[["nested", "shadow"]]
    order = table.sort_index().idxmin(axis=1)
    return [str(order.iloc[-1]), str(order.iloc[0])]


def _own_share(m: Measurement) -> list[float]:
    quickest = m.data.groupby("turns")[["native_us", "total_us"]].min()
    share = 100 * quickest["native_us"] / quickest["total_us"]
    return [float(share[1000]), float(share[1_000_000])]


def _away(m: Measurement) -> list[Any]:
    usual = m.data.groupby("condition")[["away_share", "longest_ms"]].median()
    return [float(100 * usual["away_share"]["4 on one core"]), None]


def _hello(m: Measurement) -> dict[str, float]:
    toys = m.data[(m.data["processor"] == "clean") & (m.data["guest"] == "hello")]
    each = toys.set_index("condition")
    return {str(name): float(row["exits"] + row["callouts"]) for name, row in each.iterrows()}


def _privileged(m: Measurement) -> list[Any]:
    dies = bool(
        m.data.loc[m.data["place"] == "a process", "outcome"]
        .astype(str)
        .str.startswith("killed")
        .all()
    )
    kernel = m.data[m.data["place"] == "a guest's ring 0"]
    done = bool((kernel["outcome"] == "done").all())
    came = float((pd.to_numeric(kernel["returns"]) > 0.5).sum())
    return ["dies" if dies else "gets the address", "gets the address" if done else None, came]


def _accesses(m: Measurement) -> Any:
    sector = m.data[m.data["size"] == "1 sector"]
    return sector.groupby("condition")["registers"].median().to_dict()


def _disk_shares(m: Measurement) -> float:
    return float(m.data.set_index("condition")["same_as_host"]["a disk"])


def _stopped_at(m: Measurement) -> dict[str, str]:
    levels = m.data.set_index("condition")
    names = [name for name in levels.columns if levels[name].isin(["got through", "stopped"]).any()]
    return {
        attack: str(levels.index[(levels[attack] == "stopped").to_numpy()][0])
        for attack in names
        if (levels[attack] == "stopped").any()
    }


def _powers(m: Measurement) -> set[str] | None:
    asked = cells(["chroot", "mount", "device", "swap"], "got through")(m)
    behind = [what for name, what in asked.items() if "user" in name and "namespace" in name]
    return behind[-1] if behind else None


def _fits(m: Measurement) -> Any:
    from virtlab.experiments import c14_os_level as lab

    return lab.one_more(m.data)["fit"].to_dict()


def _gain(m: Measurement) -> float:
    jobs = m.data.groupby("containers")["jobs_per_s"].median()
    return float(jobs[jobs.index.max()] / jobs[1])


def _alive(m: Measurement) -> Any:
    last = m.data[m.data["tick"] == m.data["tick"].max()]
    return last.groupby("condition")["running"].median().to_dict()


def _interpreter(m: Measurement) -> list[float]:
    each = m.data.groupby("condition")
    same = m.data["same"].astype(str).eq("True").groupby(m.data["condition"]).all()
    usual = each[["cpython_us", "ours_us"]].median()
    return [float(same.sum()), float((usual["ours_us"] / usual["cpython_us"]).median())]


def _stopped_past_the_end(m: Measurement) -> set[str]:
    return set(m.data.loc[m.data["outcome"] == "stopped", "condition"])


def _open_runtimes(m: Measurement) -> Any:
    table = m.data.set_index("condition")[["memory", "file", "end"]]
    return (table == "got through").sum(axis="columns").astype(float).to_dict()


def _warm(m: Measurement) -> list[Any]:
    from virtlab.experiments import c15_language_level as lab

    usual = lab.judged(m).groupby("condition")[["first_us", "late_us"]].median()
    ratio = (usual["first_us"] / usual["late_us"]).to_dict()
    return [ratio, str(usual["late_us"].idxmin())]


def _different(m: Measurement) -> float:
    return float(m.data["digest"].nunique())


def _fooled(m: Measurement) -> list[Any]:
    ways = m.data.set_index("condition")
    sees = {
        str(name): "host" if "host" in str(row["child_sees"]) else "application"
        for name, row in ways.iterrows()
    }
    return [ways["package_kib"].astype(float).to_dict(), sees]


def _open_times(m: Measurement) -> dict[str, float]:
    usual = m.data.groupby("condition")["us"].median()
    return {str(name): float(one / usual["no package"]) for name, one in usual.items()}


def _theorem(_: Any) -> list[float]:
    from virtlab.experiments import c11_machine_reference_model as lab

    table = lab.theorem()
    offenders = table["offenders"].iloc[-1].count(",") + 1
    return [float(table["theorem"].sum()), float(offenders)]


def _after_each_loss(m: Measurement) -> list[Any]:
    steps = m.data.set_index("condition")
    whole = (steps["right"] == steps["of"]).to_dict()
    scrub = steps["errors"].astype(float)["scrubbed"] > 0
    return [{name: "all" for name, right in whole.items() if right}, "yes" if scrub else "no"]


def _dedup(m: Measurement) -> Any:
    return m.data[m.data["block_kib"] == 4].groupby("condition")["ratio"].median().to_dict()


def _accidents(m: Measurement) -> Any:
    fates = m.data.set_index("condition")
    return (fates == "restored").sum(axis="columns").astype(float).to_dict()


def _right_sums(m: Measurement) -> Any:
    right = m.data["right"].astype(float)
    return (100 * right.groupby(m.data["condition"]).mean()).to_dict()


def _switch(m: Measurement) -> Any:
    return m.data.groupby("condition")["kernel"].first().astype(str).to_dict()


def _added(m: Measurement) -> list[float]:
    added = float(m.data["added"].median())
    return [added, 1500 - added]


def _packets(m: Measurement) -> dict[str, set[str]]:
    came = m.data[m.data["arrived"].astype(str) == "True"]
    return {
        f"overlay of {room}": {str(size) for size in rows["packet_bytes"]}
        for room, rows in came.groupby("overlay_mtu")
    }


def _speed_left(m: Measurement) -> dict[str, float]:
    speed = m.data.groupby("condition")["mib_per_s"].median()
    kinds = ("offloaded packets", "real packets")
    return {kind: float(100 * speed[f"VXLAN, {kind}"] / speed[f"veth, {kind}"]) for kind in kinds}


def _wire_parts(m: Measurement) -> dict[str, list[float]]:
    parts = m.data.groupby("condition")[["red_mbit_per_s", "blue_mbit_per_s"]].median()
    return {str(name): [float(one) for one in row] for name, row in parts.iterrows()}


def _one_more_network(m: Measurement) -> list[float]:
    cost = m.data.groupby("networks")["ms"].median()
    return [float(cost[10]), float(cost.iloc[-1])]


def _eight_instances(m: Measurement) -> Any:
    usual = m.data.groupby(["condition", "instances"])["answers_per_s"].median().unstack()
    return (usual[8] / usual[1]).to_dict()


def _stuck(m: Measurement) -> Any:
    return (100 * (m.data["latency_ms"] > 20).groupby(m.data["condition"]).mean()).to_dict()


def _outage(m: Measurement) -> Any:
    from virtlab.experiments import c20_application_server as lab

    dead = m.data[m.data["at_s"].between(lab.KILL_S, lab.RESTART_S)]
    return (100 * dead.groupby("condition")["failed"].mean()).to_dict()


def _same_stall(m: Measurement) -> Any:
    late = m.data.groupby("condition")["latency_ms"]
    return late.quantile(0.99, interpolation="higher").to_dict()


def _servers(m: Measurement) -> Any:
    apart = m.data[m.data["world"] == "peaks apart"]
    return apart.groupby("rule")["servers"].median().to_dict()


def _overloading(m: Measurement) -> set[str]:
    worst = m.data.groupby("rule")["overloaded"].max()
    return {str(name) for name in worst.index[worst > 0]}


def _deployment(m: Measurement) -> list[Any]:
    usual = m.data.groupby("condition")[["commands", "first_reply_ms"]].median()
    return [usual["commands"].to_dict(), usual["first_reply_ms"].to_dict()]


def _drift(m: Measurement) -> Any:
    total = m.data.groupby("condition")[["found", "planted"]].sum()
    return (100 * total["found"] / total["planted"]).to_dict()


def _in_time(m: Measurement) -> Any:
    from virtlab.experiments import c22_disadvantages as lab

    return lab.service_levels(m.data).set_index("condition")["in_time"].astype(float).to_dict()


def _restores(m: Measurement) -> dict[str, str]:
    row = m.data[m.data["condition"] == "files, day 3 corrupt"].iloc[0]
    return {f"day {day}": str(row[f"day_{day}"]) for day in range(2, 6)}


_PRISON = ("kill", "file", "service", "memory")
_DOORS = ("hostname", "namespace", "write", "remount")


def _refusals(m: Measurement) -> dict[str, set[str]]:
    granted = cells(_DOORS, "done")(m)
    return {name: set(_DOORS) - what for name, what in granted.items()}


QUESTIONS: dict[str, Question] = {
    "00 process against thread": Question(
        "00-start-here/first-measurement", quotient("posix_spawn", "thread", "first_reply_ms")
    ),
    "01 one address": Question("01-what-is-virtualization/two-processes-one-address", _one_address),
    "01 start-up ladder in ms": Question(
        "01-what-is-virtualization/startup-ladder", median("first_reply_ms")
    ),
    "01 busy percent": Question("01-what-is-virtualization/shared-core", _busy, "points"),
    "01 waiting, times as long": Question("01-what-is-virtualization/shared-core", _longer_bursts),
    "02 nanoseconds for one turn of a loop": Question(
        "02-hypervisors/speed", median("ns_per_turn")
    ),
    "02 returns to our monitor": Question("02-hypervisors/exits", median("returns")),
    "02 fleet": Question("02-hypervisors/fleet", _fleet, "count"),
    "02 Xen": fixed(["Xen", 3]),
    "02 two guests": Question("02-hypervisors/isolation", _attack),
    "03 microseconds for each wall": Question("03-containers/walls", median("us")),
    "03 copy-up": Question("03-containers/copy-up", _copy_up),
    "03 upgrade": Question("03-containers/upgrade", _upgrade, "points"),
    "03 share of runc in docker run, percent": Question(
        "03-containers/docker-run", _runc_share, "points"
    ),
    "03 KiB of one idle instance": Question("03-containers/idle-memory", median("total_kib")),
    "04 percent of the boot": Question("04-virtual-machines/boot", _boot, "points"),
    "04 exits for a thousand turns": Question("04-virtual-machines/exits", _exits),
    "04 MiB held for a guest of 512": Question("04-virtual-machines/guest-memory", _held),
    "04 readable without the base": Question("04-virtual-machines/chain", _still_readable),
    "04 calls in a Docker container, doors of a PC": Question(
        "04-virtual-machines/interface-width", _width
    ),
    "04 ms to reset": Question("04-virtual-machines/throw-away", _resets),
    "05 what opens without a wall": Question("05-security/prisoner", cells(_PRISON, "got through")),
    "05 which policy refuses what": Question("05-security/policies", _refusals),
    "05 ping through execve": Question("05-security/execve", _ping),
    "05 the option that opens any file": Question("05-security/dangerous-options", _any_file),
    "05 full copy, times snapshot": Question("05-security/snapshot-cost", _snapshots),
    "05 frozen snapshots of two files that add up, of 100": Question(
        "05-security/consistency", _adds_up, "points"
    ),
    "06 shares by weight, percent": Question("06-sharing/share-against-weight", _shares, "points"),
    "06 stopped periods, percent": Question(
        "06-sharing/throttling", median("throttled", 100), "points"
    ),
    "06 p99 under a cap, times": Question("06-sharing/throttling", _slowest),
    "06 what a limit does": Question("06-sharing/limits", _what_limits_do),
    "06 MiB of four equal tenants": Question("06-sharing/page-sharing", median("pss_mib")),
    "06 used memory swapped with 14 guests, MiB": Question("06-sharing/ballooning", _hurt),
    "06 three tenants against one": Question("06-sharing/overcommit", _three_tenants),
    "07 speed-up of four servers": Question("07-aggregation/speedup", _speedups),
    "07 outcome of a block too big for one server": Question(
        "07-aggregation/too-big", first("outcome")
    ),
    "07 a neighbour's memory, times own": Question(
        "07-aggregation/far-memory", quotient("a neighbour's, 8 bytes", "its own memory", "us")
    ),
    "07 percent of two servers used": Question(
        "07-aggregation/partition-or-pool", median("utilization", 100), "points"
    ),
    "07 percent of requests refused at 80 % load": Question(
        "07-aggregation/allocation", _refused, "points"
    ),
    "07 a server dies": Question("07-aggregation/server-dies", _death, "count"),
    "08 who runs the Arm program": Question("08-emulation/who-runs-what", _arm_runs),
    "08 results per second": Question("08-emulation/results-per-second", median("results_per_s")),
    "08 Arm guest with KVM": Question("08-emulation/foreign-guest", _kvm_refuses),
    "08 old programs that run": Question("08-emulation/legacy", _works),
    "09 how many of six processes are visible": Question("09-isolation/windows", _visible, "count"),
    "09 what twins share without a wall": Question(
        "09-isolation/twins", cells(["files", "network", "processes"], "shared")
    ),
    "09 slowdown by neighbours": Question("09-isolation/neighbours", _neighbours),
    "09 survivors' failed requests, percent": Question("09-isolation/crash", _survivors, "points"),
    "10 highest level of x86-64": Question("10-portability/baselines", _highest_level),
    "10 changes that are noticed": Question("10-portability/environments", _noticed, "count"),
    "10 swapped layers": fixed({"DiffIDs that change": 0, "the stack's ChainID changes": "yes"}),
    "10 downtime of a live migration, ms": Question(
        "10-portability/migrate", median("downtime_ms")
    ),
    "10 what a conversion keeps": Question("10-portability/formats", _survives),
    "11 nanoseconds for a crossing": Question(
        "11-machine-reference-model/crossings", median("ns_per_event")
    ),
    "11 system calls behind a library call": Question("11-machine-reference-model/behind", _behind),
    "11 Popek and Goldberg": Question("", _theorem, "count"),
    "12 walk": fixed([4, None]),
    "12 entries read for 4 + 4 levels": Question("12-hardware-level/references", _reads, "count"),
    "12 shadow or nested": Question("12-hardware-level/shadow-or-nested", _cheaper),
    "12 the guest's own share": Question("12-hardware-level/time-split", _own_share, "points"),
    "12 away from the core": Question("12-hardware-level/one-core", _away, "points"),
    "13 how often the monitor steps in for hello": Question(
        "13-hardware-techniques/two-axes", _hello, "count"
    ),
    "13 privileged": Question("13-hardware-techniques/privileged", _privileged, "count"),
    "13 results per millisecond": Question(
        "13-hardware-techniques/results", median("results_per_ms")
    ),
    "13 turns of a loop for one event": Question("13-hardware-techniques/price", median("turns")),
    "13 returns for each byte": Question(
        "13-hardware-techniques/two-by-two", median("exits_per_byte")
    ),
    "13 register accesses for a disk request": Question(
        "13-hardware-techniques/disk-requests", _accesses
    ),
    "13 of eight surroundings shared": Question(
        "13-hardware-techniques/partial", _disk_shares, "count"
    ),
    "14 which level stops which attack": Question("14-os-level/levels", _stopped_at),
    "14 powers behind a user namespace": Question("14-os-level/powers", _powers),
    "14 done under a quota, milliseconds": Question("14-os-level/quota", median("finish_ms")),
    "14 instances in 512 MiB": Question("14-os-level/crowd", _fits),
    "14 gain of eight containers": Question("14-os-level/capacity", _gain),
    "14 replicas alive at the end": Question("14-os-level/self-healing", _alive, "count"),
    "15 our interpreter: same results, times as long": Question(
        "15-language-level/own-bytecode", _interpreter, "count"
    ),
    "15 what is stopped past the end": Question(
        "15-language-level/past-the-end", _stopped_past_the_end
    ),
    "15 attacks that get through in one runtime": Question(
        "15-language-level/walls", _open_runtimes, "count"
    ),
    "15 first repetition against a late one; the fastest": Question(
        "15-language-level/warm-up", _warm
    ),
    "15 different results of the same work": Question(
        "15-language-level/same-bytes", _different, "count"
    ),
    "16 fooled": Question("16-application-level/fooled", _fooled),
    "16 opening a file, times that without a package": Question(
        "16-application-level/open-cost", _open_times
    ),
    "16 ms from the package to the answer": Question(
        "16-application-level/one-file", median("total_ms")
    ),
    "17 survival": Question("17-storage/survival", _after_each_loss),
    "17 thin: MiB allocated": Question("17-storage/thin", median("allocated_mib")),
    "17 deduplication ratio at 4 KiB": Question("17-storage/dedup", _dedup),
    "17 bytes to change one byte": Question("17-storage/access", median("change_bytes")),
    "17 KiB that saving adds": Question("17-storage/saving", median("kib")),
    "17 accidents survived, of 3": Question("17-storage/accidents", _accidents, "count"),
    "17 right sums of 100": Question("17-storage/consistency", _right_sums, "points"),
    "18 where frames come out": Question("18-network/switch", _switch),
    "18 bytes that VXLAN adds, room that is left": Question("18-network/header", _added, "count"),
    "18 packets that arrive": Question("18-network/room", _packets),
    "18 forged frames against an overlay alone": Question("18-network/forge", first("alone")),
    "18 round trips, microseconds": Question("18-network/hops", median("round_trip_us")),
    "18 speed left over an overlay, percent": Question("18-network/bulk", _speed_left, "points"),
    "18 red's and blue's part of the wire, Mbit/s": Question("18-network/shares", _wire_parts),
    "18 one more network, ms: the tenth, the last": Question(
        "18-network/growth", _one_more_network
    ),
    "20 gain of eight instances": Question("20-application-server/capacity", _eight_instances),
    "20 short requests that are stuck, percent": Question(
        "20-application-server/policies", _stuck, "points"
    ),
    "20 failed while one is dead, percent": Question(
        "20-application-server/outage", _outage, "points"
    ),
    "20 dead after the shop's leak": Question(
        "20-application-server/exhaustion", cells(["shop", "mail", "blog", "wiki"], "dead")
    ),
    "20 p99 of the same stall, ms": Question("20-application-server/omission", _same_stall),
    "21 servers that stay on": Question("21-advantages/packing", _servers, "count"),
    "21 rules that overload a server": Question("21-advantages/packing", _overloading),
    "21 commands and ms to a first reply": Question("21-advantages/deployment", _deployment),
    "22 drift found, percent": Question("22-disadvantages/drift", _drift, "points"),
    "22 answered in time, of 100": Question("22-disadvantages/configurations", _in_time, "points"),
    "22 restores with day 3 corrupt": Question("22-disadvantages/chains", _restores),
}


def question(name: str) -> Question | None:
    """Return how to judge the prediction of that name; None if only the chapter can tell.

    Each chapter's myth is false as it stands; the chapter's recap says why.
    """
    if name[2:].startswith(" myth:"):
        return fixed("false")
    return QUESTIONS.get(name)


def measured(experiment: str) -> Measurement | None:
    """Return the student's own measurement of an experiment, else its recording, else None."""
    chapter, _, name = experiment.partition("/")
    try:
        exp = registry.load(chapter)[name]
    except (registry.RegistryError, KeyError):
        return None
    row = keeping.kept(f"{keeping.MEASUREMENTS}.json").get(experiment, {})
    places = [(data_folder() / "recordings" / chapter, "recorded")]
    if row.get("table"):
        own = runs_folder() / keeping.MEASUREMENTS / chapter
        places.insert(0, (own, str(row.get("source", "live"))))
    for folder, source in places:
        try:
            data, notes = recording.load(folder, name)
        except recording.DamagedRecording:
            continue
        if "source" not in data:
            data = data.assign(source=source, reason="")
        return Measurement(data, source, "", notes, exp)
    if exp.simulated:
        return registry.take(exp)
    return None


def judged(predictions: Mapping[str, Any]) -> tuple[list[Part], list[str]]:
    """Set predictions beside what was measured.

    Returns:
        The parts that could be judged, and the names of those that only the chapter can judge.
    """
    parts: list[Part] = []
    left: list[str] = []
    known: dict[str, Measurement | None] = {}
    for name, guess in sorted(predictions.items()):
        asked = question(name)
        found = _truth(asked, known) if asked else None
        if asked is None or found is None:
            left.append(name)
            continue
        truth, source = found
        own = list(_parts(name, guess, truth, asked.scale, source))
        parts += own
        if not own:
            left.append(name)
    return parts, left


def _truth(asked: Question, known: dict[str, Measurement | None]) -> tuple[Any, str] | None:
    if not asked.experiment:
        return asked.truth(None), "computed"  # type: ignore[arg-type]
    if asked.experiment not in known:
        known[asked.experiment] = measured(asked.experiment)
    m = known[asked.experiment]
    if m is None:
        return None
    try:
        return asked.truth(m), m.source
    except (LookupError, TypeError, ValueError, AttributeError, ZeroDivisionError):
        return None  # this host's table lacks a condition that the question needs


def _parts(name: str, guess: Any, truth: Any, scale: str, source: str) -> Iterable[Part]:
    pairs: list[tuple[str, Any, Any]]
    if isinstance(truth, Mapping) and isinstance(guess, Mapping):
        pairs = [(str(key), one, truth.get(key)) for key, one in guess.items()]
    elif isinstance(truth, list) and isinstance(guess, Sequence) and not isinstance(guess, str):
        pairs = [("", one, right) for one, right in zip(guess, truth, strict=False)]
    elif isinstance(truth, Mapping | list):
        return  # the guess has another shape than the question
    else:
        pairs = [("", guess, truth)]
    for part, one, right in pairs:
        if isinstance(right, Mapping | list):
            for inner in _parts(name, one, right, scale, source):
                yield replace(inner, part=inner.part or part)
        elif (grade := graded(one, right, scale)) is not None:
            times = one / right if _is_size(one) and _is_size(right) and right else math.nan
            yield Part(
                name[:2],
                name[3:],
                part,
                _words(one),
                _words(right),
                grade,
                float(times) if scale == "size" else math.nan,
                source,
            )


def graded(guess: Any, truth: Any, scale: str = "size") -> str | None:
    """Return how near a guess came; None if it cannot be compared.

    A size is right within a factor of two and near within ten (none and hardly any are the same);
    a percentage within 10 and 25 points; a count if it is exact, and near within a quarter of it or
    one; a set is near if more of it is right than wrong; anything else is right or far.
    """
    if truth is None:
        return None
    if _is_size(truth):
        return _graded_number(guess, float(truth), scale)
    if isinstance(truth, set):
        if isinstance(guess, str) or not isinstance(guess, Iterable):
            return None
        guess = set(map(str, guess))
        if guess == truth:
            return "right"
        return "near" if len(guess & truth) > len(guess ^ truth) else "far"
    if isinstance(truth, bool) or isinstance(guess, bool):
        return "right" if guess == truth else "far"
    if not isinstance(guess, str):
        return None
    said, right = guess.strip().lower(), str(truth).strip().lower()
    more = tuple(f"{said}{mark}" for mark in (" by ", " (", ":"))  # "killed", of "killed by SIGILL"
    return "right" if said == right or (said and right.startswith(more)) else "far"


def _graded_number(guess: Any, truth: float, scale: str) -> str | None:
    if not _is_size(guess):
        return None
    if scale == "count":
        off = abs(guess - truth)
        return GRADES[(off > 0) + (off > max(1, truth / 4))]
    if scale == "points":
        off = abs(guess - truth)
        return GRADES[(off > RIGHT_POINTS) + (off > NEAR_POINTS)]
    if 0 in (guess, truth) and abs(guess - truth) < 0.5:
        return "right"  # none against hardly any
    if guess <= 0 or truth <= 0:
        return "far"
    times = max(guess / truth, truth / guess)
    return GRADES[(times > RIGHT_TIMES) + (times > NEAR_TIMES)]


def _is_size(value: Any) -> bool:
    """Whether it is a number that can be computed with: neither NaN nor beyond all bounds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _words(value: Any) -> str:
    if isinstance(value, set | list | tuple):
        return "; ".join(sorted(map(str, value))) or "none"
    if _is_size(value):
        return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return str(value)
