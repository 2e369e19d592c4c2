# expected: 3/3
# method: two counters, asked, and failed, by key
from collections import Counter


def survivor_errors(requests, crashed, start, end, deadline):
    asked, failed = Counter(), Counter()
    for request in requests:
        moment = request["sent"]
        if moment >= end:
            continue
        key = "before" if moment < start else "during"
        if request["tenant"] == crashed:
            if key == "before":
                continue
            key = "control"
        asked[key] += 1
        took = float("inf") if request["answered"] is None else request["answered"] - moment
        if took > deadline:
            failed[key] += 1
    return {
        key: failed[key] / asked[key] if asked[key] else None
        for key in ("before", "during", "control")
    }
