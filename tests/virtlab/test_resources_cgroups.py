"""Control groups: the same calls on version 1, version 2 (a fake tree) and the host's own."""

import errno
import os
import subprocess
from pathlib import Path

import pytest

from virtlab.leftovers import owned_name
from virtlab.resources import cgroups
from virtlab.resources.cgroups import Group, NoCgroup, Throttling, Tree, group

ALL = ("cpu", "cpuset", "memory", "pids", "io", "freezer")


class FakeKernel:
    """Plays the kernel's part in a version 2 tree made of plain files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.populate(root, "cpu cpuset io memory pids")

    def populate(self, folder: Path, controllers: str) -> None:
        files = {
            "cgroup.controllers": controllers,
            "cgroup.subtree_control": "",
            "cgroup.procs": "",
            "cgroup.events": "populated 0\nfrozen 0\n",
            "cgroup.freeze": "0\n",
        }
        if folder != self.root:
            files |= {
                "cpu.stat": "usage_usec 2500000\nnr_periods 40\nnr_throttled 10\n"
                "throttled_usec 7500\n",
                "memory.current": "4096\n",
                "memory.peak": "8192\n",
                "memory.events": "low 0\noom 2\noom_kill 1\n",
                "memory.swap.max": "max\n",
                "pids.events": "max 3\n",
            }
        for name, text in files.items():
            (folder / name).write_text(text)

    def make(self, folder: Path) -> None:
        if not os.access(folder.parent, os.W_OK) or (folder.parent / "closed").exists():
            raise NoCgroup(
                f"{folder.parent}: no control group can be made in it (Permission denied)"
            )
        folder.mkdir()
        self.populate(folder, (folder.parent / "cgroup.subtree_control").read_text())

    def remove(self, folder: Path) -> None:
        if not folder.is_dir():
            return
        assert not [path for path in folder.iterdir() if path.is_dir()], "children go first"
        assert not (folder / "cgroup.procs").read_text().split(), "processes end first"
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()

    def write(self, file: Path, value: object) -> None:
        if file.name == "cgroup.subtree_control":
            self.hand_down(file, str(value).split())
        elif file.name == "cgroup.procs":
            file.write_text(file.read_text() + f"{value}\n")
        else:
            file.write_text(f"{value}\n")
            if file.name == "cgroup.freeze":
                file.with_name("cgroup.events").write_text(f"populated 1\nfrozen {value}\n")

    def hand_down(self, file: Path, changes: list[str]) -> None:
        folder = file.parent
        if (folder / "cgroup.procs").read_text().split() and folder != self.root:
            raise NoCgroup(f"{file}: cannot be set to {changes} ({os.strerror(errno.EBUSY)})")
        handed = set(file.read_text().split())
        for change in changes:
            assert change[1:] in (folder / "cgroup.controllers").read_text().split()
            (handed.add if change[0] == "+" else handed.discard)(change[1:])
        file.write_text(" ".join(sorted(handed)))


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    kernel = FakeKernel(tmp_path)
    for name in ("make", "remove", "write"):
        monkeypatch.setattr(cgroups, f"_{name}", getattr(kernel, name))
    return kernel


def tree_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_version_2_sets_and_reads_its_files(kernel, tmp_path):
    before = tree_of(tmp_path)
    with group(*ALL, tree=Tree({}, (tmp_path, tmp_path))) as pen:
        assert pen.version == 2
        one = pen.child("one")
        one.set_cpu_weight(300)
        one.set_cpu_quota(0.5, 20)
        one.set_cores([0, 1])
        one.set_memory_limit(1 << 20)
        one.set_pids_limit(7)
        one.set_io_limit("8:0", write_bps=1000)
        place = one.places[0]
        settings = {
            "cpu.weight": "300",
            "cpu.max": "10000 20000",
            "cpuset.cpus": "0,1",
            "memory.max": "1048576",
            "memory.swap.max": "0",
            "pids.max": "7",
            "io.max": "8:0 wbps=1000",
        }
        assert {name: (place / name).read_text().strip() for name in settings} == settings
        one.set_cpu_quota(None)
        assert (place / "cpu.max").read_text() == "max 100000\n"
        one.freeze()
        assert (place / "cgroup.freeze").read_text() == "1\n"
        one.thaw()
        assert one.cpu_seconds() == 2.5
        assert one.throttling() == Throttling(40, 10, 7.5)
        assert (one.memory_bytes(), one.memory_peak_bytes()) == (4096, 8192)
        assert (one.oom_kills(), one.pids_refused()) == (1, 3)
        (place / "memory.peak").unlink()
        assert one.memory_peak_bytes() is None
    assert tree_of(tmp_path) == before, "also subtree_control is as before"


def test_version_2_goes_up_where_the_own_group_holds_processes(kernel, tmp_path):
    """As in a user's session under systemd: app.slice hands down, the scope in it is occupied."""
    kernel.hand_down(tmp_path / "cgroup.subtree_control", ["+cpu", "+memory"])
    slice_ = tmp_path / "app.slice"
    kernel.make(slice_)
    kernel.hand_down(slice_ / "cgroup.subtree_control", ["+cpu", "+memory"])
    scope = slice_ / "jupyter.scope"
    kernel.make(scope)
    (scope / "cgroup.procs").write_text("123\n")
    with group("cpu", tree=Tree({}, (scope, tmp_path))) as pen:
        assert pen.places[0].parent == slice_
    assert not [path for path in slice_.iterdir() if path.is_dir() and path != scope]
    with pytest.raises(NoCgroup, match="systemd-run") as caught:
        with group("pids", tree=Tree({}, (scope, tmp_path))):
            pass
    assert "\n" not in str(caught.value)


