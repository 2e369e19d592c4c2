# expected: 1/4
# hint: A line without a stamp is not the kernel's, whatever it says.
# misconception: a log is searched for words, wherever they stand
import re

PHASES = ("firmware", "kernel", "user space")


def ends(phase, line):
    if phase == "firmware":
        return "Linux version " in line
    if phase == "kernel":
        return "Run " in line and " as init process" in line
    return line.rstrip().endswith("login:")


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
        lengths = dict.fromkeys(PHASES)
        to_come = list(PHASES)
        for ms, line in lines:
            if to_come and ends(to_come[0], line):
                lengths[to_come.pop(0)] = ms - begin
                begin = ms
        result.append(lengths)
    return result
