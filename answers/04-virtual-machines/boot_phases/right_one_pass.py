# expected: 4/4
# method: one pass over the log, with the boot that is being read as the state
import re

KERNEL = re.compile(r"\[ *\d+\.\d+\] ")


def boot_phases(log):
    boots = []
    bios_seen = False
    position = begin = 0
    for ms, line in log:
        is_bios = line.startswith("SeaBIOS")
        if not boots or (is_bios and bios_seen):
            begin = ms if boots else 0.0
            boots.append({"firmware": None, "kernel": None, "user space": None})
            position = 0
        bios_seen = bios_seen or is_bios
        stamp = KERNEL.match(line)
        text = line[stamp.end() :] if stamp else line.rstrip(" ")
        hit = [
            stamp and text.startswith("Linux version "),
            stamp and text.startswith("Run ") and text.endswith(" as init process"),
            not stamp and text.endswith("login:"),
            False,
        ][position]
        if hit:
            boots[-1][["firmware", "kernel", "user space"][position]] = ms - begin
            begin = ms
            position += 1
    return boots
