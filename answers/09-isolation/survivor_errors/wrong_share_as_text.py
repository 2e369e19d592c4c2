# expected: 0/3
# hint: I saw before = '0.25'; it should be 0.25
# misconception: a number that is written nicely is still a number
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
        key: f"{sum(all_of) / len(all_of):.2f}" if all_of else None
        for key, all_of in outcomes.items()
    }
