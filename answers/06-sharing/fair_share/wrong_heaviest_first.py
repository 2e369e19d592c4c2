# expected: 0/4
# hint: A weight is no priority: they get 1 to 3.
# misconception: a weight is a priority
def fair_share(weights, demands, capacity):
    shares, left = {}, capacity
    for name in sorted(weights, key=lambda name: -weights[name]):
        shares[name] = min(demands[name], left)
        left -= shares[name]
    return shares
