"""The experiments of chapter 12, and what they are made of."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tests.virtlab.chapters import built_cell
from virtlab import figures, host, leftovers, registry
from virtlab.errors import RuntimeFailed
from virtlab.experiments import c12_hardware_level as lab
from virtlab.experiments.running import run_program
from virtlab.machines.paging import PageFaultError
from virtlab.registry import CannotMeasure
from virtlab.runtimes import kvm


def need(*names: str) -> None:
    for name in names:
        capability = host.probe(name)
        if not capability:
            pytest.skip(f"{name}: {capability.why}")


# --- a guest's tables -----------------------------------------------------------------------------


@pytest.mark.system
def test_a_guest_writes_where_its_tables_lead() -> None:
    need("kvm")
    rows = lab.addresses()
    assert list(rows["found_at"]) == list(rows["guest_physical"])
    assert list(rows["guest_physical"]) == [f"{frame:#x}" for frame in lab.SCATTERED]
    assert (rows["reads"] == 4).all()
    assert list(rows["indices"].str.split().str[-1]) == ["510", "511", "0", "1"]


@pytest.mark.system
def test_our_walk_reads_what_the_monitor_wrote() -> None:
    """The large pages that the monitor itself maps, and an address that nobody mapped."""
    need("kvm")
    with kvm.Machine() as machine:
        machine.start_in_long_mode(kvm.guest("count"), rcx=1)
        tables = lab.tables_of(machine.memory)
        walked = tables.walk(0x1234_5678)
        assert (walked.physical, len(walked.references)) == (0x1234_5678, 3)
        with pytest.raises(PageFaultError, match="not present at level 4"):
            tables.walk(lab.VIRTUAL)


@pytest.mark.system
def test_each_stage_faults_at_its_own_place() -> None:
    need("kvm")
    rows = lab.faults().set_index("condition")
    out = rows.loc["a page that the host does not back"]
    assert (out["came_out"], out["at"], bool(out["written"])) == ("mmio", "0x800000", False)
    own = rows.loc["no page in the guest's table"]
    assert own["came_out"] not in ("mmio", "nothing")
    assert not own["written"]
    control = rows.loc["the same page, backed by the host"]
    assert (control["came_out"], bool(control["written"])) == ("nothing", True)
    assert not rows.loc["a neighbour at the same addresses", "written"]
    assert rows.loc["the same, one memory on purpose", "written"]


# --- models ---------------------------------------------------------------------------------------


def test_reads_are_counted_as_the_formula_says() -> None:
    rows = lab.references()
    n, m = rows["guest_levels"], rows["host_levels"]
    assert (rows["reads"] == n * m + n + m).all()
    assert rows.set_index("condition").loc["4 + 4", "reads"] == 24


def test_shadow_wins_where_all_fits_and_nested_where_tables_change() -> None:
    rows = lab.shadow_or_nested(pages=8, frames=(3, 9), rounds=10)
    assert rows["result"].unique().tolist() == [10]
    cost = (rows["references"] + 50 * rows["exits"]).groupby([rows["frames"], rows["condition"]])
    total = cost.first()
    assert total[3, "nested"] < total[3, "shadow"]
    roomy = lab.shadow_or_nested(pages=12, frames=(13,), rounds=60).set_index("condition")
    assert roomy.loc["shadow", "references"] * 5 < roomy.loc["nested", "references"]
    assert roomy.loc["nested", "exits"] == 0 < roomy.loc["shadow", "exits"]


def test_tags_help_most_where_turns_are_short() -> None:
    rows = lab.tags(turns=(10, 1000), accesses=3000)
    hits = rows.pivot(index="turn", columns="condition", values="hit_share")
    assert hits.loc[10, "no tags"] < hits.loc[10, "tags"] / 1.5
    assert hits.loc[1000, "no tags"] > 0.9
    flushes = rows.set_index(["condition", "turn"])["flushes"]
    assert flushes["no tags", 10] == 299
    assert flushes["tags", 10] == 0


# --- measured -------------------------------------------------------------------------------------


@pytest.mark.system
@pytest.mark.serial
def test_many_pages_cost_more_than_few() -> None:
    rows = lab.chase(pages=(16, 16384), steps=400_000, rounds=3)
    small = rows[rows["condition"] == "this process, small pages"]
    if small.empty:
        pytest.skip(rows.attrs["failed"]["this process, small pages"])
    step = small.groupby("pages")["ns_per_step"].min()
    assert step[16384] > 1.5 * step[16] > 0
    assert (small["large_mib"] < 4).all()


def test_a_chain_visits_each_page_once() -> None:
    import mmap

    with mmap.mmap(-1, lab._REGION_AT + 64 * 4096) as memory:
        lab._chain(memory, (16, 64), base=0, seed=3)
        for place, count in enumerate((16, 64)):
            seen, at = [], lab._start_of(place)
            for _ in range(count):
                seen.append(at // 4096)
                at = lab.Entries(memory).get(lab._REGION_AT + at, -1)
            assert sorted(seen) == list(range(count))
            assert at == lab._start_of(place)  # a ring


@pytest.mark.system
@pytest.mark.serial
def test_a_guest_that_asks_rarely_has_its_time_to_itself() -> None:
    need("kvm")
    rows = (
        lab.time_split(asking={1: 100, 4_000_000: 2}, rounds=2)
        .groupby("turns")
        .min(numeric_only=True)
    )
    share = rows["native_us"] / rows["total_us"]
    assert share[1] < 0.2 < share[4_000_000]
    assert list(rows["returns"]) == [101, 3]
    assert (rows["inside_us"] <= rows["total_us"]).all()


@pytest.mark.system
@pytest.mark.serial
def test_guests_on_one_core_share_it() -> None:
    need("kvm")
    rows = lab.one_core(crowds=(1, 3), seconds=0.15, rounds=3)
    sizes = rows.groupby("condition").size()
    assert (sizes["1 on one core"], sizes["3 on one core"]) == (3, 9)
    away = rows.groupby("condition")["away_share"].min()
    assert away["3 on one core"] > max(0.4, away["1 on one core"])
    best = rows.groupby("condition")["million_looks"].max()
    assert best["1 on one core"] > 1.3 * best["3 on one core"]
    assert (rows["longest_ms"] >= 0).all()


@pytest.mark.system
def test_promises_are_not_held_and_reservations_are() -> None:
    rows = lab.promises().set_index("condition")
    for kind in ("memory", "disk"):
        if f"{kind}: reserved" not in rows.index:
            continue
        guests = rows[rows.index.str.startswith(f"{kind}: guest")]
        assert guests["promised_mib"].sum() > guests["host_mib"].iloc[0]
        assert (guests["held_mib"] >= guests["used_mib"]).all()
        assert (guests["held_mib"] < guests["promised_mib"]).all()
        kept = rows.loc[f"{kind}: reserved"]
        assert kept["used_mib"] < kept["promised_mib"] <= kept["held_mib"]


def test_without_kvm_disks_are_still_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeFailed("kvm: none here")

    monkeypatch.setattr(lab, "_guest_memory", refuse)
    rows = lab.promises()
    assert set(rows["condition"].str.split(":").str[0]) == {"disk"}
    assert len(rows.attrs["failed"]) == 4


@pytest.mark.system
def test_a_pool_breaks_its_promises_and_keeps_reservations() -> None:
    need("namespaces")

    def own_folders() -> set[Path]:
        return set(Path(tempfile.gettempdir()).glob(f"{leftovers.owned_name()}-*"))

    before = own_folders()  # those of other tests in this process
    rows = lab.full_pool(capacity_mib=3, disks=3)
    promised, reserved = (rows[rows["condition"] == way] for way in ("promised", "reserved"))
    assert promised["written_mib"].sum() <= 3
    assert promised["end"].str.contains("a write failed \\(ENOSPC\\)").all()
    assert list(reserved["written_mib"]) == [3, 0, 0]
    assert list(reserved["end"].str.contains("refused when it was made")) == [False, True, True]
    assert own_folders() <= before


def test_a_program_that_fails_is_one_line() -> None:
    with pytest.raises(CannotMeasure, match="index"):
        run_program("thin_disks.py")


def test_the_disks_program_tells_how_each_ended(tmp_path: Path) -> None:
    need("namespaces")
    told = run_program("thin_disks.py", tmp_path, 1, 1, "promise")
    assert told == [{"way": "promise", "written": 1, "end": "all was written"}]


# --- figures and recordings -----------------------------------------------------------------------


def made(data: pd.DataFrame) -> registry.Measurement:
    data = data.assign(source="live", reason="")
    return registry.Measurement(data, "live", "", {}, lab.time_split)


def test_the_figure_of_time_adds_up_to_all_of_it() -> None:
    rows = [
        ("often", 1.0, 60.0, 100.0),
        ("rarely", 90.0, 95.0, 100.0),
        ("lucky", 101.0, 99.0, 100.0),
    ]
    data = pd.DataFrame(rows, columns=["condition", "native_us", "inside_us", "total_us"])
    shown = figures.time_split(made(data))
    assert len(shown.png()) <= figures.MOST_BYTES
    table = shown.table.set_index("condition")
    parts = table[["the guest's own work", "leaving, entering, interruptions", "our monitor"]]
    assert parts.sum(axis=1).tolist() == pytest.approx([100, 100, 100])
    assert parts.loc["often"].tolist() == pytest.approx([1, 59, 40])
    assert (parts >= 0).all(axis=None)
    assert "often: 1.00 %, 59.0 %, 40.0 %" in shown.sentence


def test_the_figure_of_promises_says_all_three() -> None:
    rows = [
        ("memory: guest A", 512.0, 1.0, 1.5, 1024.0),
        ("disk: guest A", 2048.0, 1.0, 2.0, 4096.0),
    ]
    columns = ["condition", "promised_mib", "used_mib", "held_mib", "host_mib"]
    shown = figures.promises(made(pd.DataFrame(rows, columns=columns)))
    assert len(shown.png()) <= figures.MOST_BYTES
    assert "memory: guest A: promised 512, written 1.00, held 1.50 MiB" in shown.sentence
    assert list(shown.table["condition"]) == ["memory: guest A", "disk: guest A"]


# --- the chapter's own code -----------------------------------------------------------------------


def test_the_smallest_host_keeps_what_its_guests_wrote() -> None:
    code = built_cell(lab.CHAPTER)
    names: dict[str, object] = {}
    exec(code, names)
    program = (
        "host = Host(3)\n"
        "a, b = Guest('a', 4), Guest('b', 4)\n"
        "for page in range(4):\n"
        "    for guest in (a, b):\n"
        "        touch(host, guest, page, guest.name + str(page))\n"
        "read = [touch(host, guest, page) for guest in (a, b) for page in range(4)]\n"
        "alone = Guest('c', 2)\n"
        "fresh = [touch(host, alone, page) for page in range(2)]\n"
        "try:\n"
        "    touch(host, alone, 2)\n"
        "except LookupError as error:\n"
        "    said = str(error)\n"
    )
    exec(program, names)
    assert names["read"] == ["a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3"]
    assert names["fresh"] == [0, 0]
    assert "never promised page 2" in str(names["said"])


def test_a_measurement_can_be_priced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chapter adds a column and draws it."""
    toy = registry.run(lab.shadow_or_nested, pages=4, frames=(3, 5), rounds=3)
    priced = replace(toy, data=toy.data.assign(cost=toy.data["references"] + toy.data["exits"]))
    shown = figures.lines(priced, "frames", "cost", "frames", "cost", "a message", "y")
    assert len(shown.table) == 6
