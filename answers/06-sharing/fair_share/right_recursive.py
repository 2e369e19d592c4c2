# expected: 4/4
# method: whoever is content leaves the game, and the rest play again
def fair_share(weights, demands, capacity):
    total = sum(weights.values())
    content = {n: demands[n] for n in weights if demands[n] * total <= capacity * weights[n]}
    if len(content) == len(weights):
        return content
    if not content:
        return {n: capacity * weights[n] / total for n in weights}
    rest = {n: w for n, w in weights.items() if n not in content}
    return content | fair_share(rest, demands, capacity - sum(content.values()))
