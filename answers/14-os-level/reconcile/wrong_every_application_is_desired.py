# expected: 0/4
# hint: Your code raised KeyError('db')
# misconception: only what is desired can run
from collections import defaultdict


def step(image, wanted, living):
    current = sorted(name for name, of in living.items() if of == image)
    old = sorted(set(living) - set(current))
    if len(current) >= wanted:
        return set(old) | set(sorted(current, reverse=True)[: len(current) - wanted]), 0
    over = len(living) - wanted
    going = old[:over] if over > 0 else []
    return set(going), max(0, min(wanted - len(current), 1 - over))


def reconcile(desired, actual):
    stop, start = set(), {}
    living = defaultdict(dict)
    for name, app, image, alive in actual:
        if not alive:
            stop.add(name)
        else:
            living[app][name] = image
    for app in sorted(set(living) | set(desired)):
        image, wanted = desired[app]
        gone, new = step(image, wanted, living[app])
        stop |= gone
        if new:
            start[app] = new
    return stop, start
