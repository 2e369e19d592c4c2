# expected: 0/3
# hint: A fourteenth guest would fit only in part.
# misconception: the last guest can make do with less
import math


def density(host, guest, overhead, shared):
    return max(0, math.ceil((host - shared) / (guest + overhead - shared)))
