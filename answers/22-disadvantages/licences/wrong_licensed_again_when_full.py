# expected: 1/4
# hint: The whole host is licensed again, with its packs: twice 8
# misconception: as many VMs as allowed need a second time
import math


def licences(fleet, rule):
    total = 0
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
            times = host["vms"] // rule["vms_per_licence"] + 1
        total += count * times
    return total
