"""The chapters where little is allowed, as on Binder: no privilege, no namespaces, no network.

One CPU, 2 GiB. Bubblewrap builds the setting around the interpreter that runs the tests, and a
control group, where one can be made, counts the memory of everything in it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import nbformat
import pytest

from tools import build
from virtlab.resources.cgroups import Group, NoCgroup, group

from .conftest import ROOT, Run

pytestmark = pytest.mark.system
CHAPTERS = [path.stem for path in sorted(ROOT.glob("notebooks/[0-9]*.md"))]
MEMORY = 2 * 2**30
# What one chapter may take of it: the kernel, its processes, and the files that they keep warm.
CHAPTER_MEMORY = 900 * 2**20
CHAPTER_SECONDS = 180
# Moves itself into a group, then becomes the command.
INTO = 'for place in $GROUPS_TO_JOIN; do echo $$ > "$place/cgroup.procs"; done; exec "$@"'


@pytest.fixture(scope="module")
def small_machine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A writable folder, and the words before a command that put it into the setting."""
    if not shutil.which("bwrap"):
        pytest.skip("no bubblewrap here: make system installs it")
    home, temporary = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("temporary")
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    cpus = sorted(os.sched_getaffinity(0))
    cpu = cpus[worker % len(cpus)]  # tests that run side by side must not share one
    setting = [
        *("taskset", "--cpu-list", str(cpu)),
        *("prlimit", f"--data={MEMORY}"),
        *("bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
        # No kernel to boot a guest with: it comes with apt-full.txt, which Binder does not read.
        *("--tmpfs", "/boot"),
        # A /tmp on a disk, not in memory; the tests' own is hidden, but for this folder.
        *("--bind", str(temporary), "/tmp", "--ro-bind", str(ROOT), str(ROOT)),
        *("--bind", str(home), str(home), "--setenv", "HOME", str(home)),
        *("--unshare-all", "--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"),
        *("--cap-drop", "ALL", "--new-session", "--die-with-parent", "--chdir", str(home)),
    ]
    tried = subprocess.run([*setting, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        pytest.skip(f"bubblewrap cannot build the setting here: {tried.stderr.strip()}")
    return home, setting


def test_the_setting_refuses_what_it_should(
    small_machine: tuple[Path, list[str]], run: Run
) -> None:
    """The positive control: in the setting, none of this works."""
    _, setting = small_machine
    assert run(*setting, "id", "-u").stdout.strip() == "1000"
    assert run(*setting, "nproc").stdout.strip() == "1"
    for refused in (
        ("unshare", "--user", "true"),
        ("unshare", "--uts", "true"),
        ("bwrap", "--ro-bind", "/", "/", "true"),
        ("mount", "-t", "tmpfs", "none", "/mnt"),
        ("touch", "/usr/touched"),
    ):
        assert run(*setting, *refused).returncode != 0, refused
    ask = "import socket; socket.create_connection(('192.0.2.1', 80), 2)"
    assert "unreachable" in run(*setting, sys.executable, "-c", ask).stderr
    eat = "block = bytearray(3 * 2**30)"
    assert "MemoryError" in run(*setting, sys.executable, "-c", eat).stderr


@pytest.fixture
def pen() -> Iterator[Group | None]:
    """A control group that holds a chapter to its memory; None where none can be made."""
    with ExitStack() as stack:
        try:
            made = stack.enter_context(group("memory")).child("chapter")
        except NoCgroup:
            yield None
            return
        made.set_memory_limit(CHAPTER_MEMORY)
        yield made


def test_the_group_ends_what_takes_more_than_a_chapter_may(pen: Group | None, run: Run) -> None:
    """The positive control of the bound on memory."""
    if pen is None:
        pytest.skip("no memory control group can be made here: how much a chapter takes is unknown")
    eat = f"block = bytearray({CHAPTER_MEMORY + 2**26}); print('ate it')"
    done = run(*into(pen), sys.executable, "-c", eat, **to_join(pen))
    assert "ate it" not in done.stdout
    assert pen.oom_kills() > 0


def into(pen: Group | None) -> tuple[str, ...]:
    """The words before a command that put it into the group."""
    return () if pen is None else ("bash", "-c", INTO, "into")


def to_join(pen: Group | None) -> dict[str, str]:
    return {} if pen is None else {"GROUPS_TO_JOIN": " ".join(map(str, pen.places))}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_runs_to_the_end_and_says_what_is_recorded(
    chapter: str,
    small_machine: tuple[Path, list[str]],
    pen: Group | None,
    run: Run,
) -> None:
    home, setting = small_machine
    shutil.copytree(ROOT / "notebooks", home / "notebooks", dirs_exist_ok=True)
    began = time.monotonic()
    done = run(
        *(*into(pen), *setting, sys.executable, ROOT / "tools" / "build.py", "--execute", chapter),
        *("--root", home),
        seconds=CHAPTER_SECONDS,
        **to_join(pen),
    )
    print(f"{chapter}: {time.monotonic() - began:.1f} s", end="")
    if pen is not None:
        print(f", {(pen.memory_peak_bytes() or 0) >> 20} MiB at most")
        assert pen.oom_kills() == 0, f"{chapter} takes more than {CHAPTER_MEMORY >> 20} MiB"
    assert done.returncode == 0, done.stdout + done.stderr
    notebook = nbformat.read(home / "notebooks" / f"{chapter}.ipynb", as_version=4)
    said = "\n".join(
        str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", ""))
        for cell in build.code_cells(notebook)
        for output in cell.outputs
    )
    if chapter == "00-start-here":
        assert re.search(r"no +namespaces", said)  # the doctor
    else:
        assert "recorded" in said
        assert "namespace" in said  # the reason
