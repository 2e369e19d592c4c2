"""A network link between two virtual machines: a pipe of a given width, as a process of its own.

Usage: wire.py LISTEN CONNECT BYTES_PER_SECOND

It waits at the socket LISTEN, connects to CONNECT for whoever comes, and carries bytes: there at no
more than the given rate, back at once. It writes `ready` when it waits.
"""

import contextlib
import socket
import sys
import threading
import time

PIECES_A_SECOND = 500
SLACK_S = 0.02  # what was not sent in a longer time is not made up for


def carry(source: socket.socket, target: socket.socket, bytes_per_second: float | None) -> None:
    """Carry bytes until the source ends; None is no limit."""
    piece = max(1, int((bytes_per_second or 1e9) / PIECES_A_SECOND))
    due = time.monotonic()
    with contextlib.suppress(OSError):
        while data := source.recv(piece):
            target.sendall(data)
            if bytes_per_second:
                now = time.monotonic()
                due = max(due, now - SLACK_S) + len(data) / bytes_per_second
                if due > now:
                    time.sleep(due - now)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def main(listen: str, connect: str, bytes_per_second: float) -> None:
    """Be the link for one connection."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(listen)
        server.listen(1)
        print("ready", flush=True)
        near, _ = server.accept()
    with near, socket.socket(socket.AF_UNIX) as far:
        far.connect(connect)
        back = threading.Thread(target=carry, args=(far, near, None), daemon=True)
        back.start()
        carry(near, far, bytes_per_second)
        back.join()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
