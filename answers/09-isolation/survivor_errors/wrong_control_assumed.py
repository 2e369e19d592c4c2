# expected: 0/3
# hint: Not every request to
# misconception: a crashed tenant answers nothing
def survivor_errors(requests, crashed, start, end, deadline):
    outcomes = {"before": [], "during": [], "control": []}
    for request in requests:
        sent, answered = request["sent"], request["answered"]
        failed = answered is None or answered - sent > deadline
        if start <= sent < end:
            outcomes["control" if request["tenant"] == crashed else "during"].append(failed)
        elif sent < start and request["tenant"] != crashed:
            outcomes["before"].append(failed)
    outcomes["control"] = [True]
    return {key: sum(all_of) / len(all_of) if all_of else None for key, all_of in outcomes.items()}
