# expected: 0/4
# hint: A part of the core stays unused while others want more. That is a hard cap.
# misconception: a weight is a limit
def fair_share(weights, demands, capacity):
    total = sum(weights.values())
    return {name: min(demands[name], capacity * weights[name] / total) for name in weights}
