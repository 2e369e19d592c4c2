# expected: 0/3
# hint: A share goes from 0 to 1
# misconception: a share is given in percent
def survivor_errors(requests, crashed, start, end, deadline):
    outcomes = {"before": [], "during": [], "control": []}
    for request in requests:
        sent, answered = request["sent"], request["answered"]
        failed = answered is None or answered - sent > deadline
        if start <= sent < end:
            outcomes["control" if request["tenant"] == crashed else "during"].append(failed)
        elif sent < start and request["tenant"] != crashed:
            outcomes["before"].append(failed)
    return {
        key: 100 * sum(all_of) / len(all_of) if all_of else None for key, all_of in outcomes.items()
    }
