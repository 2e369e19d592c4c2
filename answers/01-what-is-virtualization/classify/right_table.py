# expected: 3/3
# method: the table of the prompt as a dictionary
BY_KERNEL = {
    "host process": "user-space kernel",
    "the program itself": "unikernel",
    "guest kernel": "VM",
}


def classify(facts):
    if facts["translated"]:
        return "emulator"
    if facts["answered_by"] in BY_KERNEL:
        return BY_KERNEL[facts["answered_by"]]
    inside, outside = facts["namespaces"], facts["host_namespaces"]
    return "container" if any(inside[kind] != outside[kind] for kind in outside) else "process"
