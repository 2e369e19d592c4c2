# expected: 0/3
# hint: There is no positive control.
# misconception: if nothing happened, the wall did it
def judge(trials):
    outcomes = {}
    for trial in trials:
        with_wall, without_wall = outcomes.setdefault(trial["attack"], ([], []))
        if trial["works"]:
            (with_wall if trial["wall"] else without_wall).append(trial["succeeded"])
    verdicts = {}
    for attack, (with_wall, without_wall) in outcomes.items():
        if any(with_wall):
            verdicts[attack] = "leaks"
        elif with_wall:
            verdicts[attack] = "holds"
        else:
            verdicts[attack] = "unproven"
    return verdicts
