# expected: 1/4
# hint: One is needed and there is none
# misconception: who needs more than there are takes what there is
from math import comb


def availability(n, k, p_instance, p_host):
    if k == 0:
        return 1.0
    p = 0.0
    for up in range(min(k, n), n + 1):
        p += comb(n, up) * p_instance**up * (1 - p_instance) ** (n - up)
    return p * p_host
