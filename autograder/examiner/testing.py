"""What runs in the examiner: test cells, with the student's things fetched from the room.

The verdict is made here and leaves by the examiner's own control socket, which the room has never
had. It is positive only if the test's code ran to its end.
"""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import inspect
import io
import json
import random
import secrets
import socket
import sys
import time
import types
import warnings
from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np

from autograder.examiner import handles, operators, protocol
from autograder.examiner.handles import AuthorError, ExaminerCodec
from autograder.examiner.names import BUILTINS, mentioned_names, parse_cell
from autograder.examiner.preparing import unpacked
from autograder.examiner.protocol import BadMessage
from autograder.examiner.values import CannotCross

PRUNE_AT = 64
MESSAGE = 1000


class RoomGone(BaseException):
    """The room ended, did not answer in time, or broke the protocol; no check can go on."""


class _Unusable(TypeError):
    """The student's code gave a value that cannot cross."""


class Asking(ExaminerCodec):
    """The examiner's end of the channel: asks the room, and answers its calls meanwhile."""

    def __init__(self, channel: socket.socket, names: dict[str, Any]) -> None:
        super().__init__(frozenset(names["operators"]), frozenset(names["shared_classes"]))
        self.channel = channel
        self.deadline: float | None = None
        self.gone = ""
        self.student_names = frozenset(names["student"])
        self.agreed: dict[str, Any] = {}
        self.seeds: list[tuple[str, Any]] = []
        self.before_asking: Callable[[], None] = lambda: None
        self.write: Callable[[str, str], None] = lambda stream, text: None
        self._reached: set[int] = set()
        self._prune_at = PRUNE_AT

    # -- asking ------------------------------------------------------------------------------

    def request(self, operation: str, *operands: Any) -> Any:
        """Ask the room; raise what the student's code raised.

        Raises:
            RoomGone: There is no room to ask, or it broke the protocol.
            AuthorError: An operand cannot cross.
        """
        if self.gone:
            raise RoomGone(self.gone)
        outer, self.live = self.live, set()
        # Not to be guessed, so that an answer can be no older than its request.
        serial = secrets.randbits(62)
        try:
            try:
                message = self.encode((serial, self._sync(), operation, operands))
            except CannotCross as error:
                raise AuthorError(f"{error} cannot cross to the student's code") from None
            self.before_asking()
            return self._converse(serial, message)
        finally:
            self.live = outer

    def _converse(self, serial: int, message: bytearray) -> Any:
        """Send a request and serve the room's calls until the answer comes."""
        while True:
            try:
                protocol.send(self.channel, message, self.deadline)
                kind, value, shown, printed, _changed = self._receive(serial)
                self._reached |= self.held_keys()
            except protocol.DeadlinePassed:
                self.gone = "limit"
            except protocol.ChannelClosed:
                self.gone = "dead"
            except BadMessage:
                self.gone = "protocol"
            if self.gone:
                raise RoomGone(self.gone)
            self._print(printed)
            if kind == "value":
                return value
            if kind == "error":
                raise self._as_students(value, shown)
            if kind == "uncrossable":
                raise _Unusable(f"your code gave {shown}, which a check cannot use")
            live = self.live
            message = self._called_back(serial, value)
            self.live |= live

    def _receive(self, serial: int) -> tuple[Any, ...]:
        """The room's next message, its form checked."""
        answer = self.decode(protocol.receive(self.channel, self.deadline))
        if type(answer) is not tuple or len(answer) != 6:
            raise BadMessage("an answer without its parts")
        number, kind, value, shown, printed, _changed = answer
        if type(number) is not int or number != serial:
            raise BadMessage("an answer to another request")
        if kind not in ("value", "error", "back", "uncrossable") or type(shown) is not str:
            raise BadMessage("an answer of no known kind")
        if kind == "error" and not isinstance(value, BaseException):
            raise BadMessage("an error that is none")
        if kind == "back" and type(value) is not tuple:
            raise BadMessage("a call of nothing")
        if type(printed) is not tuple or not all(
            type(item) is tuple
            and len(item) >= 2
            and item[0] in ("stdout", "stderr", "warning")
            and type(item[1]) is str
            and (item[0] != "warning" or len(item) == 4)
            for item in printed
        ):
            raise BadMessage("a text that is none")
        return answer[1:]

    def is_quiet(self) -> bool:
        """Whether the room has sent nothing that it was not asked for."""
        try:
            return protocol.is_quiet(self.channel)
        except protocol.ChannelClosed:  # who asks it next will see
            return True

    def names(self, wanted: Collection[str]) -> dict[str, Any]:
        """The student's things of these names, as far as there are any.

        Raises:
            RoomGone: There is no room to ask, or it broke the protocol.
        """
        answer = self.request("names", tuple(sorted(wanted)))
        if type(answer) is tuple and all(
            type(item) is tuple and len(item) == 2 and type(item[0]) is str and item[0] in wanted
            for item in answer
        ):
            return dict(answer)
        self.gone = "protocol"
        raise RoomGone(self.gone)

    def _as_students(self, error: BaseException, shown: Any) -> BaseException:
        error.__dict__["_autograder_from_student"] = True
        error.__dict__["_autograder_shown"] = shown[:20_000] if type(shown) is str else ""
        return error

    def _print(self, printed: tuple[Any, ...]) -> None:
        for stream, text, *more in printed:
            if stream == "warning":
                _warn(text, *more)
            else:
                self.write(stream, text)

    def _sync(self) -> tuple[Any, ...]:
        """What the test did to the student's names and objects since the last request."""
        changed = tuple(self.entries[key].thing for key in self.students_changed())
        self._reached = set()
        forgotten = self._prune() if len(self.entries) > self._prune_at else ()
        bound, deleted = self.pending_names()
        for name in deleted:
            del self.agreed[name]
        self.agreed.update(bound)
        released, self.released = tuple(self.released), []
        seeds, self.seeds = tuple(self.seeds), []
        news = (changed, tuple(bound.items()), tuple(deleted), forgotten, released, seeds)
        return news if any(news) else ()

    def students_changed(self) -> list[int]:
        """The student's mirrored objects that the test has changed since both sides last agreed.

        What only the table held when the room last spoke, no code of the test has had since.
        """
        return self.changed_keys(key for key in sorted(self._reached) if key > 0)

    def pending_names(self) -> tuple[dict[str, Any], list[str]]:
        """Student's names that the test bound anew, and those that it deleted."""
        namespace = self.namespace
        bound = {
            name: namespace[name]
            for name in self.student_names
            if name in namespace
            and (name not in self.agreed or self.agreed[name] is not namespace[name])
        }
        deleted = [name for name in self.agreed if name not in namespace]
        return bound, deleted

    def flush(self) -> None:
        """Send along what is pending, so that the room's next cell sees it."""
        bound, deleted = self.pending_names()
        if bound or deleted or self.seeds or self.students_changed():
            self.request("names", ())

    def _prune(self) -> tuple[int, ...]:
        """Forget mirrored objects that only this table still holds."""
        forgotten: list[int] = []
        while unused := sorted(self.entries.keys() - self.held_keys()):
            self.forget(unused)
            forgotten += unused  # and what was in them may be unused only now
        self._prune_at = max(PRUNE_AT, 2 * len(self.entries))
        return tuple(forgotten)

    # -- being called back -------------------------------------------------------------------

    def _called_back(self, serial: int, what: Any) -> bytearray:
        """Do what the student's code asks of a test's object; the answer as a message."""
        try:
            answer = ("returned", self._do(what))
        except RoomGone:
            raise
        except Exception as error:
            answer = ("raised", error if _plain_error(error) else RuntimeError("the test failed"))
        operation, operand = answer
        try:
            return self.encode((serial, self._sync(), operation, (operand,)))
        except CannotCross as error:
            raise AuthorError(f"{error} cannot cross to the student's code") from None

    def _do(self, what: Any) -> Any:
        if len(what) == 2 and what[0] == "input" and type(what[1]) is str:
            return self._input(what[1])
        kind, number, name, *rest = what
        if type(number) is not int or not 0 <= number < len(self.exported):
            raise AttributeError("no such object of the test")
        target = self.exported[number]
        offered = handles._offered(target) or ()
        if kind == "op" and name in offered and len(rest) == 2:
            return operators.FUNCTIONS[name](target, *rest[0], **dict(rest[1]))
        if kind == "getattr" and handles.offers(target, name):
            return getattr(target, name)
        if kind == "setattr" and handles.offers(target, name):
            return setattr(target, name, rest[0])
        raise AttributeError(str(name)[:100])

    def _input(self, prompt: str) -> str:
        ask = self.namespace.get("input", builtins.input)
        return str(ask(prompt))


