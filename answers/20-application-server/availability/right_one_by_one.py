# expected: 4/4
# method: add one instance after the other; the two states of the host at the end
def availability(n, k, p_instance, p_host):
    chances = [1.0]  # chances[i]: that i of the instances so far are up
    for _ in range(n):
        down = [chance * (1 - p_instance) for chance in chances] + [0.0]
        up = [0.0] + [chance * p_instance for chance in chances]
        chances = [a + b for a, b in zip(down, up)]
    return p_host * sum(chances[k:]) + (1 - p_host) * (k <= 0)
