# expected: 0/4
# hint: In user mode it leaves the interrupts as they are
# misconception: only what it can do in user mode counts
MACHINE = {"mode", "relocation", "interrupts", "devices"}


def offenders(isa):
    found = {}
    for name, does in isa.items():
        if does["user"] is None:
            continue
        supervisor, user = set(does["supervisor"]), set(does["user"])
        reasons = {
            "control": MACHINE & user,
            "location": "relocation" in does["reads"],
            "mode": "mode" in does["reads"] or supervisor != user,
        }
        if any(reasons.values()):
            found[name] = [reason for reason, holds in reasons.items() if holds]
    return found
