# expected: 0/4
# hint: None of the masked bits is set
# misconception: a mask asks whether any of its bits is set
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
    return argument & value != 0


def allowed(profile, syscall, args):
    actions = [
        rule["action"]
        for rule in profile["syscalls"]
        if syscall in rule["names"]
        and all(is_true(condition, args) for condition in rule.get("args", []))
    ]
    if not actions:
        actions = [profile["defaultAction"]]
    return all(action in ("SCMP_ACT_ALLOW", "SCMP_ACT_LOG") for action in actions)
