# expected: 1/3
# hint: One namespace of its own makes a container, whichever namespace it is.
# misconception: the pid namespace is the container
def classify(facts):
    if facts["translated"]:
        return "emulator"
    if facts["answered_by"] == "host process":
        return "user-space kernel"
    if facts["answered_by"] == "the program itself":
        return "unikernel"
    if facts["answered_by"] == "guest kernel":
        return "VM"
    own = facts["namespaces"]["pid"] != facts["host_namespaces"]["pid"]
    return "container" if own else "process"