def test_version_2_without_controllers_says_so(kernel, tmp_path):
    (tmp_path / "cgroup.controllers").write_text("")
    with pytest.raises(NoCgroup, match="version 2 has no cpu for this user here"):
        with group("cpu", tree=Tree({}, (tmp_path, tmp_path))):
            pass


def test_a_group_goes_after_an_exception(kernel, tmp_path):
    before = tree_of(tmp_path)

    class Interrupt(BaseException):
        pass

    def use_it() -> None:
        with group("cpu", tree=Tree({}, (tmp_path, tmp_path))) as pen:
            pen.child("one").child("two")
            raise Interrupt

    with pytest.raises(Interrupt):
        use_it()
    assert tree_of(tmp_path) == before


def test_a_group_that_cannot_be_made_says_why_and_leaves_nothing(kernel, tmp_path):
    (tmp_path / "closed").touch()
    before = tree_of(tmp_path)
    with pytest.raises(NoCgroup, match="no control group can be made"):
        with group("cpu", "freezer", tree=Tree({}, (tmp_path, tmp_path))):
            pass
    assert tree_of(tmp_path) == before


def test_a_controller_that_was_not_asked_for_is_named(kernel, tmp_path):
    with group("cpu", tree=Tree({}, (tmp_path, tmp_path))) as pen:
        with pytest.raises(NoCgroup, match="without the 'memory' controller"):
            pen.child("one").set_memory_limit(1)
        with pytest.raises(ValueError, match="between 1 and 10,000"):
            pen.child("two").set_cpu_weight(0)


@pytest.mark.parametrize("controllers", [(), ("cpu", "gpu")])
def test_unknown_controllers_are_refused(controllers):
    with pytest.raises(ValueError, match="controllers are some of"):
        with group(*controllers):
            pass


def test_where_nothing_is_mounted_it_says_so():
    with pytest.raises(NoCgroup, match="no control groups for cpu, cpuacct are mounted"):
        with group("cpu", tree=Tree({}, None)):
            pass


HYBRID = """\
22 27 0:21 / /proc rw - proc proc rw
30 23 0:26 / /sys/fs/cgroup/cpu,cpuacct rw shared:5 - cgroup cgroup rw,cpu,cpuacct
31 23 0:27 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
32 23 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
"""
MEMBER = """\
9:cpu,cpuacct:/user
8:memory:/docker/abc/inner
7:name=systemd:/x
0::/scope
"""


def test_the_callers_own_groups_are_read_from_proc(tmp_path):
    (tmp_path / "mountinfo").write_text(HYBRID)
    (tmp_path / "cgroup").write_text(MEMBER)
    tree = Tree.of_caller(tmp_path)
    assert tree.own == {
        "cpu": Path("/sys/fs/cgroup/cpu,cpuacct/user"),
        "cpuacct": Path("/sys/fs/cgroup/cpu,cpuacct/user"),
        "memory": Path("/sys/fs/cgroup/memory/inner"),
    }
    assert tree.unified == (Path("/sys/fs/cgroup/unified/scope"), Path("/sys/fs/cgroup/unified"))


# --- on the host itself -------------------------------------------------------------------------


def own_children() -> set[Path]:
    tree = Tree.of_caller()
    folders = [*tree.own.values(), *([tree.unified[0]] if tree.unified else [])]
    return {path for folder in folders for path in folder.glob(f"{owned_name()}-*")}


@pytest.fixture
def pen():
    before = own_children()
    try:
        with group("cpu", "memory", "pids") as made:
            yield made
    except NoCgroup as error:
        pytest.skip(f"no control groups for this user: {error}")
    assert own_children() == before, "the tree is as before"


def sleeper(inside: Group) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(["sleep", "60"])
    inside.add(process.pid)
    return process


@pytest.mark.system
def test_processes_end_with_their_group(pen):
    process = sleeper(pen.child("one"))
    pen.remove()
    assert process.wait(timeout=10) == -9


@pytest.mark.system
def test_the_host_takes_weights_quotas_and_limits(pen):
    one = pen.child("one")
    one.set_cpu_weight(10_000)
    one.set_cpu_quota(0.25, 50)
    one.set_cpu_quota(None)
    one.set_memory_limit(64 << 20)
    one.set_pids_limit(3)
    process = sleeper(one)
    assert one.pids() == {process.pid}
    assert one.cpu_seconds() >= 0
    assert one.throttling().throttled == 0
    assert one.oom_kills() == one.pids_refused() == 0
    process.kill()
    process.wait()


@pytest.mark.system
def test_a_limit_the_kernel_refuses_is_one_line(pen):
    with pytest.raises(NoCgroup, match="cannot be set to -5") as caught:
        pen.child("one").set_pids_limit(-5)
    assert "\n" not in str(caught.value)


@pytest.mark.system
def test_a_frozen_process_stands_still_and_still_ends_with_its_group():
    before = own_children()
    try:
        with group("freezer") as made:
            inside = made.child("one")
            process = sleeper(inside)
            inside.freeze()
    except NoCgroup as error:
        pytest.skip(f"no freezer for this user: {error}")
    assert process.wait(timeout=10) == -9
    assert own_children() == before
