# expected: 0/4
# hint: Its result tells where in physical memory
# misconception: only what changes the machine is sensitive
MACHINE = {"mode", "relocation", "interrupts", "devices"}


def offenders(isa):
    found = {}
    for name, does in isa.items():
        if does["user"] is None:
            continue
        supervisor, user = set(does["supervisor"]), set(does["user"])
        reasons = {
            "control": MACHINE & (supervisor | user),
            "location": False,
            "mode": False,
        }
        if any(reasons.values()):
            found[name] = [reason for reason, holds in reasons.items() if holds]
    return found
