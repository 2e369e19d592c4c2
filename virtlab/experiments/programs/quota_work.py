"""A fixed amount of computing, divided among workers. Run as `python -I -S quota_work.py`.

Reads one JSON line, {"cpu_ms": …, "workers": …}, when it may begin; prints the milliseconds until
the last worker is done. A worker counts its own CPU time, so that all have done the same in the
end, however long each was made to wait.
"""

import json
import os
import sys
import time


def work(cpu_s: float) -> None:
    """Compute until this process has used so much CPU time."""
    begin = time.process_time()
    while time.process_time() - begin < cpu_s:
        sum(range(200))


def main() -> None:
    """Start the workers, wait for all, and print how long it took."""
    task = json.loads(sys.stdin.readline())
    before = time.perf_counter_ns()
    for _ in range(task["workers"]):
        if os.fork() == 0:
            work(task["cpu_ms"] / 1000 / task["workers"])
            os._exit(0)
    for _ in range(task["workers"]):
        os.wait()
    print((time.perf_counter_ns() - before) / 1e6)


if __name__ == "__main__":
    main()
