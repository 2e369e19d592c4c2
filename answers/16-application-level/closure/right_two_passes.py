# expected: 4/4
# method: first all events with full paths, then group them by path
from pathlib import PurePosixPath


def full(folder, path):
    parts = []
    for part in PurePosixPath(folder, path).parts[1:]:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/" + "/".join(parts)


def closure(trace):
    where, events = {}, []
    for process, call, path, result in trace:
        folder = where.get(process, "/")
        if call == "fork":
            where[result] = folder
        elif call == "chdir":
            where[process] = full(folder, path) if result >= 0 else folder
        elif (call, result < 0) != ("write", True):
            events.append((full(folder, path), call, result))
    first = {}
    for event in reversed(events):
        first[event[0]] = event
    chosen = [one for one in first.values() if one[1] != "write"]
    chosen = [one for one in chosen if one[0].split("/")[1] not in {"proc", "sys", "dev"}]
    pack = [one[0] for one in chosen if one[2] >= 0]
    absent = [one[0] for one in chosen if one[2] < 0]
    return sorted(pack), sorted(absent)
