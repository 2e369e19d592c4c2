# expected: 1/4
# hint: The order within a list means nothing
# misconception: two lists are the same only in the same order
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
            "mode": "mode" in does["reads"] or does["supervisor"] != does["user"],
        }
        if any(reasons.values()):
            found[name] = [reason for reason, holds in reasons.items() if holds]
    return found
