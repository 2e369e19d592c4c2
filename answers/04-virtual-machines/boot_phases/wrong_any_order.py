# expected: 1/4
# hint: Look for the end of a phase only behind the line that ended the phase before.
# misconception: each marker is there once, and in order
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
        lengths = dict.fromkeys(PHASES)
        to_come = list(PHASES)
        for phase in PHASES:
            hits = [ms for ms, line in lines if ends(phase, line)]
            if not hits:
                break
            lengths[phase] = hits[0] - begin
            begin = hits[0]
        result.append(lengths)
    return result
