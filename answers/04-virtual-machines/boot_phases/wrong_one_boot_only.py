# expected: 0/4
# hint: the machine booted twice
# misconception: a log is one boot
import re

PHASES = ("firmware", "kernel", "user space")


def ends(phase, line):
    stamp = re.match(r"\[ *\d+\.\d+\] (.*)", line)
    text = stamp.group(1) if stamp else line
    if phase == "firmware":
        return bool(stamp) and text.startswith("Linux version ")
    if phase == "kernel":
        return bool(stamp) and text.startswith("Run ") and text.endswith(" as init process")
    return not stamp and text.rstrip().endswith("login:")


def boot_phases(log):
    boots = [(0.0, log)] if log else []
    result = []
    for begin, lines in boots:
        lengths = dict.fromkeys(PHASES)
        to_come = list(PHASES)
        for ms, line in lines:
            if to_come and ends(to_come[0], line):
                lengths[to_come.pop(0)] = ms - begin
                begin = ms
        result.append(lengths)
    return result
