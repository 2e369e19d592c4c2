# expected: 0/4
# hint: The program's own memory is not the machine's
# misconception: memory belongs to the machine, so reading it is sensitive
MACHINE = {"mode", "relocation", "interrupts", "devices"}


def offenders(isa):
    found = {}
    for name, does in isa.items():
        if does["user"] is None:
            continue
        supervisor, user = set(does["supervisor"]), set(does["user"])
        reasons = {
            "control": MACHINE & (supervisor | user),
            "location": "relocation" in does["reads"] or "memory" in does["reads"],
            "mode": "mode" in does["reads"] or supervisor != user,
        }
        if any(reasons.values()):
            found[name] = [reason for reason, holds in reasons.items() if holds]
    return found
