# expected: 0/3
# hint: 'b' is no survivor
# misconception: the error rate of the machine is that of the survivors
def survivor_errors(requests, crashed, start, end, deadline):
    outcomes = {"before": [], "during": [], "control": []}
    for request in requests:
        sent, answered = request["sent"], request["answered"]
        failed = answered is None or answered - sent > deadline
        if start <= sent < end:
            outcomes["during"].append(failed)
            if request["tenant"] == crashed:
                outcomes["control"].append(failed)
        elif sent < start:
            outcomes["before"].append(failed)
    return {key: sum(all_of) / len(all_of) if all_of else None for key, all_of in outcomes.items()}
