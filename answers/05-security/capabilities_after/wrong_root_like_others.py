# expected: 0/4
# hint: For root, all that is inheritable or bounding counts as brought
# misconception: for the kernel, root is a user like any other
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
    if process["no_new_privs"]:
        gained = gained & process["permitted"]
    ambient = set() if has_capabilities else set(process["ambient"])
    permitted = gained | ambient
    return {
        "permitted": permitted,
        "effective": set(permitted) if effective else set(ambient),
        "inheritable": set(process["inheritable"]),
        "bounding": set(process["bounding"]),
        "ambient": ambient,
    }
