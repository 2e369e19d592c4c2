# expected: 0/3
# hint: The call stays within one file
# misconception: every function call is an API call
def interface_of(event):
    if event["mode"] == "kernel":
        return "ISA"
    if event["instruction"] in ("syscall", "int 0x80", "svc", "ecall"):
        return "ABI"
    if event["instruction"] == "call" and event["to"] != "[kernel]":
        return "ABI" if event["to"] == "[vdso]" else "API"
    return "ISA"
