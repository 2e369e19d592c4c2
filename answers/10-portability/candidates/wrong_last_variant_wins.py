# expected: 0/4
# hint: The first one in the list is taken.
# misconception: the last variant that runs is taken
def candidates(image, hosts):
    answers = {}
    for name, host in hosts.items():
        reason = "isa"
        fewest = None
        found = None
        for place, variant in enumerate(image):
            if variant["isa"] not in host["isas"]:
                continue
            if variant["abi"] not in host["abis"]:
                if reason == "isa":
                    reason = "abi"
                continue
            lacks = sorted(variant["needs"] - host["features"])
            if not lacks:
                found = place
                continue
            if fewest is None or len(lacks) < fewest:
                fewest = len(lacks)
                reason = "features: " + ", ".join(lacks)
        answers[name] = (None, reason) if found is None else (found, "")
    return answers
