# expected: 0/3
# hint: A base leaf may be missing
# misconception: a processor that admits to a hypervisor answers every leaf
def hypervisors(cpuid):
    if not cpuid[1][2] >> 31 & 1:
        return []
    _, *registers = cpuid[0x40000000]
    name = b"".join(r.to_bytes(4, "little") for r in registers).rstrip(b"\0").decode("latin-1")
    return [KNOWN.get(name, name)] if name else ["unknown"]
