# expected: 4/4
# method: one round, then the rest of the migration by recursion, in exact fractions
import math
from fractions import Fraction


def precopy(pages, dirty_rate, bandwidth, writable_set, max_downtime, max_rounds):
    def after(left, rounds_left):
        time = Fraction(1000 * left, bandwidth)
        dirty = min(writable_set, math.ceil(dirty_rate * time / 1000))
        pause = Fraction(1000 * dirty, bandwidth)
        if pause <= max_downtime or rounds_left == 1:
            return 1, time + pause, pause
        rounds, total, last = after(dirty, rounds_left - 1)
        return rounds + 1, total + time, last

    rounds, total, pause = after(pages, max_rounds)
    return {
        "rounds": rounds,
        "total": float(total),
        "downtime": float(pause),
        "forced": pause > max_downtime,
    }
