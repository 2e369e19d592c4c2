# expected: 0/4
# hint: There is room for both. Nobody gets more than it demands.
# misconception: a work-conserving scheduler always gives out all there is
def fair_share(weights, demands, capacity):
    total = sum(weights.values())
    return {name: capacity * weights[name] / total for name in weights}
