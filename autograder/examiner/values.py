"""Values as they cross between the room and the examiner: data in a fixed set of types, tagged.

Nothing is pickled and nothing is looked up by a name that the other side chose, but for a fixed
list of data types and modules. Sizes and depth are capped when read. Lists, dicts, sets, arrays
and their kin carry a key, so that one object stays one object however often it crosses, and a
change on one side can be repeated on the other: those are *mirrored*.

Both sides use this module. What is particular to a side (student's objects, callbacks) is in the
two subclasses of `Codec`: `handles.ExaminerCodec` and `answering.RoomCodec`.
"""

from __future__ import annotations

import builtins
import collections
import datetime
import decimal
import enum
import fractions
import importlib
import operator
import struct
import sys
import types
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from autograder.examiner.protocol import BadMessage

DEPTH = 120
WIDTH = 16
ITEMS = 4_000_000
INTEGER_BYTES = 1 << 20
# References to a mirrored object that only the table of objects holds, the argument's included.
ALONE = 2

# Types that cross as themselves, by their place in this list.
TYPES: tuple[type, ...] = (
    object,
    type,
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    bytearray,
    list,
    tuple,
    dict,
    set,
    frozenset,
    range,
    datetime.date,
    datetime.time,
    datetime.datetime,
    datetime.timedelta,
    datetime.timezone,
    decimal.Decimal,
    fractions.Fraction,
    collections.Counter,
    collections.OrderedDict,
    collections.defaultdict,
    collections.deque,
    type(Ellipsis),
    type(NotImplemented),
    np.ndarray,
    np.bool_,
    np.int8,
    np.int16,
    np.int32,
    np.int64,
    np.uint8,
    np.uint16,
    np.uint32,
    np.uint64,
    np.float16,
    np.float32,
    np.float64,
    np.longdouble,
    np.complex64,
    np.complex128,
    np.str_,
    np.bytes_,
    np.datetime64,
    np.timedelta64,
    pd.DataFrame,
    pd.Series,
    pd.Index,
    pd.Timestamp,
    pd.Timedelta,
    *(
        value
        for _, value in sorted(vars(builtins).items())
        if isinstance(value, type) and issubclass(value, BaseException)
    ),
    decimal.InvalidOperation,
    np.linalg.LinAlgError,
)
_TYPE_NUMBER = {kind: number for number, kind in reversed(list(enumerate(TYPES)))}

# Modules that cross as the receiver's own import, by name from this list alone.
MODULES = frozenset(
    [
        "array",
        "bisect",
        "calendar",
        "cmath",
        "collections",
        "copy",
        "csv",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "fractions",
        "functools",
        "heapq",
        "io",
        "itertools",
        "json",
        "math",
        "numpy",
        "operator",
        "pandas",
        "pprint",
        "random",
        "re",
        "scipy",
        "statistics",
        "string",
        "struct",
        "textwrap",
        "time",
        "typing",
        "zlib",
        "numpy.random",
        "numpy.linalg",
    ]
)


class CannotCross(Exception):
    """A value is of no type that can cross, or too large or too deep."""


class Entry:
    """A mirrored object and what it held when both sides last agreed."""

    __slots__ = ("kind", "snapshot", "thing")

    def __init__(self, thing: Any, kind: Kind) -> None:
        self.thing = thing
        self.kind = kind
        self.snapshot: Any = None


class Kind:
    """How one type of mirrored object is taken apart, made, filled and compared."""

    __slots__ = ("base", "columns", "fill", "make", "parts", "tag")

    def __init__(
        self,
        tag: str,
        base: type,
        parts: Callable[[Any], Any],
        fill: Callable[[Any, Any], None],
        make: Callable[[Any], Any],
        columns: int = 0,
    ) -> None:
        """Describe a kind.

        Args:
            tag: One letter, on the wire.
            base: The type.
            parts: The object's contents as a tuple of values that cross.
            fill: Put such contents into an existing object, in place.
            make: An empty object; gets None, or the parts for types that are made whole.
            columns: How many tuples the parts are, each written by itself; 0 if they are values.
        """
        self.columns = columns
        self.tag = tag
        self.base = base
        self.parts = parts
        self.fill = fill
        self.make = make


