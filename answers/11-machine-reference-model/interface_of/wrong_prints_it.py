# expected: 0/3
# hint: Does your function return its answer, or does it print it?
# misconception: what a function prints is what it returns
def interface_of(event):
    if event["mode"] == "kernel":
        print("ISA")
    elif event["instruction"] in ("syscall", "int 0x80", "svc", "ecall"):
        print("ABI")
    elif event["instruction"] == "call" and event["to"] not in (event["from"], "[kernel]"):
        print("ABI" if event["to"] == "[vdso]" else "API")
    else:
        print("ISA")
