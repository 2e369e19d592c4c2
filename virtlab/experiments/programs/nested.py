"""A PID namespace in a PID namespace. Run as `python -I -S nested.py`, never imported.

A process on the host makes a box; in the box, a process makes an inner box. Prints one JSON object:
{"processes": [{"name": …, "lives_in": …, "nspid": [host's number, …]}, …], "seen": {"host": {name:
number}, "box": …, "inner": …}, "reach": {"into the box": …, "out of the box": …}}, where reach says
whether a signal found its target.
"""

import json
import os
import select
import sys
from collections.abc import Callable, Container
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3]))

from virtlab.container import walls

OURS = ("outside", "box-first", "box-worker", "box-gate", "inner-first", "inner-worker")
PATIENCE_S = 10.0
HOMES = {"outside": "host", "box": "box", "inner": "inner"}


class House:
    """What all processes of the house share: a word to stay, and a pipe for reports."""

    def __init__(self) -> None:
        self.stay, self._leave = os.pipe()
        self.reports, self.report = os.pipe()
        self.ready, self.tell_ready = os.pipe()

    def fork(self, name: str, live: Callable[[], None]) -> int:
        """Fork a process that lives until the house is left; return when it has its own name."""
        named, name_it = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                if self._leave >= 0:
                    os.close(self._leave)
                    self._leave = -1
                Path("/proc/self/comm").write_text(name)
                os.close(name_it)
                live()
                os.read(self.stay, 1)  # nothing ever comes: it ends when the last writer is gone
            except OSError as error:
                self.say({"error": str(error)})
            finally:
                while True:
                    try:
                        os.wait()
                    except ChildProcessError:
                        os._exit(0)
        os.close(name_it)
        os.read(named, 1)  # nothing comes: the child has closed its end, or is gone
        os.close(named)
        return pid

    def say(self, what: dict[str, object]) -> None:
        """Report a line; short enough to be written whole."""
        os.write(self.report, (json.dumps(what) + "\n").encode())

    def leave(self) -> None:
        """Let everybody go."""
        os.close(self._leave)


def listing(family: Container[int] | None = None) -> dict[str, int]:
    """The processes of ours that /proc lists here, by name, under the number they have here.

    A host may have another house like this: there `family` are the numbers of ours.
    """
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                name = (entry / "comm").read_text().strip()
            except OSError:
                continue
            if name in OURS and (family is None or int(entry.name) in family):
                found[name] = int(entry.name)
    return found


def numbers(pid: int) -> list[int]:
    """What the line NSpid says: the process's number in each namespace, the outermost first."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("NSpid:"):
            return [int(word) for word in line.split()[1:]]
    raise OSError("this kernel does not tell NSpid")


def main() -> None:
    """Build the house, look from each floor, and print what was seen."""
    house = House()
    host_number_of_outside = os.getpid()  # replaced below, by the process itself

    def outside() -> None:
        nonlocal host_number_of_outside
        host_number_of_outside = os.getpid()
        walls.put_up({"mnt", "pid"})
        house.fork("box-first", box_first)

    def box_first() -> None:
        walls.show_own_processes()
        house.fork("box-worker", lambda: None)
        house.fork("box-gate", box_gate)
        if not select.select([house.ready], [], [], PATIENCE_S)[0]:
            raise OSError("the inner box was not made")
        reached = walls.can_name(host_number_of_outside)
        house.say({"view": "box", "seen": listing(), "reach": reached})

    def box_gate() -> None:
        walls.put_up({"mnt", "pid"})
        house.fork("inner-first", inner_first)

    def inner_first() -> None:
        walls.show_own_processes()
        house.fork("inner-worker", inner_worker)

    def inner_worker() -> None:
        house.say({"view": "inner", "seen": listing()})
        os.write(house.tell_ready, b".")

    builder = house.fork("outside", outside)
    os.close(house.report)
    told = {}
    with os.fdopen(house.reports) as lines:
        for line in lines:
            said = json.loads(line)
            if "error" in said:
                house.leave()
                os.waitpid(builder, 0)
                raise SystemExit(said["error"])
            told[said["view"]] = said
            if len(told) == 2:
                break
    seen_by_host = listing(descendants(builder))
    processes = [
        {"name": name, "lives_in": HOMES[name.partition("-")[0]], "nspid": numbers(pid)}
        for name, pid in sorted(seen_by_host.items(), key=lambda item: OURS.index(item[0]))
    ]
    reach = {
        "into the box": walls.can_name(seen_by_host["inner-worker"]),
        "out of the box": told["box"]["reach"],
    }
    house.leave()
    os.waitpid(builder, 0)
    seen = {"host": seen_by_host, "box": told["box"]["seen"], "inner": told["inner"]["seen"]}
    print(json.dumps({"processes": processes, "seen": seen, "reach": reach}))


def descendants(pid: int) -> set[int]:
    """A process and all below it, as this /proc numbers them."""
    found = {pid}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            found |= descendants(int(child))
    return found


if __name__ == "__main__":
    main()
