# expected: 4/4
# method: the last instance is up or down
def at_least(n, k, p):
    if k <= 0:
        return 1.0
    if k > n:
        return 0.0
    if k == n:
        return p**n
    if k == 1:
        return 1 - (1 - p) ** n
    return p * at_least(n - 1, k - 1, p) + (1 - p) * at_least(n - 1, k, p)


def availability(n, k, p_instance, p_host):
    return 1.0 if k == 0 else p_host * at_least(n, k, p_instance)
