# expected: 1/4
# hint: even if all that it writes is the program's own
# misconception: a difference matters only in what belongs to the machine
MACHINE = {"mode", "relocation", "interrupts", "devices"}


def offenders(isa):
    found = {}
    for name, does in isa.items():
        if does["user"] is None:
            continue
        supervisor, user = set(does["supervisor"]), set(does["user"])
        reasons = {
            "control": MACHINE & (supervisor | user),
            "location": "relocation" in does["reads"],
            "mode": "mode" in does["reads"] or (supervisor ^ user) & MACHINE != set(),
        }
        if any(reasons.values()):
            found[name] = [reason for reason, holds in reasons.items() if holds]
    return found
