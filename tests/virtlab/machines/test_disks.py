from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab.machines.disks import (
    ContentStore,
    DataLossError,
    Disk,
    Overlay,
    Pool,
    PoolFullError,
    Raid5,
    RawDisk,
    ReadOnlyError,
    ThinDisk,
    dedup_ratio,
    fixed_blocks,
    parity,
    rebuild,
)

SIZE, CLUSTER = 50, 8  # the last cluster is cut short
writes = st.lists(
    st.integers(0, SIZE).flatmap(lambda at: st.tuples(st.just(at), st.binary(max_size=SIZE - at))),
    max_size=8,
)


def thin() -> Disk:
    return ThinDisk(Pool(100, CLUSTER), SIZE)


def overlay() -> Disk:
    return Overlay(RawDisk(SIZE, CLUSTER))


def raw() -> Disk:
    return RawDisk(SIZE, CLUSTER)


@pytest.mark.parametrize("make", [raw, thin, overlay])
@given(done=writes)
@settings(max_examples=50, deadline=None)
def test_every_disk_is_a_row_of_bytes(
    make: Callable[[], Disk], done: list[tuple[int, bytes]]
) -> None:
    disk, model = make(), bytearray(SIZE)
    for offset, data in done:
        disk.write(offset, data)
        model[offset : offset + len(data)] = data
        assert disk.read(offset, len(data)) == data
    assert disk.read(0, SIZE) == model


@pytest.mark.parametrize("make", [raw, thin, overlay])
def test_a_disk_ends_where_it_says(make: Callable[[], Disk]) -> None:
    for offset, length in [(-1, 2), (SIZE - 1, 2), (SIZE + 1, 0)]:
        with pytest.raises(ValueError, match="are not on a disk of 50 bytes"):
            make().read(offset, length)
    with pytest.raises(ValueError, match="not on a disk"):
        make().write(SIZE - 1, b"ab")


def test_a_thin_disk_takes_room_when_it_is_written() -> None:
    pool = Pool(3, CLUSTER)
    first, second = ThinDisk(pool, SIZE), ThinDisk(pool, SIZE)
    assert (pool.promised, pool.used) == (14, 0)
    first.write(7, b"ab")  # across two clusters
    assert (pool.used, first.allocated) == (2, 16)
    first.write(6, b"cd")
    assert pool.used == 2
    second.write(0, b"x")
    with pytest.raises(PoolFullError, match="all 3 clusters of the pool are taken; 14 were"):
        second.write(20, b"x")
    first.discard(1, 20)  # cluster 1 lies wholly in it
    assert (pool.used, first.read(6, 3)) == (2, b"cd"[:1] + b"d\0")
    second.write(20, b"x")


@given(st.lists(writes, min_size=1, max_size=4), st.data())
@settings(max_examples=50, deadline=None)
def test_every_snapshot_keeps_its_state(
    generations: list[list[tuple[int, bytes]]], data: st.DataObject
) -> None:
    disk: Disk = RawDisk(SIZE, CLUSTER)
    model = bytearray(SIZE)
    kept: list[tuple[Disk, bytes]] = []
    for done in generations:
        disk = Overlay(disk)
        for offset, written in done:
            disk.write(offset, written)
            model[offset : offset + len(written)] = written
        kept.append((disk, bytes(model)))
    for snapshot, state in kept:
        assert snapshot.read(0, SIZE) == state
    assert isinstance(disk, Overlay)
    assert len(disk.chain) == len(generations) + 1
    change = data.draw(st.sampled_from(["flatten", "commit"]))
    getattr(disk, change)()
    assert disk.read(0, SIZE) == model
    assert change == "commit" or disk.chain == [disk]
    assert change == "flatten" or disk.allocated == 0


def test_an_overlay_copies_up_only_what_it_must() -> None:
    base = RawDisk(SIZE, CLUSTER)
    base.write(0, b"base" * 4)
    top = Overlay(base)
    top.write(8, bytes(8))
    assert top.copied == 0
    top.write(1, b"x")
    assert (top.copied, top.allocated, top.read(0, 4)) == (7, 16, b"bxse")
    assert base.read(0, 4) == b"base"
    assert (top.layers_searched(0), top.layers_searched(3)) == (1, 2)
    with pytest.raises(ReadOnlyError, match="another disk is built on this one"):
        base.write(0, b"x")
    upper = top.snapshot()
    with pytest.raises(ReadOnlyError):
        top.write(0, b"x")
    assert upper.layers_searched(3) == 3


