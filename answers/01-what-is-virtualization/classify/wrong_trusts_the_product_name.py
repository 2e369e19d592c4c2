# expected: 0/3
# hint: A process on the host plays kernel here
# misconception: gVisor is sold as a container, so it shares the host's kernel like one
def classify(facts):
    if facts["translated"]:
        return "emulator"
    if facts["called"] in ("container", "Docker", "gVisor"):
        return "container"
    if facts["answered_by"] == "the program itself":
        return "unikernel"
    if facts["answered_by"] == "guest kernel":
        return "VM"
    if facts["answered_by"] == "host process":
        return "user-space kernel"
    return "process" if facts["namespaces"] == facts["host_namespaces"] else "container"
