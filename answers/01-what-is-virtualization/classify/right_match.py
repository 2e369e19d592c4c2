# expected: 3/3
# method: structural pattern matching over the three facts that decide
def classify(facts):
    shared = set(facts["namespaces"].items()) == set(facts["host_namespaces"].items())
    match (facts["translated"], facts["answered_by"], shared):
        case (True, _, _):
            return "emulator"
        case (_, "guest kernel", _):
            return "VM"
        case (_, "the program itself", _):
            return "unikernel"
        case (_, "host process", _):
            return "user-space kernel"
        case (_, _, True):
            return "process"
    return "container"