def _columns(mapping: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """A dict's keys and its values: apart they are often of one type, and packed."""
    return tuple(dict.keys(mapping)), tuple(dict.values(mapping))


def _from_columns(parts: tuple[Any, ...]) -> dict[Any, Any]:
    keys, values = parts
    if not type(keys) is type(values) is tuple or len(keys) != len(values):
        raise BadMessage("a dict with a key and no value")
    return dict(zip(keys, values, strict=True))


def _fill_list(target: Any, parts: tuple[Any, ...]) -> None:
    list.__setitem__(target, slice(None), parts)


def _fill_dict(target: Any, parts: tuple[Any, ...]) -> None:
    new = _from_columns(parts)
    dict.clear(target)
    dict.update(target, new)


def _fill_ordered(target: Any, parts: tuple[Any, ...]) -> None:
    new = _from_columns(parts)
    collections.OrderedDict.clear(target)
    for key, value in new.items():
        collections.OrderedDict.__setitem__(target, key, value)


def _fill_default(target: Any, parts: tuple[Any, ...]) -> None:
    (factory, *more), *columns = parts
    if more or not (factory is None or callable(factory)):
        raise BadMessage("a defaultdict without its factory")
    new = _from_columns(tuple(columns))
    target.default_factory = factory
    dict.clear(target)
    dict.update(target, new)


def _fill_set(target: Any, parts: tuple[Any, ...]) -> None:
    new = set(parts)
    set.clear(target)
    set.update(target, new)


def _fill_deque(target: Any, parts: tuple[Any, ...]) -> None:
    collections.deque.clear(target)
    collections.deque.extend(target, parts[1:])


def _make_deque(parts: tuple[Any, ...]) -> Any:
    if not parts or not (parts[0] is None or (type(parts[0]) is int and 0 <= parts[0] <= 2**40)):
        raise BadMessage("a deque without its length")
    return collections.deque(maxlen=parts[0])


def _fill_bytearray(target: Any, parts: tuple[Any, ...]) -> None:
    if len(parts) != 1 or type(parts[0]) is not bytes:
        raise BadMessage("a bytearray without its bytes")
    bytearray.__setitem__(target, slice(None), parts[0])


# Arrays -----------------------------------------------------------------------------------------

_PLAIN_KINDS = "biufcmMSUV"


def _dtype_parts(dtype: np.dtype[Any]) -> Any:
    if dtype.names is not None or dtype.subdtype is not None:
        return tuple(_descr(dtype.descr))
    return dtype.str


def _descr(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_descr(item) for item in value)
    return value


def _as_descr(value: Any) -> Any:
    """Give numpy back the list of tuples that it wants for a structured dtype."""
    return [
        tuple(
            _as_descr(part) if i == 1 and isinstance(part, tuple) else part
            for i, part in enumerate(field)
        )
        for field in value
    ]


def read_dtype(value: Any) -> np.dtype[Any]:
    """The dtype that `_dtype_parts` described.

    Raises:
        BadMessage: It is no dtype of plain data.
    """
    try:
        dtype = np.dtype(value if isinstance(value, str) else _as_descr(value))
    except Exception as error:
        raise BadMessage(f"not a dtype: {error}") from None
    if dtype.hasobject or dtype.kind not in _PLAIN_KINDS:
        raise BadMessage("a dtype that is not plain data")
    return dtype


def _array_parts(array: Any) -> tuple[Any, ...]:
    array = np.asarray(array)
    fortran = array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous
    if array.dtype.kind == "O":
        return ("O", array.shape, fortran, tuple(array.ravel(order="C").tolist()))
    if array.dtype.hasobject or array.dtype.kind not in _PLAIN_KINDS:
        raise CannotCross(f"a numpy array of dtype {array.dtype}")
    order = "F" if fortran else "C"
    return (_dtype_parts(array.dtype), array.shape, fortran, array.tobytes(order=order))


def _make_array(parts: tuple[Any, ...]) -> Any:
    if len(parts) != 4 or type(parts[1]) is not tuple or len(parts[1]) > 32:
        raise BadMessage("an array without its parts")
    kind, shape, fortran, data = parts
    if not all(type(side) is int and 0 <= side < 2**40 for side in shape):
        raise BadMessage("an array with an impossible shape")
    count = 1
    for side in shape:
        count *= side
    if kind == "O":
        if type(data) is not tuple or len(data) != count:
            raise BadMessage("an object array that lies about its size")
        array = np.empty(count, dtype=object)
        for index, item in enumerate(data):
            array[index] = item
        array = array.reshape(shape)
        return np.asfortranarray(array) if fortran else array
    dtype = read_dtype(kind)
    if type(data) is not bytes or len(data) != count * dtype.itemsize:
        raise BadMessage("an array that lies about its size")
    order = "F" if fortran else "C"
    if dtype.itemsize == 0:
        return np.zeros(shape, dtype=dtype)
    flat = np.frombuffer(data, dtype=dtype)
    return flat.reshape(shape, order=order).copy(order=order)  # type: ignore[call-overload]


def _fill_array(target: Any, parts: tuple[Any, ...]) -> None:
    new = _make_array(parts)
    if new.shape != target.shape or new.dtype != target.dtype:
        if not target.flags.owndata or new.dtype != target.dtype:
            raise CannotCross("an array whose shape or dtype was changed in place")
        target.resize(new.shape, refcheck=False)
    was_writable = target.flags.writeable
    if not was_writable:
        try:
            target.flags.writeable = True
        except ValueError:
            return
    target[...] = new
    target.flags.writeable = was_writable


# pandas -----------------------------------------------------------------------------------------


def _column_parts(values: Any) -> tuple[Any, ...]:
    """One column or the values of an index."""
    dtype = values.dtype
    if isinstance(dtype, np.dtype):
        return ("numpy", _array_parts(np.asarray(values)))
    if isinstance(dtype, pd.CategoricalDtype):
        return ("category", values.codes.tobytes(), values.codes.dtype.str,
                _index_parts(dtype.categories), bool(dtype.ordered))  # fmt: skip
    if isinstance(dtype, pd.DatetimeTZDtype):
        return ("zoned", values.asi8.tobytes(), str(dtype.tz), dtype.unit)
    if isinstance(dtype, pd.StringDtype):
        name = "str" if dtype.na_value is not pd.NA else "string"
        texts = tuple(item if isinstance(item, str) else None for item in values)
        return ("text", name, texts)
    name = str(dtype)
    if name in _MASKED:
        return ("masked", name, tuple(None if item is pd.NA else item for item in values.tolist()))
    raise CannotCross(f"a pandas column of dtype {dtype}")


_MASKED = frozenset(
    ["boolean", "Float32", "Float64"]
    + [f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)]
)


