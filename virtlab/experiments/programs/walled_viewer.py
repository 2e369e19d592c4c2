"""A viewer that holds one connection and then walls itself off; prints what it reaches, as JSON.

Arguments: the server's address, the display's folder, the display's socket. Each thing is tried
before the walls and behind them: the first is the control.
"""

import json
import socket
import sys
from pathlib import Path

from virtlab import syscalls
from virtlab.container import walls

address, folder, display = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])


def reaches(place: str) -> bool:
    """Whether a Unix socket of this name lets us in; a name that begins with NUL has no file."""
    with socket.socket(socket.AF_UNIX) as door:
        try:
            door.connect(place)
        except OSError:
            return False
        return True


def tried() -> dict[str, bool]:
    """What can be reached."""
    return {
        "display": reaches(str(display)) or reaches(f"\0{display}"),
        "screen_file": (folder / "Xvfb_screen0").exists(),
        "cookie": (folder / "cookie").exists(),
    }


connection = socket.socket(socket.AF_UNIX)
connection.connect(str(address))
before = tried()
walls.put_up(["mnt", "net", "ipc", "uts"])
for hidden in (folder, display.parent):
    syscalls.mount("tmpfs", str(hidden), "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV)
behind = tried()

from virtlab.desktop.rfb import Client  # noqa: E402  (numpy has threads, which no wall allows)

with Client(connection) as client:
    client.request(incremental=False)
    update = client.update()
    colours = len(set(client.picture.ravel().tolist()))
print(
    json.dumps(
        {"before": before, "behind": behind, "bytes": update and update.size, "colours": colours}
    )
)
