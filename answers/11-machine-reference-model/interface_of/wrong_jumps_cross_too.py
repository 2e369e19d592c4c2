# expected: 0/3
# hint: A page fault
# misconception: whatever goes on in another file calls it
def interface_of(event):
    if event["mode"] == "kernel":
        return "ISA"
    if event["instruction"] in ("syscall", "int 0x80", "svc", "ecall"):
        return "ABI"
    if event["to"] != event["from"]:
        return "ABI" if event["to"] == "[vdso]" else "API"
    return "ISA"
