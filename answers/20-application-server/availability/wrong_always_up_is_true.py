# expected: 0/4
# hint: I saw True for 0 of 3; return a probability
# misconception: always up is True, and never a probability
from math import comb


def availability(n, k, p_instance, p_host):
    if k == 0:
        return True
    p = 0.0
    for up in range(k, n + 1):
        p += comb(n, up) * p_instance**up * (1 - p_instance) ** (n - up)
    return p * p_host
