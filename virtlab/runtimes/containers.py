"""Containers: the host's kernel, and namespaces that show a program a machine of its own.

All of them give the program the same: mnt, pid, net, ipc, uts and cgroup namespaces (and a user
namespace for an ordinary user), a root of its own with /proc and five devices, no capabilities.
"""

import json
import os
from collections.abc import Collection, Sequence
from typing import Any

from virtlab import host
from virtlab.container.engine import DEFAULT_NAMESPACES, DEVICES
from virtlab.container.levels import Level
from virtlab.host import find_tool
from virtlab.runtimes.base import is_root
from virtlab.runtimes.launched import LaunchedRuntime, recipe
from virtlab.runtimes.launcher import Launcher, warm_launcher

_PAYLOAD = "/payload"


class Namespaces(LaunchedRuntime):
    """Our own container, straight from the kernel's calls.

    Args:
        kinds: the namespaces it gets; what a container usually has if not given. For an ordinary
            user a user namespace comes with them. Without "mnt" the host's root stays.
        chroot: make the container's root its root even so, as chroot does.
        powerless: whether it gives up all capabilities.
    """

    name = "namespaces"
    kind = "container"
    describe = "our own container: namespaces and a root, in plain Python"
    needs = (host.namespaces.probe,)

    def __init__(
        self,
        kinds: Collection[str] = DEFAULT_NAMESPACES,
        chroot: bool = False,
        powerless: bool = True,
    ) -> None:
        self.kinds, self.chroot, self.powerless = frozenset(kinds), chroot, powerless

    @classmethod
    def at(cls, level: Level) -> "Namespaces":
        """The container as far as one of `virtlab.container.levels.LEVELS` takes it."""
        return cls(level.namespaces, level.chroot, level.powerless)

    def spec(self, launcher: Launcher, command: Sequence[str] | None) -> dict[str, Any]:
        """How the launcher starts it."""
        walled = bool(self.kinds) or self.chroot
        kinds = self.kinds if is_root() or not walled else self.kinds | {"user"}
        inside = "mnt" in kinds or self.chroot
        payload = _PAYLOAD if inside else f"{launcher.root}/payload"
        return recipe(
            launcher,
            "container",
            [payload] if command is None else command,
            clock="timespec" if command is None else "",
            root=str(launcher.root) if inside else None,
            namespaces=sorted(kinds),
            binds=[] if command is None else launcher.binds,
            hostname="container",
            chroot=self.chroot,
            powerless=self.powerless,
        )


class Bubblewrap(LaunchedRuntime):
    """The sandbox behind Flatpak."""

    name = "bubblewrap"
    kind = "container"
    describe = "a container by bubblewrap, the sandbox behind Flatpak"
    needs = (host.bubblewrap.probe, host.namespaces.probe)
    remedy = "see what `virtlab doctor` says about user namespaces"

    def spec(self, launcher: Launcher, command: Sequence[str] | None) -> dict[str, Any]:
        """How the launcher starts it."""
        argv = [find_tool("bwrap") or "bwrap", "--die-with-parent", "--new-session"]
        argv += [f"--unshare-{kind}" for kind in ("pid", "net", "ipc", "uts", "cgroup")]
        argv += [] if is_root() else ["--unshare-user"]
        argv += ["--cap-drop", "ALL", "--hostname", "container"]
        argv += ["--bind", str(launcher.root), "/"]
        for folder in launcher.binds if command is not None else []:
            argv += ["--ro-bind", folder, folder]
        argv += ["--proc", "/proc", "--tmpfs", "/dev"]
        for device in DEVICES:
            argv += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
        argv += ["--", *(command or [_PAYLOAD])]
        return recipe(launcher, "spawn", argv, clock="" if command else "timespec")


class Runc(LaunchedRuntime):
    """The reference runtime of the Open Container Initiative; what Docker and containerd call."""

    name = "runc"
    kind = "container"
    describe = "a container by runc, which Docker and containerd call"
    needs = (host.runc.probe, host.namespaces.probe)
    remedy = "try it by hand: runc spec; runc run test"
    program = "runc"
    options: tuple[str, ...] = (
        "--log",
        os.devnull,
    )  # its errors then are plain text on standard error

    def __init__(self) -> None:
        self._made = 0

    def spec(self, launcher: Launcher, command: Sequence[str] | None) -> dict[str, Any]:
        """How the launcher starts it."""
        self._made += 1
        identity = launcher.control_group(self._made)
        bundle = launcher.folder / f"{self.name}-{'payload' if command is None else self._made}"
        if not bundle.exists() or command is not None:
            bundle.mkdir(exist_ok=True)
            (bundle / "config.json").write_text(json.dumps(oci_config(launcher, command)))
        tool = [find_tool(self.program) or self.program, *self.options]
        tool += ["--root", str(launcher.folder / f"{self.name}-state")]
        return recipe(
            launcher,
            "spawn",
            [*tool, "run", "--bundle", str(bundle), identity],
            clock="" if command else "timespec",
            cleanup=[[*tool, "delete", "--force", identity]],
        )


class Crun(Runc):
    """The same job as runc's, written in C."""

    name = "crun"
    describe = "a container by crun, written in C"
    needs = (host.crun.probe, host.namespaces.probe)
    program = "crun"
    options = ()
    remedy = "use a newer crun, or a host with pure cgroup v1 or v2"

    def launcher(self) -> Launcher:
        """One that hides an empty cgroup v2 tree beside v1, which crun refuses."""
        hybrid = "/sys/fs/cgroup/unified"
        if is_root() and os.path.ismount(hybrid):
            return warm_launcher("without cgroup v2", hide=hybrid)
        return warm_launcher()


def oci_config(launcher: Launcher, command: Sequence[str] | None) -> dict[str, Any]:
    """The bundle's config.json, as the Open Container Initiative specifies it."""
    kinds = {"mnt": "mount", "net": "network"}
    namespaces = [{"type": kinds.get(kind, kind)} for kind in DEFAULT_NAMESPACES]
    mounts: list[dict[str, Any]] = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {
            "destination": "/dev",
            "type": "tmpfs",
            "source": "tmpfs",
            "options": ["nosuid", "mode=755", "size=64k"],
        },
    ]
    for folder in launcher.binds if command is not None else []:
        options = ["rbind", "ro"]
        mounts.append({"destination": folder, "type": "bind", "source": folder, "options": options})
    linux: dict[str, Any] = {"namespaces": namespaces}
    if not is_root():
        namespaces.append({"type": "user"})
        for name, identity in [("uidMappings", os.geteuid()), ("gidMappings", os.getegid())]:
            linux[name] = [{"containerID": 0, "hostID": identity, "size": 1}]
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": 0, "gid": 0},
            "args": list(command or [_PAYLOAD]),
            "env": [f"{name}={value}" for name, value in launcher.environment.items()],
            "cwd": "/",
            "noNewPrivileges": True,
        },
        "root": {"path": str(launcher.root)},
        "hostname": "container",
        "mounts": mounts,
        "linux": linux,
    }
