import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab.machines.virtqueue import (
    Descriptor,
    Device,
    Driver,
    Queue,
    QueueError,
    QueueFullError,
    Used,
)


def both(size: int = 8) -> tuple[Queue, Driver, Device]:
    queue = Queue(bytearray(256), size)
    return queue, Driver(queue), Device(queue)


def test_a_request_goes_there_and_its_reply_comes_back() -> None:
    queue, driver, device = both()
    queue.memory[0:5] = b"hello"
    head = driver.add([(0, 2), (2, 3)], [(100, 3), (110, 8)])
    assert driver.kick()
    chain = device.take()
    assert chain is not None
    assert chain.readable == b"hello"
    assert device.take() is None
    device.give_back(chain, b"world!")
    assert device.interrupt()
    assert driver.collect() == [Used(head, 6)]
    assert (queue.memory[100:103], queue.memory[110:118]) == (b"wor", b"ld!\0\0\0\0\0")
    assert driver.collect() == []


def test_one_kick_and_one_interrupt_serve_a_batch() -> None:
    queue, driver, device = both()
    for _ in range(8):
        driver.add([(0, 1)])
    driver.kick()
    while chain := device.take():
        device.give_back(chain)
    device.interrupt()
    assert len(driver.collect()) == 8
    assert (driver.kicks, device.interrupts) == (1, 1)
    queue.no_kick = queue.no_interrupt = True
    assert not driver.kick()
    assert not device.interrupt()
    assert (driver.kicks, device.interrupts) == (1, 1)


def test_a_full_queue_says_so_and_frees_what_comes_back() -> None:
    _, driver, device = both(size=2)
    driver.add([(0, 1), (1, 1)])
    with pytest.raises(QueueFullError, match="1 descriptors wanted, 0 are free"):
        driver.add([(0, 1)])
    chain = device.take()
    assert chain is not None
    device.give_back(chain)
    driver.collect()
    driver.add([(0, 1), (1, 1)])
    with pytest.raises(ValueError, match="one buffer"):
        driver.add([])


@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 2), st.integers(0, 2)).map(lambda c: ("add", *c)),
            st.just(("serve", 0, 0)),
            st.just(("serve later", 0, 0)),
            st.just(("collect", 0, 0)),
        ),
        max_size=60,
    ),
    st.sampled_from([1, 2, 4, 8]),
    st.sampled_from([0, 65530]),
)
@settings(max_examples=100, deadline=None)
def test_every_request_comes_back_once_in_any_order(
    steps: list[tuple[str, int, int]], size: int, started: int
) -> None:
    queue = Queue(bytearray(64), size)
    queue.available_index = queue.used_index = started  # as if after that many requests
    driver, device = Driver(queue), Device(queue)
    waiting: list[int] = []
    held = []
    for what, readable, writable in steps:
        if what == "add" and readable + writable:
            free = size - sum(held_descriptors(queue, head) for head in waiting)
            try:
                waiting.append(driver.add([(0, 1)] * readable, [(8, 1)] * writable))
            except QueueFullError:
                assert free < readable + writable
        elif what.startswith("serve"):
            chain = device.take()
            if chain:
                held.append(chain)
            if held and what == "serve":
                device.give_back(held.pop())  # the last taken first: order is the device's choice
        elif what == "collect":
            for entry in driver.collect():
                waiting.remove(entry.head)
    for chain in [*held, *iter(device.take, None)]:
        device.give_back(chain)
    for entry in driver.collect():
        waiting.remove(entry.head)
    assert waiting == []


def held_descriptors(queue: Queue, head: int) -> int:
    count = 0
    while head != -1:
        count, head = count + 1, queue.descriptors[head].next
    return count


@pytest.mark.parametrize(
    ("descriptors", "complaint"),
    [
        ([Descriptor(250, 10)], "not in guest memory"),
        ([Descriptor(-5, 2)], "not in guest memory"),
        ([Descriptor(0, 1, next=0)], "goes round in a circle"),
        ([Descriptor(0, 1, next=99)], "there is no descriptor 99"),
        ([Descriptor(0, 1, True, 1), Descriptor(0, 1)], "behind a writable one"),
    ],
)
def test_a_device_follows_no_evil_chain(descriptors: list[Descriptor], complaint: str) -> None:
    queue, driver, device = both()
    driver.add([(0, 1)])
    queue.descriptors[: len(descriptors)] = descriptors
    with pytest.raises(QueueError, match=complaint):
        device.take()


def test_a_reply_has_to_fit() -> None:
    _, driver, device = both()
    driver.add([(0, 1)], [(8, 2)])
    chain = device.take()
    assert chain is not None
    with pytest.raises(ValueError, match="do not fit"):
        device.give_back(chain, b"abc")
    with pytest.raises(ValueError, match="power of two"):
        Queue(bytearray(1), 3)
