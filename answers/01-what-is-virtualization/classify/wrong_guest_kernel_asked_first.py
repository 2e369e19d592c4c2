# expected: 0/3
# hint: Software translates the instructions.
# misconception: whatever has a guest kernel is a virtual machine, an emulated one too
def classify(facts):
    if facts["answered_by"] == "guest kernel":
        return "VM"
    if facts["translated"]:
        return "emulator"
    if facts["answered_by"] == "host process":
        return "user-space kernel"
    if facts["answered_by"] == "the program itself":
        return "unikernel"
    return "process" if facts["namespaces"] == facts["host_namespaces"] else "container"
