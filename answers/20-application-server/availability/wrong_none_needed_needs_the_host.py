# expected: 0/4
# hint: If none is needed
# misconception: even nothing needs a host
from math import comb


def availability(n, k, p_instance, p_host):
    p = 0.0
    for up in range(k, n + 1):
        p += comb(n, up) * p_instance**up * (1 - p_instance) ** (n - up)
    return p * p_host
