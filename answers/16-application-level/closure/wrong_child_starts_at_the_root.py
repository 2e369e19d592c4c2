# expected: 0/4
# hint: a child inherits it at the fork
# misconception: a new process starts in /
def closure(trace):
    import posixpath

    folders, first = {}, {}
    for process, call, path, result in trace:
        here = folders.get(process, "/")
        if call == "fork":
            continue
        place = "/" + posixpath.normpath(posixpath.join(here, path)).lstrip("/")
        if call == "chdir":
            if result >= 0:
                folders[process] = place
        elif call != "write" or result >= 0:
            told = "own" if call == "write" else "pack" if result >= 0 else "absent"
            first.setdefault(place, told)
    ours = sorted(place for place in first if place.split("/")[1] not in ("proc", "sys", "dev"))
    return (
        [place for place in ours if first[place] == "pack"],
        [place for place in ours if first[place] == "absent"],
    )
