"""Moves money between two files for ever. Run as `python -I -S two_accounts.py FOLDER`.

The sum in `here` and `there` is 1000, except between the two halves of a transfer. Before each
transfer it writes both new balances to `journal`, and empties that when both halves are done.
A line `hold` on its standard input makes it finish its transfer, write all to disk, answer `held`
and wait for `go`. The end of its input ends it.
"""

import os
import random
import select
import sys
import time
from pathlib import Path

folder = Path(sys.argv[1])
chance = random.Random(1)


def put(name: str, text: str) -> None:
    """Replace a file in one step, when what it becomes is on disk."""
    new = folder / f"{name}.new"
    with new.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / name)


here = 500
put("here", "500")
put("there", "500")
put("journal", "")
print("ready", flush=True)
while True:
    amount = chance.randint(-9, 9) or 1
    here = min(990, max(10, here + amount))
    put("journal", f"{here} {1000 - here}")
    put("here", str(here))
    time.sleep(0.003)  # the other half is on its way
    put("there", str(1000 - here))
    put("journal", "")
    if select.select([sys.stdin], [], [], 0.003)[0]:
        if not sys.stdin.readline():
            break
        os.sync()
        print("held", flush=True)
        sys.stdin.readline()
