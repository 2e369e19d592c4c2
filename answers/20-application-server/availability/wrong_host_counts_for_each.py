# expected: 0/4
# hint: should be
# misconception: the host is multiplied with each instance
from math import comb


def availability(n, k, p_instance, p_host):
    if k == 0:
        return 1.0
    p = 0.0
    for up in range(k, n + 1):
        p += comb(n, up) * p_instance**up * (1 - p_instance) ** (n - up)
    return p * p_host**n
