# expected: 0/4
# hint: Both want all, so the weights decide: 1 to 3.
# misconception: fair means equal
def fair_share(weights, demands, capacity):
    shares, left = {}, capacity
    order = sorted(weights, key=lambda name: demands[name])
    for place, name in enumerate(order):
        shares[name] = min(demands[name], left / (len(order) - place))
        left -= shares[name]
    return shares
