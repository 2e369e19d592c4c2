"""The experiments of chapter 17, and what they are made of."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.virtlab.chapters import built_cell
from virtlab import host, leftovers
from virtlab.experiments import c17_storage as lab
from virtlab.experiments.storage_access import BLOCK, DOORS, served
from virtlab.resources.pools import pool


@pytest.fixture
def pools() -> None:
    for name in ("loop device", "btrfs"):
        capability = host.probe(name)
        if not capability:
            pytest.skip(f"{name}: {capability.why}")


# --- with root ------------------------------------------------------------------------------------


@pytest.mark.system
@pytest.mark.usefixtures("pools")
def test_a_lost_member_is_gone_though_somebody_was_looking_at_it() -> None:
    with leftovers.own_folder() as folder, pool(folder / "pool", "single", 3, 128) as made:
        made.unmount()
        device = Path(str(made.members[1]))
        looking = os.open(device, os.O_RDONLY)  # the kernel frees it when this is closed
        threading.Timer(0.1, os.close, [looking]).start()
        made.lose(2)
        assert not Path("/sys/block", device.name, "loop", "backing_file").exists()


@pytest.mark.system
@pytest.mark.usefixtures("pools", "leaves_nothing")
def test_a_pool_is_larger_than_a_member_and_only_copies_survive_a_loss() -> None:
    rows = lab.pooled().set_index("condition")
    one, single, mirrored = (rows.loc[name] for name in lab.PROFILES)
    assert single["room_mib"] > lab.MEMBER_MIB > one["room_mib"]
    assert mirrored["room_mib"] < single["room_mib"]
    assert not one["big_fits"]
    assert single["big_fits"]
    assert one["files_after_loss"] == 0  # the control: a disk that is gone is gone
    assert single["files_after_loss"] < single["files"]
    assert mirrored["files_after_loss"] == mirrored["files"] > 0
    assert (rows["host_disks"] == 1).all()


@pytest.mark.system
@pytest.mark.usefixtures("pools")
def test_a_mirror_heals() -> None:
    rows = lab.survival(files=4).set_index("condition")
    read = rows.drop(index="a member spoiled")
    assert (read["right"] == read["of"]).all()
    assert rows.loc["scrubbed", "errors"] > 0
    assert rows.loc["scrubbed", "mended"] == rows.loc["scrubbed", "errors"]
    assert rows.loc["scrubbed again", "errors"] == 0


@pytest.mark.system
@pytest.mark.usefixtures("pools")
def test_what_each_way_of_saving_adds_and_survives() -> None:
    kib = lab.saving(rounds=1, files=8).groupby("condition")["kib"].median()
    assert kib["snapshot"] < kib["incremental backup"] < kib["full backup"]
    fates = lab.accidents(files=4).set_index("condition")
    deleted, destroyed, chain = lab.ACCIDENTS
    assert (fates[deleted] == "restored").all()
    assert fates.loc["snapshot", destroyed] == "lost"
    assert fates.loc["incremental backup", [destroyed, chain]].tolist() == ["restored", "lost"]
    assert fates.loc["full backup", [destroyed, chain]].tolist() == ["restored", "restored"]


@pytest.mark.system
@pytest.mark.usefixtures("pools")
def test_a_snapshot_is_right_if_the_program_helps() -> None:
    right = lab.consistency(rounds=12).groupby("condition")["right"].mean()
    assert right["snapshot"] < 1
    assert right["snapshot, journal read"] == right["snapshot, program held"] == 1


@pytest.mark.system
@pytest.mark.usefixtures("pools", "alone_with_leftovers")
def test_a_killed_owner_leaves_nothing_that_clean_does_not_find() -> None:
    program = """
import time
from virtlab import leftovers
from virtlab.resources.pools import pool
with leftovers.own_folder() as folder, pool(folder / "pool", "single", 2, 128):
    print(folder, flush=True)
    time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        folder = owner.stdout.readline().strip()
        assert folder
        os.kill(owner.pid, signal.SIGKILL)
    assert any(line.startswith("loop device") for line in leftovers.find())
    leftovers.remove_folder(Path(folder))
    assert not Path(folder).exists()
    assert not [line for line in leftovers.find() if folder in line]


