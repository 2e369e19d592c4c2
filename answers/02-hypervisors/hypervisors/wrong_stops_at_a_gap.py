# expected: 1/3
# hint: Did you stop at the first empty one?
# misconception: the base leaves in use follow each other without gaps
def hypervisors(cpuid):
    found = []
    base = 0x40000000
    while cpuid[1][2] >> 31 & 1 and base in cpuid:
        registers = cpuid[base][1:]
        name = b"".join(r.to_bytes(4, "little") for r in registers).rstrip(b"\0").decode("latin-1")
        if not name:
            break
        found.append(KNOWN.get(name, name))
        base += 0x100
    return found or (["unknown"] if cpuid[1][2] >> 31 & 1 else [])