def _warn(text: str, category: Any, line: Any) -> None:
    """Warn as the student's code did; the test's filters apply."""
    if not isinstance(category, type) or not issubclass(category, Warning):
        category = UserWarning
    where = line if type(line) is int and 0 <= line < 10**6 else 0
    warnings.warn_explicit(text, category, "<student>", where, registry={})


def _plain_error(error: Exception) -> bool:
    return type(error) in handles.TYPES and not isinstance(error, AuthorError)


def _no_input(prompt: Any = "") -> str:
    if sys.stdin is not None and type(sys.stdin) is io.StringIO:
        line = sys.stdin.readline()
        if line:
            return line.rstrip("\n")
    raise EOFError("input() gets no answer while a notebook is graded")


class _Printed(io.TextIOBase):
    """The examiner's standard output: keeps what a student may see."""

    def __init__(self, examiner: _Examiner, stream: str) -> None:
        self.examiner = examiner
        self.stream = stream

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.examiner.keep(self.stream, str(text))
        return len(text)


class _Shell:
    """What `get_ipython()` gives a test cell: magics that make sense here, and the room's shell."""

    def __init__(self, examiner: _Examiner) -> None:
        self._examiner = examiner
        self.user_ns = examiner.namespace

    def system(self, command: str) -> None:
        self._examiner.asking.request("system", command)

    def getoutput(self, command: str) -> Any:
        return self._examiner.asking.request("getoutput", command)

    def run_line_magic(self, name: str, line: str, _stack_depth: int = 1) -> Any:
        if name in ("matplotlib", "config", "load_ext", "autoreload", "precision"):
            return None
        if name in ("time", "timeit"):
            return self._examiner.run_inner(line)
        raise AuthorError(f"a test cell cannot use the magic %{name}")

    def run_cell_magic(self, name: str, line: str, cell: str) -> Any:
        if name in ("time", "timeit"):
            return self._examiner.run_inner(cell)
        if name == "capture":
            with contextlib.redirect_stdout(io.StringIO()):
                return self._examiner.run_inner(cell)
        raise AuthorError(f"a test cell cannot use the magic %%{name}")

    def __getattr__(self, name: str) -> Any:
        raise AuthorError(f"a test cell cannot use get_ipython().{name}")


