"""Values: what crosses arrives the same, keeps its identity, and no bytes can do harm."""

from __future__ import annotations

import collections
import contextlib
import datetime
import decimal
import fractions
import struct
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.examiner.answering import _RoomCodec
from autograder.examiner.handles import ExaminerCodec
from autograder.examiner.protocol import BadMessage
from autograder.examiner.values import DEPTH, ITEMS, CannotCross


def sides() -> tuple[_RoomCodec, ExaminerCodec]:
    examiner = ExaminerCodec(frozenset(), frozenset())
    ExaminerCodec.current = examiner
    return _RoomCodec({}), examiner


def crossed(value: Any) -> Any:
    """The value as the examiner gets it from a room."""
    room, examiner = sides()
    return examiner.decode(room.encode(value))


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text()
    | st.binary()
    | st.datetimes(timezones=st.none() | st.just(datetime.UTC))
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.fractions()
)
keys = st.integers() | st.text() | st.tuples(st.integers(), st.text()) | st.booleans()
values = st.recursive(
    scalars | st.frozensets(keys),
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.dictionaries(keys, inner, max_size=6)
        | st.tuples(inner, inner)
        | st.sets(keys, max_size=6)
    ),
    max_leaves=20,
)


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types all the way down."""
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, list | tuple):
        return all(map(same, one, other))
    if isinstance(one, dict):
        return all(map(same, one.items(), other.items()))
    return True


@given(values)
@settings(max_examples=150, deadline=None)
def test_data_arrives_the_same_both_ways(value: Any) -> None:
    assert same(crossed(value), value)
    room, examiner = sides()
    assert same(room.decode(examiner.encode(value)), value)


@pytest.mark.parametrize(
    "value",
    [
        collections.Counter("abca"),
        collections.OrderedDict(b=1, a=2),
        collections.defaultdict(list, {1: [2]}),
        collections.deque([1, 2], maxlen=3),
        bytearray(b"ab"),
        range(1, 9, 2),
        2**70,
        -(2**63),
        decimal.Decimal("1e-50"),
        fractions.Fraction(1, 3),
        Ellipsis,
        NotImplemented,
        int,
        ValueError,
        np.ndarray,
        pd.Timestamp("2020-02-03", tz="Europe/Paris"),
        pd.Timedelta("3h"),
        np.float32(1.5),
        np.dtype("<i4"),
        {1: 2}.keys(),
        {1: 2}.items(),
        float("inf"),
        "\ud800",
    ],
    ids=repr,
)
def test_each_type_of_the_list_arrives_as_itself(value: Any) -> None:
    got = crossed(value)
    assert type(got) is type(value)
    assert got == value


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.arange(6).reshape(2, 3).T,
        np.array(3.5),
        np.zeros((0, 3)),
        np.array([1 + 2j]),
        np.array(["a", "bc"]),
        np.array([b"a"]),
        np.array(["2020-01-01"], dtype="M8[D]"),
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8", (2,))]),
        np.array(["a", None, 3], dtype=object),
        np.array([True, False]),
        np.arange(10)[::2],
    ],
    ids=lambda a: f"{a.dtype}-{a.shape}",
)
def test_arrays(array: Any) -> None:
    got = crossed(array)
    assert got.dtype == array.dtype
    assert got.shape == array.shape
    assert np.array_equal(got, array)
    assert got.flags.writeable


FRAME = pd.DataFrame(
    {
        "i": [1, 2],
        "s": ["x", None],
        "c": pd.Categorical(["u", "v"], ordered=True),
        "t": pd.date_range("2020", periods=2, tz="UTC"),
        "n": pd.array([1, None], dtype="Int64"),
        "o": pd.Series([1, "a"], dtype=object),
    }
)


@pytest.mark.parametrize(
    "frame",
    [
        FRAME,
        FRAME.set_index("s"),
        FRAME.set_index(["i", "c"]),
        FRAME.groupby("i").size().to_frame("k"),
        pd.DataFrame(),
        FRAME[["i", "i"]],
        FRAME.set_index("t").asfreq("D").iloc[:3],
    ],
    ids=range(7),
)
def test_frames(frame: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(crossed(frame), frame)
    for number in range(frame.shape[1]):
        series = frame.iloc[:, number]
        pd.testing.assert_series_equal(crossed(series), series)
    pd.testing.assert_index_equal(crossed(frame.index), frame.index)


def test_one_object_stays_one_object() -> None:
    room, examiner = sides()
    inner = [1]
    got = examiner.decode(room.encode({"a": inner, "b": [inner, inner]}))
    assert got["a"] is got["b"][0] is got["b"][1]
    assert examiner.decode(room.encode(inner)) is got["a"]
    assert room.decode(examiner.encode(got["b"][1])) is inner
    loop: list[Any] = []
    loop.append(loop)
    assert examiner.decode(room.encode(loop))[0][0] is not loop


def test_a_change_on_either_side_is_repeated_on_the_other() -> None:
    room, examiner = sides()
    here = {"a": [1]}
    there = examiner.decode(room.encode(here))
    there["a"].append(2)
    there["b"] = True
    room.decode(examiner.encode(there))
    assert here == {"a": [1, 2], "b": True}
    here["a"].clear()
    assert list(room.changed_keys(room.entries)) == [room.keys[id(here["a"])]]
    examiner.decode(room.encode(here["a"]))
    assert there["a"] == []


def test_true_for_one_is_a_change() -> None:
    room, examiner = sides()
    here = [1]
    there = examiner.decode(room.encode(here))
    here[0] = True
    examiner.decode(room.encode(here))
    assert there[0] is True


def test_the_room_changes_a_tests_object_only_while_it_is_an_argument() -> None:
    room, examiner = sides()
    expected, argument = [9], [1]
    room.decode(examiner.encode((expected,)))
    examiner.take_links()
    mirrored = room.decode(examiner.encode((argument,)))[0]
    for entry in room.entries.values():
        entry.thing[:] = [7]
    examiner.decode(room.encode(tuple(e.thing for e in room.entries.values())))
    assert mirrored == [7]
    assert argument == [7]
    assert expected == [9]


def test_an_unchanged_object_crosses_as_a_reference() -> None:
    room, _ = sides()
    large = list(range(10_000))
    first = len(room.encode(large))
    assert len(room.encode(large)) < 20 < first


def test_texts_and_dictionaries_are_packed() -> None:
    names = tuple(f"a name of {n}" for n in range(100))
    pure, mixed = (len(sides()[0].encode(value)) for value in (names, (*names, 1)))
    assert pure < mixed - 300
    counts = dict.fromkeys(names, 7)
    assert len(sides()[0].encode(counts)) < pure + 9 * len(names)
    assert crossed(("a\0b", "c", "\ud800")) == ("a\0b", "c", "\ud800")


def test_what_nests_too_deeply_does_not_cross() -> None:
    value: list[Any] = []
    for _ in range(DEPTH + 1):
        value = [value]
    with pytest.raises(CannotCross):
        sides()[0].encode(value)


class Student:
    def __init__(self) -> None:
        self.x = 1

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]

    def __array__(self) -> Any:
        raise AssertionError("asked for an array")


def test_an_object_crosses_as_a_handle_without_dunders() -> None:
    got = crossed(Student())
    assert type(got).__name__ == "Student"
    assert not hasattr(got, "__array__")
    assert not hasattr(got, "__array_interface__")
    assert (got == 5) is False
    assert not np.array_equal(np.array([1]), got)


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_no_bytes_do_worse_than_a_bad_message(data: bytes) -> None:
    _, examiner = sides()
    with contextlib.suppress(BadMessage):
        examiner.decode(data)


@given(values, st.data())
@settings(max_examples=150, deadline=None)
def test_no_changed_message_does_worse_than_a_bad_message(value: Any, data: st.DataObject) -> None:
    room, examiner = sides()
    message = room.encode((value, Student(), Student, ValueError("x"), np.arange(3), FRAME))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(message) - 1))
        message[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BadMessage):
        examiner.decode(message)


@pytest.mark.parametrize(
    "message",
    [
        b"t" + struct.pack("<I", 2**31) + b"N",
        (b"t" + struct.pack("<I", 1)) * 10_000 + b"N",
        b"s" + struct.pack("<I", 2**31) + b"abc",
        b"I" + struct.pack("<I", 2**31),
        b"J" + struct.pack("<I", 2**30) + b"12345678",
        b"W" + struct.pack("<I", 2**31) + b"a\0b",
        b"W" + struct.pack("<I", ITEMS) + bytes(ITEMS),
        b"M" + struct.pack("<q", 5) + b"d" + b"W" + struct.pack("<I", 3) + b"a\0bN",
        b"R" + struct.pack("<q", 5),
        b"M" + struct.pack("<q", -5) + b"l" + b"t" + bytes(4),
        b"m" + struct.pack("<I", 2) + b"os",
        b"k" + struct.pack("<I", 100_000),
        b"h" + b"i" + struct.pack("<q", 3),
        b"c" + b"i" + struct.pack("<q", 0),
        b"NN",
        b"",
    ],
    ids=range(16),
)
def test_lies_are_bad_messages(message: bytes) -> None:
    with pytest.raises(BadMessage):
        sides()[1].decode(message)


def test_no_dtype_with_pointers_is_read() -> None:
    room, examiner = sides()
    parts = bytes(room.encode(("|O", (1,), False, struct.pack("<q", id(9)))))
    with pytest.raises(BadMessage):
        examiner.decode(b"M" + struct.pack("<q", 7) + b"A" + parts)
