# expected: 1/3
# hint: do not use floats
# misconception: a division and int() give the whole part
def density(host, guest, overhead, shared):
    return max(0, int((host - shared) / (guest + overhead - shared) + 0.0))
