"""Conducts one submission: each step to the room or to the examiner, in order, within the limits.

What the room says decides nothing but what is shown. Scores come from the examiner's own socket.
"""

from __future__ import annotations

import hashlib
import json
import socket
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from autograder.cells import Limits, Outcome, Place, Step
from autograder.examiner import protocol
from autograder.examiner.names import SourceNames, hidden_lines, parse_cell
from autograder.examiner.preparing import prepared_definitions, prepared_test
from autograder.sandbox.client import Pair, Zygote
from autograder.text import parse_json

GRACE_S = 2.0
# Room for the JSON around a cell's capped outputs.
OVERHEAD_BYTES = 64 * 1024

_LIMIT = "This cell met the limit of {limit:g} s of time"
_DEAD = "This cell ended the notebook's process"
_FORGED = "This cell's process did not answer as a notebook does"


class _Stopped(Exception):
    """The pair cannot go on: `state` and `message` say why.

    Attributes:
        step: Which step is to blame; None for the one that was running.
    """

    def __init__(self, state: str, message: str, step: int | None = None) -> None:
        super().__init__(message)
        self.state = state
        self.message = message
        self.step = step


def run_steps(
    zygote: Zygote,
    steps: Sequence[Step],
    *,
    folder: Path,
    source_folder: Path,
    names: SourceNames,
    limits: Limits | None = None,
) -> list[Outcome]:
    """Run one submission's steps and return one outcome for each, in the same order.

    A step that ends the room costs itself: a new room and a new examiner run the others again.

    Args:
        zygote: The warm process to fork from.
        steps: The code cells in the order of the source.
        folder: The submission's other files; copied into the room, never written to.
        source_folder: Helper modules and data for the examiner alone.
        names: What the source binds.
        limits: What the submission may use.

    Raises:
        ZygoteDied: The warm process ended; nothing is known, and it may be tried again.
    """
    limits = limits or Limits()
    end = time.monotonic() + limits.total_wall_s
    fatal: dict[int, Outcome] = {}

    def attempt(chosen: Sequence[Step]) -> _Run:
        while True:
            with closing(zygote.open_pair(folder, source_folder, limits)) as pair:
                run = _Run(pair, chosen, names, limits, end, fatal)
                run.seed = _seed(steps)
                run.one_room = "examiner" not in zygote.layers
                run.run()
            if not run.stopped or time.monotonic() >= end:
                return run

    run = attempt(steps)
    if run.must_show_again():
        _show_again(run, attempt([_without_hidden(step) for step in steps]))
    return run.outcomes


def _show_again(run: _Run, shown: _Run) -> None:
    """Take what is shown from a room that no hidden test has spoken to; scores stay."""
    for number, (scored, other) in enumerate(zip(run.outcomes, shown.outcomes, strict=True)):
        if number < run.tainted_from or scored is other:
            continue
        if run.steps[number].place is Place.ROOM:
            scored.outputs, scored.message = other.outputs, other.message
        elif number in run.withheld:
            if other.state == "failed" and scored.state == "failed":
                scored.outputs, scored.message = other.outputs, other.message
            else:
                own = [output for output in scored.outputs if output["output_type"] != "stream"]
                scored.outputs = [o for o in other.outputs if o["output_type"] == "stream"] + own


def _without_hidden(step: Step) -> Step:
    """A test step with its hidden tests cut out, as in the released notebook."""
    if step.place is Place.ROOM:
        return step
    hidden = hidden_lines(step.source)
    lines = enumerate(step.source.splitlines(), 1)
    source = "\n".join(line for number, line in lines if number not in hidden)
    try:
        parse_cell(source)
    except SyntaxError:
        source = ""
    return replace(step, source=source)


def _seed(steps: Sequence[Step]) -> int:
    """A seed for the examiner: the same each time, and unknown to who has not seen the tests."""
    text = "\0".join(step.source for step in steps if step.place is Place.EXAMINER)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")


def _not_run(step: Step) -> Outcome:
    score = 0.0 if step.place is Place.EXAMINER else None
    return Outcome(step.cell_id, "not run", [], "Not run: the submission's time was up.", score)


