import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab.machines.tlb import TLB, Counts, replay

traces = st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 6)), max_size=60)


def test_tags_save_the_flushes() -> None:
    trace = [("A", 1), ("B", 1)] * 3
    assert replay(trace, 8, tagged=False) == Counts(hits=0, misses=6, flushes=5)
    assert replay(trace, 8, tagged=True) == Counts(hits=4, misses=2, flushes=0)


@given(traces)
@settings(max_examples=60, deadline=None)
def test_tags_never_cost_hits_while_everything_fits(trace: list[tuple[str, int]]) -> None:
    tagged, untagged = (replay(trace, 14, tagged=t) for t in (True, False))
    assert tagged.hits >= untagged.hits
    assert tagged.hits + tagged.misses == untagged.hits + untagged.misses == len(trace)
    assert tagged.misses == len(set(trace))


@given(traces, st.integers(1, 10))
@settings(max_examples=60, deadline=None)
def test_a_tlb_never_answers_with_another_spaces_frame(
    trace: list[tuple[str, int]], capacity: int
) -> None:
    for tagged in (True, False):
        tlb = TLB(capacity, tagged)
        for guest, page in trace:
            tlb.switch(guest)
            frame = {"A": 100, "B": 200}[guest] + page
            assert tlb.lookup(page) in (None, frame)
            tlb.insert(page, frame)


def test_the_least_recently_used_entry_goes_first() -> None:
    tlb = TLB(2, tagged=True)
    for page in (1, 2):
        tlb.insert(page, page)
    assert tlb.lookup(1) == 1
    tlb.insert(3, 3)
    assert [tlb.lookup(page) for page in (1, 2, 3)] == [1, None, 3]
    tlb.invalidate(3)
    assert tlb.lookup(3) is None


def test_a_tlb_has_an_entry() -> None:
    with pytest.raises(ValueError, match="one entry"):
        TLB(0, tagged=True)
