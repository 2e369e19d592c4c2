# expected: 0/4
# hint: What is permitted now is not handed on.
# misconception: a process keeps its powers through execve
def capabilities_after(process, file):
    has_capabilities = file is not None
    if not has_capabilities:
        file = {"permitted": set(), "inheritable": set(), "effective": False}
    gained = (process["inheritable"] & file["inheritable"]) | (
        process["bounding"] & file["permitted"]
    )
    effective = file["effective"]
    if effective and not file["permitted"] <= gained:
        return None
    if process["root"]:
        gained = process["inheritable"] | process["bounding"]
        effective = True
    if process["no_new_privs"]:
        gained = gained & process["permitted"]
    ambient = set() if has_capabilities else set(process["ambient"])
    permitted = gained | ambient | process["permitted"]
    return {
        "permitted": permitted,
        "effective": set(permitted) if effective else set(ambient),
        "inheritable": set(process["inheritable"]),
        "bounding": set(process["bounding"]),
        "ambient": ambient,
    }
