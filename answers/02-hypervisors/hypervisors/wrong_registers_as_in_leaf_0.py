# expected: 0/3
# hint: ECX and EDX are swapped.
# misconception: the name lies in EBX, EDX, ECX, as the vendor's name does in leaf 0
def hypervisors(cpuid):
    if not cpuid[1][2] >> 31 & 1:
        return []
    found = []
    for base in range(0x40000000, 0x40010000, 0x100):
        _, ebx, ecx, edx = cpuid.get(base, (0, 0, 0, 0))
        raw = b"".join(register.to_bytes(4, "little") for register in (ebx, edx, ecx))
        name = raw.rstrip(b"\0").decode("latin-1")
        if name:
            found.append(KNOWN.get(name, name))
    return found or ["unknown"]
