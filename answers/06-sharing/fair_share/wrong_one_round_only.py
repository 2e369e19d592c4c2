# expected: 0/4
# hint: With what a left, b is content as well and leaves something. Go round once more.
# misconception: dividing the leftover once is enough
def fair_share(weights, demands, capacity):
    total = sum(weights.values())
    shares = {n: min(demands[n], capacity * weights[n] / total) for n in weights}
    left = capacity - sum(shares.values())
    hungry = [n for n in weights if shares[n] < demands[n]]
    weight = sum(weights[n] for n in hungry)
    for n in hungry:
        shares[n] = min(demands[n], shares[n] + left * weights[n] / weight)
    return shares
