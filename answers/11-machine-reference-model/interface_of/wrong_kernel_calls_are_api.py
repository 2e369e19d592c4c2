# expected: 0/3
# hint: The kernel stands below the ABI
# misconception: a call is an API call, wherever it happens
def interface_of(event):
    if event["mode"] == "kernel" and event["instruction"] != "call":
        return "ISA"
    if event["instruction"] in ("syscall", "int 0x80", "svc", "ecall"):
        return "ABI"
    if event["instruction"] == "call" and event["to"] not in (event["from"], "[kernel]"):
        return "ABI" if event["to"] == "[vdso]" else "API"
    return "ISA"
