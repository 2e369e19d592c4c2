# expected: 0/4
# hint: 20 months are not enough
# misconception: a part of a month is no month
def month(fleet, prices):
    kwh = fleet["watts"] * 720 / 1000
    fixed = fleet["servers"] * prices["server"] + fleet["licences"] * prices["licence"]
    return kwh, fixed + kwh * prices["kwh"]


def worth(before, after, prices, once, lifetime):
    kwh_before, cost_before = month(before, prices)
    kwh_after, cost_after = month(after, prices)
    saved = cost_before - cost_after
    months = int(once // saved) if saved > 0 else None
    if months is not None and months > lifetime:
        months = None
    return kwh_before - kwh_after, months
