# expected: 0/3
# hint: That is the mean of the tenants
# misconception: each tenant counts the same
def survivor_errors(requests, crashed, start, end, deadline):
    outcomes = {"before": {}, "during": {}, "control": {}}
    for request in requests:
        sent, answered, tenant = request["sent"], request["answered"], request["tenant"]
        failed = answered is None or answered - sent > deadline
        if start <= sent < end:
            key = "control" if tenant == crashed else "during"
            outcomes[key].setdefault(tenant, []).append(failed)
        elif sent < start and tenant != crashed:
            outcomes["before"].setdefault(tenant, []).append(failed)
    answer = {}
    for key, tenants in outcomes.items():
        shares = [sum(all_of) / len(all_of) for all_of in tenants.values()]
        answer[key] = sum(shares) / len(shares) if shares else None
    return answer
