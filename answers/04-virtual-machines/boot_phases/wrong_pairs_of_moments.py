# expected: 0/4
# hint: Find the two lines where the phase begins and ends.
# misconception: a length is its two ends
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
    boots, bios = [], False
    for ms, line in log:
        if not boots:
            boots.append((0.0, []))
        elif line.startswith("SeaBIOS") and bios:
            boots.append((ms, []))
        bios = bios or line.startswith("SeaBIOS")
        boots[-1][1].append((ms, line))
    result = []
    for begin, lines in boots:
        moments = dict.fromkeys(PHASES)
        to_come = list(PHASES)
        for ms, line in lines:
            if to_come and ends(to_come[0], line):
                moments[to_come.pop(0)] = [begin, ms]
                begin = ms
        result.append(moments)
    return result
