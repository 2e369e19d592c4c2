# expected: 3/3
# method: takes the characters out of the registers one by one
def name_in(registers):
    letters = [chr(register >> shift & 0xFF) for register in registers for shift in (0, 8, 16, 24)]
    while letters and letters[-1] == "\0":
        letters.pop()
    return "".join(letters)


def hypervisors(cpuid):
    if not cpuid[1][2] & 0x80000000:
        return []
    found = []
    base = 0x40000000
    while base <= 0x4000FF00:
        if base in cpuid:
            name = name_in(cpuid[base][1:4])
            if name in KNOWN:
                found.append(KNOWN[name])
            elif name:
                found.append(name)
        base += 0x100
    return found if found else ["unknown"]
