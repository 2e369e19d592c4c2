"""The chapters where little is allowed, as on Binder: no privilege, no namespaces, no network.

One CPU, 2 GiB. Bubblewrap builds the setting around the interpreter that runs the tests.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tools import build

from .conftest import ROOT, Run

pytestmark = pytest.mark.system
CHAPTERS = [path.stem for path in sorted(ROOT.glob("notebooks/[0-9]*.md"))]
MEMORY = 2 * 2**30


@pytest.fixture(scope="module")
def small_machine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A writable folder, and the words before a command that put it into the setting."""
    if not shutil.which("bwrap"):
        pytest.skip("no bubblewrap here: make system installs it")
    home = tmp_path_factory.mktemp("home")
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    cpus = sorted(os.sched_getaffinity(0))
    cpu = cpus[worker % len(cpus)]  # tests that run side by side must not share one
    setting = [
        *("taskset", "--cpu-list", str(cpu)),
        *("prlimit", f"--data={MEMORY}"),
        *("bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
        # The tests' own temporary files are hidden, but for this folder.
        *("--tmpfs", "/tmp", "--ro-bind", str(ROOT), str(ROOT)),
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


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_runs_to_the_end_and_says_what_is_recorded(
    chapter: str, small_machine: tuple[Path, list[str]], run: Run
) -> None:
    home, setting = small_machine
    shutil.copytree(ROOT / "notebooks", home / "notebooks", dirs_exist_ok=True)
    done = run(
        *(*setting, sys.executable, ROOT / "tools" / "build.py", "--execute", chapter),
        *("--root", home),
        seconds=600,
    )
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
