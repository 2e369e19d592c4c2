"""The experiments of chapter 11, and what they are made of."""

from __future__ import annotations

import os

import pandas as pd
import pytest

from tests.virtlab.chapters import built_cell
from virtlab import figures, host, registry
from virtlab.experiments import c11_machine_reference_model as lab
from virtlab.machines import toycpu
from virtlab.machines.toycpu import isa
from virtlab.models import pentium
from virtlab.native import Native
from virtlab.registry import CannotMeasure

x86 = pytest.mark.skipif(os.uname().machine != "x86_64", reason="x86-64 machine code")


def need(*names: str) -> None:
    for name in names:
        capability = host.probe(name)
        if not capability:
            pytest.skip(f"{name}: {capability.why}")


def traced(times: int) -> pd.DataFrame:
    try:
        return lab.behind(times=times)
    except CannotMeasure as error:
        pytest.skip(f"no tracing here: {error}")


# --- crossings ------------------------------------------------------------------------------------


@x86
def test_a_loop_does_its_body_as_often_as_it_is_told() -> None:
    place = lab.ctypes.create_string_buffer(8)
    address = lab.struct.pack("<Q", lab.ctypes.addressof(place))
    count = b"\x48\xb8" + address + bytes.fromhex("48ff00")  # mov rax, place; inc qword [rax]
    Native(lab.loop(count)).seconds(12_345)
    assert lab.struct.unpack("<Q", place.raw) == (12_345,)
    long = b"\x90" * 300 + count  # the jump back is longer than a byte can say
    Native(lab.loop(long)).seconds(5)
    assert lab.struct.unpack("<Q", place.raw) == (12_350,)


@x86
@pytest.mark.serial
def test_crossings_lie_in_the_order_that_the_chapter_tells() -> None:
    data = lab.crossings(rounds=5)
    assert set(data["condition"]) | set(data.attrs["failed"]) == set(lab.INTERFACES)
    cost = data.groupby("condition")["ns_per_event"].min()
    assert 0 < cost["an addition"] < cost["a library call (strlen)"]
    assert cost["a library call (strlen)"] < cost["a system call (getpid)"] / 3
    assert cost["an addition"] < cost["a page fault"] / 50
    if "a guest's exit, process answers" in cost:
        assert cost["a system call (getpid)"] < cost["a guest's exit, process answers"]
    assert data["interface"].notna().all()


# --- a program, watched ---------------------------------------------------------------------------


@x86
@pytest.mark.system
def test_most_instructions_cross_nothing_above_the_isa() -> None:
    try:
        rows = lab.watch().set_index("condition")
    except CannotMeasure as error:
        pytest.skip(f"no tracing here: {error}")
    assert rows["share"].sum() == pytest.approx(1)
    assert rows.loc["any other instruction", "share"] > 0.8
    assert rows.loc["calls of another file", "events"] > rows.loc["system calls", "events"] > 3
    assert set(rows["interface"]) == {"ISA", "ABI", "API"}
    assert rows.loc["system calls", "to"] == "[kernel]"
    call = rows.loc["calls of another file"]
    assert call["from"] != call["to"]


@x86
@pytest.mark.system
def test_a_watch_ends_at_its_limit() -> None:
    try:
        rows = lab.watch(limit=500)
    except CannotMeasure as error:
        pytest.skip(f"no tracing here: {error}")
    assert rows["events"].sum() == 500


@x86
@pytest.mark.system
def test_system_calls_are_found_behind_the_calls_that_made_them() -> None:
    rows = traced(times=50).set_index("condition")
    assert (rows[["none", "one", "many"]].sum(axis=1) == rows["calls"]).all()
    assert rows.loc["strlen", "none"] == rows.loc["strlen", "calls"] == 50
    assert rows.loc["getpid", "one"] == 50
    assert rows.loc["getpid", "names"] == "getpid"
    assert rows.loc["malloc, 1 MiB", "one"] > 0
    assert rows.loc["fputc, one letter", "none"] > 0.99 * rows.loc["fputc, one letter", "calls"]
    assert 0 < rows.loc["fputc, one letter", "system_calls"] < 10
    assert rows.loc["system, an empty command", "many"] == 3


# --- Popek and Goldberg ---------------------------------------------------------------------------


def test_the_table_of_the_classic_x86_is_the_papers_list() -> None:
    assert len(pentium.OFFENDERS) == len(set(pentium.OFFENDERS)) == 18
    assert {"popf", "sgdt", "smsw", "str", "mov"} < set(pentium.OFFENDERS)
    names = [one.name for one in pentium.PENTIUM]
    assert len(names) == len(set(names))
    assert not any(one.offends for one in pentium.PENTIUM if one.privileged or not one.why)


