"""An application server: answers over HTTP, one request at a time for each name that it serves.

Run as `python -I -S app_server.py '{"names": ["shop"], "ports": [0]}'`. A port of 0 means any free
one. It prints the list of its ports when it listens on 127.0.0.1, and ends when its input closes.

What it does depends on the path of a request:
    /who          tells its name and its process id
    /wait/20      waits 20 ms, as for a database, and then tells its name
    /compute/20   spends 20 ms of CPU time, and then tells its name
    /eat/8        keeps 8 MiB more than before, for ever, and then tells its name
"""

import hashlib
import json
import os
import socket
import sys
import threading
import time

HOARD: list[bytes] = []


def do(order: str) -> None:
    """Do what a path asks for."""
    word, _, amount = order.strip("/").partition("/")
    if word == "wait":
        time.sleep(float(amount) / 1e3)
    elif word == "compute":
        end = time.thread_time() + float(amount) / 1e3
        while time.thread_time() < end:
            hashlib.sha256(b"work").digest()
    elif word == "eat":
        HOARD.append(b"\1" * (int(amount) << 20))


def answer(connection: socket.socket, name: str) -> None:
    """Read one request, do what it asks, answer."""
    connection.settimeout(1)
    try:
        words = connection.recv(4096).split(b" ")
        if len(words) < 2:
            return  # somebody only looked whether we listen
        do(words[1].decode())
        text = f"{name} {os.getpid()}".encode()
        head = f"HTTP/1.0 200 OK\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + text)
    except OSError:
        return  # who asked has gone


def serve(listener: socket.socket, name: str) -> None:
    """Answer one after the other, for ever."""
    while True:
        connection, _ = listener.accept()
        with connection:
            answer(connection, name)


def main() -> None:
    """Listen for each name, and tell where."""
    task = json.loads(sys.argv[1])
    listeners = []
    for port in task["ports"]:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(512)
        listeners.append(listener)
    for listener, name in zip(listeners, task["names"], strict=True):
        threading.Thread(target=serve, args=(listener, name), daemon=True).start()
    print(json.dumps([listener.getsockname()[1] for listener in listeners]), flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
