# expected: 0/4
# hint: it should be {'popf': ['control', 'mode']}
# misconception: one reason is enough
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
            "mode": "mode" in does["reads"] or supervisor != user,
        }
        if any(reasons.values()):
            found[name] = [reason for reason, holds in reasons.items() if holds][:1]
    return found
