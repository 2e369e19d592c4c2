from __future__ import annotations

import pytest

from virtlab.machines.paged import (
    DATA,
    PAGE_WORDS,
    TRANSLATORS,
    PagedMachine,
    PagedMemory,
    visitor,
)
from virtlab.machines.toycpu import Machine, assemble


def run(way: str, frames: int, pages: int = 6, rounds: int = 4, tlb: int = 3) -> PagedMemory:
    memory = PagedMemory(pages + 1, frames, way, tlb_entries=tlb)
    machine = PagedMachine(memory)
    machine.put(assemble(visitor(pages, rounds)))
    machine.power_on()
    assert machine.halted
    assert machine.output == [rounds]
    return memory


@pytest.mark.parametrize("way", TRANSLATORS)
@pytest.mark.parametrize("frames", [2, 3, 5, 7])
def test_a_program_notices_nothing(way: str, frames: int) -> None:
    memory = run(way, frames)
    plain = Machine(7 * PAGE_WORDS)
    plain.put(assemble(visitor(6, 4)))
    plain.power_on()
    for page in range(7):
        assert memory[page * PAGE_WORDS] == plain.memory[page * PAGE_WORDS]


def test_misses_and_faults_do_not_depend_on_the_way() -> None:
    for frames in (3, 7):
        counts = [run(way, frames).counts for way in TRANSLATORS]
        assert len({(one.accesses, one.misses, one.faults) for one in counts}) == 1


def test_each_way_reads_what_its_tables_have() -> None:
    reads = {way: run(way, 7).counts for way in TRANSLATORS}
    misses = reads["nested"].misses
    assert reads["no hypervisor"].references == reads["shadow"].references == 4 * misses
    assert reads["nested"].references == 24 * misses


def test_only_a_shadow_needs_the_hypervisor() -> None:
    roomy, tight = (run("shadow", frames).counts for frames in (7, 3))
    assert run("nested", 3).counts.exits == run("no hypervisor", 3).counts.exits == 0
    assert 0 < roomy.exits < tight.exits
    # Each of seven pages: one fault, one entry, one fill; and three tables on the way.
    assert roomy.faults == 7
    assert roomy.exits == 3 * 7 + 3


def test_a_large_tlb_walks_once_a_page() -> None:
    assert run("nested", 7, tlb=8).counts.misses == 7
    assert run("nested", 7, tlb=3).counts.misses > 7


def test_a_frame_of_the_guest_has_one_owner() -> None:
    memory = PagedMemory(5, 3, "shadow")
    for page in range(5):
        memory[page * PAGE_WORDS + 1] = 100 + page
    assert [memory[page * PAGE_WORDS + 1] for page in range(5)] == [100, 101, 102, 103, 104]
    assert [memory[page * PAGE_WORDS] for page in range(5)] == [0] * 5
    owned = list(memory._frame_of.values())
    assert len(owned) == len(set(owned)) == 3
    assert min(owned) >= DATA


def test_one_frame_is_too_few() -> None:
    with pytest.raises(ValueError, match="two frames"):
        PagedMemory(4, 1, "nested")
