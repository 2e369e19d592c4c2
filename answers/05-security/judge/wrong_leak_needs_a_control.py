# expected: 1/3
# hint: A success with the wall up needs no control.
# misconception: without a control nothing at all can be said
def judge(trials):
    outcomes = {}
    for trial in trials:
        with_wall, without_wall = outcomes.setdefault(trial["attack"], ([], []))
        if trial["works"]:
            (with_wall if trial["wall"] else without_wall).append(trial["succeeded"])
    verdicts = {}
    for attack, (with_wall, without_wall) in outcomes.items():
        if any(with_wall) and any(without_wall):
            verdicts[attack] = "leaks"
        elif with_wall and any(without_wall):
            verdicts[attack] = "holds"
        else:
            verdicts[attack] = "unproven"
    return verdicts
