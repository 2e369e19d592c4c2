# expected: 0/3
# hint: not before it
# misconception: the control is the crashed tenant in good health
def survivor_errors(requests, crashed, start, end, deadline):
    outcomes = {"before": [], "during": [], "control": []}
    for request in requests:
        sent, answered = request["sent"], request["answered"]
        failed = answered is None or answered - sent > deadline
        if request["tenant"] == crashed:
            if sent < start:
                outcomes["control"].append(failed)
        elif sent < end:
            outcomes["before" if sent < start else "during"].append(failed)
    return {key: sum(all_of) / len(all_of) if all_of else None for key, all_of in outcomes.items()}
