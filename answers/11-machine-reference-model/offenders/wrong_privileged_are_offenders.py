# expected: 0/4
# hint: It is sensitive, but it traps in user mode
# misconception: every sensitive instruction is an offender
MACHINE = {"mode", "relocation", "interrupts", "devices"}


def offenders(isa):
    found = {}
    for name, does in isa.items():
        supervisor, user = set(does["supervisor"]), set(does["user"] or does["supervisor"])
        reasons = {
            "control": MACHINE & (supervisor | user),
            "location": "relocation" in does["reads"],
            "mode": "mode" in does["reads"] or supervisor != user,
        }
        if any(reasons.values()):
            found[name] = [reason for reason, holds in reasons.items() if holds]
    return found
