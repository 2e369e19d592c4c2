# expected: 4/4
# method: numbers for strictness, the smallest decides
ORDER = ["KILL_PROCESS", "TRAP", "ERRNO", "LOG", "ALLOW"]


def is_true(condition, args):
    a, b = args[condition["index"]], condition["value"]
    match condition["op"].split("_", 2)[2]:
        case "EQ":
            return a == b
        case "NE":
            return a != b
        case "LT":
            return a < b
        case "LE":
            return a <= b
        case "GT":
            return a > b
        case "GE":
            return a >= b
        case _:
            return a & b == condition["valueTwo"]


def strictness(action):
    return ORDER.index(action.removeprefix("SCMP_ACT_"))


def allowed(profile, syscall, args):
    found = []
    for rule in profile["syscalls"]:
        if syscall not in rule["names"]:
            continue
        if False in [is_true(condition, args) for condition in rule.get("args", [])]:
            continue
        found.append(strictness(rule["action"]))
    return min(found, default=strictness(profile["defaultAction"])) >= 3
