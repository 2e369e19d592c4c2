# expected: 0/4
# hint: lets the call pass
# misconception: what is logged is refused
def is_true(condition, args):
    argument, value = args[condition["index"]], condition["value"]
    op = condition["op"].removeprefix("SCMP_CMP_")
    if op == "EQ":
        return argument == value
    if op == "NE":
        return argument != value
    if op == "LT":
        return argument < value
    if op == "LE":
        return argument <= value
    if op == "GT":
        return argument > value
    if op == "GE":
        return argument >= value
    return argument & value == condition["valueTwo"]


def allowed(profile, syscall, args):
    actions = [
        rule["action"]
        for rule in profile["syscalls"]
        if syscall in rule["names"]
        and all(is_true(condition, args) for condition in rule.get("args", []))
    ]
    if not actions:
        actions = [profile["defaultAction"]]
    return all(action == "SCMP_ACT_ALLOW" for action in actions)