def _make_column(parts: Any) -> Any:
    try:
        kind = parts[0]
        if kind == "numpy":
            return _make_array(parts[1])
        if kind == "category":
            codes = np.frombuffer(parts[1], dtype=read_dtype(parts[2])).copy()
            dtype = pd.CategoricalDtype(_make_index(parts[3]), ordered=bool(parts[4]))
            return pd.Categorical.from_codes(codes, dtype=dtype)
        if kind == "zoned":
            unit = parts[3]
            if unit not in ("s", "ms", "us", "ns"):
                raise BadMessage("a time unit that pandas does not have")
            naive = np.frombuffer(parts[1], dtype=f"<M8[{unit}]").copy()
            return pd.DatetimeIndex(naive).tz_localize("UTC").tz_convert(_zone(parts[2])).array
        if kind == "text":
            if parts[1] not in ("str", "string"):
                raise BadMessage("a text column of an unknown kind")
            return pd.array(list(parts[2]), dtype=parts[1])
        if kind == "masked" and parts[1] in _MASKED:
            return pd.array(list(parts[2]), dtype=parts[1])
    except (BadMessage, CannotCross):
        raise
    except Exception as error:
        raise BadMessage(f"not a pandas column: {error}") from None
    raise BadMessage("not a pandas column")


def _zone(name: Any) -> Any:
    if type(name) is not str:
        raise BadMessage("not a time zone")
    return name


def _index_parts(index: pd.Index) -> tuple[Any, ...]:
    if isinstance(index, pd.RangeIndex):
        return ("range", index.start, index.stop, index.step, index.name)
    if isinstance(index, pd.MultiIndex):
        levels = tuple(_index_parts(level) for level in index.levels)
        codes = tuple(np.asarray(code, dtype="<i8").tobytes() for code in index.codes)
        return ("multi", levels, codes, tuple(index.names))
    frequency = getattr(index, "freqstr", None)
    return ("plain", _column_parts(index.array if not isinstance(index.dtype, np.dtype)
            else index.to_numpy()), index.name, frequency)  # fmt: skip


def _make_index(parts: Any) -> pd.Index:
    try:
        kind = parts[0]
        if kind == "range":
            return pd.RangeIndex(parts[1], parts[2], parts[3], name=parts[4])
        if kind == "multi":
            levels: Any = [_make_index(level) for level in parts[1]]
            codes: Any = [np.frombuffer(code, dtype="<i8") for code in parts[2]]
            return pd.MultiIndex(levels=levels, codes=codes, names=list(parts[3]))
        if kind == "plain":
            values = _make_column(parts[1])
            dtype = values.dtype if values.dtype == object else None
            index = pd.Index(values, dtype=dtype, name=parts[2])
            if isinstance(parts[3], str) and hasattr(index, "freq"):
                index.freq = parts[3]
            return index
    except (BadMessage, CannotCross):
        raise
    except Exception as error:
        raise BadMessage(f"not a pandas index: {error}") from None
    raise BadMessage("not a pandas index")


def _series_parts(series: Any) -> tuple[Any, ...]:
    series = pd.Series(series)
    values = series.array if not isinstance(series.dtype, np.dtype) else series.to_numpy()
    return (_column_parts(values), _index_parts(series.index), series.name)


def _make_series(parts: tuple[Any, ...]) -> Any:
    try:
        values = _make_column(parts[0])
        dtype = object if values.dtype == object else None
        return pd.Series(values, index=_make_index(parts[1]), name=parts[2], dtype=dtype)
    except (BadMessage, CannotCross):
        raise
    except Exception as error:
        raise BadMessage(f"not a pandas series: {error}") from None


def _frame_parts(frame: Any) -> tuple[Any, ...]:
    columns = []
    for number in range(frame.shape[1]):
        column = frame.iloc[:, number]
        plain = isinstance(column.dtype, np.dtype)
        columns.append(_column_parts(column.to_numpy() if plain else column.array))
    return (_index_parts(frame.columns), _index_parts(frame.index), tuple(columns))


def _make_frame(parts: tuple[Any, ...]) -> Any:
    try:
        index = _make_index(parts[1])
        names = _make_index(parts[0])
        if len(names) != len(parts[2]):
            raise BadMessage("a data frame that lies about its columns")
        columns = {}
        for number, column in enumerate(parts[2]):
            values = _make_column(column)
            dtype = object if values.dtype == object else None
            columns[number] = pd.Series(values, index=index, dtype=dtype)
        frame = pd.DataFrame(columns, index=index)
        frame.columns = names
        return frame
    except (BadMessage, CannotCross):
        raise
    except Exception as error:
        raise BadMessage(f"not a pandas data frame: {error}") from None


def _fill_pandas(make: Callable[[tuple[Any, ...]], Any]) -> Callable[[Any, Any], None]:
    def fill(target: Any, parts: tuple[Any, ...]) -> None:
        target._update_inplace(make(parts))
        if hasattr(target, "name"):
            target.name = parts[2]

    return fill


