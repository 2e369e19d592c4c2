# expected: 0/4
# hint: I saw ('1800.0', 21); return a pair (kwh, months)
# misconception: a number is returned as it should be shown
import math
from fractions import Fraction


def worth(before, after, prices, once, lifetime):
    kwh = Fraction(720 * (before["watts"] - after["watts"]), 1000)
    saved = kwh * prices["kwh"]
    saved += (before["servers"] - after["servers"]) * prices["server"]
    saved += (before["licences"] - after["licences"]) * prices["licence"]
    if saved <= 0:
        return f"{float(kwh):.1f}", None
    months = math.ceil(once / saved)
    return f"{float(kwh):.1f}", months if months <= lifetime else None
