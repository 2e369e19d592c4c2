# expected: 0/3
# hint: The kernel lends [vdso]
# misconception: what is called like a function is a library
def interface_of(event):
    if event["mode"] == "kernel":
        return "ISA"
    if event["instruction"] in ("syscall", "int 0x80", "svc", "ecall"):
        return "ABI"
    if event["instruction"] == "call" and event["to"] not in (event["from"], "[kernel]"):
        return "API"
    return "ISA"
