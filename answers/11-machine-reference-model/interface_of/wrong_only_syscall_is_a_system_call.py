# expected: 0/3
# hint: A program may make a system call without a library
# misconception: all processors call the kernel with syscall
def interface_of(event):
    if event["mode"] == "kernel":
        return "ISA"
    if event["instruction"] == "syscall":
        return "ABI"
    if event["instruction"] == "call" and event["to"] not in (event["from"], "[kernel]"):
        return "ABI" if event["to"] == "[vdso]" else "API"
    return "ISA"