class _Run:
    """One pass over the steps with one room and one examiner."""

    def __init__(
        self,
        pair: Pair,
        steps: Sequence[Step],
        names: SourceNames,
        limits: Limits,
        end: float,
        fatal: dict[int, Outcome],
    ) -> None:
        self.pair = pair
        self.steps = steps
        self.names = names
        self.limits = limits
        self.end = end
        self.fatal = fatal
        self.outcomes: list[Outcome] = []
        self.stopped = False
        self.one_room = False
        self.seed = 0
        self.tainted_from = len(steps)
        self.withheld: set[int] = set()

    def must_show_again(self) -> bool:
        """Whether something worth showing came from a room that had seen a hidden test."""
        later = range(self.tainted_from + 1, len(self.outcomes))
        return bool(self.withheld) or any(
            self.outcomes[number].outputs
            for number in later
            if self.steps[number].place is Place.ROOM and number not in self.fatal
        )

    def run(self) -> None:
        """Fill `outcomes`; stop at a step that ends the room, and note it as fatal."""
        self.ask_examiner({"op": "names", "names": _plain(self.names), "seed": self.seed})
        for number, step in enumerate(self.steps):
            if number in self.fatal:
                self.outcomes.append(self.fatal[number])
                continue
            if time.monotonic() >= self.end:
                self.outcomes += [_not_run(left) for left in self.steps[number:]]
                return
            try:
                if step.place is Place.ROOM:
                    self.outcomes.append(self.run_cell(step))
                    self.define(step, self.outcomes[-1].state == "ok")
                elif self.one_room:
                    self.outcomes.append(self.run_test_in_the_room(step))
                else:
                    self.outcomes.append(self.run_test(number, step))
            except _Stopped as stop:
                self.stop(number if stop.step is None else stop.step, stop)
                return

    def stop(self, number: int, why: _Stopped) -> None:
        """Note the step as one that ended the room; it is left out of the next run."""
        step = self.steps[number]
        self.fatal[number] = Outcome(
            step.cell_id,
            why.state,  # type: ignore[arg-type]
            [_error(why.state, why.message)],
            why.message,
            0.0 if step.place is Place.EXAMINER else None,
        )
        self.outcomes = [*self.outcomes[:number], self.fatal[number]]
        self.outcomes += [_not_run(left) for left in self.steps[number + 1 :]]
        self.stopped = True

    def to_blame(self, number: int) -> int:
        """Whose doing it is that the room spoke unasked before this step: the last test's before
        it, since a test runs what the cells only define; else the last cell's.
        """
        before = [n for n in range(number) if n not in self.fatal]
        tests = [n for n in before if self.steps[n].place is Place.EXAMINER]
        return (tests or before or [number])[-1]

    def run_cell(self, step: Step) -> Outcome:
        """Run one cell in the room."""
        request = {
            "op": "cell",
            "source": step.source,
            "output_bytes": self.limits.output_bytes,
            "shared": sorted(self.names.shared_classes),
        }
        wall = self.wall_s()
        most = 8 * self.limits.output_bytes + OVERHEAD_BYTES
        answer = self.converse(self.pair.room, request, wall, most)
        outputs = clean_outputs(answer.get("outputs"), self.limits.output_bytes)
        failed = answer.get("failed") is not False
        message = ""
        if failed:
            shown = [o for o in outputs if o["output_type"] == "error"]
            message = f"{shown[-1]['ename']}: {shown[-1]['evalue']}"[:500] if shown else "Error"
        return Outcome(step.cell_id, "error" if failed else "ok", outputs, message)

    def define(self, step: Step, room_did: bool) -> None:
        """Let the examiner run what the source gives to both sides in this cell."""
        text = self.names.definitions.get(step.cell_id)
        if text:
            given = prepared_definitions(text)
            request = {"op": "define", "given": given, "room_did": room_did}
            self.ask_examiner(request | {"wall_s": self.wall_s()})

    def run_test(self, number: int, step: Step) -> Outcome:
        """Run one test cell in the examiner."""
        wall = self.wall_s()
        answer = self.ask_examiner(
            {
                "op": "test",
                "test": prepared_test(step.source, f"<test {number}>", self.names.student),
                "points": step.points,
                "wall_s": wall,
                "output_bytes": self.limits.output_bytes,
            },
            wall,
        )
        state = answer["state"]
        if state == "stray":
            raise _Stopped("dead", f"{_FORGED}.", self.to_blame(number))
        if state == "limit":
            raise _Stopped("limit", f"{_LIMIT.format(limit=wall)}.")
        if state == "protocol":
            raise _Stopped("dead", f"{_FORGED}.")
        if state == "dead":
            raise self.explain_death()
        try:
            if not protocol.is_quiet(self.pair.room):
                raise _Stopped("dead", f"{_FORGED}.")
        except protocol.ChannelClosed:
            raise self.explain_death() from None
        # Code that has answered and goes on spends this cell's time, not the next one's.
        self.converse(self.pair.room, {"op": "idle"}, wall, OVERHEAD_BYTES)
        if answer["tainted"]:
            self.tainted_from = min(self.tainted_from, number)
        if answer["withheld"]:
            self.withheld.add(number)
        return Outcome(step.cell_id, state, answer["outputs"], answer["message"], answer["score"])

    def run_test_in_the_room(self, step: Step) -> Outcome:
        """As stock nbgrader does it; only for measuring what the examiner keeps out."""
        outcome = self.run_cell(step)
        outcome.score = step.points if outcome.state == "ok" else 0.0
        return outcome

    def wall_s(self) -> float:
        """Seconds that the next cell has."""
        return max(0.1, min(self.limits.cell_wall_s, self.end - time.monotonic()))

    def ask_examiner(self, request: dict[str, Any], wall: float | None = None) -> dict[str, Any]:
        """Ask the examiner, who is trusted but may be kept busy."""
        wall = self.limits.cell_wall_s if wall is None else wall
        try:
            return self.converse(self.pair.examiner, request, wall + GRACE_S, protocol.MOST_BYTES)
        except _Stopped as stop:
            if stop.state == "dead" and not self.pair.wait_for_room():
                message = "The test of this cell ended before it had a verdict."
                raise _Stopped("dead", message) from None
            raise

    def converse(
        self, end: socket.socket, request: dict[str, Any], wall: float, most: int
    ) -> dict[str, Any]:
        """Send one request and wait for its answer.

        Raises:
            _Stopped: None came in time, or none will come, or it is none.
        """
        deadline = time.monotonic() + wall
        try:
            protocol.send(end, json.dumps(request).encode(), deadline)
            said = protocol.receive(end, deadline, most, self.pair.watch_memory)
            answer = parse_json(said.decode("utf-8", "replace"))
        except protocol.DeadlinePassed:
            raise _Stopped("limit", f"{_LIMIT.format(limit=wall)}.") from None
        except protocol.ChannelClosed:
            raise self.explain_death() from None
        except (ValueError, RecursionError, protocol.BadMessage):
            raise _Stopped("limit", "This cell met the limit of output.") from None
        if not isinstance(answer, dict):
            raise _Stopped("dead", f"{_DEAD}.")
        return answer

    def explain_death(self) -> _Stopped:
        """Say as far as it can be known why the room ended."""
        ended_itself = self.pair.wait_for_room(GRACE_S)
        code, _ = self.pair.close()
        if not ended_itself:
            return _Stopped("dead", f"{_DEAD}: it closed its connection to the grader.")
        if code == -9:
            return _Stopped("limit", f"{_DEAD}: it met the limit of memory or of CPU time.")
        if code < 0:
            return _Stopped("dead", f"{_DEAD} by signal {-code}.")
        return _Stopped("dead", f"{_DEAD}.")


