# expected: 4/4
# method: sort the copies by age and take the newest that can be used
def recovery(log):
    events = [event for _, event, _ in log]
    crash = events.index("crash")
    moment = log[crash][0]
    unreadable = [name for _, event, name in log if event == "bad"]
    completed = [
        name for _, event, name in log[:crash] if event == "done" and name not in unreadable
    ]
    acknowledged = [time for time, event, _ in log[:crash] if event == "ack"]
    outage = log[events.index("up")][0] - moment if "up" in events else None
    for time, event, name in reversed(log[:crash]):
        if event == "begin" and name in completed:
            return moment - time, sum(1 for ack in acknowledged if time < ack), outage
    return None, len(acknowledged), outage
