# expected: 0/4
# hint: should be
# misconception: fewer servers cost less, whatever runs on them
def month(fleet, prices):
    kwh = fleet["watts"] * 720 / 1000
    fixed = fleet["servers"] * prices["server"]
    return kwh, fixed + kwh * prices["kwh"]


def worth(before, after, prices, once, lifetime):
    kwh_before, cost_before = month(before, prices)
    kwh_after, cost_after = month(after, prices)
    saved = cost_before - cost_after
    kwh = kwh_before - kwh_after
    for count in range(1, lifetime + 1):
        if count * saved >= once:
            return kwh, count
    return kwh, None
