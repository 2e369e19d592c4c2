import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab.models.lock_holder import contend

SHAPE = {"cpus": 4, "compute": 50, "hold": 2, "slice_ticks": 200, "ticks": 40_000}


def test_preempting_the_holder_wastes_what_gang_scheduling_saves() -> None:
    apart = contend(**SHAPE, gang=False, seed=1)
    together = contend(**SHAPE, gang=True, seed=1)
    assert apart.ran == together.ran == 4 * 40_000 // 2
    assert apart.wasted > 2 * together.wasted
    assert apart.rounds < together.rounds


def test_longer_slices_make_it_worse() -> None:
    wasted = [
        contend(**SHAPE | {"slice_ticks": ticks, "ticks": 80_000}, gang=False, seed=1).wasted
        for ticks in (2, 400)
    ]
    assert wasted[0] < wasted[1]


@given(
    st.integers(1, 4),
    st.integers(1, 20),
    st.integers(1, 5),
    st.integers(1, 30),
    st.booleans(),
    st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_every_tick_is_accounted_for(
    cpus: int, compute: int, hold: int, slice_ticks: int, gang: bool, seed: int
) -> None:
    run = contend(cpus, compute, hold, slice_ticks, 600, gang, seed)
    assert run == contend(cpus, compute, hold, slice_ticks, 600, gang, seed)
    assert 0 <= run.spun <= run.ran <= cpus * 600
    assert run.rounds * (hold + compute - compute // 2) <= run.ran
    if cpus == 1:
        assert run.spun == 0


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        contend(**SHAPE | {"hold": 0}, gang=True, seed=0)
