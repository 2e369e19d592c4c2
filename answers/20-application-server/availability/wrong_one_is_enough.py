# expected: 0/4
# hint: 0.729 + 0.243
# misconception: redundancy means that one is enough
def availability(n, k, p_instance, p_host):
    if k == 0:
        return 1.0
    return p_host * (1 - (1 - p_instance) ** n) if k <= n else 0.0
