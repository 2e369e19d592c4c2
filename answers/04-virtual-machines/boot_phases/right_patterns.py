# expected: 4/4
# method: one pattern a phase, and the first match behind the one before
import re

MARKERS = {
    "firmware": r"\[ *\d+\.\d+\] Linux version .*",
    "kernel": r"\[ *\d+\.\d+\] Run .* as init process",
    "user space": r"(?!\[ *\d+\.\d+\] ).*login: *",
}


def one_boot(begin, lines):
    found = {}
    place = 0
    for phase, pattern in MARKERS.items():
        hits = [
            number for number in range(place, len(lines)) if re.fullmatch(pattern, lines[number][1])
        ]
        if not hits:
            break
        end = lines[hits[0]][0]
        found[phase] = end - begin
        begin, place = end, hits[0] + 1
    return {phase: found.get(phase) for phase in MARKERS}


def boot_phases(log):
    if not log:
        return []
    cuts = [number for number, (_, line) in enumerate(log) if line.startswith("SeaBIOS")][1:]
    edges = [0, *cuts, len(log)]
    boots = [log[a:b] for a, b in zip(edges, edges[1:])]
    return [one_boot(0.0 if n == 0 else boot[0][0], boot) for n, boot in enumerate(boots)]
