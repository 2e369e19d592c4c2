# expected: 0/4
# hint: I saw 24.0; return an int
# misconception: a whole number is as good as an int
import math


def licences(fleet, rule):
    total = 0.0
    for host in fleet:
        if host["vms"] == 0 and not rule["empty_hosts"]:
            continue
        if rule["unit"] == "core":
            count = host["sockets"] * max(host["cores"], rule["least_per_socket"])
        elif rule["unit"] == "socket":
            count = host["sockets"]
        elif rule["unit"] == "vm":
            count = host["vms"]
        else:
            count = 1
        count = max(count, rule["least_per_host"])
        count = math.ceil(count / rule["pack"]) * rule["pack"]
        times = 1
        if rule["vms_per_licence"] is not None:
            times = max(1, math.ceil(host["vms"] / rule["vms_per_licence"]))
        total += count * times
    return total
