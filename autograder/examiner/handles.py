"""The examiner's stand-ins for the student's objects, classes and exceptions.

A handle holds a number and asks the room. It has no dunder method but those of the fixed list in
`operators`, and of these only what the student's class has; so numpy, pandas or pickle find nothing
to ask it for. Whatever the room answers is data of the fixed set, or again a handle.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import inspect
import sys
import types
import weakref
from collections.abc import Callable, Iterable
from typing import Any

from autograder.examiner import operators
from autograder.examiner.protocol import BadMessage
from autograder.examiner.values import KIND_OF, TYPES, Codec, Entry, Kind

CLASSES = 2000
TEXT = 2000


class AuthorError(Exception):
    """A test asks for what cannot work in two rooms; the message names it, for the author.

    Making one is enough: the test has no verdict any more, even if it swallows the error.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        client = ExaminerCodec.current
        if client is not None:
            client.author_error = client.author_error or message


# How a stand-in finds its number and its room; by slots that the student cannot name.
_NUMBER = "_autograder_number"
_OWN_ATTRIBUTES = frozenset({_NUMBER})

# A student's object that is an instance of one of these says so to isinstance().
_POSES_AS: tuple[type, ...] = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.GeneratorType,
    types.ModuleType,
    types.CoroutineType,
    property,
    functools.partial,
)

DATA_BASES: tuple[type, ...] = (
    int,
    float,
    complex,
    str,
    bytes,
    tuple,
    frozenset,
    *(kind for kind in KIND_OF if kind.__module__ in ("builtins", "collections")),
)


def is_handle(value: Any) -> bool:
    """Whether `value` stands for an object, a class or an exception of the student."""
    return isinstance(type(value), StandInMeta) or isinstance(value, StandInMeta)


class StandInMeta(type):
    """The class of stand-in classes: their attributes are asked for, and none can be subclassed."""

    def __getattr__(cls, name: str) -> Any:
        return _ask_attribute(cls, name)

    def __setattr__(cls, name: str, value: Any) -> None:
        if name.startswith("_abc_") or name in ("__abstractmethods__",):
            type.__setattr__(cls, name, value)
            return
        _ask_set(cls, name, value)

    def __delattr__(cls, name: str) -> None:
        _ask_delete(cls, name)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make an object of the student's class, in the room."""
        return _client(cls).call(cls, args, kwargs)

    def __repr__(cls) -> str:
        return f"<class '{cls.__name__}' of the student>"

    def __instancecheck__(cls, instance: Any) -> bool:
        return cls in type.mro(type(instance))

    def __subclasscheck__(cls, other: Any) -> bool:
        return isinstance(other, type) and cls in type.mro(other)


def _client(thing: Any) -> ExaminerCodec:
    client = ExaminerCodec.current
    if client is None:
        raise AuthorError("a student's object is used where no room is")
    return client


def _ask_attribute(thing: Any, name: str) -> Any:
    if name.startswith("__") and name.endswith("__"):
        raise AttributeError(name)
    return _client(thing).request("getattr", thing, name)


def _ask_set(thing: Any, name: str, value: Any) -> None:
    if name.startswith("__") and name.endswith("__"):
        raise AuthorError(f"setting {name} on a student's object")
    _client(thing).request("setattr", thing, name, value)


def _ask_delete(thing: Any, name: str) -> None:
    if name.startswith("__") and name.endswith("__"):
        raise AuthorError(f"deleting {name} of a student's object")
    _client(thing).request("delattr", thing, name)


def _subclassing(cls: type, **_: Any) -> None:
    raise AuthorError(f"a test cannot subclass the student's class {cls.__mro__[1].__name__}")


