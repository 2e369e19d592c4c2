# expected: 4/4
# method: pathlib knows what is above what
from pathlib import PurePosixPath


def related(upper, lower):
    upper, lower = PurePosixPath(upper), PurePosixPath(lower)
    return upper == lower or upper in lower.parents


def escapes(container):
    can = container["capabilities"]
    if "ALL" in can:
        can = {"SYS_CHROOT", "MKNOD", "SYS_MODULE", "SYS_PTRACE"}
    is_root = container["user"] == 0 or not container["no_new_privs"]
    on_host = is_root and not container["namespaces"] & {"user"}
    engine = settings = False
    for source, writable in container["mounts"]:
        engine |= related(source, "/run/docker.sock")
        settings |= writable and (related(source, "/etc") or related("/etc", source))
    tests = [
        ("files", container["root"] == "host"),
        ("climb", container["root"] == "chroot" and is_root and "SYS_CHROOT" in can),
        ("disk", on_host and "MKNOD" in can),
        ("module", on_host and "SYS_MODULE" in can),
        ("trace", on_host and "SYS_PTRACE" in can and "pid" not in container["namespaces"]),
        ("engine", on_host and engine),
        ("settings", on_host and settings),
    ]
    return {name for name, is_open in tests if is_open}
