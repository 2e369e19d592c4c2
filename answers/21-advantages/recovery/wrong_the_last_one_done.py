# expected: 1/4
# hint: begun last is the freshest
# misconception: the copy that was done last is the newest one
def recovery(log):
    begun, done, bad, acked = {}, [], set(), []
    crashed = up = None
    for time, event, name in log:
        if event == "bad":
            bad.add(name)
        elif event == "up":
            up = time
        elif event == "crash":
            crashed = time
        elif crashed is not None:
            continue
        elif event == "ack":
            acked.append(time)
        elif event == "begin":
            begun[name] = time
        elif event == "done":
            done.append(name)
    usable = [begun[name] for name in done if name not in bad]
    outage = None if up is None else up - crashed
    if not usable:
        return None, len(acked), outage
    state = usable[-1]
    return crashed - state, len([time for time in acked if time > state]), outage
