"""The experiments of chapter 22, and what they are made of."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import pandas as pd
import pytest

from virtlab import figures, host, leftovers, registry
from virtlab.experiments import c06_sharing
from virtlab.experiments import c22_disadvantages as lab
from virtlab.measure import recording
from virtlab.models.licences import LicensedServer, Rule, licences
from virtlab.resources import backups
from virtlab.runtimes import RUNTIMES
from virtlab.runtimes.launcher import close_warm_launcher

from .chapters import built_cell

CHAPTER = "22-disadvantages"


def own_things() -> set[str]:
    """The folders and control groups of this process, the warm launcher's aside."""
    close_warm_launcher()
    places = (Path(tempfile.gettempdir()).glob("*"), Path("/sys/fs/cgroup").rglob("virtlab-*"))
    names = {path.name for found in places for path in found}
    return {name for name in names if name.startswith(f"{leftovers.owned_name()}-")}


def simulated(exp: registry.Experiment, **parameters: object) -> pd.DataFrame:
    found = registry.run(exp, **parameters)
    assert found.source == "simulated"
    return found.data


# --- the toll -------------------------------------------------------------------------------------


@pytest.mark.system
@pytest.mark.serial
def test_what_crosses_the_wall_pays_and_computing_does_not() -> None:
    before = own_things()
    data = lab.tolls(rounds=3)
    assert own_things() == before
    names = set(data["condition"])
    assert "native" in names
    median = data.groupby("condition")[list(lab.KINDS)].median()
    if "gVisor (ptrace)" in names:
        toll = median.loc["gVisor (ptrace)"] / median.loc["native"]
        assert toll["call_ns"] > 10 * toll["compute_ns"]
        assert toll["message_ns"] > 2
    if lab.GUEST in names:
        guest = median.loc[lab.GUEST]
        assert guest[["compute_ns", "old_page_ns", "new_page_ns"]].gt(0).all()
        assert guest[["call_ns", "file_ns", "message_ns"]].isna().all()
        assert guest["compute_ns"] < 10 * median.loc["native", "compute_ns"]
        assert data.loc[data["condition"].eq(lab.GUEST), "accelerator"].str.contains("KVM").all()
    for missing in set(lab.WALLS) - names:
        assert data.attrs["failed"][missing]


def recorded(name: str) -> registry.Measurement:
    return lab.from_its_chapter(registry.load(CHAPTER)[name])


def test_ratios_leave_empty_what_was_not_measured() -> None:
    found = lab.ratios(recorded("tolls")).set_index(["kind", "wall"])
    call, compute = lab.KINDS["call_ns"], lab.KINDS["compute_ns"]
    assert math.isnan(found.loc[(call, lab.GUEST), "times"])
    assert found.loc[(call, lab.GUEST), "source"] == "not measured here"
    seen = found.dropna()
    assert (seen["low"] <= seen["times"]).all()
    assert (seen["times"] <= seen["high"]).all()
    gvisor = found.xs("gVisor (ptrace)", level="wall")["times"]
    assert gvisor[call] > 10 * gvisor[compute]


def test_the_figure_of_tolls_says_what_it_draws() -> None:
    m = recorded("tolls")
    shown = figures.tolls(m, lab.ratios(m))
    assert "a system call" in shown.figure.get_label()
    assert "container" in shown.sentence
    assert "nan" not in shown.sentence
    assert len(shown.png()) <= figures.MOST_BYTES


# --- licences -------------------------------------------------------------------------------------


def test_each_fleet_has_another_cheapest_rule() -> None:
    data = simulated(lab.licence_prices)
    cheapest = data.loc[data.groupby("fleet")["coins"].idxmin()].set_index("fleet")["condition"]
    assert cheapest.nunique() == len(lab.FLEETS)
    machines = {sum(len(server.vms) for server in fleet) for fleet in lab.FLEETS.values()}
    assert machines == {48}, "only the servers may differ"


