import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab.machines.paging import (
    RW,
    X86_64,
    Access,
    AddressSpace,
    Flag,
    Geometry,
    PageFaultError,
    Stage,
    frames_from,
    walk,
)
from virtlab.machines.shadow import ShadowPaging, shadow_table
from virtlab.machines.two_stage import GuestMemory, two_stage

PAGE = X86_64.page
GEOMETRIES = st.builds(Geometry, st.integers(1, 5), st.integers(1, 9), st.just(12))


def space(geometry: Geometry = X86_64) -> AddressSpace:
    return AddressSpace({}, frames_from(0x10_0000), geometry)


@given(GEOMETRIES, st.data())
@settings(max_examples=60, deadline=None)
def test_a_walk_finds_what_was_mapped_and_nothing_else(
    geometry: Geometry, data: st.DataObject
) -> None:
    pages = st.integers(0, geometry.size // PAGE - 1)
    mapping = data.draw(st.dictionaries(pages, st.integers(0, 2**39), max_size=8))
    table = space(geometry)
    for page, frame in mapping.items():
        table.map(page * PAGE, frame * PAGE)
    for page in [*mapping, data.draw(pages)]:
        if page in mapping:
            translation = table.walk(page * PAGE + 7)
            assert translation.physical == mapping[page] * PAGE + 7
            assert len(translation.references) == geometry.levels
        else:
            with pytest.raises(PageFaultError, match="not present"):
                table.walk(page * PAGE)


def test_four_levels_cost_four_references_and_a_large_page_saves_one() -> None:
    table = space()
    table.map(0x7FFF_1234_5000, 0x9000)
    table.map(0x4000_0000, 0x8000_0000, level=2)
    assert len(table.walk(0x7FFF_1234_5678).references) == 4
    large = table.walk(0x4012_3456)
    assert (large.physical, len(large.references), large.span) == (0x8012_3456, 3, 2 << 20)


@pytest.mark.parametrize(
    ("flags", "access", "reason"),
    [
        (RW, Access.USER_WRITE, ""),
        (Flag.USER, Access.USER_READ, ""),
        (Flag.USER, Access.WRITE, "not writable"),
        (Flag.WRITE, Access.USER_READ, "not for user mode"),
        (Flag.WRITE, Access.WRITE, ""),
        (Flag(0), Access.USER_WRITE, "not for user mode"),
    ],
)
def test_rights(flags: Flag, access: Access, reason: str) -> None:
    table = space()
    table.map(0, PAGE, flags)
    if not reason:
        assert table.walk(1, access).physical == PAGE + 1
        return
    with pytest.raises(PageFaultError, match=reason) as fault:
        table.walk(1, access)
    assert (fault.value.level, fault.value.references) == (1, 4)


def test_a_right_taken_away_at_an_upper_level_is_gone_below() -> None:
    table = space()
    table.map(0, PAGE)
    top = table.walk(0).references[0]
    table.memory[top] = table.memory.get(top, 0) & ~int(Flag.WRITE)
    with pytest.raises(PageFaultError, match="not writable"):
        table.walk(0, Access.WRITE)


def test_an_address_beyond_the_space_is_not_canonical() -> None:
    for address in (-1, X86_64.size):
        with pytest.raises(PageFaultError, match="not canonical"):
            walk({}, 0, address)


def test_unmapping_and_wrong_mappings() -> None:
    table = space()
    table.map(0, PAGE)
    assert table.unmap(5)
    assert not table.unmap(5)
    with pytest.raises(ValueError, match="cannot map"):
        table.map(1, PAGE)
    table.map(0, 2 << 20, level=2)
    with pytest.raises(ValueError, match="large page"):
        table.map(PAGE, PAGE)


def nested(
    guest: Geometry = X86_64, host: Geometry = X86_64, backed: int = 256
) -> tuple[AddressSpace, AddressSpace]:
    """A guest table in memory that a host table scatters: frame n of the guest is 1000 - n."""
    memory: dict[int, int] = {}
    second = AddressSpace(memory, frames_from(1 << 30, host), host)
    for frame in range(backed):
        second.map(frame * PAGE, (1000 - frame) * PAGE)
    return AddressSpace(GuestMemory(second), frames_from(PAGE, guest), guest), second


def both(guest: AddressSpace, host: AddressSpace, address: int, access: Access = Access.READ):  # type: ignore[no-untyped-def]
    memory = host.memory
    return two_stage(memory, guest.root, host.root, address, access, guest.geometry, host.geometry)


def test_four_and_four_levels_cost_twenty_four_references() -> None:
    guest, host = nested()
    guest.map(0x7000_0000, 200 * PAGE)
    translation = both(guest, host, 0x7000_0123)
    assert translation.host_physical == 800 * PAGE + 0x123
    assert len(translation.references) == 24
    assert [stage for stage, _ in translation.references].count(Stage.GUEST) == 4


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 3), st.integers(0, 255))
@settings(max_examples=30, deadline=None)
def test_two_stages_are_the_composition_of_both(
    guest_levels: int, host_levels: int, page: int, frame: int
) -> None:
    guest, host = nested(Geometry(guest_levels), Geometry(host_levels))
    guest.map(page * PAGE, frame * PAGE)
    address = page * PAGE + 9
    translation = both(guest, host, address)
    first = guest.walk(address)
    assert translation.guest_physical == first.physical
    assert translation.host_physical == host.walk(first.physical).physical
    n, m = guest_levels, host_levels
    assert len(translation.references) == n * m + n + m


