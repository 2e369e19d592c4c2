# expected: 1/3
# hint: Did you look at the first base leaf only?
# misconception: one machine has one hypervisor, and it has one name
def hypervisors(cpuid):
    if not cpuid[1][2] >> 31 & 1:
        return []
    _, *registers = cpuid.get(0x40000000, (0, 0, 0, 0))
    name = b"".join(r.to_bytes(4, "little") for r in registers).rstrip(b"\0").decode("latin-1")
    return [KNOWN.get(name, name)] if name else ["unknown"]