def test_a_larger_overlay_shows_zeros_beyond_its_backing() -> None:
    base = RawDisk(10, CLUSTER)
    base.put(1, b"12345678")  # a careless tenant wrote beyond the disk's end, in the last cluster
    top = Overlay(base, 30)
    assert top.read(8, 22) == b"12" + bytes(20)
    with pytest.raises(ValueError, match="too small"):
        top.commit()


@given(st.lists(st.sampled_from([b"aaaa", b"bbbb", b"cc", b""]), max_size=12))
@settings(max_examples=50, deadline=None)
def test_a_store_keeps_each_block_once_until_its_last_use(blocks: list[bytes]) -> None:
    store = ContentStore()
    names = [store.put(block) for block in blocks]
    assert [store.get(name) for name in names] == blocks
    assert store.logical == sum(map(len, blocks))
    assert store.stored == sum(map(len, set(blocks)))
    assert store.ratio == dedup_ratio(blocks) >= 1
    for name in names:
        store.release(name)
    assert (store.logical, store.stored, store.ratio) == (0, 0, 1.0)
    for name in names[:1]:
        with pytest.raises(KeyError):
            store.get(name)


def test_dedup_depends_on_where_blocks_begin() -> None:
    data = bytes(range(64)) * 10
    assert dedup_ratio(fixed_blocks(data, 64)) == 10
    assert dedup_ratio(fixed_blocks(b"x" + data, 64)) < 6
    assert dedup_ratio([]) == 1.0


@given(
    st.integers(3, 6),
    st.lists(st.tuples(st.integers(0, 99), st.binary(min_size=2, max_size=2)), max_size=20),
    st.data(),
)
@settings(max_examples=60, deadline=None)
def test_any_one_member_can_be_lost_at_any_time_and_rebuilt(
    members: int, done: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    array = Raid5(members, stripes=4, chunk=2)
    model = [bytes(2)] * (4 * (members - 1))
    lost = data.draw(st.integers(0, members - 1))
    at = data.draw(st.integers(0, len(done)))
    for step, (number, chunk) in enumerate(done):
        if step == at:
            array.fail(lost)
        number %= len(model)
        array.write(number, chunk)
        model[number] = chunk
        assert array.read(number) == chunk
    array.fail(lost)
    assert [array.read(i) for i in range(len(model))] == model
    array.rebuild(lost)
    array.fail((lost + 1) % members)
    assert [array.read(i) for i in range(len(model))] == model
    array.fail(lost)
    with pytest.raises(DataLossError):
        list(map(array.read, range(len(model))))


def test_the_layout_turns_parity_round() -> None:
    array = Raid5(3, stripes=3, chunk=1)
    assert [array.place(i) for i in range(6)] == [
        (0, 0, 2), (0, 1, 2), (1, 2, 1), (1, 0, 1), (2, 1, 0), (2, 2, 0),
    ]  # fmt: skip
    assert array.size == 6


def test_a_small_write_costs_four_accesses() -> None:
    array = Raid5(5, stripes=2, chunk=4)
    array.write(3, b"abcd")
    assert (array.reads, array.writes) == (2, 2)
    with pytest.raises(ValueError, match="a chunk has 4 bytes"):
        array.write(0, b"a")
    with pytest.raises(ValueError, match="three members"):
        Raid5(2, 1)


@given(st.lists(st.binary(min_size=3, max_size=3), min_size=2, max_size=6), st.data())
@settings(max_examples=50, deadline=None)
def test_rebuild_finds_any_one_missing_chunk(chunks: list[bytes], data: st.DataObject) -> None:
    stripe = [*chunks, parity(chunks)]
    damaged: list[bytes | None] = list(stripe)
    damaged[data.draw(st.integers(0, len(stripe) - 1))] = None
    assert rebuild([damaged, stripe]) == [stripe, stripe]


def test_rebuild_refuses() -> None:
    with pytest.raises(DataLossError, match="stripe 1 misses 2"):
        rebuild([[b"a", b"a"], [None, None, b"a"]])
    with pytest.raises(ValueError, match="one length"):
        rebuild([[b"a", b"ab", None]])
    with pytest.raises(ValueError, match="fewer than two"):
        rebuild([[None]])
    assert rebuild([]) == []
