# expected: 0/4
# hint: 0.729 + 0.243
# misconception: it does not matter which of them are up
from math import comb


def availability(n, k, p_instance, p_host):
    if k == 0:
        return 1.0
    p = 0.0
    for up in range(k, n + 1):
        p += p_instance**up * (1 - p_instance) ** (n - up)
    return p * p_host
