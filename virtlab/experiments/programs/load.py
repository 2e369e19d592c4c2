"""A load generator for HTTP on 127.0.0.1. Run as `python -I -S load.py`.

It says "ready", then reads one order a line as JSON and answers each with a line:
    {"do": "open", "start": s, "requests": [[port, path, at], ...]}
        sends each request at its moment, whether or not others are done (an open loop);
    {"do": "closed", "start": s, "port": p, "path": path, "interval": i, "seconds": t}
        sends one request after the other, an interval apart, but none before the last one is
        answered (a closed loop); what it could not send meanwhile it forgets;
    {"do": "crowd", "start": s, "port": p, "path": path, "clients": n, "seconds": t}
        has n such clients that never pause.
`start` is a moment of CLOCK_MONOTONIC, `at` counts from it, in seconds.

The answer is a list [at, sent, done, status, name] in order of the requests; times are whole
microseconds from the start. The status is 0 where no answer came.
"""

import asyncio
import json
import sys
import time
from typing import Any

PATIENCE_S = 3.0
Told = list[Any]  # at, sent, done, status, name


async def ask(port: int, path: str) -> tuple[int, str]:
    """Send one request; return the status and who answered."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"GET {path} HTTP/1.0\r\nHost: here\r\n\r\n".encode())
                reply = await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return 0, ""
    head, _, text = reply.decode().partition("\r\n\r\n")
    words = head.split(" ", 2)
    status = int(words[1]) if len(words) > 1 else 0
    return status, text.split(" ")[0] if status == 200 else ""


class Order:
    """One order, and the stopwatch that belongs to it."""

    def __init__(self, order: Any) -> None:
        self.order = order

    def now(self) -> int:
        """Microseconds since the start."""
        return round((time.monotonic() - self.order["start"]) * 1e6)

    async def until(self, at: float) -> None:
        """Wait for a moment, in seconds from the start."""
        await asyncio.sleep(max(0.0, self.order["start"] + at - time.monotonic()))

    async def one(self, port: int, path: str, at: float) -> Told:
        """Send one request at its moment, or now if that is past."""
        await self.until(at)
        sent = self.now()
        status, name = await ask(port, path)
        return [round(at * 1e6), sent, self.now(), status, name]

    async def carry_out(self) -> list[Told]:
        """Do what the order says."""
        if self.order["do"] == "open":
            return await asyncio.gather(*(self.one(*request) for request in self.order["requests"]))
        if self.order["do"] == "closed":
            return await self.one_by_one()
        clients = [self.client() for _ in range(self.order["clients"])]
        return [one for told in await asyncio.gather(*clients) for one in told]

    async def one_by_one(self) -> list[Told]:
        """Ask each interval, or later if the last answer is late."""
        told: list[Told] = []
        at = 0.0
        while at < self.order["seconds"]:
            told.append(await self.one(self.order["port"], self.order["path"], at))
            at = max(at + self.order["interval"], self.now() / 1e6)
        return told

    async def client(self) -> list[Told]:
        """Ask again and again until the time is up."""
        await self.until(0)
        told: list[Told] = []
        while (now := self.now()) < self.order["seconds"] * 1e6:
            told.append(await self.one(self.order["port"], self.order["path"], now / 1e6))
        return told


def main() -> None:
    """Carry out one order after the other."""
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(asyncio.run(Order(json.loads(line)).carry_out())), flush=True)


if __name__ == "__main__":
    main()
