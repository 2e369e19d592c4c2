# expected: 3/3
# method: a set of the kinds of attempts that occur, for each attack
def judge(trials):
    seen = {trial["attack"]: set() for trial in trials}
    for trial in trials:
        if trial["works"]:
            seen[trial["attack"]].add((bool(trial["wall"]), bool(trial["succeeded"])))
    verdicts = {}
    for attack, kinds in seen.items():
        if (True, True) in kinds:
            verdicts[attack] = "leaks"
        elif {(True, False), (False, True)} <= kinds:
            verdicts[attack] = "holds"
        else:
            verdicts[attack] = "unproven"
    return verdicts
