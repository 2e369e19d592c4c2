# expected: 0/3
# hint: later than the crash
# misconception: everything from the crash on is during it
def survivor_errors(requests, crashed, start, end, deadline):
    outcomes = {"before": [], "during": [], "control": []}
    for request in requests:
        sent, answered = request["sent"], request["answered"]
        failed = answered is None or answered - sent > deadline
        if start <= sent:
            outcomes["control" if request["tenant"] == crashed else "during"].append(failed)
        elif sent < start and request["tenant"] != crashed:
            outcomes["before"].append(failed)
    return {key: sum(all_of) / len(all_of) if all_of else None for key, all_of in outcomes.items()}
