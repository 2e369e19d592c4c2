"""How much faster many workers are: Amdahl's law (1967) with an overhead for each worker added.

Times are fractions of what one worker needs for the whole job.
"""

from __future__ import annotations


def speedup(workers: int, serial: float, overhead: float = 0.0) -> float:
    """Return how many times faster ``workers`` workers are than one.

    Args:
        workers: 1 or more.
        serial: the part of the job that only one worker can do, from 0 to 1.
        overhead: what each worker beyond the first adds (scheduling, communication), 0 or more.

    Raises:
        ValueError: if a number is out of range.
    """
    if workers < 1 or not 0 <= serial <= 1 or overhead < 0:
        raise ValueError("needs workers >= 1, 0 <= serial <= 1 and overhead >= 0")
    return 1 / (serial + (1 - serial) / workers + overhead * (workers - 1))


def best_workers(serial: float, overhead: float, most: int = 10_000) -> int:
    """Return the number of workers with the highest speed-up; the least such number on a tie.

    Args:
        serial: as for ``speedup``.
        overhead: as for ``speedup``.
        most: the number of workers there are.
    """
    best = round(((1 - serial) / overhead) ** 0.5) if overhead else most
    near = {1, *(min(most, max(1, best + step)) for step in (-1, 0, 1))}
    return min(near, key=lambda workers: (-speedup(workers, serial, overhead), workers))
