# expected: 1/4
# hint: whatever image it is of
# misconception: an image belongs to one application
def reconcile(desired, actual):
    stop, start, living = set(), {}, {}
    for name, app, image, alive in sorted(actual):
        if alive:
            living.setdefault(image.split(":")[0], []).append((name, image))
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
            stop.update(old[:surplus])
    return stop, start
