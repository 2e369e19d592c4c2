# expected: 0/3
# hint: One is enough.
# misconception: a container has a namespace of every kind for itself
def classify(facts):
    if facts["translated"]:
        return "emulator"
    if facts["answered_by"] == "host process":
        return "user-space kernel"
    if facts["answered_by"] == "the program itself":
        return "unikernel"
    if facts["answered_by"] == "guest kernel":
        return "VM"
    own = all(
        number != facts["host_namespaces"][kind] for kind, number in facts["namespaces"].items()
    )
    return "container" if own else "process"
