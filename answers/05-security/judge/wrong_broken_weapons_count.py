# expected: 0/3
# hint: a broken weapon proves nothing
# misconception: a failed attempt is a failed attempt, whatever the weapon
def judge(trials):
    outcomes = {}
    for trial in trials:
        with_wall, without_wall = outcomes.setdefault(trial["attack"], ([], []))
        if True:
            (with_wall if trial["wall"] else without_wall).append(trial["succeeded"])
    verdicts = {}
    for attack, (with_wall, without_wall) in outcomes.items():
        if any(with_wall):
            verdicts[attack] = "leaks"
        elif with_wall and any(without_wall):
            verdicts[attack] = "holds"
        else:
            verdicts[attack] = "unproven"
    return verdicts
