# expected: 0/4
# hint: If none is needed
# misconception: no instance, no service
from math import comb


def availability(n, k, p_instance, p_host):
    if k == 0:
        return 0.0
    p = 0.0
    for up in range(k, n + 1):
        p += comb(n, up) * p_instance**up * (1 - p_instance) ** (n - up)
    return p * p_host
