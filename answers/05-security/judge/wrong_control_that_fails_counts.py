# expected: 0/3
# hint: So the wall is not what stopped it.
# misconception: it is enough to have tried without the wall
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
        elif with_wall and without_wall:
            verdicts[attack] = "holds"
        else:
            verdicts[attack] = "unproven"
    return verdicts
