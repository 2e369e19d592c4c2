# expected: 1/3
# hint: also if both instruction sets are the same
# misconception: only code for another CPU is ever emulated
def classify(facts):
    if facts["isa"] != facts["host_isa"]:
        return "emulator"
    if facts["answered_by"] == "host process":
        return "user-space kernel"
    if facts["answered_by"] == "the program itself":
        return "unikernel"
    if facts["answered_by"] == "guest kernel":
        return "VM"
    return "process" if facts["namespaces"] == facts["host_namespaces"] else "container"
