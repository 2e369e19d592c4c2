# expected: 0/4
# hint: A file holds only what changed. Read on in its backing file.
# misconception: a snapshot is a whole copy of the disk
def restore(chain, at):
    if at not in chain:
        return None
    file = chain[at]
    return [file["clusters"].get(number) or "" for number in range(file["size"])]
