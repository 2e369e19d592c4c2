# expected: 0/3
# hint: Look at bit 31 first.
# misconception: the register as a whole says whether there is a hypervisor
def hypervisors(cpuid):
    if not cpuid[1][2]:
        return []
    found = []
    for base in range(0x40000000, 0x40010000, 0x100):
        _, *registers = cpuid.get(base, (0, 0, 0, 0))
        raw = b"".join(register.to_bytes(4, "little") for register in registers)
        name = raw.rstrip(b"\0").decode("latin-1")
        if name:
            found.append(KNOWN.get(name, name))
    return found or ["unknown"]
