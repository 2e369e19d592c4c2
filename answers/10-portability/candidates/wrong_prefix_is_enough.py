# expected: 1/4
# hint: arm and arm64 are two ISAs.
# misconception: arm code runs on every arm
def candidates(image, hosts):
    answers = {}
    for name, host in hosts.items():
        reason = "isa"
        fewest = None
        for place, variant in enumerate(image):
            if not any(isa.startswith(variant["isa"]) for isa in host["isas"]):
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
