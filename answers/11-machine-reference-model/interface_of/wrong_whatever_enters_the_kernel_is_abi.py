# expected: 0/3
# hint: A page fault: the processor went there by itself
# misconception: every way into the kernel is a system call
def interface_of(event):
    if event["mode"] == "kernel":
        return "ISA"
    if event["instruction"] in ("syscall", "int 0x80", "svc", "ecall") or event["to"] == "[kernel]":
        return "ABI"
    if event["instruction"] == "call" and event["to"] not in (event["from"], "[kernel]"):
        return "ABI" if event["to"] == "[vdso]" else "API"
    return "ISA"
