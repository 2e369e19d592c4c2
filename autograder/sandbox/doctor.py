"""Whether this host can build rooms, and what to do if not."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from autograder.sandbox import seccomp
from autograder.sandbox.limits import own_group

Check = tuple[str, bool, str, str]


def doctor() -> list[Check]:
    """Try what rooms need: (check, ok, why, remedy) each; the last one builds a real room."""
    return [_architecture(), _user_namespaces(), _memory_group(), _room()]


def _architecture() -> Check:
    machine = platform.machine()
    known = seccomp.supported()
    why = f"the system-call filter {'knows' if known else 'does not know'} {machine}"
    return ("system-call filter", known, why, "" if known else "grade on x86_64 or aarch64")


def _user_namespaces() -> Check:
    if os.geteuid() == 0:
        return ("user namespaces", True, "not needed: the grader runs as root", "")
    for name, bad, remedy in (
        ("kernel/apparmor_restrict_unprivileged_userns", "1",
         "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0 "
         "(or an AppArmor profile with `userns,` for this Python)"),
        ("kernel/unprivileged_userns_clone", "0",
         "sudo sysctl kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "sudo sysctl user.max_user_namespaces=15000"),
    ):  # fmt: skip
        path = Path("/proc/sys", name)
        if path.exists() and path.read_text().strip() == bad:
            return ("user namespaces", False, f"{name.replace('/', '.')} is {bad}", remedy)
    return ("user namespaces", True, "this user may make them", "")


def _memory_group() -> Check:
    folder = own_group()
    if folder is None:
        why = "no memory cgroup is the caller's: each process is limited by itself"
        return ("memory cgroup", True, why, "")
    return ("memory cgroup", True, f"rooms get a group below {folder}", "")


def _room() -> Check:
    from autograder.sandbox.client import SandboxUnavailable, Zygote

    try:
        with Zygote():
            return ("room", True, "a room's walls can be built here", "")
    except SandboxUnavailable as error:
        remedy = (
            "in a container allow namespaces: `--security-opt seccomp=unconfined "
            "--security-opt apparmor=unconfined --security-opt systempaths=unconfined`, or "
            "`--privileged`; on JupyterHub grade on the Hub's host"
        )
        return ("room", False, str(error).partition(": run ")[0], remedy)
