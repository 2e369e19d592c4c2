# expected: 1/4
# hint: in alphabetical order
# misconception: any order of the names will do
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
            lacks = sorted(variant["needs"] - host["features"], reverse=True)
            if not lacks:
                answers[name] = (place, "")
                break
            if fewest is None or len(lacks) < fewest:
                fewest = len(lacks)
                reason = "features: " + ", ".join(lacks)
        else:
            answers[name] = (None, reason)
    return answers
