# expected: 0/3
# hint: What is printed is not returned.
# misconception: a function's result is what it prints
def hypervisors(cpuid):
    found = []
    if cpuid[1][2] >> 31 & 1:
        for base in range(0x40000000, 0x40010000, 0x100):
            _, *registers = cpuid.get(base, (0, 0, 0, 0))
            raw = b"".join(register.to_bytes(4, "little") for register in registers)
            name = raw.rstrip(b"\0").decode("latin-1")
            if name:
                found.append(KNOWN.get(name, name))
        found = found or ["unknown"]
    print(found)
