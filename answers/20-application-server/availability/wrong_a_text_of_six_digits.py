# expected: 0/4
# hint: I saw '0.450000' for 1 of 1; return a probability
# misconception: a number is returned as it should be shown
from math import comb


def availability(n, k, p_instance, p_host):
    if k == 0:
        return "1.000000"
    p = 0.0
    for up in range(k, n + 1):
        p += comb(n, up) * p_instance**up * (1 - p_instance) ** (n - up)
    return f"{p * p_host:.6f}"
