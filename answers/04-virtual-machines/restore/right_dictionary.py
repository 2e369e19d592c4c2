# expected: 4/4
# method: one dictionary, filled from the lowest file up, cut to each file's size
def restore(chain, at):
    names = [at]
    try:
        while chain[names[-1]]["backing"] is not None:
            names.append(chain[names[-1]]["backing"])
    except KeyError:
        return None
    view = {}
    for name in names[::-1]:
        size = chain[name]["size"]
        view = {number: text for number, text in view.items() if number < size}
        view.update(chain[name]["clusters"])
    return [view.get(number) or "" for number in range(chain[at]["size"])]
