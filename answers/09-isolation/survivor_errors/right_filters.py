# expected: 3/3
# method: one helper, three filtered lists
def survivor_errors(requests, crashed, start, end, deadline):
    def share(some):
        if not some:
            return None
        in_time = [
            one
            for one in some
            if one["answered"] is not None and one["answered"] <= one["sent"] + deadline
        ]
        return 1 - len(in_time) / len(some)

    survivors = [one for one in requests if one["tenant"] != crashed]
    others = [one for one in requests if one["tenant"] == crashed]
    return {
        "before": share([one for one in survivors if one["sent"] < start]),
        "during": share([one for one in survivors if one["sent"] in range(start, end)]),
        "control": share([one for one in others if one["sent"] in range(start, end)]),
    }
