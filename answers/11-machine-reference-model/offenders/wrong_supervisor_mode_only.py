# expected: 1/4
# hint: control sensitive in either mode
# misconception: only the supervisor can write to the machine
MACHINE = {"mode", "relocation", "interrupts", "devices"}


def offenders(isa):
    found = {}
    for name, does in isa.items():
        if does["user"] is None:
            continue
        supervisor, user = set(does["supervisor"]), set(does["user"])
        reasons = {
            "control": MACHINE & supervisor,
            "location": "relocation" in does["reads"],
            "mode": "mode" in does["reads"] or supervisor != user,
        }
        if any(reasons.values()):
            found[name] = [reason for reason, holds in reasons.items() if holds]
    return found
