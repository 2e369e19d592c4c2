# expected: 1/4
# hint: Your function changed the caller's dictionaries. Work on copies.
# misconception: an argument is mine to work with
def fair_share(weights, demands, capacity):
    shares = {}
    while weights:
        total = sum(weights.values())
        content = [n for n in weights if demands[n] * total <= capacity * weights[n]]
        if not content:
            return shares | {n: capacity * w / total for n, w in weights.items()}
        for n in content:
            shares[n] = demands[n]
            del weights[n]
        capacity -= sum(shares[n] for n in content)
    return shares
