"""Setting up: with uv, with venv and pip, with neither; and never twice."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from .conftest import Run

# What a machine has besides Python: make needs a shell, and the scripts need these.
TOOLS = ("bash", "cat", "env", "expand", "grep", "id", "make", "mkdir", "rm", "sed", "touch", "tr")
PROJECT = """
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"
[project]
name = "tiny"
version = "1"
[tool.setuptools]
py-modules = []
"""
BASE_PYTHON = Path(os.path.realpath(sys.executable))


@pytest.fixture
def tiny(tmp_path: Path, root: Path) -> Path:
    """A project with one dependency, set up by the course's own Makefile and script."""
    folder = tmp_path / "tiny project"
    folder.mkdir()
    (folder / "tools").mkdir()
    shutil.copy2(root / "tools" / "setup-env.sh", folder / "tools")
    shutil.copy2(root / "Makefile", folder)
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "requirements.txt").write_text("six==1.17.0\n")
    return folder


def path_with(folder: Path, **programs: str | Path) -> str:
    """A PATH with the plain tools and these programs, and nothing else."""
    folder.mkdir()
    found = {tool: where for tool in TOOLS if (where := shutil.which(tool))}
    for name, program in {**found, **programs}.items():
        (folder / name).symlink_to(program)
    return str(folder)


def has_six(folder: Path, run: Run) -> bool:
    code = "import six, importlib.metadata as m; m.version('tiny')"
    return run(folder / ".venv" / "bin" / "python", "-c", code, cwd=folder).returncode == 0


@pytest.mark.usefixtures("package_index")
def test_uv_sets_up_and_a_second_time_installs_nothing(tiny: Path, run: Run) -> None:
    uv = Path(sys.executable).parent / "uv"
    path = path_with(tiny.parent / "bin", uv=uv, python3=BASE_PYTHON)
    done = run("make", "env", cwd=tiny, PATH=path)
    assert done.returncode == 0, done.stderr
    assert has_six(tiny, run)
    stamp = (tiny / ".venv" / ".ready").stat().st_mtime_ns
    again = run("make", "env", cwd=tiny, PATH=path)
    assert again.returncode == 0
    assert (tiny / ".venv" / ".ready").stat().st_mtime_ns == stamp


@pytest.mark.long
@pytest.mark.usefixtures("package_index")
def test_venv_and_pip_set_up_where_there_is_no_uv(tiny: Path, run: Run) -> None:
    path = path_with(tiny.parent / "bin", python3=BASE_PYTHON)
    done = run("make", "env", cwd=tiny, PATH=path)
    assert done.returncode == 0, done.stderr
    assert has_six(tiny, run)
    # A changed lock is installed; uv, met later, goes on with the same environment.
    (tiny / "requirements.txt").write_text("six==1.16.0\n")
    os.utime(tiny / "requirements.txt")
    uv = Path(sys.executable).parent / "uv"
    both = path_with(tiny.parent / "bin2", uv=uv, python3=BASE_PYTHON)
    assert run("make", "env", cwd=tiny, PATH=both).returncode == 0
    version = run(tiny / ".venv/bin/python", "-c", "import six; print(six.__version__)")
    assert version.stdout.strip() == "1.16.0"


@pytest.mark.parametrize("have", ["nothing", "an old python3", "a python3 without venv"])
def test_without_uv_and_venv_one_line_says_what_to_install(tiny: Path, run: Run, have: str) -> None:
    fake = tiny.parent / "python3"
    # It fails at the version test, or at `import ensurepip, venv`.
    version_test = 1 if have == "an old python3" else 0
    fake.write_text(
        f'#!/usr/bin/env bash\n[[ "$2" = *version_info* ]] && exit {version_test}\nexit 1\n'
    )
    fake.chmod(0o755)
    programs = {} if have == "nothing" else {"python3": fake}
    done = run("make", "env", cwd=tiny, PATH=path_with(tiny.parent / "bin", **programs))
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if not line.startswith("make:")]
    assert len(said) == 1
    assert "python3-venv" in said[0]
    assert "uv" in said[0]
    assert not (tiny / ".venv" / ".ready").exists()


def test_make_alone_lists_every_target(root: Path, run: Run) -> None:
    makefile = (root / "Makefile").read_text()
    phony = set(
        re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", makefile, re.MULTILINE)[1]
        .replace("\\", " ")
        .split()
    )
    listed = re.findall(r"^  make ([a-z-]+) +\S", run("make").stdout, re.MULTILINE)
    assert set(listed) == phony - {"help", "env-dev"}
    assert len(listed) == len(set(listed))
