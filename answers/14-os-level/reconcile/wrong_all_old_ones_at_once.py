# expected: 0/4
# hint: one new one may come beside them
# misconception: a new version replaces the old one in one step
def reconcile(desired, actual):
    stop, start, living = set(), {}, {}
    for name, app, image, alive in sorted(actual):
        if alive:
            living.setdefault(app, []).append((name, image))
        else:
            stop.add(name)
    for app in {**living, **desired}:
        image, wanted = desired.get(app, (None, 0))
        mine = living.get(app, [])
        current = [name for name, of in mine if of == image]
        old = [name for name, of in mine if of != image]
        missing = wanted - len(current)
        if missing <= 0:
            stop.update(old)
            stop.update(current[wanted:])
        else:
            room = wanted + 1 - len(mine)
            if room > 0:
                start[app] = min(missing, room)
            surplus = max(0, len(mine) - wanted)
            stop.update(old)
    return stop, start
