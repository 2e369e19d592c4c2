# expected: 1/3
# hint: On a cloud server the hypervisor bit is set for every process.
# misconception: whoever sees the hypervisor bit is a virtual machine
def classify(facts):
    if facts["translated"]:
        return "emulator"
    if facts["answered_by"] == "host process":
        return "user-space kernel"
    if facts["answered_by"] == "the program itself":
        return "unikernel"
    if facts["answered_by"] == "guest kernel" or facts["hypervisor_bit"]:
        return "VM"
    return "process" if facts["namespaces"] == facts["host_namespaces"] else "container"
