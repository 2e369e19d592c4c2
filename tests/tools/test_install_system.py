"""`make system`, against a pretended distribution: nothing is installed here."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "install-system.sh"
TOOLS = ("bash", "env", "grep", "sed")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder with lists of packages and a bin/ of plain tools."""
    (tmp_path / "apt.txt").write_text("small  # a comment\nsecond\n")
    (tmp_path / "apt-full.txt").write_text("# nothing but this\nunknown-here\n")
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(str(shutil.which(tool)))
    return tmp_path


def have(machine: Path, programs: Mapping[str, str]) -> None:
    for name, body in programs.items():
        program = machine / "bin" / name
        program.write_text(f"#!/usr/bin/env bash\n{body}\n")
        program.chmod(0o755)


def distribution(installed: str) -> dict[str, str]:
    return {
        "id": "echo 0",
        "dpkg-query": f'[[ " {installed} " = *" ${{!#}} "* ]] && echo "install ok installed"',
        "apt-cache": '[ "$2" != unknown-here ]',
        "apt-get": 'echo "apt-get $*"',
    }


def install(machine: Path, *lists: str) -> subprocess.CompletedProcess[str]:
    bash = str(shutil.which("bash"))
    environment = {"PATH": str(machine / "bin")}
    return subprocess.run(
        [bash, SCRIPT, *lists], cwd=machine, env=environment, capture_output=True, text=True
    )


def test_what_is_there_is_not_installed_again(machine: Path) -> None:
    have(machine, distribution("small second unknown-here"))
    done = install(machine)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "make system: all 3 packages are installed\n"


def test_one_list_can_be_named(machine: Path) -> None:
    have(machine, distribution("small second"))
    done = install(machine, "apt.txt")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "make system: all 2 packages are installed\n"


def test_only_what_is_missing_and_known_is_installed(machine: Path) -> None:
    have(machine, distribution("small"))
    done = install(machine)
    assert done.returncode == 0, done.stderr
    update, installed = done.stdout.splitlines()
    assert update.startswith("apt-get update")
    assert installed.startswith("apt-get install")
    assert installed.endswith(" second")
    assert "--no-install-recommends" in installed
    assert done.stderr == "make system: unknown-here is not in this distribution; left out\n"


@pytest.mark.parametrize(
    ("programs", "said"),
    [
        ({}, "no apt-get here"),
        ({"apt-get": "", "id": "echo 1000"}, "only root can install packages"),
    ],
)
def test_what_it_cannot_do_is_one_line(machine: Path, programs: dict[str, str], said: str) -> None:
    have(machine, programs)
    done = install(machine)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
