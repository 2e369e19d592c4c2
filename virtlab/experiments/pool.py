"""Several servers behind one scheduler: real Dask workers, each a process of this machine.

The processes stand for servers. They are started by a small program (`programs/pool_keeper.py`)
that ends them when this process closes it, or dies.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from virtlab import leftovers
from virtlab.interrupts import uninterrupted
from virtlab.registry import CannotMeasure

KEEPER = Path(__file__).parent / "programs" / "pool_keeper.py"
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Pool:
    """A running pool.

    Attributes:
        client: a `distributed.Client` of the scheduler.
        address: where the scheduler listens.
        scheduler: the scheduler's process id.
        pids: each server's process id, by its name.
        places: each server's address, by its name.
        folder: a temporary folder that all servers can write to.
    """

    client: Any
    address: str
    scheduler: int
    pids: dict[str, int]
    places: dict[str, str]
    folder: Path


@contextmanager
def pool(
    servers: int = 4, *, resources: Mapping[str, float] | None = None, own_names: bool = False
) -> Iterator[Pool]:
    """Start a scheduler and so many servers; all are gone when the block ends.

    Args:
        servers: how many; they are named `server-1` and so on.
        resources: what each tells the scheduler that it has, as `{"MiB": 48}`.
        own_names: give each a hostname of its own; needs UTS namespaces.

    Raises:
        CannotMeasure: if they do not start here.
    """
    with leftovers.own_folder() as folder:
        plan = {
            "servers": [f"server-{number + 1}" for number in range(servers)],
            "resources": dict(resources or {}),
            "own_names": own_names,
            "folder": str(folder),
        }
        keeper = client = None
        try:
            with (folder / "errors").open("w") as errors:
                keeper = subprocess.Popen(
                    [sys.executable, str(KEEPER), json.dumps(plan)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    cwd=folder,
                    env=os.environ | {leftovers.OWNER_VARIABLE: leftovers.owner_mark()},
                )
            told = _told(keeper, folder)
            client = _client(told["address"], servers)
            pids = {name: pid for name, (pid, _) in told["servers"].items()}
            places = {name: place for name, (_, place) in told["servers"].items()}
            yield Pool(client, told["address"], told["scheduler"], pids, places, folder)
        finally:
            with uninterrupted():
                if client is not None:
                    client.close(timeout=5)
                if keeper is not None:
                    _end(keeper)


def _told(keeper: subprocess.Popen[bytes], folder: Path) -> dict[str, Any]:
    """Return what the keeper says once all servers run."""
    assert keeper.stdout
    ready, _, _ = select.select([keeper.stdout], [], [], PATIENCE_S)
    line = keeper.stdout.readline() if ready else b""
    told = dict(json.loads(line)) if line else {"error": "the pool's keeper did not answer"}
    if "error" in told:
        said = (folder / "errors").read_text(errors="replace").strip().splitlines()
        why = f": {said[-1]}" if said else ""
        raise CannotMeasure(f"no pool of servers here: {told['error']}{why}")
    return told


def _client(address: str, servers: int) -> Any:
    from distributed import Client  # here: chapters that show recordings need not wait for it

    try:
        client = Client(address, timeout=PATIENCE_S, set_as_default=False)
        client.wait_for_workers(servers, timeout=PATIENCE_S)
    except OSError as error:  # a TimeoutError is one, too
        raise CannotMeasure(f"the pool's scheduler does not answer: {error}") from None
    return client


def _end(keeper: subprocess.Popen[bytes]) -> None:
    """Close the keeper's standard input: it ends what it started, then itself."""
    assert keeper.stdin
    assert keeper.stdout
    keeper.stdin.close()
    try:
        keeper.wait(10)
    except subprocess.TimeoutExpired:
        keeper.kill()  # its children ask the kernel to die with it
        keeper.wait()
    keeper.stdout.close()
