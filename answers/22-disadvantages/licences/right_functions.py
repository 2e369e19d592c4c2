# expected: 4/4
# method: a function for each step, whole numbers only
def up(number, size):
    return (number + size - 1) // size


def units(host, rule):
    kinds = {
        "core": sum(max(host["cores"], rule["least_per_socket"]) for _ in range(host["sockets"])),
        "socket": host["sockets"],
        "vm": host["vms"],
        "host": 1,
    }
    return up(max(kinds[rule["unit"]], rule["least_per_host"]), rule["pack"]) * rule["pack"]


def again(host, rule):
    allowed = rule["vms_per_licence"] or host["vms"] or 1
    return up(host["vms"], allowed) or 1


def licences(fleet, rule):
    counted = [host for host in fleet if host["vms"] or rule["empty_hosts"]]
    return sum(units(host, rule) * again(host, rule) for host in counted)