# --- on plain files -------------------------------------------------------------------------------


def test_a_thin_disk_gives_back_only_what_is_discarded() -> None:
    try:
        rows = lab.thin(disks=2, provisioned_mib=64, used_mib=8).set_index("condition")
    except OSError as error:
        pytest.skip(str(error))
    assert (rows["provisioned_mib"] == 128).all()
    given = rows["allocated_mib"]
    assert given["made"] == 0
    assert given["deleted by the guests"] == given["written"] >= 16
    assert given["discarded"] * 4 <= given["written"]
    assert rows["reads_as"].tolist() == ["zeros", "data", "data", "zeros"]


def test_equal_disks_are_stored_once_unless_they_are_shifted() -> None:
    table = lab.dedup(most_mib=2)
    rows = table.set_index(["condition", "block_kib"])["ratio"]
    assert rows["4 disks, one template", 4] > 2
    assert rows["4 disks, shifted by a byte", 4] < 1.2
    assert rows["random (or encrypted)", 1] == 1
    by_file = table.groupby("condition")["file_ratio"].agg(["min", "max"])
    assert (by_file["min"] == by_file["max"]).all()
    assert by_file.loc["4 disks, shifted by a byte", "min"] > 2  # the files are equal as ever
    assert by_file.loc["random (or encrypted)", "min"] == 1


def test_whole_files_are_counted_with_the_room_that_they_take() -> None:
    assert lab._file_ratio([b"a", b"b" * 4097]) == 1
    assert lab._file_ratio([b"a", b"a", b"b" * 4097]) == 4 / 3
    assert lab._laid_out([b"a", b"b" * 4096]) == b"a" + bytes(4095) + b"b" * 4096


def test_a_new_version_of_a_file_has_other_bytes(tmp_path: Path) -> None:
    sums = []
    for version in (0, 1):
        assert lab._filled(tmp_path / "file", 1, version)
        sums.append(lab._sum(tmp_path / "file"))
    assert sums[0] != sums[1]


@pytest.mark.parametrize(
    ("data", "ratio"),
    [(b"a" * 8192, 2), (b"a" * 4096 + b"b" * 4096, 1), (b"a" * 4096 + bytes(4096), 2)],
)
def test_a_ratio_is_logical_over_stored(data: bytes, ratio: float) -> None:
    assert lab._deduplicated(data, 4096)["ratio"] == ratio


def test_three_doors_give_the_same_bytes_at_different_costs() -> None:
    rows = lab.access(mib=1).set_index("condition")
    assert rows["same"].all()
    assert rows["right_after"].all()
    change = rows["change_bytes"]
    assert change["file"] < change["block"] < change["object"]
    assert change["object"] > 2**20
    assert 2 * BLOCK < change["block"] < 3 * BLOCK
    assert rows["old_is_there"].tolist() == [False, False, True]
    assert rows["notices"].tolist() == ["no", "no", "yes"]


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.parametrize(("at", "size"), [(0, 1), (BLOCK - 1, 2), (3, 3 * BLOCK)])
def test_parts_may_lie_across_blocks(tmp_path: Path, name: str, at: int, size: int) -> None:
    door = DOORS[name](tmp_path)
    data = bytes(number % 251 for number in range(8 * BLOCK))
    with served(door.serve) as wire:
        door.write(wire, data)
        assert door.part(wire, at, size) == data[at : at + size]


def test_the_built_array_survives_one_loss_and_not_two(tmp_path: Path) -> None:
    names: dict[str, object] = {}
    exec(built_cell("17-storage"), names)
    data = bytes(number % 241 for number in range(5000))
    members = [tmp_path / f"disk-{number}" for number in range(3)]
    names["write_array"](data, members)  # type: ignore[operator]
    read = names["read_array"]
    for lost in range(3):
        kept = members[lost].read_bytes()
        assert read(members, len(data)) == data  # type: ignore[operator]
        members[lost].unlink()
        assert read(members, len(data)) == data  # type: ignore[operator]
        members[lost].write_bytes(kept)
    members[0].unlink()
    members[1].unlink()
    with pytest.raises(OSError, match="two members"):
        read(members, len(data))  # type: ignore[operator]
