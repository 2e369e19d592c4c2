# expected: 0/4
# hint: return a set, here set()
# misconception: what is equal to a set is a set
SOCKET, SETTINGS = "/run/docker.sock", "/etc"


def folders_above(path):
    parts = path.split("/")
    return {"/".join(parts[:end]) or "/" for end in range(1, len(parts) + 1)}


def escapes(container):
    power = container["capabilities"]
    every = "ALL" in power
    inside = not (container["user"] and container["no_new_privs"])
    found = set()
    if container["root"] == "host":
        found.add("files")
    if container["root"] == "chroot" and inside and (every or "SYS_CHROOT" in power):
        found.add("climb")
    if not inside or "user" in container["namespaces"]:
        return found
    if every or "MKNOD" in power:
        found.add("disk")
    if every or "SYS_MODULE" in power:
        found.add("module")
    if "pid" not in container["namespaces"] and (every or "SYS_PTRACE" in power):
        found.add("trace")
    for source, writable in container["mounts"]:
        if source in folders_above(SOCKET):
            found.add("engine")
        if writable and (source in folders_above(SETTINGS) or SETTINGS in folders_above(source)):
            found.add("settings")
    return frozenset(found)
