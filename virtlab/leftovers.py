"""What a demo makes carries its owner's mark, so that what a killed kernel left can be found.

The mark names the owning process: its PID namespace, its id and its start time, so that neither a
reused id nor a process of another container is mistaken for it. Programs carry it in their
environment (`VIRTLAB_OWNER`), folders, control groups and Docker images in their names, network
devices, whose names are too short, in their alias (`ip link set dev NAME alias …`).
"""

import atexit
import contextlib
import functools
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from virtlab.interrupts import uninterrupted

OWNER_VARIABLE = "VIRTLAB_OWNER"
PREFIX = "virtlab"
_MARK = re.compile(rf"{PREFIX}-(\d+-\d+-\d+)(?:-|$)")
_PATIENCE_S = 5.0


def owner_mark() -> str:
    """The mark of this process, as `namespace-pid-start`."""
    return f"{_pid_namespace()}-{os.getpid()}-{_start_time(os.getpid())}"


def owned_name() -> str:
    """How names of what this process makes begin: `virtlab-` and its mark."""
    return f"{PREFIX}-{owner_mark()}"


@contextmanager
def own_folder() -> Iterator[Path]:
    """Makes a temporary folder of this process's own; gone after the block, come what may."""
    folder = None
    try:
        with uninterrupted():
            folder = make_folder()
        yield folder
    finally:
        with uninterrupted():
            if folder is not None:
                remove_folder(folder)


def make_folder() -> Path:
    """Makes a temporary folder of this process's own; the caller removes it.

    What an interrupt kept a caller from removing goes when the process ends. `own_folder` does not
    wait so long.
    """
    remove_own_folders_at_exit()
    folder = None
    try:
        with uninterrupted():  # else an interrupt could leave a folder whose name nobody knows
            folder = Path(tempfile.mkdtemp(prefix=f"{owned_name()}-"))
    except KeyboardInterrupt:
        if folder is not None:
            folder.rmdir()
        raise
    return folder


@functools.cache
def remove_own_folders_at_exit() -> None:
    """Makes this process remove, at its end, whatever folder of its own is still there."""
    atexit.register(_remove_own_folders)


def _remove_own_folders() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{owned_name()}-*"):
        remove_folder(folder)


def remove_folder(folder: Path) -> None:
    """Removes a folder with all in it; first unmounts what is mounted below, frees loop devices."""
    for place in sorted(_mounted_below(folder), reverse=True):
        _quietly("umount", "--lazy", str(place))
    for device in _loop_devices(folder):
        _quietly("losetup", "--detach", device)
    if not any(_mounted_below(folder)):  # else what is mounted there would be removed with it
        shutil.rmtree(folder, ignore_errors=True)


def find() -> list[str]:
    """Describes everything that an owner who is no more has left behind."""
    found = [f"process {pid} ({_command(pid)})" for pid in _orphans()]
    for folder in _folders():
        found += [f"mount {place}" for place in _mounted_below(folder)]
        found += [f"loop device {device}" for device in _loop_devices(folder)]
        found.append(f"folder {folder}")
    found += [f"control group {group}" for group in _control_groups()]
    found += [f"network device {device}" for device in _network_devices()]
    return found + [f"Docker image {image}" for image in _docker_images()]


def clean() -> list[str]:
    """Removes what `find` finds, and returns what was found."""
    found = find()
    for group in _control_groups():
        _thaw(group)
    for pid in _orphans():
        _kill(pid)
    for folder in _folders():
        remove_folder(folder)
    for group in sorted(_control_groups(), reverse=True):  # the innermost first
        _remove_control_group(group)
    for device in _network_devices():
        _quietly("ip", "link", "delete", device)
    for image in _docker_images():
        _quietly("docker", "image", "rm", "--force", image)
    return found


@functools.cache
def _pid_namespace() -> int:
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0