KINDS: tuple[Kind, ...] = (
    Kind("l", list, lambda v: tuple(list.copy(v)), _fill_list, lambda _: []),
    Kind("d", dict, _columns, _fill_dict, lambda _: {}, columns=2),
    Kind("S", set, lambda v: tuple(set.__iter__(v)), _fill_set, lambda _: set()),
    Kind("B", bytearray, lambda v: (bytes(v),), _fill_bytearray, lambda _: bytearray()),
    Kind(
        "C", collections.Counter, _columns, _fill_dict, lambda _: collections.Counter(), columns=2
    ),
    Kind(
        "O",
        collections.OrderedDict,
        lambda v: (
            tuple(collections.OrderedDict.keys(v)),
            tuple(collections.OrderedDict.values(v)),
        ),
        _fill_ordered,
        lambda _: collections.OrderedDict(),
        columns=2,
    ),
    Kind(
        "Q",
        collections.defaultdict,
        lambda v: ((v.default_factory,), *_columns(v)),
        _fill_default,
        lambda _: collections.defaultdict(),
        columns=3,
    ),
    Kind(
        "D",
        collections.deque,
        lambda v: (v.maxlen, *collections.deque.__iter__(v)),
        _fill_deque,
        _make_deque,
    ),
    Kind("A", np.ndarray, _array_parts, _fill_array, _make_array),
    Kind("P", pd.Series, _series_parts, _fill_pandas(_make_series), _make_series),
    Kind("F", pd.DataFrame, _frame_parts, _fill_pandas(_make_frame), _make_frame),
)
KIND_OF = {kind.base: kind for kind in KINDS}


def _object_parts(thing: Any) -> tuple[Any, ...]:
    state = dict(getattr(thing, "__dict__", {}))
    for cls in type(thing).__mro__:
        slots = vars(cls).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(thing, name):
                state[name] = getattr(thing, name)
    return _columns(state)


def _fill_object(target: Any, parts: tuple[Any, ...]) -> None:
    state = _from_columns(parts)
    if not all(type(name) is str and not name.startswith("__") for name in state):
        raise BadMessage("an object whose attributes have no names")
    getattr(target, "__dict__", {}).clear()
    for name, value in state.items():
        object.__setattr__(target, name, value)


# An object of a class that the source gives to both sides; its class is written before its parts.
OBJECT = Kind("Z", object, _object_parts, _fill_object, lambda _: None, columns=2)
KIND_BY_TAG = {ord(kind.tag): kind for kind in (*KINDS, OBJECT)}
_MADE_WHOLE = frozenset("AFP")
_MADE_WITH_PARTS = frozenset("AFPD")

# Py_TPFLAGS_*_SUBCLASS of int, list, tuple, bytes, str, dict: what `type.__flags__` says of them.
_DATA_FLAGS = 0x7F << 24 & ~(1 << 30)
_SCALARS = frozenset({int, float, complex, str, bytes, bool})


def _same(old: Any, new: Any) -> bool:
    """Whether two tuples of parts hold the same; never asks an object's own `==`."""
    if len(old) != len(new):
        return False
    if all(map(operator.is_, old, new)):
        return True
    for before, after in zip(old, new, strict=True):
        if before is after:
            continue
        kind = type(before)
        if kind is not type(after):
            return False
        if kind is tuple:
            if not _same(before, after):
                return False
        elif kind not in _SCALARS or before != after:
            return False
    return True


_U32 = struct.Struct("<I")
_I64 = struct.Struct("<q")
_F64 = struct.Struct("<d")
_C128 = struct.Struct("<dd")
_SMALLEST, _LARGEST = -(1 << 63), (1 << 63) - 1
_TOO_EARLY = "a message that ends too early"


