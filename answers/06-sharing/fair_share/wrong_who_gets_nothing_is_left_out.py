# expected: 1/4
# hint: A tenant that demands nothing still has its place in the answer
# misconception: a tenant that demands nothing does not take part
def fair_share(weights, demands, capacity):
    shares, left = {}, capacity
    weight = sum(w for n, w in weights.items() if demands[n] > 0)
    for name in sorted(weights, key=lambda name: demands[name] / weights[name]):
        if demands[name] > 0:
            shares[name] = min(demands[name], left * weights[name] / weight)
            left -= shares[name]
            weight -= weights[name]
    return shares
