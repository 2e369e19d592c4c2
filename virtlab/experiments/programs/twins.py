"""Two tenants who want the same things. Run as `python -I -S twins.py FOLDER WALLS…`, not imported.

Each argument after the folder is a set of walls as `mnt,pid,net`, or `none`. For each set, two
tenants write a file of the same name, listen at the same port of 127.0.0.1, and the second one
looks for the first one's process under its number on the host. Prints a JSON list, for each set
{"files": …, "network": …, "processes": …}, each "its own" or "shared".
"""

import json
import os
import socket
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3]))

from virtlab import syscalls
from virtlab.container import walls

OWN, SHARED = "its own", "shared"


class Tenant:
    """One of the two: a process behind its walls that obeys through pipes."""

    def __init__(self, kinds: set[str], folder: str, port: int) -> None:
        obey, self._say = os.pipe()
        self._hear, tell = os.pipe()
        self._keeper = os.fork()
        if self._keeper == 0:
            os.close(self._say)
            os.close(self._hear)
            try:
                walls.put_up(kinds)
                self._serve(kinds, folder, port, obey, tell)
            except OSError as error:
                os.write(tell, f"error {error}\n".encode())
            os._exit(0)
        os.close(obey)
        os.close(tell)
        self._lines = os.fdopen(self._hear)

    def _serve(self, kinds: set[str], folder: str, port: int, obey: int, tell: int) -> None:
        """Fork the tenant itself, which a new PID namespace begins with; obey until the end."""
        inner = os.fork()
        if inner:
            os.write(tell, f"{inner}\n".encode())  # its number on the host
            os.close(obey)
            os.waitpid(inner, 0)
            return
        try:
            if "mnt" in kinds:
                syscalls.mount("tmpfs", folder, "tmpfs", 0, "size=64k")
            if "net" in kinds:
                walls.set_loopback(up=True)
            listening = socket.socket()
            note = Path(folder) / "note"
            with os.fdopen(obey) as orders:
                for order in orders:
                    verb, _, word = order.strip().partition(" ")
                    answer = ""
                    if verb == "write":
                        note.write_text(word)
                    elif verb == "read":
                        answer = note.read_text()
                    elif verb == "listen":
                        answer = str(listen(listening, port))
                    elif verb == "find":
                        answer = str(walls.can_name(int(word)))
                    os.write(tell, f"{answer}\n".encode())
        except OSError as error:
            os.write(tell, f"error {error}\n".encode())
        finally:
            os._exit(0)

    def hear(self) -> str:
        """Read one answer."""
        line = self._lines.readline().strip()
        if line.startswith("error"):
            raise OSError(line.removeprefix("error "))
        return line

    def ask(self, order: str) -> str:
        """Give an order and return the answer."""
        os.write(self._say, f"{order}\n".encode())
        return self.hear()

    def end(self) -> None:
        """Let it go."""
        os.close(self._say)
        self._lines.close()
        os.waitpid(self._keeper, 0)


def listen(listening: socket.socket, port: int) -> bool:
    """Whether this one could take the port."""
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen()
    except OSError:
        return False
    return True


def free_port() -> int:
    """A port that nobody on the host listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def compare(kinds: set[str], folder: str) -> dict[str, str]:
    """Let two tenants do the same things, and say what they turned out to share."""
    port = free_port()
    first = Tenant(kinds, folder, port)
    try:
        number = first.hear()
        second = Tenant(kinds, folder, port)
        try:
            second.hear()
            for tenant, word in ((first, "first"), (second, "second")):
                tenant.ask(f"write {word}")
            took = [tenant.ask("listen") for tenant in (first, second)]
            if took[0] != "True":
                raise OSError("the first tenant could not take its port")
            return {
                "files": OWN if first.ask("read") == "first" else SHARED,
                "network": OWN if took[1] == "True" else SHARED,
                "processes": SHARED if second.ask(f"find {number}") == "True" else OWN,
            }
        finally:
            second.end()
    finally:
        first.end()


def main() -> None:
    """Compare under each set of walls."""
    folder = sys.argv[1]
    sets = [set(word.split(",")) - {"none"} for word in sys.argv[2:]]
    print(json.dumps([compare(kinds, folder) for kinds in sets]))


if __name__ == "__main__":
    main()