class Codec:
    """Writes and reads values, and keeps the mirrored objects of its side.

    Attributes:
        sign: +1 in the room and -1 in the examiner: the sign of keys this side gives out, so that
            a key says where its object was made.
        entries: Key to mirrored object.
        keys: `id()` of a mirrored object to its key.
    """

    sign = 0

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.keys: dict[int, int] = {}
        self.namespace: dict[str, Any] = {}
        self.shared_names: frozenset[str] = frozenset()
        self._last_key = 0
        self._out = bytearray()
        self._written: set[int] = set()
        self._depth = 0
        self._data = b""
        self._at = 0
        self._items = 0

    # -- writing ------------------------------------------------------------------------------

    def encode(self, value: Any) -> bytearray:
        """The bytes of one message.

        Raises:
            CannotCross: Some part of `value` is of no type that can cross, or nests too deeply.
        """
        self._out = bytearray()
        self._written = set()
        self._depth = 0
        self.put(value)
        return self._out

    def put(self, value: Any) -> None:
        """Append one value to the message."""
        kind = type(value)
        writer = _WRITERS.get(kind)
        if writer is not None:
            writer(self, value)
        elif kind in KIND_OF:
            self.put_mirrored(value, KIND_OF[kind])
        elif issubclass(kind, np.generic) and kind in _TYPE_NUMBER:
            self._put_numpy_scalar(value)
        elif issubclass(kind, np.dtype):
            self._nested(b"y", (_dtype_parts(value) if value.kind != "O" else "O",))
        elif issubclass(kind, datetime.tzinfo):
            self._nested(b"w", _zone_parts(value))
        elif kind in _PANDAS_SCALARS:
            self._nested(b"p", _pandas_scalar_parts(value))
        elif issubclass(kind, pd.Index):
            self._nested(b"x", _index_parts(value))
        elif issubclass(kind, type) and value in _TYPE_NUMBER:
            self._out += b"k" + _U32.pack(_TYPE_NUMBER[value])
        elif kind in _VIEWS:
            self._nested(b"v", (_VIEWS[kind], dict(value.mapping)))
        elif kind is types.ModuleType and is_known_module(value):
            self._text(b"m", value.__name__)
        else:
            self.put_other(value)

    def put_other(self, value: Any) -> None:
        """Append what is no plain data; each side knows how."""
        raise CannotCross(f"a value of type {type(value).__name__}")

    def _text(self, tag: bytes, text: str) -> None:
        raw = text.encode("utf-8", "surrogatepass")
        self._out += tag + _U32.pack(len(raw)) + raw

    def _bytes(self, tag: bytes, raw: bytes) -> None:
        self._out += tag + _U32.pack(len(raw)) + raw

    def _nested(self, tag: bytes, parts: tuple[Any, ...]) -> None:
        self._out += tag
        self._put_tuple(parts)

    def _put_int(self, value: int) -> None:
        if _SMALLEST <= value <= _LARGEST:
            self._out += b"i" + _I64.pack(value)
            return
        size = value.bit_length() // 8 + 1
        if size > INTEGER_BYTES:
            raise CannotCross(f"an integer of {size} bytes; at most {INTEGER_BYTES} can cross")
        self._bytes(b"I", value.to_bytes(size, "little", signed=True))

    def _put_tuple(self, value: tuple[Any, ...]) -> None:
        """A tuple, packed when it holds nothing but one kind of number or text."""
        count = len(value)
        out = self._out
        if count > 1:
            kinds = set(map(type, value))
            if len(kinds) == 1:
                kind = kinds.pop()
                if kind is str and self._put_texts(value, count):
                    return
                if kind is float:
                    out += b"F" + _U32.pack(count) + struct.pack(f"<{count}d", *value)
                    return
                if kind is int and self._put_ints(value, count):
                    return
                if kind is tuple and self._put_rows(value, count):
                    return
        out += b"t" + _U32.pack(count)
        self._depth += 1
        if self._depth > DEPTH:
            raise CannotCross(f"a value that nests more than {DEPTH} levels deep")
        for item in value:
            writer = _WRITERS.get(type(item))
            if writer is None:
                self.put(item)
            else:
                writer(self, item)
        self._depth -= 1

    def _put_ints(self, numbers: tuple[int, ...], count: int) -> bool:
        """Append integers as bytes or as 64 bits each; False if one of them has more."""
        try:
            self._bytes(b"U", bytes(numbers))
            return True
        except ValueError:
            pass  # one of them is no byte
        try:
            packed = struct.pack(f"<{count}q", *numbers)
        except struct.error:
            return False
        self._out += b"J" + _U32.pack(count) + packed
        return True

    def _put_texts(self, texts: tuple[str, ...], count: int) -> bool:
        """Append strings as one; False if one of them has the character that parts them."""
        joined = "\0".join(texts)
        if joined.count("\0") != count - 1:
            return False
        self._text(b"W", joined)
        return True

    def _put_rows(self, rows: tuple[tuple[Any, ...], ...], count: int) -> bool:
        """Append tuples of one length that hold one kind of number, such as pairs; False if not."""
        width = len(rows[0])
        if not 0 < width <= WIDTH or any(len(row) != width for row in rows):
            return False
        flat = tuple(chain.from_iterable(rows))
        kinds = set(map(type, flat))
        letter = "d" if kinds == {float} else "q" if kinds == {int} else ""
        if not letter:
            return False
        try:
            packed = struct.pack(f"<{len(flat)}{letter}", *flat)
        except struct.error:
            return False  # an integer of more than 64 bits
        self._out += (b"[" if letter == "d" else b"]") + _U32.pack(count) + _U32.pack(width)
        self._out += packed
        return True

    def _put_frozenset(self, value: frozenset[Any]) -> None:
        self._nested(b"z", tuple(value))

    def _put_numpy_scalar(self, value: np.generic) -> None:
        if value.dtype.hasobject:
            raise CannotCross(f"a numpy scalar of dtype {value.dtype}")
        self._nested(b"n", (_dtype_parts(value.dtype), value.tobytes()))

    def put_mirrored(self, value: Any, kind: Kind) -> None:
        """Append an object that keeps its identity: a key, and its contents once a message."""
        key = self.keys.get(id(value))
        if key is None:
            self._last_key += self.sign
            key = self._last_key
            self.entries[key] = Entry(value, kind)
            self.keys[id(value)] = key
        entry = self.entries[key]
        if key in self._written or not self.must_write(key, entry):
            self._out += b"R" + _I64.pack(key)
            return
        self._write_contents(key, entry)

    def must_write(self, key: int, entry: Entry) -> bool:
        """Whether the other side needs the contents and not only the key."""
        return entry.snapshot is None or not _same(entry.snapshot, entry.kind.parts(entry.thing))

    def _write_contents(self, key: int, entry: Entry) -> None:
        self._written.add(key)
        parts = entry.kind.parts(entry.thing)
        entry.snapshot = parts
        self._out += b"M" + _I64.pack(key) + entry.kind.tag.encode()
        if entry.kind is OBJECT:
            self.put(type(entry.thing))
        if entry.kind.columns:
            for column in parts:
                self._put_tuple(column)
        else:
            self._put_tuple(parts)

    def changed_keys(self, keys: Iterable[int]) -> list[int]:
        """Which of these mirrored objects differ from what both sides last agreed on."""
        entries = self.entries
        return [
            key
            for key in keys
            if key in entries
            and entries[key].snapshot is not None
            and self.must_write(key, entries[key])
        ]

    def held_keys(self) -> set[int]:
        """The mirrored objects that something else than this table holds."""
        return {key for key, entry in self.entries.items() if sys.getrefcount(entry.thing) > ALONE}

    def forget(self, keys: Iterable[int]) -> None:
        """Drop mirrored objects; should one cross again it is a new one."""
        for key in keys:
            entry = self.entries.pop(key, None)
            if entry is not None and self.keys.get(id(entry.thing)) == key:
                del self.keys[id(entry.thing)]

    # -- reading ------------------------------------------------------------------------------

    def decode(self, data: bytes | bytearray) -> Any:
        """The value of one message.

        Raises:
            BadMessage: The bytes are not a message, lie about a size, or nest too deeply.
        """
        self._data = bytes(data)
        self._at = 0
        self._items = 0
        self._depth = 0
        try:
            value = self.take()
        except BadMessage:
            raise
        except (struct.error, IndexError):
            raise BadMessage(_TOO_EARLY) from None
        except Exception as error:  # whatever a constructor says to parts that lie
            raise BadMessage(f"not a message: {type(error).__name__}: {error}") from error
        if self._at != len(data):
            raise BadMessage("bytes after the end of a message")
        self._data = b""
        return value

    def take(self) -> Any:
        """Read the next value."""
        self._count_items(1)
        at = self._at
        self._at = at + 1
        tag = self._data[at]
        reader = _READERS.get(tag)
        return self.take_other(tag) if reader is None else reader(self)

    def _count_items(self, more: int) -> None:
        self._items += more
        if self._items > ITEMS:
            raise BadMessage(f"more than {ITEMS} values in one message")

    def take_other(self, tag: int) -> Any:
        """Read what is no plain data; each side knows what it accepts."""
        raise BadMessage(f"a value of the unknown tag {tag}")

    def _raw(self, size: int) -> bytes:
        at = self._at
        end = at + size
        if end > len(self._data):
            raise BadMessage(_TOO_EARLY)
        self._at = end
        return self._data[at:end]

    def _length(self) -> int:
        at = self._at
        self._at = at + 4
        length: int = _U32.unpack_from(self._data, at)[0]
        return length

    def _sized(self) -> bytes:
        data, at = self._data, self._at
        start = at + 4
        end: int = start + _U32.unpack_from(data, at)[0]
        if end > len(data):
            raise BadMessage(_TOO_EARLY)
        self._at = end
        return data[start:end]

    def _take_text(self) -> str:
        return self._sized().decode("utf-8", "surrogatepass")

    def _take_texts(self) -> tuple[str, ...]:
        joined = self._take_text()
        self._count_items(joined.count("\0") + 1)
        return tuple(joined.split("\0"))

    def _take_int(self) -> int:
        at = self._at
        self._at = at + 8
        number: int = _I64.unpack_from(self._data, at)[0]
        return number

    def _take_large_int(self) -> int:
        raw = self._sized()
        if len(raw) > INTEGER_BYTES:
            raise BadMessage("an integer that is too large")
        return int.from_bytes(raw, "little", signed=True)

    def _take_tuple(self) -> tuple[Any, ...]:
        count = self._length()
        data = self._data
        if count > len(data) - self._at:
            raise BadMessage("a tuple that lies about its size")
        self._count_items(count)
        self._depth += 1
        if self._depth > DEPTH + 8:
            raise BadMessage(f"a value that nests more than {DEPTH} levels deep")
        items = []
        for _ in range(count):  # as `take` does it, without a call for each
            at = self._at
            self._at = at + 1
            tag = data[at]
            reader = _READERS.get(tag)
            items.append(self.take_other(tag) if reader is None else reader(self))
        self._depth -= 1
        return tuple(items)

    def take_parts(self) -> tuple[Any, ...]:
        """Read a value that must be a tuple."""
        parts = self.take()
        if type(parts) is not tuple:
            raise BadMessage("no tuple where one belongs")
        return parts

    def _take_contents(self, kind: Kind) -> tuple[Any, ...]:
        """Read the parts of a mirrored object, as `_write_contents` wrote them."""
        if not kind.columns:
            return self.take_parts()
        return tuple([self.take_parts() for _ in range(kind.columns)])

    def _take_small_ints(self) -> tuple[int, ...]:
        raw = self._sized()
        self._count_items(len(raw))
        return tuple(raw)

    def _take_packed(self, letter: str) -> tuple[Any, ...]:
        count = self._length()
        self._count_items(count)
        return struct.unpack(f"<{count}{letter}", self._raw(8 * count))

    def _take_rows(self, letter: str) -> tuple[tuple[Any, ...], ...]:
        count, width = self._length(), self._length()
        if not 0 < width <= WIDTH:
            raise BadMessage("rows of an impossible width")
        self._count_items(count * (width + 1))
        flat = struct.unpack(f"<{count * width}{letter}", self._raw(8 * count * width))
        return tuple(zip(*[iter(flat)] * width, strict=True))

    def _take_numpy_scalar(self) -> Any:
        described, raw = self.take_parts()
        dtype = read_dtype(described)
        if type(raw) is not bytes or len(raw) != dtype.itemsize:
            raise BadMessage("a numpy scalar that lies about its size")
        if not raw:
            return dtype.type()
        return np.frombuffer(raw, dtype=dtype)[0]

    def _take_dtype(self) -> Any:
        (described,) = self.take_parts()
        return np.dtype(object) if described == "O" else read_dtype(described)

    def _take_type(self) -> type:
        return TYPES[self._length()]

    def _take_module(self) -> types.ModuleType:
        name = self._take_text()
        if name not in MODULES:
            raise BadMessage("a module that does not cross")
        return importlib.import_module(name)

    def _take_reference(self) -> Any:
        key = self._take_int()
        if key not in self.entries:
            raise BadMessage("a reference to an object that this side does not know")
        return self.entries[key].thing

    def _take_mirrored(self) -> Any:
        key = self._take_int()
        kind = KIND_BY_TAG[self._raw(1)[0]]
        empty = None
        if kind is OBJECT:
            cls = self.take()
            if not self.is_shared(cls):
                raise BadMessage("an object of a class that the source does not give")
            empty = object.__new__(cls)
        return self.take_contents(key, kind, empty)

    # -- classes that the source gives to both sides --------------------------------------------

    def is_shared(self, cls: Any) -> bool:
        """Whether the source gives this class to both sides, so that its objects cross whole."""
        return (
            isinstance(cls, type)
            and cls.__name__ in self.shared_names
            and self.namespace.get(cls.__name__) is cls
        )

    def put_shared(self, value: Any) -> None:
        """Append an object of a shared class: its class and its state."""
        cls = type(value)
        if isinstance(value, enum.Enum):
            self._nested(b"o", (cls, "member", value.name))
        elif isinstance(value, BaseException):
            self._nested(b"o", (cls, "error", value.args, _columns(vars(value))))
        elif isinstance(value, tuple):
            self._nested(b"o", (cls, "tuple", tuple(tuple.__iter__(value))))
        elif cls.__flags__ & _DATA_FLAGS or isinstance(value, tuple(KIND_OF)):
            raise CannotCross(f"an object of {cls.__name__}, a given subclass of a data type")
        else:
            self.put_mirrored(value, OBJECT)

    def take_shared(self, tag: int) -> Any:
        """Read a shared class, or an object of one that has no identity of its own."""
        if tag == ord("u"):
            cls = self.namespace.get(self._take_text())
            if not self.is_shared(cls):
                raise BadMessage("a class that the source does not give")
            return cls
        cls, how, state, *more = self.take_parts()
        if not self.is_shared(cls):
            raise BadMessage("an object of a class that the source does not give")
        if how == "member" and issubclass(cls, enum.Enum):
            return cls[state]
        if how == "tuple" and issubclass(cls, tuple):
            return tuple.__new__(cls, state)
        if how == "error" and issubclass(cls, BaseException) and type(state) is tuple:
            error = BaseException.__new__(cls, *state)
            error.args = state
            _fill_object(error, more[0])
            return error
        raise BadMessage("an object of a given class without its state")

    def may_change(self, key: int) -> bool:
        """Whether the other side may change this object of ours now."""
        return True

    def take_contents(self, key: int, kind: Kind, empty: Any) -> Any:
        """Read the contents of a mirrored object into it, or into a new one.

        Args:
            key: The object's key.
            kind: Its kind, as the message says.
            empty: A new, empty object of a subclass of the kind's type, when it is that.
        """
        entry = self.entries.get(key)
        if entry is None:
            if key * self.sign >= 0:
                raise BadMessage("contents for an object that this side never made")
            if kind.tag in _MADE_WITH_PARTS and empty is None:
                parts = self.take_parts()
                thing = kind.make(parts)
                entry = self._register(key, thing, kind)
                if kind.tag not in _MADE_WHOLE:
                    kind.fill(thing, parts)
            else:
                thing = kind.make(()) if empty is None else empty
                entry = self._register(key, thing, kind)
                kind.fill(thing, self._take_contents(kind))
        else:
            if entry.kind is not kind:
                raise BadMessage("an object that changes its type")
            parts = self._take_contents(kind)
            if self.may_change(key) and not _same(entry.kind.parts(entry.thing), parts):
                kind.fill(entry.thing, parts)
        entry.snapshot = kind.parts(entry.thing)
        return entry.thing

    def _register(self, key: int, thing: Any, kind: Kind) -> Entry:
        entry = Entry(thing, kind)
        self.entries[key] = entry
        self.keys[id(thing)] = key
        return entry


