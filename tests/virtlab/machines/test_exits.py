"""Counting exits, and saving them by batched hypercalls."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab.machines.exits import FAULT, Event, count_exits
from virtlab.machines.hypercalls import FLUSH, hypercalls

TRACE = [
    Event("kernel", "cpuid"),
    Event("user", "cpuid", 2),
    Event("kernel", "mov cr3", 5),
    Event("kernel", "hlt"),
    Event("user", "hlt", 3),
    Event("user", "rdtsc", 7),
    Event("kernel", "page fault", 0),
]


def test_the_policy_decides_what_exits() -> None:
    assert count_exits(TRACE, []) == {"cpuid": 3}
    assert count_exits(TRACE, ["hlt", "mov cr3"]) == {"cpuid": 3, "hlt": 1, "mov cr3": 5}
    assert count_exits(TRACE, ["rdtsc", FAULT]) == {"cpuid": 3, "rdtsc": 7, FAULT: 3}
    assert count_exits(TRACE, ["page fault"]) == {"cpuid": 3}
    assert count_exits([], ["hlt"]) == {}


def test_an_instruction_that_always_exits_still_faults_first_in_user_mode() -> None:
    assert count_exits([Event("user", "invd"), Event("kernel", "invd")], []) == {"invd": 1}
    with pytest.raises(ValueError, match="-1 times"):
        count_exits([Event("user", "hlt", -1)], [])


def test_updates_wait_for_a_full_call_a_flush_or_the_end() -> None:
    updates = [(1, 1), (2, 2), (3, 3), FLUSH, FLUSH, (4, 4)]
    assert hypercalls(updates, 2) == [[(1, 1), (2, 2)], [(3, 3), FLUSH], [(4, 4)]]
    assert hypercalls(updates, 100) == [[(1, 1), (2, 2), (3, 3), FLUSH], [(4, 4)]]
    assert len(hypercalls(updates, 1)) == 5
    assert hypercalls([(1, 1), (2, 2), FLUSH], 2) == [[(1, 1), (2, 2)], [FLUSH]]
    assert hypercalls([FLUSH], 4) == []
    assert hypercalls([], 4) == []
    with pytest.raises(ValueError, match="one operation"):
        hypercalls([], 0)


updates = st.lists(
    st.one_of(st.just(FLUSH), st.tuples(st.integers(0, 3), st.integers(0, 3))), max_size=20
)


@given(updates, st.integers(1, 6))
@settings(max_examples=80, deadline=None)
def test_batching_keeps_order_and_never_delays_a_flush(issued: list, batch: int) -> None:  # type: ignore[type-arg]
    calls = hypercalls(issued, batch)
    sent = [op for call in calls for op in call]
    needed = [op for i, op in enumerate(issued) if op != FLUSH or is_needed(issued, i)]
    assert sent == needed
    assert all(1 <= len(call) <= batch for call in calls)
    assert all(FLUSH not in call[:-1] for call in calls)
    assert len(calls) <= len(sent)
    for call in calls[:-1]:
        assert len(call) == batch or call[-1] == FLUSH


def is_needed(issued: list, at: int) -> bool:  # type: ignore[type-arg]
    """True if an update lies between this flush and the one before."""
    return at > 0 and issued[at - 1] != FLUSH
