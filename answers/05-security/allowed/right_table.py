# expected: 4/4
# method: a table of operators, and a set of the matching actions
import operator

COMPARE = {
    "SCMP_CMP_EQ": operator.eq,
    "SCMP_CMP_NE": operator.ne,
    "SCMP_CMP_LT": operator.lt,
    "SCMP_CMP_LE": operator.le,
    "SCMP_CMP_GT": operator.gt,
    "SCMP_CMP_GE": operator.ge,
}


def is_true(condition, args):
    argument = args[condition["index"]]
    if condition["op"] == "SCMP_CMP_MASKED_EQ":
        return (argument & condition["value"]) == condition["valueTwo"]
    return COMPARE[condition["op"]](argument, condition["value"])


def allowed(profile, syscall, args):
    actions = set()
    for rule in profile["syscalls"]:
        conditions = rule.get("args") or []
        if syscall in rule["names"] and all(is_true(one, args) for one in conditions):
            actions.add(rule["action"])
    return (actions or {profile["defaultAction"]}) <= {"SCMP_ACT_ALLOW", "SCMP_ACT_LOG"}
