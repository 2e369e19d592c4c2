# expected: 0/4
# hint: the reason is always one text
# misconception: several missing features are a list of reasons
def rank(place, variant, host):
    if variant["isa"] not in host["isas"]:
        return 3, 0, place, "isa"
    if variant["abi"] not in host["abis"]:
        return 2, 0, place, "abi"
    lacks = sorted(feature for feature in variant["needs"] if feature not in host["features"])
    if lacks:
        return 1, len(lacks), place, lacks
    return 0, 0, place, ""


def best(image, host):
    level, _, place, reason = min(rank(place, one, host) for place, one in enumerate(image))
    return (None if level else place, reason)


def candidates(image, hosts):
    return {name: best(image, host) for name, host in hosts.items()}
