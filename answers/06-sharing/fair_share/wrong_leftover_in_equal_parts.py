# expected: 0/4
# hint: What web leaves is divided by weight, too: 1 to 2, not half and half.
# misconception: what is left over goes to the others in equal parts
def fair_share(weights, demands, capacity):
    total = sum(weights.values())
    shares = {n: min(demands[n], capacity * weights[n] / total) for n in weights}
    while True:
        left = capacity - sum(shares.values())
        hungry = [n for n in weights if shares[n] < demands[n] - 1e-12]
        if left < 1e-12 or not hungry:
            return shares
        for n in hungry:
            shares[n] = min(demands[n], shares[n] + left / len(hungry))
