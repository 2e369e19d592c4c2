"""gVisor: a container whose system calls are answered by a process, not by the host's kernel."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from virtlab import host
from virtlab.runtimes.base import RuntimeFailed, is_root
from virtlab.runtimes.containers import Runc
from virtlab.runtimes.launcher import Launcher


class Gvisor(Runc):
    """An OCI runtime like runc, with a kernel of its own in user space.

    That kernel has a clock of its own, too, so there is no stamp of the first instruction.
    """

    name = "gvisor"
    describe = "a container by gVisor's runsc (ptrace), whose kernel is a process"
    needs = (host.gvisor.probe, host.namespaces.probe)
    remedy = "try it by hand: runsc --network=none --platform=ptrace do true"
    program = "runsc"
    options = ("--network=none", "--platform=ptrace", "--ignore-cgroups")

    def spec(self, launcher: Launcher, command: Sequence[str] | None) -> dict[str, Any]:
        """How the launcher starts it."""
        spec = super().spec(launcher, command)
        if not is_root():
            argv = spec["argv"]
            _let_it_map_the_user(Path(argv[argv.index("--bundle") + 1]) / "config.json")
            for tool in (argv, *spec["cleanup"]):
                tool.insert(1, "--rootless")
        return {**spec, "clock": ""}

    def lives(self, count: int, command: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Like every launched runtime's; a program that said nothing did not start."""
        lives = super().lives(count, command)
        for life in lives:
            if "first_reply" not in life["stamps"]:
                said = life["errors"].strip().splitlines() or ["it ended in silence"]
                raise RuntimeFailed(f"{self.name}: {said[-1]}")
        return lives


def _let_it_map_the_user(config: Path) -> None:
    """Take our user namespace out of a bundle: for an ordinary user runsc makes its own."""
    content = json.loads(config.read_text())
    linux = content["linux"]
    linux["namespaces"] = [kind for kind in linux["namespaces"] if kind["type"] != "user"]
    linux.pop("uidMappings", None)
    linux.pop("gidMappings", None)
    config.write_text(json.dumps(content))
