"""Passthrough: what the IOMMU lets through, and what interrupts cost."""

from __future__ import annotations

import pytest

from virtlab.machines.passthrough import PAGE, Card, DmaFaultError, Interrupts, Iommu

GUEST_A, GUEST_B = {0: 4 * PAGE}, {0: 6 * PAGE}


def a_card(with_iommu: bool) -> tuple[bytearray, Iommu, Card]:
    memory, iommu = bytearray(8 * PAGE), Iommu()
    iommu.assign("VF 1", GUEST_A)
    iommu.assign("VF 2", GUEST_B)
    return memory, iommu, Card(memory, iommu if with_iommu else None, ("VF 1", "VF 2"))


def test_each_function_reaches_its_own_guest() -> None:
    memory, iommu, card = a_card(with_iommu=True)
    for function, word in (("VF 1", b"for A"), ("VF 2", b"for B")):
        card.offer(function, 16)
        assert card.receive(function, word)
    assert memory[4 * PAGE + 16 :][:5] == b"for A"
    assert memory[6 * PAGE + 16 :][:5] == b"for B"
    assert not iommu.faults


def test_without_an_iommu_the_guests_address_is_taken_for_the_hosts() -> None:
    memory, _, card = a_card(with_iommu=False)
    card.offer("VF 1", 16)
    assert card.receive("VF 1", b"evil")
    assert memory[16:20] == b"evil"


def test_an_attack_is_refused_and_counted() -> None:
    memory, iommu, card = a_card(with_iommu=True)
    card.offer("VF 1", 6 * PAGE)  # the other guest's place in the host's memory
    assert not card.receive("VF 1", b"evil")
    assert not any(memory)
    assert iommu.faults == {"VF 1": 1}


def test_a_transfer_stops_at_the_edge_of_the_guest() -> None:
    memory, iommu, card = a_card(with_iommu=True)
    card.offer("VF 1", PAGE - 2)
    assert not card.receive("VF 1", b"1234")
    assert memory[5 * PAGE - 2 : 5 * PAGE + 2] == b"12\0\0"
    assert iommu.faults["VF 1"] == 1


def test_a_packet_without_a_buffer_is_lost() -> None:
    _, _, card = a_card(with_iommu=True)
    assert not card.receive("VF 2", b"x")


def test_a_function_of_nobody_reaches_nothing() -> None:
    with pytest.raises(DmaFaultError, match="may not touch 0x0"):
        Iommu().translate("VF 9", 0)


def packets(interrupts: Interrupts, count: int) -> None:
    for number in range(count):
        interrupts.arrive(number)
        interrupts.done()


def test_posted_interrupts_make_no_exits() -> None:
    plain, posted = Interrupts(posted=False), Interrupts(posted=True)
    for one in (plain, posted):
        packets(one, 5)
        one.allowed = False
        one.arrive(99)
        assert one.delivered == [0, 1, 2, 3, 4]
        one.allow()
        assert one.delivered[-1] == 99
    assert plain.exits == {
        "an interrupt arrives": 6,
        "the guest is done with it": 5,
        "the guest allows interrupts": 1,
    }
    assert not posted.exits


@pytest.mark.parametrize("posted", [False, True])
def test_a_sleeping_guest_is_woken_either_way(posted: bool) -> None:
    interrupts = Interrupts(posted)
    interrupts.running = False
    interrupts.arrive(1)
    assert (interrupts.wakes, interrupts.delivered, interrupts.exits.total()) == (1, [1], 0)
