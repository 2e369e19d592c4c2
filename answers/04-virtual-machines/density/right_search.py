# expected: 3/3
# method: a binary search for the largest number that fits
def density(host, guest, overhead, shared):
    def fits(count):
        return count == 0 or shared + count * (guest + overhead - shared) <= host

    low, high = 0, host + 1
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low
