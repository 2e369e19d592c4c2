# expected: 0/4
# hint: The ISA is looked at first.
# misconception: the operating system is asked before the processor
def candidates(image, hosts):
    answers = {}
    for name, host in hosts.items():
        abi = [place for place, one in enumerate(image) if one["abi"] in host["abis"]]
        both = [place for place in abi if image[place]["isa"] in host["isas"]]
        if not abi:
            answers[name] = (None, "abi")
        elif not both:
            answers[name] = (None, "isa")
        else:
            nearest = min(both, key=lambda place: len(image[place]["needs"] - host["features"]))
            lacks = sorted(image[nearest]["needs"] - host["features"])
            answers[name] = (None, "features: " + ", ".join(lacks)) if lacks else (nearest, "")
    return answers
