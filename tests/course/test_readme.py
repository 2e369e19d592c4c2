"""Every command of README.md is run here, or by the test that is named beside it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import run_tests

from .conftest import ROOT, Clone, Run, tracked_files
from .test_devcontainer import IN_DOCKER

pytestmark = [pytest.mark.clone, pytest.mark.xdist_group("readme")]

ASSIGNMENT = "01-what-is-virtualization"


def commands_in(text: str) -> list[str]:
    """The lines of the ```bash blocks, indented or not, without their comments."""
    blocks = re.findall(r"^ *```bash\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    lines = (line.partition("  #")[0].strip() for block in blocks for line in block.splitlines())
    return list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))


def fine(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr


def prints(*words: str) -> Callable[[subprocess.CompletedProcess[str]], None]:
    """A check that the command went well and its output has these words."""

    def check(done: subprocess.CompletedProcess[str]) -> None:
        fine(done)
        assert [word for word in words if word not in done.stdout] == []

    return check


# Run here as they stand, in a clean clone.
RUN_HERE: dict[str, Callable[[subprocess.CompletedProcess[str]], None]] = {
    ".venv/bin/virtlab doctor": prints("kernel", "yes"),
    ".venv/bin/virtlab startup --rounds 3": prints("thread", "posix_spawn", "median"),
    ".venv/bin/virtlab exercise 1": prints(f"work/{ASSIGNMENT}", f"{ASSIGNMENT}.ipynb"),
    "make release": prints(f"release/{ASSIGNMENT}"),
    ".venv/bin/autograder doctor": fine,
    "make build": prints(f"notebooks/{ASSIGNMENT}.md: "),
}
# Run with one stage only: the whole of it is what runs this test.
ONE_STAGE = {"make test", "make test-fast", "make test-all"}
# Run by the tests below.
RUN_BELOW = {"make system", f".venv/bin/autograder grade {ASSIGNMENT}"}
# Run by another file.
RUN_ELSEWHERE = {"make lab": "test_lab.py"} | dict.fromkeys(IN_DOCKER, "test_devcontainer.py")
# Long, and stages of the suite themselves: running them here would be running them twice.
STAGES = {
    ".venv/bin/autograder validate": ["autograder validate"],
    "make lint": ["ruff check", "ruff format --check", "mypy"],
}

COMMANDS = commands_in((ROOT / "README.md").read_text())


def here(
    command: str, clone: Clone, run: Run, **environment: str
) -> subprocess.CompletedProcess[str]:
    return run(
        "bash", "-c", command, cwd=clone.folder, seconds=600, **clone.environment, **environment
    )


def test_every_command_is_run_by_a_test() -> None:
    assert len(COMMANDS) > 5
    tested = {*RUN_HERE, *ONE_STAGE, *RUN_BELOW, *RUN_ELSEWHERE, *STAGES}
    assert [command for command in COMMANDS if command not in tested] == []
    for command, name in RUN_ELSEWHERE.items():
        assert command in (Path(__file__).parent / name).read_text()


@pytest.mark.parametrize("command", STAGES)
def test_a_stage_of_the_suite_runs_it(command: str, run: Run) -> None:
    stages = run_tests.stages(fast=False, everything=False)
    ran = [" ".join([Path(stage.command[0]).name, *stage.command[1:]]) for stage in stages]
    meant = run("make", "-n", "lint").stdout if command.startswith("make") else command
    for part in STAGES[command]:
        assert part in meant
        assert any(line.startswith(part) for line in ran)


def test_what_readme_links_to_is_in_git() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert len(links) > 3
    assert set(map(Path, links)) - set(tracked_files()) == set()


@pytest.fixture(scope="module")
def developed(clone: Clone, run: Run) -> Clone:
    """The clone with what building and testing need."""
    fine(here("make env-dev", clone, run))
    return clone


@pytest.mark.parametrize("command", [name for name in COMMANDS if name in RUN_HERE])
def test_a_command_does_what_it_says(command: str, developed: Clone, run: Run) -> None:
    RUN_HERE[command](here(command, developed, run))


@pytest.mark.parametrize("command", [name for name in COMMANDS if name in ONE_STAGE])
def test_the_suite_starts(command: str, developed: Clone, run: Run) -> None:
    done = here(command, developed, run, ARGS="--only ruff")
    # Whether ruff finds something is that stage's own matter.
    assert re.fullmatch(r"[01] passed, [01] failed, 0 skipped", done.stdout.splitlines()[-1])


@pytest.mark.system
def test_make_system_installs_nothing_where_all_is_there(clone: Clone, run: Run) -> None:
    if not shutil.which("dpkg-query"):
        pytest.skip("no dpkg here: not Debian or Ubuntu")
    # `make -n` would not do: the script itself must see that nothing is missing.
    names = re.findall(
        r"^[a-z0-9.+-]+",
        "\n".join((ROOT / n).read_text() for n in ("apt.txt", "apt-full.txt")),
        re.M,
    )
    here_already = run("dpkg-query", "-W", "-f", "${Status}\n", *names).stdout
    if here_already.count("install ok installed") != len(names):
        pytest.skip("not all packages of apt.txt and apt-full.txt are here: make system")
    prints(f"all {len(names)} packages are installed")(here("make system", clone, run))


def test_a_submission_is_graded(developed: Clone, run: Run) -> None:
    """The release as it is, submitted: it is graded, and earns nothing."""
    submitted = developed.folder / "submitted" / "ada" / ASSIGNMENT
    shutil.copytree(developed.folder / "release" / ASSIGNMENT, submitted)
    command = f".venv/bin/autograder grade {ASSIGNMENT}"
    fine(here(command, developed, run))
    again = here(f"{command} --force --format json", developed, run)
    fine(again)
    (row,) = json.loads(again.stdout)
    assert row["student"] == "ada"
    assert row["score"] == 0
    assert row["max_score"] > 0
