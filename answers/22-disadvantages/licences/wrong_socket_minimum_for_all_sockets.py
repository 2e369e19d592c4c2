# expected: 0/4
# hint: Each socket of 6 counts for 8; the one of 12 is above the minimum
# misconception: the minimum holds for all sockets together
import math


def licences(fleet, rule):
    total = 0
    for host in fleet:
        if host["vms"] == 0 and not rule["empty_hosts"]:
            continue
        if rule["unit"] == "core":
            count = max(host["sockets"] * host["cores"], rule["least_per_socket"])
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
