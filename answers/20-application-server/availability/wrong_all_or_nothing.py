# expected: 0/4
# hint: 0.729 + 0.243
# misconception: k certain ones must be up
def availability(n, k, p_instance, p_host):
    if k == 0:
        return 1.0
    return p_host * p_instance**k if k <= n else 0.0
