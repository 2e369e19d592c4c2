"""A small load balancer, for hosts without HAProxy. Run as `balancer.py TASK` with a task as JSON.

The task: {"listener": its open socket's descriptor, "ports": where the instances listen,
"policy": "roundrobin" or "leastconn", "most": requests at once for each instance (0: any number;
the others wait here), "check_ms": between two looks whether an instance listens (0: none),
"retries": how often a request that got no answer is sent to another one}. It ends when its input
closes. It passes bytes on and reads no more of HTTP than the end of a request.
"""

import asyncio
import json
import os
import socket
import sys
import threading
from typing import Any

REFUSAL = b"HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


class Balancer:
    """Who listens, who is healthy, and how many requests each one has."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.task = task
        self.ports: list[int] = task["ports"]
        self.open = [0] * len(self.ports)
        self.healthy = [True] * len(self.ports)
        self.last = -1
        self.freed = asyncio.Condition()

    def pick(self, tried: set[int]) -> int | None:
        """The place of the instance for the next request, -1 if all are full, None if none is."""
        count = len(self.ports)
        turn = [(self.last + 1 + step) % count for step in range(count)]
        up = [place for place in turn if self.healthy[place] and place not in tried]
        if not up:
            return None
        most = self.task["most"]
        free = [place for place in up if not most or self.open[place] < most]
        if not free:
            return -1
        if self.task["policy"] == "leastconn":
            return min(free, key=self.open.__getitem__)
        return free[0]

    async def reserve(self, tried: set[int]) -> int | None:
        """Wait until an instance has room, and take its place."""
        async with self.freed:
            while (place := self.pick(tried)) == -1:
                await self.freed.wait()
            if place is not None:
                self.last = place
                self.open[place] += 1
            return place

    async def exchange(self, port: int, request: bytes) -> bytes:
        """Send a request to an instance and return all that it answers."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request)
            return await reader.read()
        finally:
            writer.close()

    async def answer(self, request: bytes) -> bytes:
        """Have one instance after the other try, as often as retries are allowed."""
        tried: set[int] = set()
        for _ in range(1 + self.task["retries"]):
            place = await self.reserve(tried)
            if place is None:
                break
            try:
                if reply := await self.exchange(self.ports[place], request):
                    return reply
            except OSError:
                pass
            finally:
                async with self.freed:
                    self.open[place] -= 1
                    self.freed.notify_all()
            tried.add(place)
        return REFUSAL

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client's one request."""
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            writer.write(await self.answer(request))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has gone
        finally:
            writer.close()

    async def check(self) -> None:
        """Look again and again who listens."""
        while self.task["check_ms"]:
            for place, port in enumerate(self.ports):
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    self.healthy[place] = True
                except OSError:
                    self.healthy[place] = False
            async with self.freed:
                self.freed.notify_all()
            await asyncio.sleep(self.task["check_ms"] / 1e3)

    async def run(self) -> None:
        """Balance for ever."""
        listener = socket.socket(fileno=self.task["listener"])
        server = await asyncio.start_server(self.client, sock=listener)
        checking = asyncio.create_task(self.check())
        async with server:
            await server.serve_forever()
        await checking


def end_with_input() -> None:
    """End when whoever started us has gone."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=end_with_input, daemon=True).start()

    async def main() -> None:
        """Make it inside the loop that it belongs to."""
        await Balancer(json.loads(sys.argv[1])).run()

    asyncio.run(main())
