# expected: 4/4
# method: cut the address into its parts first
def walk(tables, address):
    binary = f"{address:048b}"
    parts = [binary[0:9], binary[9:18], binary[18:27], binary[27:36]]
    table, place = tables[0x1000], 0
    for depth, part in enumerate(parts):
        bits = f"{table.get(int(part, 2), 0):064b}"
        if bits[-1] == "0":
            return ("fault", 4 - depth, depth + 1)
        place = int(bits[12:52], 2) << 12
        if depth == 3 or bits[-8] == "1":
            break
        table = tables[place]
    offset = binary[9 * (depth + 1) :]
    return ("page", place >> len(offset) << len(offset) | int(offset, 2), depth + 1)
