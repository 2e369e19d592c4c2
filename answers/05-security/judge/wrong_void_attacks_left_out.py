# expected: 1/3
# hint: still has its line
# misconception: what proves nothing need not be told
def judge(trials):
    outcomes = {}
    for trial in trials:
        if not trial["works"]:
            continue
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
