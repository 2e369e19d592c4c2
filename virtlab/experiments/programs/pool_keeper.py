"""Keeps a Dask scheduler and its workers. Run as `python pool_keeper.py PLAN`, never imported.

PLAN is JSON: {"servers": names, "resources": {name: amount} of each, "own_names": each server gets
a hostname of its own, "folder": for temporary files}. Everything is forked from this one process,
so the libraries lie in memory once. Prints one JSON line, {"address", "scheduler", "servers"} or
{"error"}, and ends all it started when its standard input closes, or when it is killed.
"""

import asyncio
import gc
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[3]))

import dask
from distributed import Scheduler, Worker

from virtlab import syscalls
from virtlab.experiments import pool_tasks  # noqa: F401  imported once, for all workers

PLACE = "127.0.0.1"
QUIET: dict[str, Any] = {
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.scheduler.work-stealing": False,
    "distributed.admin.system-monitor.interval": "10s",
}


def child(serve: Callable[[Callable[[str], None]], Awaitable[None]]) -> tuple[int, str]:
    """Fork a process that serves for ever; return its id and what it says when it is ready."""
    reader, writer = os.pipe()
    keeper = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != keeper:  # it died before it could take us along
                os._exit(1)
            os.close(reader)
            os.dup2(os.open(os.devnull, os.O_RDWR), 0)
            os.dup2(2, 1)

            def tell(word: str) -> None:
                os.write(writer, word.encode())
                os.close(writer)

            asyncio.run(serve(tell))  # type: ignore[arg-type]
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(1)
    os.close(writer)
    return pid, str(reader)


def answer(reader: str) -> str:
    """Return what a child said when it was ready; empty if it ended before."""
    with os.fdopen(int(reader)) as words:
        return words.read()


def scheduler(tell: Callable[[str], None]) -> Awaitable[None]:
    """Run a scheduler and tell its address."""

    async def serve() -> None:
        here = f"{PLACE}:0"
        async with Scheduler(host=PLACE, port=0, dashboard=False, dashboard_address=here) as one:
            tell(one.address)
            await one.finished()

    return serve()


def server(
    address: str, name: str, plan: dict[str, Any]
) -> Callable[[Callable[[str], None]], Awaitable[None]]:
    """Return what runs one worker, which stands for a server."""

    def start(tell: Callable[[str], None]) -> Awaitable[None]:
        if plan["own_names"]:
            take_name(name)

        async def serve() -> None:
            async with Worker(
                address,
                name=name,
                host=PLACE,
                nthreads=1,
                memory_limit=0,
                resources=plan["resources"],
                local_directory=plan["folder"],
            ) as one:
                tell(one.address)
                await one.finished()

        return serve()

    return start


def take_name(name: str) -> None:
    """Give this process a hostname of its own, as an ordinary user inside a user namespace."""
    if syscalls.may_administer():
        syscalls.unshare(syscalls.CLONE_NEWUTS)
    else:
        uid, gid = os.geteuid(), os.getegid()
        syscalls.unshare(syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    syscalls.sethostname(name)


def main() -> None:
    """Start everything, say where, and wait until nobody needs it any more."""
    plan = json.loads(sys.argv[1])
    dask.config.set({**QUIET, "temporary-directory": plan["folder"]})
    gc.freeze()
    pids: list[int] = []
    try:
        pid, reader = child(scheduler)
        pids.append(pid)
        address = answer(reader)
        if not address:
            raise OSError("the scheduler did not start")
        started = {name: child(server(address, name, plan)) for name in plan["servers"]}
        pids += [pid for pid, _ in started.values()]
        places = {name: answer(reader) for name, (_, reader) in started.items()}
        if missing := [name for name, place in places.items() if not place]:
            raise OSError(f"{missing[0]} did not start")
        servers = {name: [pid, places[name]] for name, (pid, _) in started.items()}
        print(json.dumps({"address": address, "scheduler": pids[0], "servers": servers}))
        sys.stdout.flush()
        sys.stdin.read()
    except OSError as error:
        print(json.dumps({"error": str(error)}), flush=True)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)  # not yet reaped, so the id is still the child's
        for pid in pids:
            os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
