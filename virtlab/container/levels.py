"""The container runtime in levels: each takes one more thing of the host's out of the prisoner's
sight or reach. The last level is the whole container of `virtlab.container.engine`.
"""

from dataclasses import dataclass

from virtlab.container.engine import DEFAULT_NAMESPACES


@dataclass(frozen=True)
class Level:
    """One step on the way from a process to a container.

    Attributes:
        name: a word or two.
        adds: what the prisoner gets of its own, or loses, at this level.
        namespaces: all that it has by now.
        chroot: whether its root is only another folder, which it may climb out of.
        powerless: whether it has given up all capabilities, for good.
    """

    name: str
    adds: str
    namespaces: tuple[str, ...] = ()
    chroot: bool = False
    powerless: bool = False


LEVELS = (
    Level("process", "memory of its own"),
    Level("chroot", "another folder as its root", chroot=True),
    Level("mount namespace", "a root with nothing above it", ("mnt",)),
    Level("PID namespace", "process ids of its own; it is number 1", ("mnt", "pid")),
    Level(
        "UTS and IPC namespaces",
        "a host name, shared memory and message queues of its own",
        ("mnt", "pid", "uts", "ipc"),
    ),
    Level(
        "network namespace",
        "network devices, addresses and ports of its own",
        ("mnt", "pid", "uts", "ipc", "net"),
    ),
    Level(
        "cgroup namespace",
        "its own control group as the root of what it sees of them",
        DEFAULT_NAMESPACES,
    ),
    Level(
        "no capabilities",
        "none of root's powers, and no way to get them back",
        DEFAULT_NAMESPACES,
        powerless=True,
    ),
)
