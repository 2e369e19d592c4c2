"""The fixed list of operators that cross, the same for the room and the examiner."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

# What any student's object may be asked for, if its class has it.
ALWAYS = frozenset(
    [
        "__call__",
        "__len__",
        "__bool__",
        "__getitem__",
        "__setitem__",
        "__delitem__",
        "__iter__",
        "__next__",
        "__reversed__",
        "__enter__",
        "__exit__",
        "__hash__",
        "__int__",
        "__float__",
        "__complex__",
        "__index__",
        "__round__",
        "__str__",
        "__repr__",
        "__format__",
        "__eq__",
        "__ne__",
        "__missing__",
        "__trunc__",
        "__floor__",
        "__ceil__",
        "__bytes__",
        "__await__",
        "__aiter__",
        "__anext__",
        "__aenter__",
        "__aexit__",
    ]
)

_BINARY = "add sub mul truediv floordiv mod divmod pow matmul and or xor lshift rshift".split()  # noqa: SIM905

# What decides a comparison or makes a number out of a student's object and a test's value. Asked
# for only if the source's own code defines it: else an object whose `__sub__`, `__abs__` and
# `__lt__` always please would pass `abs(f(x) - 2.5) < 1e-9`.
WHERE_DEFINED = frozenset(
    [f"__{name}__" for name in _BINARY]
    + [f"__r{name}__" for name in _BINARY]
    + [f"__i{name}__" for name in _BINARY if name != "divmod"]
    + ["__lt__", "__le__", "__gt__", "__ge__", "__contains__"]
    + ["__neg__", "__pos__", "__abs__", "__invert__"]
)

ALL = ALWAYS | WHERE_DEFINED


def _call(target: Any, *args: Any) -> Any:
    return target(*args)


def _function(name: str) -> Callable[..., Any]:
    """How the room performs one operator, with the language's own fallbacks."""
    bare = name.strip("_")
    special: dict[str, Callable[..., Any]] = {
        "__len__": len,
        "__bool__": bool,
        "__iter__": iter,
        "__next__": next,
        "__reversed__": reversed,
        "__hash__": hash,
        "__int__": int,
        "__float__": float,
        "__complex__": complex,
        "__index__": operator.index,
        "__round__": round,
        "__str__": str,
        "__repr__": repr,
        "__format__": format,
        "__bytes__": bytes,
        "__abs__": abs,
        "__divmod__": divmod,
        "__pow__": pow,
        "__contains__": operator.contains,
        "__getitem__": operator.getitem,
        "__setitem__": operator.setitem,
        "__delitem__": operator.delitem,
    }
    if name in special:
        return special[name]
    if name.startswith("__r") and bare[1:] in _BINARY:
        forward = _function(f"__{bare[1:]}__")
        return lambda self, other: forward(other, self)
    plain = getattr(operator, name, None)
    if plain is not None:
        return plain
    return lambda self, *args: getattr(type(self), name)(self, *args)


FUNCTIONS: dict[str, Callable[..., Any]] = {name: _function(name) for name in sorted(ALL)}
