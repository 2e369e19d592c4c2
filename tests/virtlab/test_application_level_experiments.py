"""The experiments of chapter 16, and what they are made of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.virtlab.chapters import built_cell
from virtlab import figures, host, registry
from virtlab.experiments import c16_application_level as lab
from virtlab.experiments.running import run_program
from virtlab.models import app_layers


def need(*names: str) -> None:
    for name in names:
        capability = host.probe(name)
        if not capability:
            pytest.skip(f"{name}: {capability.why}")


# --- fooled about the disk ------------------------------------------------------------------------


def test_a_shim_fools_the_application_but_not_its_child() -> None:
    rows = lab.fooled().set_index("condition")
    assert rows["believes"].all()
    assert rows.loc["no package", "host_changes"] == 4  # the control: it does harm
    assert rows.loc["path shim", "host_changes"] == 0
    assert rows.loc["no package", "child_sees"] == "the application's"
    assert rows.loc["path shim", "child_sees"] == "the host's"


@pytest.mark.system
@pytest.mark.usefixtures("leaves_nothing")
def test_mounts_fool_the_child_too() -> None:
    need("namespaces", "overlayfs")
    data = lab.fooled()
    assert data.attrs["failed"] == {}
    rows = data.set_index("condition")
    for name in ("bind mount", "overlay"):
        assert rows.loc[name, "host_changes"] == 0
        assert rows.loc[name, "child_sees"] == "the application's"
    assert rows.loc["overlay", "package_kib"] * 100 < rows.loc["bind mount", "package_kib"]


@pytest.mark.system
def test_the_real_system_folders_stay_as_they_were() -> None:
    need("namespaces", "overlayfs")
    try:
        rows = lab.system_paths()
    except registry.CannotMeasure as error:
        pytest.skip(str(error))
    assert (rows["host_before"] == rows["host_after"]).all()
    assert (rows["application_sees"] != rows["host_before"]).all()
    assert not Path("/etc/virtlab.conf").exists()


@pytest.mark.system
@pytest.mark.serial
def test_each_way_is_timed_in_each_round() -> None:
    need("namespaces", "overlayfs")
    data = lab.open_cost(samples=4, seed=2)
    assert set(data.groupby("condition").size()) == {4}
    assert set(data["condition"]) == set(lab.WAYS)
    assert (data["us"] > 0).all()


# --- packed ---------------------------------------------------------------------------------------


def test_a_trace_becomes_files_to_pack(tmp_path: Path) -> None:
    script = tmp_path / "report"
    script.write_text("#!/bin/sh\n")
    there = tmp_path / "data"
    there.write_text("x")
    calls = [
        ("openat", str(there), 3),
        ("openat", str(tmp_path / "absent"), -1),
        ("openat", "/proc/self/maps", 3),
        ("openat", str(script), 3),
        ("newfstatat", str(tmp_path), 0),
    ]
    assert set(lab.needed(calls, script)) == {str(there)}


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ('12  openat(AT_FDCWD, "/a b", O_RDONLY) = 3', ("openat", "/a b", "3")),
        ('12  execve("/bin/sh", ["sh"], 0x7 /* 3 vars */) = 0', ("execve", "/bin/sh", "0")),
        ('1  access("/x", R_OK) = -1 ENOENT (No such file)', ("access", "/x", "-1")),
        ("12  +++ exited with 0 +++", None),
    ],
)
def test_a_line_of_strace_is_read(line: str, call: tuple[str, ...] | None) -> None:
    match = lab._CALL.match(line)
    assert (match.groups() if match else None) == call


@pytest.mark.system
def test_the_trace_knows_what_ldd_does_not() -> None:
    need("strace")
    known = lab.traced().set_index("condition")["known_by"]
    assert known[f"/usr/share/zoneinfo/{lab.ZONE}"] == "the trace"
    assert (known == "the program's first bytes").sum() == 1
    assert "ldd" in set(known)


@pytest.mark.system
def test_a_package_runs_without_the_host_if_the_trace_saw_it_all() -> None:
    need("strace", "namespaces")
    rows = lab.packed().set_index("condition")
    assert rows["right"].to_dict() == {
        "on the host": True,
        "what ldd lists": False,
        "what the trace lists": True,
        "the same, another zone": False,
    }
    found = rows["finds_a_file_of_the_host"]
    assert found["on the host"]
    assert not found.drop("on the host").any()


@pytest.mark.system
@pytest.mark.serial
@pytest.mark.usefixtures("leaves_nothing")
def test_a_package_runs_from_one_file() -> None:
    need("strace", "namespaces", "squashfs", "loop device")
    data = lab.one_file(rounds=1)
    if data.attrs["failed"]:
        pytest.skip(str(data.attrs["failed"]))
    kib = data.set_index("condition")["kib"]
    assert kib["squashfs"] < kib["folder"]


# --- the model ------------------------------------------------------------------------------------


def test_modes_decide_what_is_seen_and_what_is_changed() -> None:
    rows = lab.isolation_modes().set_index("condition")
    assert list(rows["reads_host"]) == ["seen", "seen", "hidden"]
    assert list(rows["change"]) == ["host", "sandbox", "sandbox"]
    assert set(rows["own"]) == {"sandbox"}
    with pytest.raises(ValueError, match="write copy"):
        app_layers.VirtualFiles({}, {}, "copy")


def test_what_is_removed_in_a_sandbox_is_not_listed() -> None:
    files = app_layers.VirtualFiles({"/app": "1"}, {"/etc/motd": "2"}, app_layers.WRITE_COPY)
    files.write("/etc/motd", None)
    files.write("/new", "3")
    assert files.names() == ["/app", "/new"]
    assert files.host == {"/etc/motd": "2"}


def test_the_rules_of_the_registry() -> None:
    rows = lab.registry_rules().set_index("condition")
    assert list(rows["theme"]) == ["host", "–", "–"]
    assert list(rows["font"]) == ["package", "package", "–"]
    assert set(rows["zoom"]) == {"user"}
    neighbours: app_layers.Layer = {"app": ("merge", {}), "apple": ("merge", {})}
    assert app_layers.merged_keys([neighbours, {"app": ("delete", {})}]) == {"apple": {}}


# --- recordings, figures, the chapter's own code --------------------------------------------------


@pytest.mark.parametrize("name", sorted(registry.load(lab.CHAPTER)))
def test_every_experiment_can_be_had_without_a_privilege(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    measured = registry.run(registry.load(lab.CHAPTER)[name])
    assert measured.source in ("recorded", "simulated")
    assert len(measured.data)
    assert "condition" in measured.data


def test_the_figures_of_the_chapter_say_what_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    for shown in (
        figures.slowdown(registry.run(lab.open_cost), "us", "no package", "opening"),
        figures.dots(registry.run(lab.one_file), "total_ms", "ms", "ms from file to answer"),
    ):
        assert shown.png().startswith(b"\x89PNG")
        assert len(shown.png()) <= figures.MOST_BYTES


def test_the_smallest_shim_of_the_chapter_works(tmp_path: Path) -> None:
    code = built_cell(lab.CHAPTER)
    system, package = tmp_path / "system", tmp_path / "package"
    system.mkdir()
    package.mkdir()
    (system / "hosts").write_text("old\n")
    (system / "gone").write_text("old\n")
    program = f"""{code}
with fooled({str(system)!r}, {str(package)!r}):
    with open({str(system / "hosts")!r}, "a") as file:
        file.write("new\\n")
    with open({str(system / "made")!r}, "w") as file:
        file.write("made\\n")
    print(open({str(system / "hosts")!r}).read().split(), open({str(system / "made")!r}).read())
print(open({str(system / "hosts")!r}).read())
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.stderr == ""
    assert run.stdout == "['old', 'new'] made\n\nold\n\n"
    assert sorted(path.name for path in system.iterdir()) == ["gone", "hosts"]
    assert (system / "hosts").read_text() == "old\n"


def test_a_failure_of_the_program_is_one_line() -> None:
    with pytest.raises(registry.CannotMeasure) as failure:
        run_program("fooled.py", "overlay", "/no/such/folder")
    assert "\n" not in str(failure.value)
