# expected: 4/4
# method: tenants in order of how soon they are content; one pass
def fair_share(weights, demands, capacity):
    order = sorted(weights, key=lambda name: demands[name] / weights[name])
    shares, left, weight = {}, capacity, sum(weights.values())
    for name in order:
        part = left * weights[name] / weight if weight > 0 else 0
        shares[name] = min(demands[name], part)
        left -= shares[name]
        weight -= weights[name]
    return shares