def is_known_module(module: types.ModuleType) -> bool:
    """Whether `module` is the real one of a name that crosses."""
    return module.__name__ in MODULES and sys.modules.get(module.__name__) is module


# Dates, decimals, pandas scalars -----------------------------------------------------------------


def _zone_parts(zone: datetime.tzinfo | None) -> tuple[Any, ...]:
    if zone is None:
        return ()
    if isinstance(zone, ZoneInfo) and zone.key:
        return ("key", zone.key)
    if type(zone) is datetime.timezone:
        offset = zone.utcoffset(None)
        return ("offset", offset.days, offset.seconds, offset.microseconds)
    raise CannotCross(f"a time zone of type {type(zone).__name__}")


def _make_zone(parts: Any) -> datetime.tzinfo | None:
    if not parts:
        return None
    if parts[0] == "key":
        return ZoneInfo(parts[1])
    return datetime.timezone(datetime.timedelta(parts[1], parts[2], parts[3]))


_VIEWS = {type({}.keys()): "keys", type({}.values()): "values", type({}.items()): "items"}


def _take_view(codec: Codec) -> Any:
    which, mapping = codec.take_parts()
    if type(mapping) is not dict or which not in _VIEWS.values():
        raise BadMessage("a view of no dict")
    return getattr(mapping, which)()


