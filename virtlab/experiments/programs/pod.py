"""Two containers that share a network, as Kubernetes makes them: a pod. `python -I -S pod.py`.

Prints the ids of their processes as a JSON list, then keeps both until its input closes.
"""

import json
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3]))

from virtlab.container import walls

TOGETHER, APART = {"net", "ipc", "uts"}, {"mnt", "pid", "cgroup"}


def main() -> None:
    """Put up the walls that both share, then those of each."""
    walls.put_up(TOGETHER)
    stay, leave = os.pipe()
    hear, tell = os.pipe()
    pids = []
    with os.fdopen(hear) as lines:
        for _ in range(2):
            member(stay, leave, tell)
            told = lines.readline().strip()
            if not told.isdigit():
                raise SystemExit(told.removeprefix("error ") or "a container died")
            pids.append(int(told))
        print(json.dumps(pids), flush=True)
        sys.stdin.read()
        os.close(leave)
        for _ in pids:
            os.wait()


def member(stay: int, leave: int, tell: int) -> None:
    """Fork one container's keeper; its child is the container's first process."""
    pid = os.fork()
    if pid:
        return
    os.close(leave)  # else it would keep itself alive
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        walls.put_up(APART)
        inner = os.fork()
        if inner:
            os.write(tell, f"{inner}\n".encode())
            os.waitpid(inner, 0)
        else:
            os.read(stay, 1)
    except OSError as error:
        os.write(tell, f"error {error}\n".encode())
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
