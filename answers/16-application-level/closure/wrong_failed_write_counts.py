# expected: 0/4
# hint: A write that failed tells nothing
# misconception: whoever wants to write a file, makes it
def closure(trace):
    import posixpath

    folders, first = {}, {}
    for process, call, path, result in trace:
        here = folders.get(process, "/")
        if call == "fork":
            folders[result] = here
            continue
        place = "/" + posixpath.normpath(posixpath.join(here, path)).lstrip("/")
        if call == "chdir":
            if result >= 0:
                folders[process] = place
        else:
            told = "own" if call == "write" else "pack" if result >= 0 else "absent"
            first.setdefault(place, told)
    ours = sorted(place for place in first if place.split("/")[1] not in ("proc", "sys", "dev"))
    return (
        [place for place in ours if first[place] == "pack"],
        [place for place in ours if first[place] == "absent"],
    )
