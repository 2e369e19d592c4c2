# expected: 4/4
# method: give out what is there again and again, never more than anybody still wants
def fair_share(weights, demands, capacity):
    got = {name: 0.0 for name in weights}
    thirsty = [name for name in weights if demands[name] > 0]
    while thirsty and capacity > 1e-12:
        total = sum(weights[name] for name in thirsty)
        step = min(capacity / total, min((demands[n] - got[n]) / weights[n] for n in thirsty))
        for name in thirsty:
            got[name] += step * weights[name]
        capacity -= step * total
        thirsty = [n for n in thirsty if demands[n] - got[n] > 1e-12]
    return got
