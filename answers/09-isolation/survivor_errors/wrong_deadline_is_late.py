# expected: 0/3
# hint: as the one of 1400, is in time
# misconception: an answer at the deadline is too late
def survivor_errors(requests, crashed, start, end, deadline):
    outcomes = {"before": [], "during": [], "control": []}
    for request in requests:
        sent, answered = request["sent"], request["answered"]
        failed = answered is None or answered - sent >= deadline
        if start <= sent < end:
            outcomes["control" if request["tenant"] == crashed else "during"].append(failed)
        elif sent < start and request["tenant"] != crashed:
            outcomes["before"].append(failed)
    return {key: sum(all_of) / len(all_of) if all_of else None for key, all_of in outcomes.items()}
