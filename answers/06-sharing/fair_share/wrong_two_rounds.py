# expected: 1/4
# hint: Tenants become content one after the other. Repeat until nobody new is.
# misconception: two rounds are always enough
def fair_share(weights, demands, capacity):
    shares, left, hungry = {}, capacity, dict(weights)
    for _ in range(2):
        total = sum(hungry.values()) or 1
        content = [n for n in hungry if demands[n] <= left * hungry[n] / total]
        for n in content:
            shares[n] = demands[n]
            del hungry[n]
        left -= sum(demands[n] for n in content)
    total = sum(hungry.values())
    for n in hungry:
        shares[n] = min(demands[n], left * hungry[n] / total)
    return shares