def _plain(names: SourceNames) -> dict[str, Any]:
    return {
        "student": sorted(names.student),
        "shared_classes": sorted(names.shared_classes),
        "operators": sorted(names.operators),
    }


def _error(state: str, message: str) -> dict[str, Any]:
    return {
        "output_type": "error",
        "ename": state.capitalize(),
        "evalue": message,
        "traceback": [message],
    }


_TEXT_TYPES = ("stream", "display_data", "execute_result", "error")


def clean_outputs(outputs: Any, most_bytes: int) -> list[dict[str, Any]]:
    """Of what a room calls outputs, those that are nbformat's, rebuilt field by field."""
    cleaned: list[dict[str, Any]] = []
    left = 2 * most_bytes
    for output in outputs[:1000] if isinstance(outputs, list) else []:
        made = _clean_output(output) if isinstance(output, dict) else None
        if made is None:
            continue
        left -= len(json.dumps(made))
        if left < 0:
            break
        cleaned.append(made)
    return cleaned


def _clean_output(output: dict[str, Any]) -> dict[str, Any] | None:
    kind = output.get("output_type")
    if kind == "stream" and output.get("name") in ("stdout", "stderr"):
        return {"output_type": kind, "name": output["name"], "text": str(output.get("text", ""))}
    if kind in ("display_data", "execute_result"):
        data = output.get("data")
        made = {
            "output_type": kind,
            "data": {
                str(mime): value
                for mime, value in (data.items() if isinstance(data, dict) else ())
                if isinstance(value, str) or str(mime).endswith("json")
            },
            "metadata": {},
        }
        if kind == "execute_result":
            count = output.get("execution_count")
            made["execution_count"] = count if type(count) is int and count >= 0 else None
        return made
    if kind == "error":
        lines = output.get("traceback")
        return {
            "output_type": kind,
            "ename": str(output.get("ename", ""))[:200],
            "evalue": str(output.get("evalue", ""))[:20_000],
            "traceback": [str(line) for line in lines] if isinstance(lines, list) else [],
        }
    return None
