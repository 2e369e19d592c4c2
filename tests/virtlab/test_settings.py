"""Five kinds of hosts and users: each gets every number live or recorded, and never a traceback.

Made here by root, in mount namespaces of their own; where one cannot be made, it is skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from virtlab import host

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.system

# The folders that Python and virtlab come from, made reachable for every user: what is closed to
# them on the way (/root, say) gives way to an empty folder with only these in it.
OPEN = """
mount -t tmpfs stage /mnt
number=0
for folder in $NEEDED; do
    number=$((number + 1))
    mkdir /mnt/$number
    mount --rbind "$folder" /mnt/$number
done
for folder in $CLOSED; do mount -t tmpfs -o mode=755 opened "$folder"; done
number=0
for folder in $NEEDED; do
    number=$((number + 1))
    mkdir -p "$folder"
    mount --rbind /mnt/$number "$folder"
done
"""
READ_ONLY_CGROUPS = """
for place in $(awk '$3 ~ /^cgroup/ {print $2}' /proc/mounts); do
    mount -o remount,bind,ro "$place"
done
"""
ONLY_VERSION_2 = """
umount --recursive --lazy /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
"""
AS_SOMEBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups"
AS_IN_MOST_CONTAINERS = (
    "setpriv --bounding-set=-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,"
    "+setpcap,+net_bind_service,+net_raw,+sys_chroot,+mknod,+audit_write,+setfcap --inh-caps=-all"
)
SETTINGS = {
    "root with all controllers": ("", ""),
    "an ordinary user": ("", AS_SOMEBODY),
    "an ordinary user without namespaces": ("", f"{AS_SOMEBODY} unshare --user"),
    "a container with read-only control groups": (READ_ONLY_CGROUPS, AS_IN_MOST_CONTAINERS),
    "control groups version 2 without controllers": (ONLY_VERSION_2, ""),
}
EACH_SETTING = pytest.mark.parametrize("setting", SETTINGS)


def closed(folders: set[Path]) -> set[Path]:
    """The topmost folders on the way to these that others may not enter."""
    found = set()
    for folder in folders:
        for above in reversed(folder.parents):
            if not above.stat().st_mode & 1:
                found.add(above)
                break
    return found


def run_in(setting: str, program: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Runs Python code as in a setting, or skips where that setting cannot be made."""
    if os.geteuid() != 0 or not host.probe("mnt namespace"):
        pytest.skip("needs root, to become somebody else and to mount")
    prepare, become = SETTINGS[setting]
    needed = {Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), ROOT}
    for name in ("runs", "tmp"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name).chmod(0o777)
    needed.add(tmp_path)
    environment = {
        "PATH": os.environ["PATH"],
        "NEEDED": " ".join(map(str, sorted(needed))),
        "CLOSED": " ".join(map(str, sorted(closed(needed)))),
        "TMPDIR": str(tmp_path / "tmp"),
        "VIRTLAB_RUNS": str(tmp_path / "runs"),
        "MPLCONFIGDIR": str(tmp_path / "tmp"),
    }
    script = f'set -e\n{OPEN}\n{prepare}\ncd {ROOT}\nexec {become} "$@"'
    command = ["unshare", "--mount", "--propagation=private", "sh", "-c", script, "sh"]
    run = subprocess.run(
        [*command, sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )
    if run.returncode == 32:  # mount's own failure
        pytest.skip(f"{setting} cannot be made here: {run.stderr.strip()}")
    return run


COMMANDS = """
import contextlib, io, json
from virtlab import cli
quick = "thread,fork,posix_spawn,subprocess,python,namespaces,bubblewrap,runc,crun,kvm,qemu-kvm"
told = {}
for name, arguments in {
    "doctor": ["doctor", "--json"],
    "startup": ["startup", "--json", "--rounds", "1", "--only", quick],
    "sharing": ["sharing", "--json", "page-sharing"],
}.items():
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        code = cli.main(arguments)
    assert code == 0, (name, code)
    told[name] = json.loads(shown.getvalue())
print(json.dumps(told))
"""


@EACH_SETTING
def test_the_commands_tell_what_is_live_and_what_is_not(setting: str, tmp_path: Path) -> None:
    run = run_in(setting, COMMANDS, tmp_path)
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    told = json.loads(run.stdout)
    for answer in told["doctor"]["capabilities"] + told["doctor"]["runtimes"]:
        assert answer["why"], answer
        assert answer["ok"] or answer["remedy"], answer
    works = {answer["name"]: answer["ok"] for answer in told["doctor"]["runtimes"]}
    for row in told["startup"] + told["sharing"]:
        assert row["source"] in ("live", "recorded"), row
        assert (row["source"] == "live") == (row["reason"] == ""), row
    sources = {row["runtime"]: row["source"] for row in told["startup"]}
    assert sources["thread"] == sources["posix_spawn"] == "live"
    assert {name for name, source in sources.items() if source == "live"} == {
        name for name in sources if works[name]
    }
    if setting == "an ordinary user without namespaces":
        assert sources["namespaces"] == "recorded"
    controllers = {one["name"]: one for one in told["doctor"]["capabilities"]}["cgroup controllers"]
    if setting == "a container with read-only control groups":
        assert not controllers["ok"]
    if setting == "control groups version 2 without controllers":
        assert controllers["why"] == "freezer", "which needs no controller there"


EVERY_EXPERIMENT = """
import inspect, json, traceback
from virtlab import registry
LEAST = {"rounds": 1, "seconds": 0.2, "budget_s": 0.5}
told = {}
for name, experiment in registry.load_all().items():
    known = inspect.signature(experiment.measure).parameters
    try:
        measured = registry.run(experiment, **{k: v for k, v in LEAST.items() if k in known})
        told[name] = sorted({measured.source, *measured.data["source"]} - {"mixed"})
    except Exception:
        told[name] = traceback.format_exc()
print(json.dumps(told))
"""


@pytest.mark.slow
@EACH_SETTING
def test_every_experiment_gives_its_numbers(setting: str, tmp_path: Path) -> None:
    run = run_in(setting, EVERY_EXPERIMENT, tmp_path)
    assert run.returncode == 0, run.stderr
    for name, sources in json.loads(run.stdout).items():
        assert set(sources) <= {"live", "recorded", "simulated"}, f"{name}: {sources}"
