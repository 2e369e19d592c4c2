# expected: 1/4
# hint: Your code raised RecursionError in a hidden check.
# misconception: a chain is short
def restore(chain, at):
    if at not in chain:
        return None
    file = chain[at]
    below = [] if file["backing"] is None else restore(chain, file["backing"])
    if below is None:
        return None
    held = file["clusters"]
    return [
        held[n] or "" if n in held else below[n] if n < len(below) else ""
        for n in range(file["size"])
    ]
