# expected: 0/4
# hint: Do you look at the ISA?
# misconception: the same operating system runs the same code
def candidates(image, hosts):
    answers = {}
    for name, host in hosts.items():
        reason = "abi"
        fewest = None
        for place, variant in enumerate(image):
            if False:
                continue
            if variant["abi"] not in host["abis"]:
                if reason == "isa":
                    reason = "abi"
                continue
            lacks = sorted(variant["needs"] - host["features"])
            if not lacks:
                answers[name] = (place, "")
                break
            if fewest is None or len(lacks) < fewest:
                fewest = len(lacks)
                reason = "features: " + ", ".join(lacks)
        else:
            answers[name] = (None, reason)
    return answers
