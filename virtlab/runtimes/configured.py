"""runc with the options that people give to a container engine, each a change of one bundle."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from virtlab.container import capabilities
from virtlab.runtimes.base import is_root
from virtlab.runtimes.containers import Runc
from virtlab.runtimes.launcher import Launcher

Config = dict[str, Any]
Option = Callable[[Config], None]
_NUMBERS = itertools.count(10_000)  # of the bundles of all of these, apart from the usual runc's


class ConfiguredRunc(Runc):
    """A container by runc that is not the usual one.

    Args:
        options: applied to the bundle's configuration, in this order.
    """

    def __init__(self, *options: Option) -> None:
        super().__init__()
        self.options_of_container = options

    def spec(self, launcher: Launcher, command: Sequence[str] | None) -> dict[str, Any]:
        """How the launcher starts it."""
        self._made = next(_NUMBERS)
        spec = super().spec(launcher, command)
        argv = spec["argv"]
        file = Path(argv[argv.index("--bundle") + 1]) / "config.json"
        config = json.loads(file.read_text())
        for option in self.options_of_container:
            option(config)
        file.write_text(json.dumps(config))
        return spec


def host_pid(config: Config) -> None:
    """No PID namespace, as by `--pid=host`."""
    _without_namespace(config, "pid")
    for mount in config["mounts"]:
        if mount["type"] == "proc" and not is_root():  # only the owner of the host's may mount it
            mount |= {"type": "bind", "source": "/proc", "options": ["rbind"]}


def host_network(config: Config) -> None:
    """No network namespace, as by `--network=host`."""
    _without_namespace(config, "network")


def share(folder: Path, place: str, writable: bool) -> Option:
    """Show a folder of the host, as by `--volume FOLDER:PLACE` (with `:ro` if not writable)."""

    def option(config: Config) -> None:
        options = ["rbind", "rw" if writable else "ro"]
        mount = {"destination": place, "type": "bind", "source": str(folder), "options": options}
        config["mounts"].append(mount)

    return option


def all_capabilities(config: Config) -> None:
    """Every capability that this process could give, as by `--cap-add=ALL`."""
    names = [f"CAP_{name}" for name in capabilities.names(capabilities.of_process("Bnd"))]
    config["process"]["capabilities"] = dict.fromkeys(("bounding", "effective", "permitted"), names)


def read_only_root(config: Config) -> None:
    """A root that nobody writes to, as by `--read-only`."""
    config["root"]["readonly"] = True


def seccomp(profile: dict[str, Any]) -> Option:
    """A filter of system calls, as by `--security-opt seccomp=PROFILE`."""

    def option(config: Config) -> None:
        config["linux"]["seccomp"] = profile

    return option


def _without_namespace(config: Config, kind: str) -> None:
    linux = config["linux"]
    linux["namespaces"] = [one for one in linux["namespaces"] if one["type"] != kind]
