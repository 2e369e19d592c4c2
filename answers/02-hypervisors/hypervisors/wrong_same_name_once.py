# expected: 1/3
# hint: A name that stands at two base leaves comes twice
# misconception: a name that was read already says nothing new
def hypervisors(cpuid):
    if not cpuid[1][2] >> 31 & 1:
        return []
    found = []
    for base in range(0x40000000, 0x40010000, 0x100):
        _, *registers = cpuid.get(base, (0, 0, 0, 0))
        raw = b"".join(register.to_bytes(4, "little") for register in registers)
        name = raw.rstrip(b"\0").decode("latin-1")
        if name and KNOWN.get(name, name) not in found:
            found.append(KNOWN.get(name, name))
    return found or ["unknown"]
