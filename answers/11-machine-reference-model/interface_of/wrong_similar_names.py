# expected: 1/3
# hint: An instruction with a similar name is another instruction
# misconception: what begins with sys, int, svc or ecall asks the kernel
def interface_of(event):
    if event["mode"] == "kernel":
        return "ISA"
    if event["instruction"].startswith(("sys", "int", "svc", "ecall")):
        return "ABI"
    if event["instruction"] == "call" and event["to"] not in (event["from"], "[kernel]"):
        return "ABI" if event["to"] == "[vdso]" else "API"
    return "ISA"
