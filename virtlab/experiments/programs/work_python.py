"""The work of `managed/Work.java` by CPython. Run as `python -I -S work_python.py N TIMES`.

Prints the clock at its start, the digest, then the nanoseconds of each repetition, a line each.
Never imported.
"""

import itertools
import sys
import time

BEGUN = time.monotonic_ns()


def work(n: int) -> int:
    """How many steps each number from 1 to n takes to 1, as one hash; it may be negative."""
    digest = 0x811C9DC5
    for start in range(1, n + 1):
        x, steps = start, 0
        while x != 1:
            x = x >> 1 if x & 1 == 0 else 3 * x + 1
            steps += 1
        digest = (digest ^ steps) * 16777619 & 0xFFFFFFFF
    return digest - (digest >> 31 << 32)


def main() -> None:
    """Work, and tell."""
    n, times = map(int, sys.argv[1:])
    at = [time.monotonic_ns()]
    digest = 0
    for _ in range(times):
        digest = work(n)
        at.append(time.monotonic_ns())
    spans = [after - before for before, after in itertools.pairwise(at)]
    print(BEGUN, digest, *spans, sep="\n")


main()