_PANDAS_SCALARS = frozenset({pd.Timestamp, pd.Timedelta, type(pd.NaT), type(pd.NA)})


def _pandas_scalar_parts(value: Any) -> tuple[Any, ...]:
    if value is pd.NaT:
        return ("NaT",)
    if value is pd.NA:
        return ("NA",)
    if isinstance(value, pd.Timestamp):
        return ("stamp", value.isoformat(), _zone_parts(value.tzinfo), value.unit)
    return ("delta", value.isoformat(), value.unit)


def _make_pandas_scalar(parts: Any) -> Any:
    if parts == ("NaT",):
        return pd.NaT
    if parts == ("NA",):
        return pd.NA
    if parts[0] == "stamp":
        stamp = pd.Timestamp(parts[1])
        zone = _make_zone(parts[2])
        stamp = stamp.tz_convert(zone) if zone is not None else stamp
        return stamp.as_unit(parts[3])
    return pd.Timedelta(parts[1]).as_unit(parts[2])


def _put_date(codec: Codec, value: Any) -> None:
    codec._nested(b"a", (value.year, value.month, value.day))


def _put_datetime(codec: Codec, value: Any) -> None:
    parts = value.timetuple()[:6]
    codec._nested(b"g", (*parts, value.microsecond, value.fold, _zone_parts(value.tzinfo)))


