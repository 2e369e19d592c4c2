# expected: 4/4
# method: the set of each kind of sensitive instruction, then their union
HARMLESS = {"registers", "memory"}


def offenders(isa):
    free = {name: does for name, does in isa.items() if does["user"] is not None}
    kinds = {
        "control": {n for n, d in free.items() if not {*d["supervisor"], *d["user"]} <= HARMLESS},
        "location": {n for n, d in free.items() if d["reads"].count("relocation")},
        "mode": {
            n
            for n, d in free.items()
            if d["reads"].count("mode") or set(d["supervisor"]) ^ set(d["user"])
        },
    }
    return {
        name: [kind for kind in ("control", "location", "mode") if name in kinds[kind]]
        for name in set().union(*kinds.values())
    }
