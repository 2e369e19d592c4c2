# expected: 3/3
# method: asks first for the ABI, then for the API
SYSTEM_CALLS = {"syscall", "int 0x80", "svc", "ecall"}


def interface_of(event):
    user = event["mode"] != "kernel"
    crosses = event["instruction"] == "call" and event["from"] != event["to"]
    if user and (event["instruction"] in SYSTEM_CALLS or (crosses and event["to"] == "[vdso]")):
        return "ABI"
    if user and crosses and event["to"] != "[kernel]":
        return "API"
    return "ISA"
