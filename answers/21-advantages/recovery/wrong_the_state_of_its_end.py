# expected: 0/4
# hint: Copy a holds the state of time 0
# misconception: a copy holds the state of the moment when it is done
def recovery(log):
    begun, done, bad, acked = {}, set(), set(), []
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
            done.add(name)
            begun[name] = time
    usable = [begun[name] for name in done if name not in bad]
    outage = None if up is None else up - crashed
    if not usable:
        return None, len(acked), outage
    state = max(usable)
    return crashed - state, len([time for time in acked if time > state]), outage