def test_a_licence_that_covers_few_machines_is_bought_again() -> None:
    def units(vms: int, covers: int) -> int:
        server = LicensedServer(1, 8, (2,) * vms)
        return licences([server], Rule("core", 1, pack=16, covers=covers))

    assert [units(vms, 2) for vms in (0, 1, 2, 3, 5)] == [16, 16, 16, 32, 48]
    assert units(50, 0) == 16


def test_the_bill_marks_the_cheapest_of_each_row() -> None:
    shown = figures.bill(registry.run(lab.licence_prices))
    words = [text.get_text() for text in shown.figure.axes[0].texts]
    assert sum("★" in word for word in words) == len(lab.FLEETS)
    assert "3,840 ★" in words
    assert "12 small: per core, for 2 VMs is cheapest" in shown.sentence


# --- growth and drift -----------------------------------------------------------------------------


def test_pairs_grow_with_the_square_and_groups_do_not() -> None:
    at = simulated(lab.growth, machines=(10, 100)).pivot(
        index="machines", columns="condition", values="count"
    )
    growth = at.loc[100] / at.loc[10]
    assert growth["settings"] == 10
    assert growth["links between pairs"] > 100
    assert growth["rules that name groups"] == 1
    assert at.loc[10, "links between pairs"] == 45


def test_a_reconciler_finds_every_kind_of_drift_and_repairs_it() -> None:
    before = own_things()
    data = lab.drift(hosts=(5, 20), share=0.3)
    assert own_things() == before
    assert set(data["condition"]) == set(lab.DRIFTS)
    assert data["planted"].gt(0).all()
    assert data["found"].eq(data["planted"]).all()
    assert data[["false_alarms", "left"]].eq(0).all(axis=None)


def test_files_as_wanted_are_no_drift(tmp_path: Path) -> None:
    wanted = {"a/conf": "x = 1\n"}
    lab._write(tmp_path / "a/conf", "x = 1\n")
    assert lab.differences(tmp_path, wanted) == {}
    (tmp_path / "a/conf").chmod(0o644)
    assert lab.differences(tmp_path, wanted) == {"a/conf": "opened to all"}


# --- one application, five configurations ---------------------------------------------------------


@pytest.mark.system
@pytest.mark.serial
def test_each_wrong_limit_fails_in_its_own_way() -> None:
    if not (able := host.probe("cgroup controllers")):
        pytest.skip(f"cgroup controllers: {able.why}")
    before = own_things()
    level = lab.service_levels(lab.configurations()).set_index("condition")
    assert own_things() == before
    assert list(level.index) == list(lab.CONFIGURATIONS)
    assert level.loc["no limits", ["refused", "lost", "kills", "throttled_ms"]].eq(0).all()
    assert level.loc["too little CPU", "late"] > 20
    assert level.loc["too little CPU", "throttled_ms"] > 0
    assert level.loc["too little memory", "lost"] > 10
    assert level.loc["too little memory", "kills"] >= 1
    assert level.loc["too few open files", "refused"] > 10
    assert level.loc["limits from a measurement", ["refused", "lost"]].eq(0).all()


# --- the attacker ---------------------------------------------------------------------------------


def test_closed_doors_stop_the_attacker() -> None:
    taken = simulated(lab.blast).groupby("condition")["taken"].max()
    assert taken["as it is"] == len(lab.CLOUD)
    assert taken["hypervisor patched"] == 2
    assert taken["hypervisor patched"] <= taken["management walled off"] < taken["as it is"]
    assert taken["both"] == 2


# --- backups --------------------------------------------------------------------------------------


def test_a_bad_link_loses_the_days_behind_it_and_only_those() -> None:
    before = own_things()
    data = lab.chains().set_index("condition")
    assert own_things() == before
    days = data.filter(like="day_")
    for name, row in days.iterrows():
        fate = lab.RIGHT
        if "missing" in str(name) or name == "files, day 3 corrupt":
            fate = lab.REFUSED
        elif "corrupt" in str(name):
            fate = lab.WRONG
        expected = [fate if day in (3, 4) else lab.RIGHT for day in range(lab.DAYS)]
        assert list(row) == expected, name
    assert "missing" in data.loc["files, day 3 missing", "first_word"]
    if "qcow2, day 3 corrupt" in data.index:
        assert "No errors" in data.loc["qcow2, day 3 corrupt", "check"]


