# expected: 0/3
# hint: The shared part is kept once, but once it must be paid: by the first guest.
# misconception: what is shared costs nobody anything
def density(host, guest, overhead, shared):
    return max(0, host // (guest + overhead - shared))