def test_only_the_clean_set_obeys_the_theorem() -> None:
    table = lab.theorem().set_index("instruction set")
    assert list(table.index[table["theorem"]]) == ["toy, clean"]
    assert table.loc["toy, reads mode", "offenders"] == "getm"
    assert table.loc["classic x86", "offenders"].count(",") == 17


def test_where_the_theorem_promises_a_monitor_guests_see_no_difference() -> None:
    seen = lab.equivalence()
    promised = lab.theorem().set_index("instruction set")["theorem"]
    for name, rows in seen.groupby("instruction set"):
        assert rows["same"].all() == promised[name], name
    assert (seen["bare"] != "nothing").all()
    assert not seen["bare"].str.contains("never ends").any()


def test_machines_in_machines_print_the_same_and_cost_more() -> None:
    table = lab.towers()
    assert set(table["printed"]) == {"ababab"}
    assert table["exits"].is_monotonic_increasing
    assert list(table["monitors"]) == [0, 1, 2, 3]


@x86
def test_this_processor_traps_what_is_privileged_and_ignores_popf() -> None:
    rows = lab.user_mode(turns=200).set_index("condition")
    assert set(rows.index) == set(lab.X86)
    privileged = ["hlt", "cli", "in", "lgdt", "mov cr", "rdmsr"]
    assert (rows.loc[privileged, "traps"] == "yes").all()
    assert rows.loc["popf", "traps"] == "no"
    assert "still on" in rows.loc["popf", "says"]
    assert rows.loc["mov", "says"] == "I am in ring 3"
    listed = {one.name for one in pentium.PENTIUM if one.offends}
    assert set(lab.X86) - listed == set(privileged)


# --- machines in machines, and many ---------------------------------------------------------------


@pytest.mark.system
@pytest.mark.slow
def test_each_level_of_the_nest_sees_its_own() -> None:
    need("qemu", "guest kernel")
    rows = lab.nest().set_index("condition")
    assert len(rows) == 4
    assert rows["hostname"].nunique() == 4
    assert rows.loc["a namespace in that", "its number"] == "1"
    guest, inside = rows.loc["a virtual machine"], rows.loc["a namespace in that"]
    assert guest["kernel"] == inside["kernel"] != rows.loc["this machine", "kernel"]
    assert guest["memory"] == inside["memory"]


@pytest.mark.system
def test_copies_of_a_machine_run_at_once() -> None:
    data = lab.crowd(rounds=1, seconds=0.2)
    assert len(data) + len(data.attrs["failed"]) == 8
    assert (data["million_turns_per_s"] > 0).all()
    pairs = data[data["instances"] <= 2]
    assert (pairs["least_share"] > 0).all()
    assert set(data["kind"]) <= set(lab.CROWDS)


def test_each_technique_names_its_chapter_and_its_cut() -> None:
    table = lab.cuts()
    assert set(range(12, 17)) <= set(table["chapter"])
    assert table["cut at"].str.match("ISA|ABI|API").all()


# --- recordings, figures, the chapter's own code --------------------------------------------------


def test_figures_say_what_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    calls = figures.calls_behind(registry.run(lab.behind))
    assert "strlen" in calls.sentence
    assert calls.table["condition"].iloc[0] == "strlen"
    crowd = figures.crowd(registry.run(lab.crowd))
    assert set(crowd.table["condition"]) == set(lab.CROWDS)
    for one in (calls, crowd):
        assert one.png().startswith(b"\x89PNG")
        assert len(one.png()) <= figures.MOST_BYTES


def test_the_smallest_classifier_of_the_chapter_works() -> None:
    code = built_cell(lab.CHAPTER)
    names: dict[str, object] = {}
    exec(code, names)
    kinds: object = names["kinds"]
    for one in (toycpu.CLEAN, isa.READS_MODE, isa.IGNORES_TIMER, isa.READS_BASE, isa.DROPS_MODE):
        classes = toycpu.classify(one)
        found = {name: kinds(one, name) for name in one.by_name}  # type: ignore[operator]
        for name, said in found.items():
            assert ("privileged" in said) == classes[name].privileged, (one.name, name)
        offending = sorted(n for n, said in found.items() if said and "privileged" not in said)
        assert offending == toycpu.offenders(classes), one.name
