"""The experiments of chapter 09: windows, twins, noisy neighbours, leaks, and a crash."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.virtlab.chapters import built_cell
from virtlab import figures, host, registry
from virtlab.experiments import c09_isolation as lab
from virtlab.figures.isolation import share_interval
from virtlab.measure.folders import data_folder
from virtlab.registry import Experiment, Measurement
from virtlab.resources import cgroups
from virtlab.resources.cgroups import NoCgroup
from virtlab.resources.tenants import Tenants
from virtlab.runtimes import RuntimeFailed

pytestmark = pytest.mark.usefixtures("leaves_nothing")

RECORDINGS = data_folder() / "recordings" / "09-isolation"
EXP = Experiment("09-isolation", "x", pd.DataFrame)


def need(*names: str) -> None:
    for name in names:
        if not (capability := host.probe(name)):
            pytest.skip(f"{capability.name}: {capability.why}")


def measured(rows: list[dict[str, Any]]) -> Measurement:
    data = pd.DataFrame(rows).assign(source="live", reason="")
    return Measurement(data, "live", "", {}, EXP)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")


# --- who sees whom --------------------------------------------------------------------------------


@pytest.mark.system
def test_a_window_works_one_way_and_each_view_has_its_own_numbers() -> None:
    need("namespaces")
    rows = lab.windows().set_index("condition")
    assert list(rows.index) == [
        "outside",
        *("box-first", "box-worker", "box-gate"),
        *("inner-first", "inner-worker"),
    ]
    visible = {view: set(rows.index[rows[view] != "–"]) for view in lab.VIEWS}
    assert visible["host"] == set(rows.index)
    assert visible["box"] == set(rows.index) - {"outside"}
    assert visible["inner"] == {"inner-first", "inner-worker"}
    for name, row in rows.iterrows():
        own = [row[view] for view in lab.VIEWS if row[view] != "–"]
        assert own == row["nspid"].split(), name
    assert rows.loc["box-first", "box"] == rows.loc["inner-first", "inner"] == "1"
    assert rows.loc["outside", "reach"] == "not found"
    assert rows.loc["inner-worker", "reach"] == "found", "the control: from outside it is there"


@pytest.mark.system
def test_twins_share_exactly_what_has_no_wall() -> None:
    need("namespaces")
    rows = lab.twins().set_index("condition")
    shared = {name: set(row.index[row == lab.SHARED]) for name, row in rows.iterrows()}
    assert shared == {
        "no walls": {"files", "network", "processes"},
        "no mount wall": {"files"},
        "no network wall": {"network"},
        "no PID wall": {"processes"},
        "all three walls": set(),
    }


@pytest.mark.system
def test_links_tell_which_wall_is_missing() -> None:
    need("namespaces")
    data = lab.links()
    assert {"pid_for_children", "net", "mnt"} <= set(data["file"])
    walls = lab.whose(Measurement(data.assign(source="live", reason=""), "live", "", {}, EXP))
    rows = walls.data.set_index("condition")
    assert rows.loc["a plain process", ["mnt", "net", "pid"]].eq(lab.THEIRS).all()
    assert rows.loc["our container", ["mnt", "net", "pid"]].eq(lab.OWN).all()
    assert rows.loc["without a network wall", "net"] == lab.THEIRS
    assert rows.loc["without a network wall", "mnt"] == lab.OWN
    for member in lab.POD:
        assert rows.loc[member, ["net", "ipc", "uts"]].eq("the pod's").all()
        assert rows.loc[member, ["mnt", "pid"]].eq(lab.OWN).all()
    assert not any(name.endswith("_for_children") for name in rows.columns)


def test_a_link_is_compared_with_those_of_its_own_machine_only() -> None:
    rows = [
        ("this notebook", "live", "net:[1]"),
        ("box", "live", "net:[2]"),
        ("blind", "live", None),
        ("this notebook", "recorded", "net:[2]"),
        ("runc", "recorded", "net:[1]"),
        ("plain", "recorded", "net:[2]"),
    ]
    data = pd.DataFrame(rows, columns=["condition", "source", "link"]).assign(file="net", reason="")
    whose = lab.whose(Measurement(data, "mixed", "", {}, EXP)).data.set_index("condition")["net"]
    assert (whose["box"], whose["runc"], whose["plain"]) == (lab.OWN, lab.OWN, lab.THEIRS)
    assert whose["blind"] == "unknown"


# --- neighbours, leaks, a message -----------------------------------------------------------------


@pytest.mark.system
@pytest.mark.serial
def test_neighbours_slow_a_victim_and_limits_help() -> None:
    need("cgroup controllers")
    data = lab.neighbours(kinds=("cpu", "fork"), rounds=6)
    assert set(data.groupby("condition").size()) == {6 * lab.REQUESTS}
    usual = data.groupby("condition")["response_ms"].median()
    assert usual["cpu"] > 1.5 * usual["alone"]
    assert usual["cpu, limited"] < usual["cpu"]
    assert usual["fork, limited"] < usual["fork"]
    assert data["limited"].eq(data["condition"].str.endswith("limited")).all()


@pytest.mark.system
@pytest.mark.serial
def test_two_networks_share_one_lock() -> None:
    need("namespaces", "cgroup controllers", "two cores")
    data = lab.leaks(rounds=5)
    assert set(data.groupby("condition").size()) == {5}
    assert (data["ns"] > 0).all()
    network = data[data["victim"] == lab.NETWORK].groupby("neighbour")["ns"].median()
    assert network[lab.NETWORK] > 1.3 * network[lab.COMPUTING]


@pytest.mark.system
@pytest.mark.serial
def test_a_message_comes_through_a_shared_core_only() -> None:
    need("cgroup controllers", "two cores")
    data = lab.message(text="HI")
    worked = data.groupby(["condition", "bit"])["progress"].mean().unstack()
    loss = worked[0] - worked[1]
    assert loss["same core"] > 0.2
    assert max(loss["nobody sends"], loss["another core"]) < loss["same core"] / 2


def test_bits_and_text_are_each_others_inverse() -> None:
    assert lab.as_bits("A") == [0, 1, 0, 0, 0, 0, 0, 1]
    assert lab.as_text(lab.as_bits("HI!")) == "HI!"
    assert lab.as_text([0] * 8 + lab.as_bits("x") + [1, 1]) == "·x"
    assert lab.decode([1.0, 0.5, 0.9, 0.55]) == [0, 1, 0, 1]


@pytest.mark.system
@pytest.mark.parametrize("kind", ["network", "files", "setup"])
def test_a_neighbour_gets_something_done(kind: str, tmp_path: Path) -> None:
    task: dict[str, Any] = {"task": f"stress_{kind}", "seconds": 0.1, "path": str(tmp_path)}
    if kind == "setup":
        need("namespaces")
        task["walls"] = ["net"]
    with Tenants([task]) as tenants:
        (result,) = tenants.go()
    assert result["units"] > 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.system
def test_a_dead_neighbour_is_no_silent_one() -> None:
    task = {"task": "stress_files", "path": "/nowhere/at/all", "seconds": 30}
    with lab.Crowd({"files": [task]}) as crowd:
        with pytest.raises(RuntimeFailed, match="files: a neighbour died"):
            with crowd.disturbing("files", settle_s=1.0):
                pass


@pytest.mark.system
def test_neighbours_stand_still_until_they_are_called_and_are_gone_afterwards() -> None:
    with lab.Crowd({"cpu": [{"task": "spin", "seconds": 30}]}) as crowd:
        (pid,) = crowd.pids("cpu")

        def used() -> int:
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return int(words[11]) + int(words[12])

        with crowd.disturbing("nobody of that name", settle_s=0.1):
            before = used()
        with crowd.disturbing("cpu", settle_s=0.4):
            pass
        assert used() > before
    assert not Path(f"/proc/{pid}").exists()


def test_a_victim_that_cannot_start_says_why() -> None:
    if os.cpu_count() == 1000:
        pytest.skip("a machine with that many cores")
    with pytest.raises(RuntimeFailed, match=r"the victim died: .+"), lab.Sufferer(core=999):
        pass


# --- the crash ------------------------------------------------------------------------------------


def shares(data: pd.DataFrame) -> tuple[dict[str, float], dict[str, float]]:
    late = ~(data["answered"] - data["sent"] <= data["deadline"])
    during = (data["sent"] >= data["start"]) & (data["sent"] < data["end"])
    crashed = data["tenant"] == lab.CRASHED
    rates = [
        late[during & chosen].groupby(data["condition"]).mean().to_dict()
        for chosen in (crashed, ~crashed)
    ]
    return rates[0], rates[1]


@pytest.mark.system
@pytest.mark.parametrize("level", ["threads", "processes", "containers", "machines"])
def test_a_crash_takes_along_who_shares_its_process(level: str) -> None:
    need(*{"containers": ["namespaces"], "machines": ["kvm"]}.get(level, []))
    data = pd.DataFrame(lab._crash_at(level)).assign(condition=level)
    assert len(data) == len(lab.TENANTS) * lab.END // lab.GAP
    control, survivors = shares(data)
    assert control[level] == 1, "nothing really crashed"
    assert (survivors[level] > 0.9) == (level == "threads")
    before = data[data["sent"] < data["start"]]
    assert before["answered"].notna().mean() > 0.9
    assert (data["answered"].dropna() >= data.loc[data["answered"].notna(), "sent"]).all()


@pytest.mark.system
@pytest.mark.slow
def test_a_kernel_takes_its_containers_along() -> None:
    need("qemu", "guest kernel")
    data = pd.DataFrame(lab._crash_of_a_kernel()).assign(condition="kernel")
    assert data.loc[data["sent"] < data["start"], "answered"].notna().mean() > 0.5
    control, survivors = shares(data)
    assert control["kernel"] == 1
    assert survivors["kernel"] > 0.9


def test_an_interval_of_a_share_is_never_empty() -> None:
    low, share, high = share_interval(0, 60)
    assert low == share == 0
    assert 1 - high == pytest.approx(0.025 ** (1 / 60))  # no failure in 60 has 2.5 % there
    low, share, high = share_interval(60, 60)
    assert low < share == high == 1
    low, share, high = share_interval(30, 60)
    assert low < 0.5 < high
    assert all(math.isnan(one) for one in share_interval(0, 0))


# --- figures --------------------------------------------------------------------------------------


def test_a_leak_is_coloured_only_if_its_whole_interval_lies_above_one() -> None:
    rows = [
        {"round": n, "condition": f"v | {who}", "victim": "v", "neighbour": who, "ns": ns}
        for n in range(8)
        for who, ns in (("nobody", 10), ("loud", 30 + n), ("odd", 5 if n % 2 else 15))
    ]
    shown = figures.leak_map(measured(rows))
    seen = shown.table.set_index("neighbour")["seen"]
    assert (seen["loud"], seen["odd"]) == ("slower", "unclear")
    assert "loud" in shown.sentence
    assert len(shown.png()) <= figures.MOST_BYTES


def test_survivors_counts_failures_as_the_exercise_does() -> None:
    common = {"condition": "x", "start": 100, "end": 200, "deadline": 50}
    asked = [
        ("A", 10, 60.0),
        ("A", 20, 71.0),
        ("A", 100, None),
        ("C", 199, 200.0),
        ("A", 200, None),
        ("B", 90, None),
        ("B", 100, None),
    ]
    rows = [{"tenant": t, "sent": s, "answered": a, **common} for t, s, a in asked]
    shown = figures.survivors(measured(rows), "B")
    assert list(shown.table["n"]) == [2, 2, 1]
    assert list(shown.table["failed %"]) == [50, 50, 100]


# --- recordings, and the chapter's own code -------------------------------------------------------


def test_recordings_are_small_and_made_with_the_parameters_of_today() -> None:
    assert sum(path.stat().st_size for path in RECORDINGS.iterdir()) < 250_000
    for exp in registry.load(lab.CHAPTER).values():
        notes = json.loads((RECORDINGS / f"{exp.name}.json").read_text())["provenance"]
        assert notes["parameters"].items() >= registry._plain(exp.recorded_with).items(), exp.name
        assert notes["failed"] == {}, exp.name


@pytest.mark.usefixtures("recorded")
def test_the_recordings_carry_the_chapter() -> None:
    """What the chapter's compared cells say holds in what they fall back to."""
    noise = registry.run(lab.neighbours)
    for kind in ("cpu", "memory", "fork"):
        assert noise.ratio(kind, "alone", "response_ms")[0].low > 1, kind
        assert noise.ratio(f"{kind}, limited", kind, "response_ms")[0].estimate < 1, kind
    leaks = registry.run(lab.leaks)
    assert {lab.NOBODY, *lab.LEAKERS} == set(leaks.data["neighbour"])
    control, survivors = shares(registry.run(lab.crash).data)
    assert set(control) == {*lab.LEVELS, lab.KERNEL_CRASH}
    assert set(control.values()) == {1.0}
    assert {name for name, rate in survivors.items() if rate > 0.9} == {
        "threads of a process",
        lab.KERNEL_CRASH,
    }


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("name", ["twins", "walls", "noise", "leaks", "crash", "message"])
def test_figures_of_the_chapter_say_what_they_show(name: str) -> None:
    things = {"files": "file", "network": "port", "processes": "processes"}
    kinds = {kind: kind for kind in ("mnt", "net", "pid")}
    shown = {
        "twins": lambda: figures.grid(registry.run(lab.twins), things, opened=(lab.SHARED,)),
        "walls": lambda: figures.grid(lab.whose(registry.run(lab.links)), kinds),
        "noise": lambda: figures.slowdown(registry.run(lab.neighbours)),
        "leaks": lambda: figures.leak_map(registry.run(lab.leaks)),
        "crash": lambda: figures.survivors(registry.run(lab.crash), lab.CRASHED),
        "message": lambda: figures.message(registry.run(lab.message)),
    }[name]()
    assert len(shown.png()) <= figures.MOST_BYTES
    assert not re.search(r"\bnan\b|unknown", shown.sentence)
    assert len(shown.table) > 1


@pytest.mark.serial
def test_the_smallest_channel_of_the_chapter_carries_a_message() -> None:
    code = built_cell(lab.CHAPTER)
    bits = [1, 0, 0, 1, 1, 1, 0, 1] * 2
    program = f"{code}\ninput()\nfor _ in range(4):\n    print(*whisper({bits}))\n"
    started = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with ExitStack() as stack:  # else whatever runs on this core swallows bits
        stack.callback(started.kill)
        with suppress(NoCgroup):
            outer = stack.enter_context(cgroups.group("cpu"))
            outer.set_cpu_weight(10_000)
            outer.child("program").add(started.pid)
        said, complaint = started.communicate("go\n", timeout=60)
    assert complaint == ""
    heard = [list(map(int, line.split())) for line in said.splitlines()]
    right = [sum(a == b for a, b in zip(one, bits, strict=True)) for one in heard]
    assert max(right) >= 14, "a guess gets half of the sixteen right"
