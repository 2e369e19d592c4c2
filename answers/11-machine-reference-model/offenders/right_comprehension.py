# expected: 4/4
# method: a helper gives the reasons of one instruction
MACHINE = ["mode", "relocation", "interrupts", "devices"]


def why(does):
    if does["user"] is None:
        return []
    written = does["supervisor"] + does["user"]
    answer = []
    if any(word in MACHINE for word in written):
        answer.append("control")
    if "relocation" in does["reads"]:
        answer.append("location")
    if "mode" in does["reads"] or sorted(does["supervisor"]) != sorted(does["user"]):
        answer.append("mode")
    return answer


def offenders(isa):
    return {name: why(does) for name, does in isa.items() if why(does)}
