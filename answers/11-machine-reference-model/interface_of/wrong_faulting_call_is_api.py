# expected: 1/3
# hint: A call that ends in the kernel is a page fault
# misconception: a call that leaves its file calls a library
def interface_of(event):
    if event["mode"] == "kernel":
        return "ISA"
    if event["instruction"] in ("syscall", "int 0x80", "svc", "ecall"):
        return "ABI"
    if event["instruction"] == "call" and event["to"] != event["from"]:
        return "ABI" if event["to"] == "[vdso]" else "API"
    return "ISA"
