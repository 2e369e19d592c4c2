"""A viewer that does as it is told, line by line: attach, refresh, save, detach, wipe.

It ends with its input. Arguments: the server's address, and the folder for what it saves.
"""

import sys
from pathlib import Path

from virtlab.desktop.encodings import Encoding
from virtlab.desktop.rfb import Client, connected

address, folder = Path(sys.argv[1]), Path(sys.argv[2])
viewers: list[Client] = []
print("ready", flush=True)
for line in sys.stdin:
    word = line.strip()
    if word == "attach":
        viewers.append(Client(connected(address)))
        viewers[0].encodings([Encoding.ZRLE])
    elif word == "refresh":
        viewers[0].request(incremental=False)
        viewers[0].update()
    elif word == "save":
        (folder / "screenshot.raw").write_bytes(viewers[0].picture.tobytes())
    elif word == "detach":
        viewers[0].close()
    elif word == "wipe":
        viewers[0].picture[:] = 0
    print(word, flush=True)