def test_without_qemu_img_the_files_are_measured_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(*_: object) -> str:
        raise registry.CannotMeasure("no qemu-img here")

    monkeypatch.setattr(lab, "qemu_img", missing)
    data = lab.chains()
    assert len(data) == 4
    assert set(data.attrs["failed"]) == {
        "qcow2, nothing damaged",
        "qcow2, day 3 missing",
        "qcow2, day 3 corrupt",
    }


def test_a_backup_restores_what_was_saved_and_an_increment_is_small(tmp_path: Path) -> None:
    disk = bytes(range(256)) * 16 * 8
    later = disk[: -backups.BLOCK] + bytes(backups.BLOCK)
    full = backups.save(disk, tmp_path / "full")
    small = backups.save(later, tmp_path / "small", disk, "full")
    assert small < full / 2
    assert backups.restore(tmp_path / "small") == later
    (tmp_path / "full").unlink()
    with pytest.raises(backups.Damaged, match="full is missing"):
        backups.restore(tmp_path / "small")


def test_long_chains_lose_more_and_store_less() -> None:
    data = simulated(lab.schemes, bad_percent=(0, 2), machines=500)
    perfect, bad = (data[data["bad_percent"].eq(p)].set_index("condition") for p in (0, 2))
    assert perfect["days_lost"].eq(0).all()
    order = list(lab.SCHEMES)
    assert list(bad["days_lost"][order]) == sorted(bad["days_lost"])
    assert list(bad["stored"][order]) == sorted(bad["stored"], reverse=True)


def test_the_smallest_one_shares_blocks_and_notices_damage(tmp_path: Path) -> None:
    import hashlib

    names: dict = {"hashlib": hashlib}
    exec(built_cell(CHAPTER), names)
    disk = bytes(64) + bytes([1]) * 64 + bytes(64)
    listed, added = names["keep"](tmp_path, disk)
    assert (len(listed), added) == (3, 2)
    assert names["fetch"](tmp_path, listed) == disk
    (tmp_path / listed[1]).write_bytes(bytes([2]) * 64)
    with pytest.raises(ValueError, match="corrupt"):
        names["fetch"](tmp_path, listed)
    (tmp_path / listed[1]).unlink()
    with pytest.raises(ValueError, match="missing"):
        names["fetch"](tmp_path, listed)


# --- what cannot run here -------------------------------------------------------------------------


def test_every_experiment_answers_as_the_overviews_do() -> None:
    data = lab.availability().set_index("condition")
    assert set(data.index) == set(registry.load_all())
    assert data.loc[data["here"].eq("not live"), "why"].ne("").all()
    assert data.loc[data["here"].ne("not live"), "why"].eq("").all()
    own = registry.overview(CHAPTER).set_index("experiment")
    for name, row in own.iterrows():
        here = data.loc[f"{CHAPTER}/{name}", "here"]
        if row["why"] != "VIRTLAB_SOURCE=recorded":
            assert here == {"recorded": "not live"}.get(row["source"], row["source"])


def test_what_another_chapter_recorded_says_where_it_is_from() -> None:
    m = lab.from_its_chapter(c06_sharing.overcommit)
    assert m.source == "recorded"
    assert set(m.data["reason"]) == {"measured by chapter 06"}


def test_every_experiment_that_is_measured_has_a_recording() -> None:
    for exp in registry.load(CHAPTER).values():
        if not exp.simulated:
            folder = Path(__file__).parents[2] / "data/recordings" / CHAPTER
            data, _ = recording.load(folder, exp.name)
            assert len(data)


def test_gvisor_is_the_way_that_the_chapter_names() -> None:
    assert "--platform=ptrace" in RUNTIMES["gvisor"].options  # type: ignore[attr-defined]
