# expected: 0/3
# hint: Does your function return its number, or does it print it?
# misconception: what is printed is returned
def density(host, guest, overhead, shared):
    print(max(0, (host - shared) // (guest + overhead - shared)))
