# expected: 0/3
# hint: The attempt with the wall is void
# misconception: an attack that works without the wall shows that the wall is needed, so it holds
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
        elif any(without_wall):
            verdicts[attack] = "holds"
        else:
            verdicts[attack] = "unproven"
    return verdicts
