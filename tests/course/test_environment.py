"""The environment files: what Binder, conda, pip and apt-get make of them."""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest
import yaml

from .conftest import Run

PACKAGES = Path(__file__).parent / "packages"
APT_KIB = 200 * 1000  # the packages of apt.txt with all they need
PIN = re.compile(r"^[a-z0-9.-]+(\[[a-z0-9,-]+\])?==[^ ;]+( ; .+)?$")

# All that Binder needs; one more line would be one more thing to keep in step.
ENVIRONMENT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["dependencies"],
    "properties": {
        "dependencies": {
            "const": ["python=3.11", "pip", {"pip": ["-r requirements.txt", "-e ."]}],
        }
    },
}


def names_in(path: Path) -> list[str]:
    """The names in a list with comments."""
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def pins_in(path: Path) -> dict[str, str]:
    lines = names_in(path)
    assert [line for line in lines if not PIN.match(line)] == []
    return dict(line.partition(" ;")[0].split("==") for line in lines)


def stored_list(distribution: str) -> dict[str, list[str]]:
    """Version and installed size by package, as the distribution's stored list says."""
    lines = names_in(PACKAGES / f"{distribution}.txt")
    return {name: rest for name, *rest in (line.split() for line in lines)}


def test_environment_yml_says_what_binder_needs_and_nothing_else(root: Path) -> None:
    jsonschema.validate(yaml.safe_load((root / "environment.yml").read_text()), ENVIRONMENT)


def test_reading_a_notebook_compiles_no_grammar(run: Run) -> None:
    """Jupyter checks addresses by `rfc3987_syntax` where it finds it: 0.9 s at each start."""
    look = "import sys, nbformat; print('rfc3987_syntax' in sys.modules)"
    assert run(sys.executable, "-c", look).stdout.strip() == "False"


def test_no_binder_folder_hides_environment_yml(root: Path) -> None:
    for name in ("binder", ".binder", "Dockerfile", "runtime.txt", "Pipfile", "install.R"):
        assert not (root / name).exists(), f"{name} would hide or change environment.yml on Binder"


def test_both_locks_pin_everything_alike(root: Path) -> None:
    course, everything = (
        pins_in(root / name) for name in ("requirements.txt", "requirements-dev.txt")
    )
    assert {name: everything.get(name) for name in course} == course


def test_the_locks_hold_every_dependency_of_the_project(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    for lock, needs in (
        ("requirements.txt", project["dependencies"]),
        ("requirements-dev.txt", project["optional-dependencies"]["dev"]),
    ):
        names = [re.match(r"[\w-]+", need)[0] for need in needs]
        assert [name for name in names if name not in pins_in(root / lock)] == [], "run make lock"


def test_dependencies_are_in_alphabetical_order(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    for names in (project["dependencies"], project["optional-dependencies"]["dev"]):
        assert names == sorted(names)


def test_repo2docker_reads_a_clean_clone(clean_clone: Path, run: Run) -> None:
    tool = Path(sys.executable).parent / "jupyter-repo2docker"
    # Neither Docker nor the network is needed to write the Dockerfile.
    done = run(tool, "--no-build", "--debug", ".", cwd=clean_clone, seconds=120)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "Building conda environment for python=3.11" in said
    assert "unspecified" not in said.lower()
    apt = " ".join(sorted(names_in(clean_clone / "apt.txt")))
    assert f"apt-get install --yes --no-install-recommends {apt}" in said
    assert '--file "environment.yml"' in said


@pytest.mark.parametrize("distribution", ["debian-12", "ubuntu-24.04"])
def test_both_distributions_have_every_package_of_apt_txt(root: Path, distribution: str) -> None:
    stored = stored_list(distribution)
    unknown = [name for name in names_in(root / "apt.txt") if name not in stored]
    assert unknown == [], f"confirm them and add them to tests/course/packages/{distribution}.txt"


def test_the_packages_of_apt_txt_and_all_they_need_stay_small() -> None:
    sizes = [int(size) for _, size in stored_list("debian-12").values()]
    assert sum(sizes) <= APT_KIB


@pytest.mark.system
def test_this_distribution_has_every_package(root: Path, run: Run) -> None:
    if not shutil.which("apt-cache"):
        pytest.skip("no apt-cache here: not Debian or Ubuntu")
    names = [*names_in(root / "apt.txt"), *names_in(root / "apt-full.txt")]
    known = run("apt-cache", "pkgnames").stdout.split()
    if len(known) < 10_000:
        pytest.skip("apt-cache has no package lists: run apt-get update")
    assert [name for name in names if name not in known] == []


def test_no_package_is_named_twice(root: Path) -> None:
    names = [*names_in(root / "apt.txt"), *names_in(root / "apt-full.txt")]
    assert len(names) == len(set(names))
