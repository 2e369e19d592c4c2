# expected: 1/3
# hint: It does not hold fewer than none.
# misconception: a formula that is right in the middle is right at the ends
def density(host, guest, overhead, shared):
    return (host - shared) // (guest + overhead - shared)
