# expected: 0/4
# hint: Only the 3 ms inside the window count.
# misconception: utilization is work asked for over time, capped at one
def busy_fraction(tenants, window):
    if not tenants:
        return {"dedicated": 0.0, "shared": 0.0}
    asked = [sum(work for _, work in bursts) for bursts in tenants]
    dedicated = sum(min(1, work / window) for work in asked) / len(tenants)
    return {"dedicated": dedicated, "shared": min(1, sum(asked) / window)}
