# expected: 0/3
# hint: The shared part is kept once for all. Each further guest needs 400.
# misconception: every guest holds its own copy of everything
def density(host, guest, overhead, shared):
    return host // (guest + overhead)
