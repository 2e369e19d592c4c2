"""CPython's own bytecode, run by a small interpreter written in Python; and functions to run.

The interpreter knows the instructions that the functions here are made of, in the words of CPython
3.11. Other versions have other instructions: bytecode is no promise to anybody but its own CPython.
"""

from __future__ import annotations

import dis
import operator
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

VERSION = (3, 11)
NULL = object()  # what CPython pushes beside a function that is no method


class UnknownInstructionError(Exception):
    """An instruction that the interpreter does not know; the message names it."""


class Interpreter:
    """A stack machine for the code of CPython's functions.

    Attributes:
        executed: instructions so far, of all calls.
    """

    def __init__(self) -> None:
        self.executed = 0
        self._code: dict[types.CodeType, tuple[list[dis.Instruction], dict[int, int]]] = {}

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a Python function, and those that it calls, by its bytecode."""
        assert isinstance(function, types.FunctionType)
        code = function.__code__
        if code not in self._code:
            program = list(dis.get_instructions(code))
            self._code[code] = program, {one.offset: at for at, one in enumerate(program)}
        program, places = self._code[code]
        frame = _Frame(dict(zip(code.co_varnames, arguments, strict=False)), function.__globals__)
        at = 0
        while True:
            instruction = program[at]
            self.executed += 1
            name = instruction.opname
            if name == "RETURN_VALUE":
                return frame.stack.pop()
            if name == "CALL":
                self._called(frame, instruction.arg or 0)
                target = None
            else:
                target = frame.execute(name, instruction)
            at = at + 1 if target is None else places[target]

    def _called(self, frame: _Frame, count: int) -> None:
        arguments = frame.take(count)
        pair = [one for one in frame.take(2) if one is not NULL]
        function = pair[0]
        if isinstance(function, types.FunctionType):
            frame.stack.append(self.call(function, *arguments))
        else:  # it is written in C: there is no bytecode to look at
            frame.stack.append(function(*arguments))


class _Frame:
    """The stack and the local variables of one call."""

    def __init__(self, local: dict[str, Any], names: dict[str, Any]) -> None:
        self.stack: list[Any] = []
        self.local, self.names = local, names

    def take(self, count: int) -> list[Any]:
        """Pop so many values, the top last."""
        rest = len(self.stack) - count
        taken = self.stack[rest:]
        del self.stack[rest:]
        return taken

    def execute(self, name: str, instruction: dis.Instruction) -> int | None:
        """Do one instruction; return the offset to go on at, or None for the next one."""
        stack, count, value = self.stack, instruction.arg or 0, instruction.argval
        if name in ("RESUME", "PRECALL"):
            pass
        elif name == "LOAD_FAST":
            stack.append(self.local[value])
        elif name == "STORE_FAST":
            self.local[value] = stack.pop()
        elif name == "LOAD_CONST":
            stack.append(value)
        elif name == "LOAD_GLOBAL":
            stack += [NULL] if count & 1 else []
            stack.append(self._global(value))
        elif name == "LOAD_METHOD":
            stack += [NULL, getattr(stack.pop(), value)]
        elif name == "BINARY_OP":
            left, right = self.take(2)
            stack.append(_OPERATORS[instruction.argrepr.removesuffix("=")](left, right))
        elif name == "COMPARE_OP":
            left, right = self.take(2)
            stack.append(_COMPARISONS[value](left, right))
        elif name == "BINARY_SUBSCR":
            holder, key = self.take(2)
            stack.append(holder[key])
        elif name == "STORE_SUBSCR":
            item, holder, key = self.take(3)
            holder[key] = item
        elif name in ("BUILD_LIST", "BUILD_TUPLE"):
            items = self.take(count)
            stack.append(items if name == "BUILD_LIST" else tuple(items))
        elif name == "BUILD_STRING":
            stack.append("".join(self.take(count)))
        elif name == "FORMAT_VALUE" and count == 0:
            stack.append(format(stack.pop()))
        elif name == "COPY":
            stack.append(stack[-count])
        elif name == "SWAP":
            stack[-1], stack[-count] = stack[-count], stack[-1]
        elif name == "POP_TOP":
            stack.pop()
        elif name == "GET_ITER":
            stack.append(iter(stack.pop()))
        else:
            return self._jump(name, int(value or 0))
        return None

    def _jump(self, name: str, target: int) -> int | None:
        if name in ("JUMP_FORWARD", "JUMP_BACKWARD"):
            return target
        if name == "FOR_ITER":
            item = next(self.stack[-1], NULL)
            if item is NULL:
                self.stack.pop()
                return target
            self.stack.append(item)
            return None
        if name in ("POP_JUMP_FORWARD_IF_FALSE", "POP_JUMP_BACKWARD_IF_FALSE"):
            return None if self.stack.pop() else target
        if name in ("POP_JUMP_FORWARD_IF_TRUE", "POP_JUMP_BACKWARD_IF_TRUE"):
            return target if self.stack.pop() else None
        python = ".".join(map(str, sys.version_info[:2]))
        raise UnknownInstructionError(f"no {name} in our interpreter (this is CPython {python})")

    def _global(self, name: str) -> Any:
        if name in self.names:
            return self.names[name]
        return getattr(sys.modules["builtins"], name)


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "^": operator.xor,
    "&": operator.and_,
}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
}


# --- functions to run -----------------------------------------------------------------------------


def steps(n: int) -> int:
    """How many steps a number takes to 1: halved if even, else three times and one more."""
    count = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        count += 1
    return count


def primes(limit: int) -> list[int]:
    """The primes below a limit, by the sieve."""
    sieve = [True] * limit
    found = []
    for number in range(2, limit):
        if sieve[number]:
            found.append(number)
            for multiple in range(number * number, limit, number):
                sieve[multiple] = False
    return found


def fibonacci(n: int) -> int:
    """A Fibonacci number, by calling itself."""
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def in_order(values: Sequence[int]) -> list[int]:
    """The values in order, by exchanging neighbours."""
    row = list(values)
    for end in range(len(row) - 1, 0, -1):
        for at in range(end):
            if row[at] > row[at + 1]:
                row[at], row[at + 1] = row[at + 1], row[at]
    return row


def shifted(text: str, by: int) -> str:
    """A text in Caesar's cipher, with the key before it."""
    letters = ""
    for letter in text:
        if "a" <= letter <= "z":
            letters += chr((ord(letter) - 97 + by) % 26 + 97)
        else:
            letters += letter
    return f"{by}: {letters}"


EXAMPLES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "steps": (steps, (27,)),
    "primes": (primes, (60,)),
    "fibonacci": (fibonacci, (12,)),
    "in_order": (in_order, ([5, 2, 9, 1, 7, 3, 8, 4, 6, 0],)),
    "shifted": (shifted, ("a machine that nobody built", 3)),
}
