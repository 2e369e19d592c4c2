# expected: 3/3
# method: one match over all four values
def interface_of(event):
    match (event["mode"], event["instruction"], event["from"], event["to"]):
        case ("user", "syscall" | "int 0x80" | "svc" | "ecall", _, _):
            return "ABI"
        case ("user", "call", origin, target) if origin != target:
            return {"[kernel]": "ISA", "[vdso]": "ABI"}.get(target, "API")
        case _:
            return "ISA"
