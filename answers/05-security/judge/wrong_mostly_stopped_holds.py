# expected: 0/3
# hint: One success with the wall up is enough.
# misconception: a wall that stops most attempts holds
def judge(trials):
    outcomes = {}
    for trial in trials:
        with_wall, without_wall = outcomes.setdefault(trial["attack"], ([], []))
        if trial["works"]:
            (with_wall if trial["wall"] else without_wall).append(trial["succeeded"])
    verdicts = {}
    for attack, (with_wall, without_wall) in outcomes.items():
        if with_wall and all(with_wall):
            verdicts[attack] = "leaks"
        elif with_wall and any(without_wall):
            verdicts[attack] = "holds"
        else:
            verdicts[attack] = "unproven"
    return verdicts