def _put_time(codec: Codec, value: Any) -> None:
    zone = _zone_parts(value.tzinfo)
    codec._nested(
        b"G", (value.hour, value.minute, value.second, value.microsecond, value.fold, zone)
    )


def _take_datetime(codec: Codec) -> Any:
    year, month, day, hour, minute, second, micro, fold, zone = codec.take_parts()
    tzinfo = _make_zone(zone)
    return datetime.datetime(year, month, day, hour, minute, second, micro, tzinfo, fold=fold)


def _take_time(codec: Codec) -> Any:
    hour, minute, second, micro, fold, zone = codec.take_parts()
    return datetime.time(hour, minute, second, micro, _make_zone(zone), fold=fold)


def _take_timedelta(codec: Codec) -> Any:
    return datetime.timedelta(*codec.take_parts())


def _constant(tag: bytes) -> Callable[[Codec, Any], None]:
    def write(codec: Codec, value: Any) -> None:
        codec._out += tag

    return write


_WRITERS: dict[type, Callable[[Any, Any], None]] = {
    type(None): _constant(b"N"),
    bool: lambda codec, v: codec._out.extend(b"T" if v else b"f"),
    type(Ellipsis): _constant(b"E"),
    type(NotImplemented): _constant(b"!"),
    int: Codec._put_int,
    float: lambda codec, v: codec._out.extend(b"D" + _F64.pack(v)),
    complex: lambda codec, v: codec._out.extend(b"L" + _C128.pack(v.real, v.imag)),
    str: lambda codec, v: codec._text(b"s", v),
    bytes: lambda codec, v: codec._bytes(b"b", v),
    tuple: Codec._put_tuple,
    frozenset: Codec._put_frozenset,
    range: lambda codec, v: codec._nested(b"r", (v.start, v.stop, v.step)),
    datetime.date: _put_date,
    datetime.datetime: _put_datetime,
    datetime.time: _put_time,
    datetime.timedelta: lambda c, v: c._nested(b"j", (v.days, v.seconds, v.microseconds)),
    decimal.Decimal: lambda codec, v: codec._text(b"e", str(v)),
    fractions.Fraction: lambda codec, v: codec._nested(b"q", (v.numerator, v.denominator)),
}

_READERS: dict[int, Callable[[Any], Any]] = {
    ord("N"): lambda _: None,
    ord("T"): lambda _: True,
    ord("f"): lambda _: False,
    ord("E"): lambda _: Ellipsis,
    ord("!"): lambda _: NotImplemented,
    ord("i"): Codec._take_int,
    ord("I"): Codec._take_large_int,
    ord("D"): lambda codec: _F64.unpack(codec._raw(8))[0],
    ord("L"): lambda codec: complex(*_C128.unpack(codec._raw(16))),
    ord("s"): Codec._take_text,
    ord("b"): Codec._sized,
    ord("t"): Codec._take_tuple,
    ord("W"): Codec._take_texts,
    ord("U"): Codec._take_small_ints,
    ord("F"): lambda codec: codec._take_packed("d"),
    ord("J"): lambda codec: codec._take_packed("q"),
    ord("["): lambda codec: codec._take_rows("d"),
    ord("]"): lambda codec: codec._take_rows("q"),
    ord("z"): lambda codec: frozenset(codec.take_parts()),
    ord("r"): lambda codec: range(*codec.take_parts()),
    ord("a"): lambda codec: datetime.date(*codec.take_parts()),
    ord("g"): _take_datetime,
    ord("G"): _take_time,
    ord("j"): _take_timedelta,
    ord("w"): lambda codec: _make_zone(codec.take_parts()),
    ord("e"): lambda codec: decimal.Decimal(codec._take_text()),
    ord("q"): lambda codec: fractions.Fraction(*codec.take_parts()),
    ord("v"): _take_view,
    ord("n"): Codec._take_numpy_scalar,
    ord("y"): Codec._take_dtype,
    ord("p"): lambda codec: _make_pandas_scalar(codec.take_parts()),
    ord("x"): lambda codec: _make_index(codec.take_parts()),
    ord("k"): Codec._take_type,
    ord("m"): Codec._take_module,
    ord("M"): Codec._take_mirrored,
    ord("R"): Codec._take_reference,
}
