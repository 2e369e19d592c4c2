"""A small service that answers a hundred requests, whatever limits somebody has put on it.

`python -I -S small_app.py REQUESTS INTERVAL_MS CPU_MS CACHE_KIB`. It says `ready`, waits for a
line, and then for each request, at its own moment whether or not the last one is done (open loop):
it opens a connection (here a file, kept open), adds to its cache, computes, and prints a line
`number milliseconds outcome`. The time runs from the moment that was meant for the request.
"""

import os
import sys
import time


def answer(cpu_ms: float, cache_kib: int) -> bytearray:
    """Do the work of one request; return what the cache is to keep."""
    entry = bytearray(cache_kib * 1024)
    for place in range(0, len(entry), 4096):
        entry[place] = 1
    enough = time.thread_time() + cpu_ms / 1e3
    while time.thread_time() < enough:
        sum(range(200))
    return entry


def main() -> None:
    """Answer all requests."""
    requests, interval_ms, cpu_ms, cache_kib = map(float, sys.argv[1:5])
    cache, connections = [], []
    print("ready", flush=True)
    sys.stdin.readline()
    start = time.perf_counter()
    for number in range(int(requests)):
        meant = start + number * interval_ms / 1e3
        time.sleep(max(0.0, meant - time.perf_counter()))
        outcome = "answered"
        try:
            connections.append(os.open(os.devnull, os.O_RDONLY))
            cache.append(answer(cpu_ms, int(cache_kib)))
        except OSError:
            outcome = "refused"
        print(number, round(1e3 * (time.perf_counter() - meant), 3), outcome, flush=True)


if __name__ == "__main__":
    main()
