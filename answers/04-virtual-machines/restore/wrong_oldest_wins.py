# expected: 0/4
# hint: The file `at` itself comes first, then the one below.
# misconception: the base is the truth, and the files above fill its gaps
def restore(chain, at):
    files = []
    while at is not None:
        if at not in chain:
            return None
        files.append(chain[at])
        at = chain[at]["backing"]
    view = {}
    for file in files:
        for number, text in file["clusters"].items():
            view[number] = text
    return [view.get(number) or "" for number in range(files[0]["size"])]