def _method(name: str) -> Callable[..., Any]:
    def ask(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _client(self).operate(name, self, args, kwargs)

    ask.__name__ = ask.__qualname__ = name
    return ask


def _equal(self: Any, other: Any) -> Any:
    """Ask the student's class about two objects of the student; a test's value is never equal."""
    if self is other:
        same = _client(self)
        return True if same.decoding else same.truth("__eq__", self, other)
    if not is_handle(other):
        return NotImplemented
    client = _client(self)
    if client.decoding:
        return False
    return client.truth("__eq__", self, other)


def _not_equal(self: Any, other: Any) -> Any:
    if not is_handle(other):
        return NotImplemented
    client = _client(self)
    if client.decoding:
        return self is not other
    return client.truth("__ne__", self, other)


def _hash(self: Any) -> int:
    return _client(self).hash_of(self)


def _exit(self: Any, kind: Any, error: Any, trace: Any) -> bool:
    """Leave a student's context manager, which may not swallow the failure of a check."""
    answer = _client(self).request("op", "__exit__", self, kind, error, None)
    if isinstance(error, AssertionError | AuthorError) or not isinstance(error, Exception):
        return False
    return answer is True or (type(answer) is int and answer != 0)


def _repr(self: Any) -> str:
    return _client(self).text("__repr__", self)


def _str(self: Any) -> str:
    return _client(self).text("__str__", self)


def _format(self: Any, how: str) -> str:
    return _client(self).text("__format__", self, how)


_SPECIAL: dict[str, Callable[..., Any]] = {
    "__eq__": _equal,
    "__ne__": _not_equal,
    "__hash__": _hash,
    "__exit__": _exit,
    "__repr__": _repr,
    "__str__": _str,
    "__format__": _format,
}
# Of a subclass of a data type: what does not decide whether its value is right.
_ASKED_OF_DATA = frozenset(
    ["__call__", "__enter__", "__exit__", "__next__", "__missing__", "__str__", "__repr__"]
)

_METHODS = {
    name: _SPECIAL.get(name) or _method(name)
    for name in operators.ALL
    if name not in ("__aiter__", "__anext__", "__aenter__", "__aexit__", "__await__")
}


def _new_attribute(name: str) -> property:
    return property(
        lambda self: _ask_attribute(self, name),
        lambda self, value: _ask_set(self, name, value),
        lambda self: _ask_delete(self, name),
    )


class ExaminerCodec(Codec):
    """The examiner's side of the values: makes handles, and gives out its own objects by number.

    Attributes:
        decoding: A message is being read; nothing may be asked now.
        author_error: The first error for the author since this was last set to "".
        live: Keys of the test's own lists, dicts, sets and arrays that the room may change in the
            request that is under way, since they are its arguments.
    """

    sign = -1
    current: ExaminerCodec | None = None

    def __init__(self, own_operators: frozenset[str], shared_classes: frozenset[str]) -> None:
        """Start with nothing known.

        Args:
            own_operators: Of `operators.WHERE_DEFINED`, those that the source's code defines.
            shared_classes: Names of classes that the source gives to both sides.
        """
        super().__init__()
        self.allowed = operators.ALWAYS | (operators.WHERE_DEFINED & own_operators)
        self.shared_names = shared_classes
        self.decoding = False
        self.author_error = ""
        self.live: set[int] = set()
        self.released: list[int] = []
        self.exported: list[Any] = []
        self._export_numbers: dict[int, int] = {}
        self._handles: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self._hashes: dict[int, int] = {}
        self._links: dict[int, set[int]] = {}
        self._classes: dict[int, type] = {}
        self._class_numbers: dict[int, int] = {}  # by id(): stand-in classes live as long as this
        self._class_operators: dict[int, frozenset[str]] = {}
        self._names: dict[int, tuple[str, str]] = {}

    # -- to be filled in by the one who owns the channel -------------------------------------

    def request(self, operation: str, *operands: Any) -> Any:
        """Ask the room and return its answer; raises what the student's code raised."""
        raise NotImplementedError

    # -- what handles do ---------------------------------------------------------------------

    def call(self, thing: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a student's function or class."""
        return self.request("call", thing, args, tuple(kwargs.items()))

    def operate(self, name: str, thing: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Perform an operator of the fixed list on a student's object."""
        if name == "__call__":
            return self.call(thing, args, kwargs)
        if name not in self.allowed:
            return NotImplemented
        return self.request("op", name, thing, *args)

    def truth(self, name: str, one: Any, other: Any) -> bool:
        """A comparison's answer, as True or False and nothing else."""
        answer = self.request("op", name, one, other)
        return answer is True

    def text(self, name: str, thing: Any, *args: Any) -> str:
        """A text of a student's object; never long."""
        if self.decoding:
            return "<student's object>"
        answer = self.request("op", name, thing, *args)
        return answer[:TEXT] if type(answer) is str else "<no text>"

    def hash_of(self, thing: Any) -> int:
        """The hash that came with the handle, else one by identity; asks nothing."""
        number = number_of(thing)
        return self._hashes.get(number, number * 2 + 1)

    # -- writing -----------------------------------------------------------------------------

    def must_write(self, key: int, entry: Entry) -> bool:
        """A test's own objects always cross whole: the room's idea of them counts for nothing."""
        return key < 0 or super().must_write(key, entry)

    def put_mirrored(self, value: Any, kind: Kind) -> None:
        """Append a mirrored object; while it is an argument the room may change it."""
        super().put_mirrored(value, kind)
        key = self.keys[id(value)]
        if key < 0:
            self.live.add(key)

    def put_other(self, value: Any) -> None:
        """Append a handle's number, a shared class's object, or a test's own object by number."""
        if isinstance(value, StandInMeta):
            self._out += b"h"
            self._put_int(number_of(value))
            return
        if is_handle(value) or (isinstance(value, BaseException) and _NUMBER in vars(value)):
            number = number_of(value)
            self.live |= self._links.get(number, set())
            key = self.keys.get(id(value))
            if key is not None and key not in self._written:
                entry = self.entries[key]
                if self.must_write(key, entry):
                    self._write_contents(key, entry)
                    return
            self._out += b"h"
            self._put_int(number)
            return
        kind = type(value)
        if self.is_shared(kind):
            self.put_shared(value)
            return
        if self.is_shared(value):
            self._text(b"u", value.__name__)
            return
        if isinstance(value, BaseException) and kind in TYPES:
            self._nested(b"X", (kind, value.args))
            return
        for base in DATA_BASES:
            if isinstance(value, base):
                raise AuthorError(
                    f"a {kind.__name__}, a subclass of {base.__name__} that the test defines, "
                    "cannot cross to the student's code"
                )
        name = _importable(value)
        if name is not None:
            self._nested(b"Y", name)
            return
        self._out += b"c"
        self._put_tuple(self._export(value))

    def _export(self, value: Any) -> tuple[Any, ...]:
        """Give a test's own object a number, and say which operators it has."""
        offered = _offered(value)
        if offered is None:
            raise AuthorError(f"a {type(value).__name__} cannot cross to the student's code")
        number = self._export_numbers.get(id(value))
        if number is None:
            number = len(self.exported)
            self.exported.append(value)
            self._export_numbers[id(value)] = number
        name = getattr(value, "__name__", "")
        return (number, offered, name if isinstance(name, str) and callable(value) else "")

    def take_links(self) -> set[int]:
        """The keys that the finished request made live; the next begins with none."""
        live, self.live = self.live, set()
        return live

    # -- reading -----------------------------------------------------------------------------

    def decode(self, data: bytes | bytearray) -> Any:
        """The value of one message; while it is read, nothing is asked."""
        self.decoding = True
        try:
            return super().decode(data)
        finally:
            self.decoding = False

    def may_change(self, key: int) -> bool:
        """The room may change its own objects, and of the test's only its current arguments."""
        return key > 0 or key in self.live

    def take_other(self, tag: int) -> Any:
        """Read a handle, a class, a subclassed value, an exception, or one of our own objects."""
        if tag == ord("H"):
            return self._take_handle()
        if tag == ord("K"):
            return self._take_class()
        if tag == ord("h"):
            return self._known(self._take_int_value())
        if tag == ord("V"):
            return self._take_valued()
        if tag == ord("X"):
            return self._take_exception()
        if tag in (ord("o"), ord("u")):
            return self.take_shared(tag)
        if tag == ord("c"):
            number = self._take_int_value()
            if not 0 <= number < len(self.exported):
                raise BadMessage("an object of the test that was never given out")
            return self.exported[number]
        raise BadMessage(f"a value of the unknown tag {tag}")

    def _take_int_value(self) -> int:
        value = self.take()
        if type(value) is not int or not 0 <= value < 2**62:
            raise BadMessage("no number where one belongs")
        return value

    def _known(self, number: int) -> Any:
        if number in self._classes:
            return self._classes[number]
        thing = self._handles.get(number)
        if thing is None:
            raise BadMessage("a handle that this side does not know")
        return thing

    def _take_class(self) -> type:
        """A stand-in for a student's class: number, name, bases, pose, names, operators."""
        number, name, doc, bases, pose, names, offered = self.take_parts()
        if number in self._classes:
            return self._classes[number]
        if len(self._classes) >= CLASSES:
            raise BadMessage(f"more than {CLASSES} classes")
        if type(number) is not int or type(name) is not str or type(bases) is not tuple:
            raise BadMessage("a class without its parts")
        cls = self._make_class(name[:200] or "Nameless", bases, pose, names, offered)
        type.__setattr__(cls, "__doc__", doc[:TEXT] if type(doc) is str else None)
        self._classes[number] = cls
        self._class_numbers[id(cls)] = number
        return cls

    def _make_class(
        self, name: str, bases: tuple[Any, ...], pose: Any, names: Any, offered: Any
    ) -> type:
        wanted = {op for op in offered if type(op) is str} & self.allowed & set(_METHODS)
        members: dict[str, Any] = {op: _METHODS[op] for op in wanted}
        if not any(base in DATA_BASES for base in bases):
            members.setdefault("__repr__", _repr)
        members.setdefault("__eq__", _equal)
        members.setdefault("__ne__", _not_equal)
        members["__hash__"] = _hash
        members["__module__"] = "__student__"
        members["__init_subclass__"] = classmethod(_subclassing)
        real = [base for base in bases if isinstance(base, type)]
        if len(real) != len(bases):
            raise BadMessage("a base that is no class")
        data = [base for base in real if base in DATA_BASES]
        if data:
            # The value is the examiner's own copy; its type's operators are what a test sees.
            for op in operators.ALWAYS - _ASKED_OF_DATA:
                members.pop(op, None)
        exceptions = any(issubclass(base, BaseException) for base in real)
        if exceptions:
            members.pop("__str__", None)
            members.pop("__repr__", None)
        if not data and not exceptions:
            members["__getattribute__"] = _handle_getattribute
        members["__getattr__"] = _ask_attribute
        members["__setattr__"] = _exception_setattr if exceptions else _ask_set
        members["__delattr__"] = _ask_delete
        if data:
            for attribute in names if type(names) is tuple else ():
                if type(attribute) is str and not attribute.startswith("__"):
                    members[attribute] = _new_attribute(attribute)
        if type(pose) is int and 0 <= pose < len(_POSES_AS):
            posed = _POSES_AS[pose]
            members["__class__"] = property(lambda self: posed)
        real = [base for base in real if base is not object]
        return _build_class(name, real, members)

    def _take_handle(self) -> Any:
        """A handle: number, class, hash or None, name, documentation."""
        number, cls, its_hash, name, doc = self.take_parts()
        if type(number) is not int or not isinstance(cls, StandInMeta):
            raise BadMessage("a handle without its parts")
        existing = self._handles.get(number)
        if existing is not None:
            return existing
        if any(base in DATA_BASES or issubclass(base, BaseException) for base in cls.__mro__[1:-1]):
            raise BadMessage("a handle where a value belongs")
        return self._adopt(_blank(cls), number, its_hash, name, doc)

    def _adopt(self, thing: Any, number: int, its_hash: Any, name: Any, doc: Any) -> Any:
        own = object.__getattribute__(thing, "__dict__")
        own[_NUMBER] = number
        if type(name) is str:
            own["__name__"] = own["__qualname__"] = name[:200]
        if type(doc) is str:
            own["__doc__"] = doc[:TEXT]
        if type(its_hash) is int:
            self._hashes[number] = its_hash
        if self.live:
            self._links[number] = set(self.live)
        with contextlib.suppress(TypeError):
            self._handles[number] = thing
            weakref.finalize(thing, self._release, number).atexit = False
        if number in self.released:
            self.released.remove(number)
        return thing

    def _release(self, number: int) -> None:
        if number not in self._handles:
            self.released.append(number)
            self._hashes.pop(number, None)
            self._links.pop(number, None)

    def _take_valued(self) -> Any:
        """An object of a student's subclass of a data type: number, class, then the value."""
        number, cls = self._take_int_value(), self.take()
        if not isinstance(cls, StandInMeta):
            raise BadMessage("a value without its class")
        base: Any = next((base for base in cls.__mro__ if base in DATA_BASES), None)
        if base is None:
            raise BadMessage("a value of a class that holds none")
        existing = self._handles.get(number)
        if base in KIND_OF:
            if self._raw(1) != b"M":
                raise BadMessage("a value without its contents")
            key = self._take_int()
            kind = KIND_OF[base]
            if self._raw(1)[0] != ord(kind.tag):
                raise BadMessage("a value that is not of its class's type")
            if existing is None and key not in self.entries:
                empty = base.__new__(cls)
                base.__init__(empty)
                self._adopt(empty, number, None, None, None)
                return self.take_contents(key, kind, empty)
            return self.take_contents(key, kind, None)
        value = self.take()
        if type(value) is not base:
            raise BadMessage("a value that is not of its class's type")
        if existing is not None:
            return existing
        made: Any = base.__new__
        return self._adopt(made(cls, value), number, None, None, None)

    def _take_exception(self) -> BaseException:
        """An exception: number, class (a standard one or a stand-in), args, its text."""
        number, cls, args, text = self.take_parts()
        if not isinstance(cls, type) or not issubclass(cls, BaseException):
            raise BadMessage("an exception that is none")
        existing = self._handles.get(number) if type(number) is int else None
        if existing is not None:
            return existing
        if type(args) is not tuple or type(text) is not str:
            raise BadMessage("an exception without its parts")
        try:
            error = _blank_error(cls, args) if isinstance(cls, StandInMeta) else cls(*args)
        except (TypeError, ValueError):
            error = _blank_error(cls, (text[:TEXT],))
        if type(number) is int:
            self._adopt(error, number, None, None, None)
        return error


def _blank(cls: Any) -> Any:
    """An object of a stand-in class, made without asking the room to make one."""
    return object.__new__(cls)


def _blank_error(cls: Any, args: tuple[Any, ...]) -> BaseException:
    error: BaseException = BaseException.__new__(cls)
    error.args = args
    return error


def _handle_getattribute(self: Any, name: str) -> Any:
    """Ask the room first, so that a base of the examiner's own is never used by mistake."""
    if name == "__dict__":
        return _client(self).request("vars", self)
    if name == _NUMBER or (name.startswith("__") and name.endswith("__")):
        return object.__getattribute__(self, name)
    return _ask_attribute(self, name)


def _exception_setattr(self: Any, name: str, value: Any) -> None:
    if (
        name in ("__traceback__", "__context__", "__cause__", "__suppress_context__", "__notes__")
        or name == "args"
    ):
        BaseException.__setattr__(self, name, value)
    else:
        _ask_set(self, name, value)


def _build_class(name: str, bases: list[type], members: dict[str, Any]) -> type:
    """A stand-in class on these bases, or on fewer of them if they do not go together."""
    attempts: Iterable[list[type]] = (
        bases,
        [base for base in bases if isinstance(base, StandInMeta) or base in TYPES],
        [],
    )
    for chosen in attempts:
        metas = [type(base) for base in chosen if not issubclass(StandInMeta, type(base))]
        meta: type = StandInMeta
        if metas:
            with contextlib.suppress(TypeError):
                meta = type("StandInMeta", (StandInMeta, *dict.fromkeys(metas)), {})
        namespace = dict(members)
        try:
            guarded: list[type] = [base for base in chosen if isinstance(base, StandInMeta)]
            with _subclassing_allowed(guarded):
                cls: type = type.__new__(meta, name, tuple(chosen) or (object,), namespace)
            if "__abstractmethods__" in vars(cls):
                type.__setattr__(cls, "__abstractmethods__", frozenset())
            return cls
        except TypeError:
            continue
    raise BadMessage("a class that cannot be mirrored")


@contextlib.contextmanager
def _subclassing_allowed(bases: list[type]) -> Any:
    """Let this module alone build on stand-in classes."""
    saved = [(base, vars(base)["__init_subclass__"]) for base in bases]
    for base, _ in saved:
        type.__setattr__(base, "__init_subclass__", classmethod(lambda cls, **_: None))
    try:
        yield
    finally:
        for base, hook in saved:
            type.__setattr__(base, "__init_subclass__", hook)


def number_of(thing: Any) -> int:
    """The room's number for what a handle stands for."""
    if isinstance(thing, StandInMeta):
        client = _client(thing)
        return client._class_numbers[id(thing)]
    return object.__getattribute__(thing, "__dict__")[_NUMBER]


# Objects of the test that the student's code may use ---------------------------------------------

_FILE_METHODS = frozenset(
    "read readline readlines write writelines close seek tell getvalue flush truncate".split()  # noqa: SIM905
)


def _offered(value: Any) -> tuple[str, ...] | None:
    """Which operators the student's code may use on a test's object; None if it may not cross."""
    import io

    cls = type(value)
    if isinstance(value, io.IOBase):
        return ("file", "__iter__", "__next__", "__enter__", "__exit__")
    if cls.__module__ == "__main__" and not isinstance(value, type):
        found = tuple(sorted(op for op in operators.ALL if hasattr(cls, op)))
        return ("object", *found)
    if callable(value):
        return ("callable", "__call__")
    if hasattr(cls, "__next__"):
        return ("iterator", "__iter__", "__next__")
    if hasattr(cls, "__iter__"):
        names = ("__iter__", "__len__", "__getitem__", "__contains__", "__reversed__")
        return ("iterable", *(name for name in names if hasattr(cls, name)))
    return None


def _importable(value: Any) -> tuple[str, str] | None:
    """The module and name of a library function, which the room then imports for itself."""
    module = getattr(value, "__module__", None) or ""
    if isinstance(value, types.BuiltinFunctionType | type) and module == "builtins":
        name = getattr(value, "__name__", "")
        return ("builtins", name) if getattr(builtins, name, None) is value else None
    if isinstance(value, types.ModuleType):
        return (value.__name__, "") if sys.modules.get(value.__name__) is value else None
    if not callable(value) or not isinstance(module, str) or module == "__main__":
        return None
    name = getattr(value, "__qualname__", getattr(value, "__name__", ""))
    top = module.partition(".")[0]
    if top not in ("math", "cmath", "operator", "statistics", "random", "numpy", "functools",
                   "itertools", "pandas", "enum", "collections", "json", "re", "_operator",
                   "string", "textwrap", "time", "datetime", "typing"):  # fmt: skip
        if not type(value).__module__.startswith("numpy"):
            return None
        module = "numpy"
    found: Any = sys.modules.get(module)
    for part in str(name).split("."):
        found = getattr(found, part, None)
    return (module, str(name)) if found is value else None


def offers(value: Any, name: str) -> bool:
    """Whether the room may ask a test's object for this attribute."""
    offered = _offered(value)
    if offered is None or name.startswith("_"):
        return False
    if offered[0] == "file":
        return name in _FILE_METHODS
    return offered[0] == "object"


def signature_from(parts: Any) -> inspect.Signature:
    """A signature out of names, kinds and defaults."""
    parameters = []
    for name, kind, has_default, default in parts:
        parameters.append(
            inspect.Parameter(
                name,
                inspect._ParameterKind(kind),
                default=default if has_default else inspect.Parameter.empty,
            )
        )
    return inspect.Signature(parameters)
