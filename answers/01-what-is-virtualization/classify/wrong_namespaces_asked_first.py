# expected: 0/3
# hint: whatever the namespaces are
# misconception: whatever has namespaces of its own is a container
def classify(facts):
    if facts["translated"]:
        return "emulator"
    if facts["namespaces"] != facts["host_namespaces"]:
        return "container"
    if facts["answered_by"] == "host process":
        return "user-space kernel"
    if facts["answered_by"] == "the program itself":
        return "unikernel"
    return "VM" if facts["answered_by"] == "guest kernel" else "process"
