# expected: 0/4
# hint: Does your function return its list, or does it print it?
# misconception: what is printed is returned
def boot_phases(log):
    print([{"firmware": 800.0, "kernel": 1800.0, "user space": 100.5}])
