# expected: 1/3
# hint: rule 1 comes before rule 2
# misconception: a system call is a system call in every mode
def interface_of(event):
    if event["instruction"] in ("syscall", "int 0x80", "svc", "ecall"):
        return "ABI"
    if event["mode"] == "kernel":
        return "ISA"
    if event["instruction"] == "call" and event["to"] not in (event["from"], "[kernel]"):
        return "ABI" if event["to"] == "[vdso]" else "API"
    return "ISA"
