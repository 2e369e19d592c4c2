# expected: 1/3
# hint: a library may call the program
# misconception: an API is called from above only
def interface_of(event):
    if event["mode"] == "kernel":
        return "ISA"
    if event["instruction"] in ("syscall", "int 0x80", "svc", "ecall"):
        return "ABI"
    if event["instruction"] == "call" and event["to"] not in (event["from"], "[kernel]"):
        return (
            "ABI"
            if event["to"] == "[vdso]"
            else "API"
            if event["to"].startswith("lib") and not event["from"].startswith("lib")
            else "ISA"
        )
    return "ISA"
