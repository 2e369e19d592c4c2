# expected: 4/4
# method: exact fractions, and one division that is rounded up
import math
from fractions import Fraction


def worth(before, after, prices, once, lifetime):
    kwh = Fraction(720 * (before["watts"] - after["watts"]), 1000)
    saved = kwh * prices["kwh"]
    saved += (before["servers"] - after["servers"]) * prices["server"]
    saved += (before["licences"] - after["licences"]) * prices["licence"]
    if saved <= 0:
        return float(kwh), None
    months = math.ceil(once / saved)
    return float(kwh), months if months <= lifetime else None
