# expected: 0/4
# hint: Name what the nearest one lacks.
# misconception: the first variant that fails gives the reason
def candidates(image, hosts):
    answers = {}
    for name, host in hosts.items():
        reason = "isa"
        fewest = None
        for place, variant in enumerate(image):
            if variant["isa"] not in host["isas"]:
                continue
            if variant["abi"] not in host["abis"]:
                if reason == "isa":
                    reason = "abi"
                continue
            lacks = sorted(variant["needs"] - host["features"])
            if not lacks:
                answers[name] = (place, "")
                break
            if fewest is None:
                fewest = len(lacks)
                reason = "features: " + ", ".join(lacks)
        else:
            answers[name] = (None, reason)
    return answers
