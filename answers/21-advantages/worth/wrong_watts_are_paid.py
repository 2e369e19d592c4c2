# expected: 0/4
# hint: should be
# misconception: the price of a kWh is paid for each watt
def month(fleet, prices):
    kwh = fleet["watts"] * 720 / 1000
    fixed = fleet["servers"] * prices["server"] + fleet["licences"] * prices["licence"]
    return kwh, fixed + fleet["watts"] * prices["kwh"]


def worth(before, after, prices, once, lifetime):
    kwh_before, cost_before = month(before, prices)
    kwh_after, cost_after = month(after, prices)
    saved = cost_before - cost_after
    kwh = kwh_before - kwh_after
    for count in range(1, lifetime + 1):
        if count * saved >= once:
            return kwh, count
    return kwh, None
