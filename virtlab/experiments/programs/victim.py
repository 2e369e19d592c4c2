"""A process that others attack: it keeps a secret in its memory and gives another one to callers.

`victim.py`, run by `python -I -S`, never imported, reads its two secrets, a line each, from
standard input: the first lies in its memory, the second goes to whoever connects to it over the
loopback. Prints one JSON object with its `pid`, the `address` of the secret, and its `port`. Ends
when its input closes.
"""

import ctypes
import json
import os
import select
import socket
import sys

PR_SET_PTRACER = 0x59616D61
ANYBODY = ctypes.c_ulong(-1)


def main() -> None:
    """Keep, say where, and serve."""
    # Yama guards processes besides; here it is the prison's walls that are tried.
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ANYBODY, 0, 0, 0)
    secret = ctypes.create_string_buffer(sys.stdin.readline().strip().encode())
    answer = sys.stdin.readline().encode()
    with socket.create_server(("127.0.0.1", 0)) as server:
        told = {
            "pid": os.getpid(),
            "address": ctypes.addressof(secret),
            "port": server.getsockname()[1],
        }
        print(json.dumps(told), flush=True)
        while True:
            ready, _, _ = select.select([server, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            connection, _ = server.accept()
            with connection:
                connection.sendall(answer)


if __name__ == "__main__":
    main()
