# expected: 1/4
# hint: also without instances
# misconception: a service without instances is never up
from math import comb


def availability(n, k, p_instance, p_host):
    if n == 0:
        return 0.0
    if k == 0:
        return 1.0
    return p_host * sum(
        comb(n, up) * p_instance**up * (1 - p_instance) ** (n - up) for up in range(k, n + 1)
    )
