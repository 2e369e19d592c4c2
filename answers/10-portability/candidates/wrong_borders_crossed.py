# expected: 0/4
# hint: One variant must have both.
# misconception: the ISA may come from one variant and the ABI from another
def candidates(image, hosts):
    answers = {}
    for name, host in hosts.items():
        if not any(one["isa"] in host["isas"] for one in image):
            answers[name] = (None, "isa")
            continue
        if not any(one["abi"] in host["abis"] for one in image):
            answers[name] = (None, "abi")
            continue
        nearest = min(
            (len(one["needs"] - host["features"]), place)
            for place, one in enumerate(image)
            if one["abi"] in host["abis"]
        )[1]
        lacks = sorted(image[nearest]["needs"] - host["features"])
        answers[name] = (None, "features: " + ", ".join(lacks)) if lacks else (nearest, "")
    return answers
