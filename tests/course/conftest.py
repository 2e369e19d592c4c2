"""What checks of the whole course share: the repository, a fresh copy of it, commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]
# What `make test` tells a make below it; a test stands for a person at a shell.
OF_MAKE = ("MAKELEVEL", "MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "ARGS")


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


def tracked_files() -> list[Path]:
    """What a clone of this working tree would hold, relative to the root.

    Also files that are not committed yet, so that a test fails before the commit, not after it.
    """
    command = ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git working tree")
    names = (Path(name) for name in listed.stdout.split("\0") if name)
    return [name for name in names if (ROOT / name).is_file()]


def copy_files(names: Sequence[Path], target: Path) -> Path:
    """Copies files of the repository into another folder, times of change included."""
    for name in names:
        to = target / name
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, to)
    return target


@pytest.fixture(scope="session")
def run() -> Run:
    """Runs a command to its end and returns its output as text."""

    def run(
        *command: str | Path, cwd: Path = ROOT, seconds: float = 300, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env={name: os.environ[name] for name in os.environ.keys() - OF_MAKE} | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    return run


@pytest.fixture(scope="session")
def package_index() -> None:
    """Skips a test that installs packages where no package index answers."""
    asked = subprocess.run(
        [Path(sys.executable).parent / "uv", "pip", "compile", "--quiet", "--no-cache", "-"],
        input="six",
        capture_output=True,
        text=True,
        env={**os.environ, "UV_HTTP_TIMEOUT": "10"},
    )
    if asked.returncode != 0:
        pytest.skip("no package index answers: this test installs packages")


@pytest.fixture
def clean_clone(tmp_path: Path) -> Path:
    """The repository as a fresh clone would hold it."""
    return copy_files(tracked_files(), tmp_path / "clone")


@dataclass(frozen=True)
class Clone:
    """A clean clone that `make env` set up.

    Attributes:
        folder: where it is.
        environment: variables for commands in it: no trace of this working tree's environment,
            and Jupyter settings of its own.
    """

    folder: Path
    environment: dict[str, str]


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory, package_index: None, run: Run) -> Clone:
    """A clean clone with its environment, shared by the tests that use it as a person would."""
    base = tmp_path_factory.mktemp("clone")
    folder = copy_files(tracked_files(), base / "course")
    tools = Path(sys.executable).parent
    (base / "bin").mkdir()
    (base / "bin" / "uv").symlink_to(tools / "uv")
    others = [part for part in os.environ["PATH"].split(os.pathsep) if Path(part) != tools]
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    environment = {
        "PATH": os.pathsep.join([str(base / "bin"), *others]),
        "PYTHONPATH": "",
        "VIRTLAB_RUNS": str(base / "runs"),
        **{name: str(base / name.lower()) for name in own},
    }
    made = run("make", "env", cwd=folder, seconds=600, **environment)
    assert made.returncode == 0, made.stderr
    return Clone(folder, environment)