def test_each_stage_can_be_at_fault() -> None:
    guest, host = nested()
    guest.map(0, 9000 * PAGE)  # a frame that the host does not back
    with pytest.raises(PageFaultError) as fault:
        both(guest, host, PAGE)
    assert (fault.value.stage, fault.value.address, fault.value.references) == (
        Stage.GUEST,
        PAGE,
        20,
    )
    with pytest.raises(PageFaultError) as fault:
        both(guest, host, 5)
    assert (fault.value.stage, fault.value.address) == (Stage.HOST, 9000 * PAGE + 5)
    assert fault.value.references == 23  # the second walk ends at level 2


def test_writing_to_a_page_that_the_host_write_protects_faults_in_the_host_stage() -> None:
    guest, host = nested()
    guest.map(0, 200 * PAGE)
    host.map(200 * PAGE, PAGE, Flag.USER)
    assert both(guest, host, 0).host_physical == PAGE
    with pytest.raises(PageFaultError, match="not writable at level 1 of the host's"):
        both(guest, host, 0, Access.USER_WRITE)


def outcome(translate, address: int, access: Access) -> object:  # type: ignore[no-untyped-def]
    try:
        return translate(address, access)
    except PageFaultError as fault:
        return fault.stage, fault.reason


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["map", "map read-only", "unmap", "read", "write"]),
            st.integers(0, 5),
            st.integers(0, 7),
        ),
        max_size=30,
    )
)
@settings(max_examples=60, deadline=None)
def test_the_shadow_stays_the_composition_whatever_the_guest_does(
    steps: list[tuple[str, int, int]],
) -> None:
    p2m = {frame * PAGE: (500 + 3 * frame) * PAGE for frame in range(6)}  # 6 and 7 have no backing
    memory: dict[int, int] = {}
    geometry = Geometry(levels=2, index_bits=2)
    frames = frames_from(1 << 20, geometry)
    shadow = ShadowPaging(memory, next(frames), p2m, geometry)

    class Trapped(dict[int, int]):
        def get(self, place: int, default: int) -> int:  # type: ignore[override]
            return memory.get(place, default)

        def __setitem__(self, place: int, entry: int) -> None:
            shadow.guest_writes(place, entry)

    guest = AddressSpace(Trapped(), frames, geometry, shadow.guest_root)
    access = {"read": Access.USER_READ, "write": Access.USER_WRITE}

    def composed(address: int, kind: Access) -> int:
        physical = guest.walk(address, kind).physical
        if physical - physical % PAGE not in p2m:
            raise PageFaultError(physical, 1, "not present", 0, Stage.HOST)
        return p2m[physical - physical % PAGE] + physical % PAGE

    for what, page, frame in steps:
        if what in access:
            address = page * PAGE + 11
            assert outcome(
                lambda a, k: shadow.translate(a, k).physical, address, access[what]
            ) == outcome(composed, address, access[what])
        elif what == "unmap":
            guest.unmap(page * PAGE)
        else:
            guest.map(page * PAGE, frame * PAGE, Flag.USER if "only" in what else RW)


def test_the_shadow_walks_once_and_pays_by_exits() -> None:
    guest, host = nested()
    p2m = {frame * PAGE: (1000 - frame) * PAGE for frame in range(256)}
    guest.map(0x5000, 200 * PAGE)
    shadow = ShadowPaging(guest.memory, guest.root, p2m)
    for _ in range(3):
        assert len(shadow.translate(0x5001).references) == 4
    assert shadow.exits == {"shadow fill": 1}
    shadow.guest_writes(guest.walk(0x5000).references[-1], 201 * PAGE | RW | Flag.PRESENT)
    assert shadow.translate(0x5001).physical == both(guest, host, 0x5001).host_physical
    assert shadow.exits == {"shadow fill": 2, "table write": 1}


def test_shadow_table_composes_page_maps() -> None:
    assert shadow_table({0: 5, 1: 6, 9: 7}, {5: 50, 7: 70}) == {0: 50, 9: 70}
    assert shadow_table({}, {1: 2}) == {}