class _Examiner:
    """Runs definitions and test cells of one submission in one namespace."""

    def __init__(self, channel: socket.socket, names: dict[str, Any]) -> None:
        self.module = types.ModuleType("__main__")
        self.namespace: dict[str, Any] = self.module.__dict__
        self.asking = Asking(channel, names)
        self.asking.namespace = self.namespace
        self.asking.write = self.write_from_room
        self.asking.before_asking = self.note_hidden
        ExaminerCodec.current = self.asking
        self.own: set[str] = set()
        self.kept: list[dict[str, Any]] = []
        self.left = 0
        self.filename = ""
        self.hidden: dict[str, set[int]] = {}
        self.broken: dict[str, str] = {}
        self.tainted = False
        self.withheld = False
        self.sentences: set[str] = set()
        self.line_is_open = False
        self._prepare()

    def _prepare(self) -> None:
        sys.modules["__main__"] = self.module
        # A copy, so that what is put in its place here changes test cells alone.
        self.builtins = dict(vars(builtins))
        self.namespace["__builtins__"] = self.builtins
        self.namespace["get_ipython"] = lambda: _Shell(self)
        self.own.add("get_ipython")
        builtins.input = _no_input
        sys.stdin = None
        self._watch_seeds()
        self._watch_imports()
        self._watch_inspection()

    def _watch_seeds(self) -> None:
        """Seeding acts in both rooms."""
        for name, module in (("random", random), ("numpy", np.random)):
            original = module.seed

            def seed(
                value: Any = None, *more: Any, _name: str = name, _original: Any = original
            ) -> None:
                _original(value, *more)
                if value is None or isinstance(value, int | float | str | bytes):
                    self.asking.seeds.append((_name, value))

            module.seed = seed  # type: ignore[attr-defined]

    def _watch_imports(self) -> None:
        """`matplotlib` is the room's when a test cell imports it: its state is the answer."""
        original = builtins.__import__

        def import_(
            name: str, scope: Any = None, inner: Any = None, fromlist: Any = (), level: int = 0
        ) -> Any:
            if scope is self.namespace and name.partition(".")[0] in ("matplotlib", "pylab"):
                chosen = name if fromlist else name.partition(".")[0]
                if fromlist:
                    self._import_submodules(name, fromlist)
                else:
                    self.asking.request("module", name)
                return self.asking.request("module", chosen)
            return original(name, scope, inner, fromlist, level)

        self.builtins["__import__"] = import_

    def _import_submodules(self, name: str, fromlist: Any) -> None:
        if name == "matplotlib" and "pyplot" in fromlist:
            self.asking.request("module", "matplotlib.pyplot")

    def _watch_inspection(self) -> None:
        """`inspect` and `vars` ask the room about a student's object."""
        ask = self.asking.request

        def asking(original: Any, operation: str, after: Callable[[Any], Any]) -> Any:
            def ask_or_do(*args: Any, **kwargs: Any) -> Any:
                if args and handles.is_handle(args[0]):
                    return after(ask(operation, args[0]))
                if not args and operation == "vars":
                    return self.namespace
                if not args and operation == "dir":
                    return sorted(self.namespace)
                return original(*args, **kwargs)

            return ask_or_do

        self.builtins["vars"] = asking(vars, "vars", dict)
        self.builtins["dir"] = asking(dir, "dir", list)
        inspect.signature = asking(inspect.signature, "signature", handles.signature_from)
        inspect.getsource = asking(inspect.getsource, "source", str)
        asyncio.run = asking(asyncio.run, "await", lambda value: value)

    # -- what a student may see ---------------------------------------------------------------

    def write_from_room(self, stream: str, text: str) -> None:
        """Pass on what the student's code printed; a test may have redirected it."""
        target = sys.stdout if stream == "stdout" else sys.stderr
        if isinstance(target, _Printed) and self.tainted:
            # It may hold what a hidden test gave away before.
            self.withheld |= not self.in_hidden()
        else:
            target.write(text)

    def note_hidden(self) -> None:
        """From the first request of a hidden test on, the room may know what it holds."""
        if not self.tainted and any(self.hidden.values()) and self.in_hidden():
            self.tainted = True

    def keep(self, stream: str, text: str) -> None:
        """Keep printed text, unless a hidden test printed it."""
        if self.in_hidden():
            return
        if self.tainted and not self.is_the_authors(text):
            self.withheld = True
            return
        text = text[: self.left]
        if not text:
            return
        self.left -= len(text)
        if self.kept and self.kept[-1].get("name") == stream:
            self.kept[-1]["text"] += text
        else:
            self.kept.append({"output_type": "stream", "name": stream, "text": text})

    def is_the_authors(self, text: str) -> bool:
        """Whether the text stands in the released part of the test cell, as it is.

        The student's code cannot have chosen it then. Each counts once: how often it is printed
        could tell something.
        """
        if text == "\n" and self.line_is_open:
            self.line_is_open = False
            return True
        if text not in self.sentences:
            return False
        self.sentences.remove(text)
        self.line_is_open = True
        return True

    def in_hidden(self) -> bool:
        """Whether a hidden test, or a helper that one defines, is running now."""
        frame: Any = sys._getframe()
        while frame is not None:
            if frame.f_lineno in self.hidden.get(frame.f_code.co_filename, ()):
                return True
            frame = frame.f_back
        return False

    # -- running ------------------------------------------------------------------------------

    def define(self, given: dict[str, Any], room_did: bool) -> None:
        """Run what the source gives to both sides, statement by statement.

        Args:
            given: Imports, definitions and seedings of one cell (`prepared_definitions`).
            room_did: Whether the cell ran in the room without an error. If it did and a statement
                fails here, a test that needs what it binds is the author's to mend.
        """
        self.fetch(set(given["names"]))
        for packed, names in given["parts"]:
            known = set(self.namespace)
            try:
                exec(unpacked(packed), self.namespace)
            except Exception as error:
                if room_did:
                    self.broken |= dict.fromkeys(names, _one_line(error))
            self.own |= (set(names) & set(self.namespace)) | (set(self.namespace) - known)

    def fetch(self, names: set[str]) -> None:
        """Bring the student's things of these names up to date."""
        wanted = set()
        student = self.asking.student_names
        for name in names:
            if name in self.own or name in self.broken:
                continue
            if name in BUILTINS and name not in student:
                continue
            if name in self.namespace and name not in student and name not in self.asking.agreed:
                continue  # an earlier test made it
            wanted.add(name)
        if not wanted:
            return
        answer = self.asking.names(wanted)
        for name in wanted:
            self.namespace.pop(name, None)
            self.asking.agreed.pop(name, None)
        self.namespace.update(answer)
        self.asking.agreed.update(answer)

    def names_needed(self, mentioned: Iterable[str]) -> set[str]:
        """Names that a cell mentions, itself or by the examiner's own functions."""
        names = set(mentioned)
        if names & {"eval", "exec", "globals", "locals", "vars", "dir", "__main__"}:
            names |= self.asking.student_names
        seen: set[int] = set()
        todo = list(names)
        while todo:
            value = self.namespace.get(todo.pop())
            for code in _codes(value):
                if id(code) in seen:
                    continue
                seen.add(id(code))
                new = set(_code_names(code)) - names
                names |= new
                todo += new
        return names

    def run_inner(self, text: str) -> None:
        """Run the body of a magic such as %%time."""
        tree = parse_cell(text)
        self.fetch(self.names_needed(mentioned_names(tree)))
        exec(compile(tree, self.filename, "exec"), self.namespace)

    def test(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run one test cell and give the verdict."""
        self.kept, self.left = [], request["output_bytes"]
        prepared = request["test"]
        self.filename = prepared["filename"]
        self.hidden[self.filename] = set(prepared["hidden"])
        self.sentences = set(prepared["sentences"])
        self.withheld = self.line_is_open = False
        asking = self.asking
        asking.deadline = time.monotonic() + request["wall_s"]
        asking.author_error = ""
        if not asking.is_quiet():
            return {"state": "stray"}
        out, err = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Printed(self, "stdout"), _Printed(self, "stderr")
        value: Any = None
        caught: BaseException | None = None
        try:
            value = self._execute(prepared)
            asking.flush()
        except BaseException as error:
            caught = error
        finally:
            sys.stdout, sys.stderr = out, err
        if not asking.gone and not asking.is_quiet():
            asking.gone = "protocol"
        verdict = self._verdict(request, value, caught)
        return verdict | {"tainted": self.tainted, "withheld": self.withheld}

    def _execute(self, prepared: dict[str, Any]) -> Any:
        if prepared["refused"]:
            raise AuthorError(prepared["refused"])
        needed = self.names_needed(prepared["names"])
        self.fetch(needed)
        for name in needed & set(self.broken) - set(self.namespace):
            raise AuthorError(f"{name} cannot be had by the examiner: {self.broken[name]}")
        exec(unpacked(prepared["code"]), self.namespace)
        return eval(unpacked(prepared["last"]), self.namespace) if prepared["last"] else None

    def _verdict(
        self, request: dict[str, Any], value: Any, caught: BaseException | None
    ) -> dict[str, Any]:
        points = float(request["points"])
        asking = self.asking
        outputs = list(self.kept)
        if asking.author_error:
            return {"state": "author error", "message": asking.author_error, "outputs": outputs,
                    "score": None}  # fmt: skip
        if asking.gone:
            return {"state": asking.gone, "message": "", "outputs": outputs, "score": 0.0}
        if caught is not None:
            message, student_text = self._explain(caught)
            outputs.append(
                {
                    "output_type": "error",
                    "ename": _standard_name(caught),
                    "evalue": message,
                    "traceback": [student_text or message],
                }
            )
            line = " ".join(message.split())
            return {"state": "failed", "message": line, "outputs": outputs, "score": 0.0}
        score = partial_score(value, points)
        if value is not None and is_number(value):
            outputs.append(
                {
                    "output_type": "execute_result",
                    "execution_count": None,
                    "data": {"text/plain": repr(value)},
                    "metadata": {},
                }
            )
        state = "ok" if score >= points else "failed"
        message = "" if state == "ok" else f"{score:g} of {points:g} points"
        return {"state": state, "message": message, "outputs": outputs, "score": score}

    def _explain(self, error: BaseException) -> tuple[str, str]:
        """A line for the student, and the student's own part of the traceback.

        In a hidden test, and in a room that has seen one, nothing is said that the student's code
        chose: it could be what the hidden test gave it.
        """
        hidden = _came_through(error, self.hidden)
        from_student = "_autograder_from_student" in getattr(error, "__dict__", {})
        if from_student and (hidden or self.tainted):
            self.withheld |= not hidden
            where = " in a hidden check" if hidden else ""
            return f"Your code raised {_standard_name(error)}{where}.", ""
        if from_student:
            return f"Your code raised {_one_line(error)}", error.__dict__["_autograder_shown"]
        if isinstance(error, AssertionError) and _raised_by_test(error, self.filename):
            text = str(error)
            return text[:MESSAGE] if text else "A check did not hold.", ""
        if hidden:
            return "A hidden check did not hold.", ""
        if self.tainted:
            self.withheld = True
            return "A check did not hold.", ""
        if isinstance(error, AssertionError):
            return str(error).strip()[:MESSAGE] or "A check did not hold.", ""
        return f"The check met {_one_line(error)}", ""


def _one_line(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = ""
    name = type(error).__name__
    return (f"{name}: {text}" if text else name)[:MESSAGE]


def _standard_name(error: BaseException) -> str:
    return next(c.__name__ for c in type(error).__mro__ if c.__module__ == "builtins")


def _came_through(error: BaseException, hidden: dict[str, set[int]]) -> bool:
    """Whether the error came up in, or below, a hidden line of a test cell."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_lineno in hidden.get(trace.tb_frame.f_code.co_filename, ()):
            return True
        trace = trace.tb_next
    return False


def _raised_by_test(error: BaseException, filename: str) -> bool:
    """Whether the author's own `assert` or `raise` made it, so that the text is the author's."""
    trace = error.__traceback__
    last = None
    while trace is not None:
        last = trace.tb_frame.f_code.co_filename
        trace = trace.tb_next
    return last == filename or (last or "").startswith(("<given>", "<test "))


def is_number(value: Any) -> bool:
    """Whether a test cell's last value says how many points were earned."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def partial_score(value: Any, points: float) -> float:
    """What a test cell that ran to its end earned, by its last value.

    A number is the score, as in nbgrader, kept between 0 and the cell's points. `False` is a check
    that did not hold, and earns nothing. Anything else, and no value, is full marks.
    """
    if isinstance(value, bool | np.bool_):
        return points if value else 0.0
    if not is_number(value):
        return points
    number = float(np.real(value))
    return min(number, points) if number > 0 else 0.0


def _codes(value: Any) -> list[types.CodeType]:
    if type(value) is types.FunctionType:
        return [value.__code__]
    if type(value) is type and value.__module__ == "__main__":
        return [v.__code__ for v in vars(value).values() if type(v) is types.FunctionType]
    return []


def _code_names(code: types.CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _code_names(constant)
    return names


def serve(control: socket.socket, channel: socket.socket) -> None:
    """Serve the grader until it hangs up: definitions and test cells, one verdict each."""
    examiner: _Examiner | None = None
    while True:
        try:
            request = json.loads(protocol.receive(control))
        except protocol.ChannelClosed:
            return
        answer: dict[str, Any] = {}
        if request["op"] == "names":
            random.seed(request["seed"])
            np.random.seed(request["seed"])
            examiner = _Examiner(channel, request["names"])
            sys.path.append("/source")
        elif examiner is not None and request["op"] == "define":
            examiner.asking.deadline = time.monotonic() + request["wall_s"]
            with contextlib.suppress(RoomGone):  # the next step will find the room gone
                examiner.define(request["given"], request["room_did"])
        elif examiner is not None:
            answer = examiner.test(request)
        protocol.send(control, json.dumps(answer).encode())
