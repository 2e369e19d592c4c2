# expected: 1/4
# hint: Your function changed the caller's trace.
# misconception: the trace is mine to use up
def tidy(folder, path):
    names = []
    if not path.startswith("/"):
        path = folder + "/" + path
    for name in path.split("/"):
        if name == "..":
            del names[-1:]
        elif name and name != ".":
            names.append(name)
    return "/" + "/".join(names)


def closure(trace):
    current, known, pack, absent = {}, set(), set(), set()
    while trace:
        process, call, path, result = trace.pop(0)
        folder = current.setdefault(process, "/")
        if call == "fork":
            current[result] = folder
        elif call == "chdir" and result >= 0:
            current[process] = tidy(folder, path)
        elif call in ("exec", "read", "write"):
            full = tidy(folder, path)
            if full in known or (call == "write" and result < 0):
                continue
            known.add(full)
            if call != "write":
                (pack if result >= 0 else absent).add(full)
    kernels = tuple(one + end for one in ("/proc", "/sys", "/dev") for end in ("/",))
    mine = [
        sorted(one for one in some if not (one + "/").startswith(kernels))
        for some in (pack, absent)
    ]
    return tuple(mine)
