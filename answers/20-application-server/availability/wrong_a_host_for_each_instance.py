# expected: 0/4
# hint: should be
# misconception: all failures are independent: each instance is up with the product
from math import comb


def availability(n, k, p_instance, p_host):
    if k == 0:
        return 1.0
    p_instance, p_host, p = p_instance * p_host, 1, 0.0
    for up in range(k, n + 1):
        p += comb(n, up) * p_instance**up * (1 - p_instance) ** (n - up)
    return p * p_host