def _start_time(pid: int) -> int:
    """When a process started, in clock ticks after boot; 0 if it is no more."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    ended = fields[0] in "ZX"
    return 0 if ended else int(fields[19])


def _abandoned(mark: str) -> bool:
    """Whether the owner of a mark of this PID namespace is no more."""
    namespace, pid, start = (int(part) for part in mark.split("-"))
    return namespace == _pid_namespace() and _start_time(pid) != start


def _orphans() -> list[int]:
    """The processes whose environment carries the mark of an owner who is no more."""
    orphans = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue  # another user's, or just gone
        match = re.search(rf"(?:^|\0){OWNER_VARIABLE}=(\d+-\d+-\d+)(?:\0|$)".encode(), environment)
        if match and _abandoned(match.group(1).decode()) and int(entry.name) != os.getpid():
            orphans.append(int(entry.name))
    return sorted(orphans)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "gone"


def _kill(pid: int) -> None:
    """Kills a process and waits until it is gone."""
    start = _start_time(pid)
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
    deadline = time.monotonic() + _PATIENCE_S
    while _start_time(pid) == start and start and time.monotonic() < deadline:
        time.sleep(0.01)


def _folders() -> list[Path]:
    """The temporary folders of owners who are no more."""
    return [path for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}-*") if _is_left(path)]


def _is_left(path: Path) -> bool:
    """Whether a path names an owner who is no more, and is this user's to remove."""
    try:
        return _names_the_dead(path.name) and path.stat().st_uid == os.geteuid()
    except OSError:
        return False  # just gone


def _mounted_below(folder: Path) -> Iterator[Path]:
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        place = Path(line.split(" ")[4])
        if place == folder or folder in place.parents:
            yield place


def _loop_devices(folder: Path) -> list[str]:
    """The loop devices whose file lies in a folder."""
    files = {path: _line(path) for path in Path("/sys/block").glob("loop*/loop/backing_file")}
    return [f"/dev/{path.parts[3]}" for path, file in files.items() if folder in Path(file).parents]


def _network_devices() -> list[str]:
    """The network devices, in this network namespace, of owners who are no more."""
    aliases = {path.parent.name: _line(path) for path in Path("/sys/class/net").glob("*/ifalias")}
    return [device for device, alias in aliases.items() if _names_the_dead(alias)]


def _docker_images() -> list[str]:
    """The Docker images of owners who are no more, if an engine of this machine runs."""
    if not Path("/var/run/docker.sock").exists():
        return []
    names = _quietly("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
    return [name for name in names if _names_the_dead(name.partition(":")[0])]


def _names_the_dead(name: str) -> bool:
    match = _MARK.match(name)
    return bool(match and _abandoned(match.group(1)))


def _line(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _quietly(*command: str) -> str:
    """Runs a program for its effect; returns what it prints, "" if it is not there or fails."""
    try:
        run = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return run.stdout


def _control_groups() -> list[Path]:
    """The control groups of owners who are no more."""
    return [group for group in _named_control_groups() if _is_left(group)]


def _named_control_groups() -> list[Path]:
    return [
        Path(parent) / name
        for parent, names, _ in os.walk("/sys/fs/cgroup")
        for name in names
        if name.startswith(f"{PREFIX}-")
    ]


def remove_control_groups(name: str) -> None:
    """Removes the control groups whose names begin so, and ends what is in them.

    Args:
        name: begins with this process's own mark.
    """
    for group in sorted(_named_control_groups(), reverse=True):  # the innermost first
        if name.startswith(owned_name()) and group.name.startswith(name):
            _remove_control_group(group)


def _thaw(group: Path) -> None:
    """Lets frozen processes go on, in a control group and below it: frozen they would not die."""
    for folder, _, files in os.walk(group):
        for name, thawed in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
            if name in files:
                with contextlib.suppress(OSError):  # just gone, or another's
                    (Path(folder) / name).write_text(thawed)


def _remove_control_group(group: Path) -> None:
    """Kills what is in a control group and removes it with the groups below."""
    for folder, _, _ in os.walk(group, topdown=False):
        try:
            for pid in (Path(folder) / "cgroup.procs").read_text().split():
                _kill(int(pid))
            Path(folder).rmdir()
        except OSError:
            continue  # just gone, or another's
