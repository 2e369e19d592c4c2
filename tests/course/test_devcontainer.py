"""The container for macOS, Windows and Codespaces: what it names is there, and it is really built.

No registry of images is asked: the base image is made here, by debootstrap.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from virtlab import host
from virtlab.runtimes.docker import own_docker_engine

from .conftest import ROOT, Run, copy_files, tracked_files
from .npm import installed

BUILD = "docker build -t virtlab -f .devcontainer/Dockerfile ."
START = (
    "docker run --rm -it -p 127.0.0.1:8888:8888 -v virtlab-work:/home/student/course/work virtlab"
)
# README's commands; the last test runs them, but for what there is no terminal and no bridge for.
IN_DOCKER = (BUILD, START)
DOCKERFILE = (ROOT / ".devcontainer" / "Dockerfile").read_text()
BASE = "debian:12-slim"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, each on one line."""
    text = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip()]
    return [(word, " ".join(rest.split())) for word, rest in lines]


def settings() -> dict[str, object]:
    return json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_dev_container_names_only_what_is_there() -> None:
    build = settings()["build"]
    assert (ROOT / ".devcontainer" / build["dockerfile"]).is_file()
    assert (ROOT / ".devcontainer" / build["context"]).resolve() == ROOT
    stages = [rest.split(" AS ")[1] for word, rest in instructions() if word == "FROM"]
    assert build["target"] in stages
    assert f"useradd --create-home --uid 1000 --shell /bin/bash {settings()['remoteUser']}" in str(
        instructions()
    )
    for step in ("postCreateCommand", "postAttachCommand"):
        program, target, *_ = shlex.split(settings()[step])
        assert program == "make"
        assert target in targets()


def test_what_the_dockerfile_copies_and_runs_is_there() -> None:
    copied = [rest for word, rest in instructions() if word == "COPY"]
    for rest in copied:
        *sources, _ = [word for word in rest.split() if not word.startswith("--")]
        assert all((ROOT / source).exists() for source in sources)
    assert (ROOT / "tools" / "install-system.sh").stat().st_mode & 0o100
    made = {name for _, rest in instructions() for name in re.findall(r"\bmake ([a-z-]+) &&", rest)}
    assert made <= targets()
    (start,) = (json.loads(rest) for word, rest in instructions() if word == "CMD")
    assert start[0] == "make"
    assert start[1] in targets()


def test_it_installs_what_readme_says() -> None:
    """Python with its venv module and make, then apt.txt; the rest is `make env`."""
    readme = (ROOT / "README.md").read_text()
    assert "`make`, and either `python3` 3.11 or newer with its venv module" in readme
    (apt,) = (rest for word, rest in instructions() if "apt-get install" in rest)
    assert {"make", "python3", "python3-venv"} <= set(apt.split())
    assert any("install-system.sh apt.txt" in rest for _, rest in instructions())


@pytest.mark.system
def test_debian_has_every_package(run: Run) -> None:
    if not shutil.which("apt-cache"):
        pytest.skip("no apt-cache here: not Debian or Ubuntu")
    known = run("apt-cache", "pkgnames").stdout.split()
    if len(known) < 10_000:
        pytest.skip("apt-cache has no package lists: run apt-get update")
    (apt,) = (rest for word, rest in instructions() if "apt-get install" in rest)
    listed = apt.partition("--no-install-recommends")[2].partition("&&")[0].split()
    assert [name for name in listed if name not in known] == []


def test_nobody_is_root_when_the_course_runs() -> None:
    users = [rest for word, rest in instructions() if word == "USER"]
    assert users == ["student"]
    order = [word for word, _ in instructions()]
    assert order.index("USER") < order.index("WORKDIR") < order.index("CMD")


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Runs a docker command on an engine of our own that has the base image."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to start an engine")
    for tool in ("dockerd", "docker", "debootstrap", "apt-get"):
        if host.find_tool(tool) is None:
            pytest.skip(f"no {tool} here: it makes a base image without a registry")
    base = tmp_path_factory.mktemp("base") / "root"
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"], capture_output=True, text=True
    )
    made = subprocess.run(
        ["debootstrap", "--variant=minbase", "bookworm", base, listed.stdout.split()[0]],
        capture_output=True,
        text=True,
    )
    if made.returncode != 0:
        pytest.skip(f"debootstrap made no base image: {made.stdout.strip().splitlines()[-1]}")
    # So that this machine's way to the package index leads there from inside too.
    for path in ("etc/apt/sources.list.d", "usr/local/share/ca-certificates", "etc/ssl/certs"):
        if (Path("/") / path).is_dir():
            shutil.copytree(Path("/") / path, base / path, dirs_exist_ok=True)
    if Path("/etc/pip.conf").exists():
        shutil.copy("/etc/pip.conf", base / "etc")
    if any((base / "etc/apt/sources.list.d").glob("*.sources")):
        (base / "etc/apt/sources.list").unlink(missing_ok=True)
    with own_docker_engine():

        def docker(command: str, cwd: Path = ROOT) -> str:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", command],
                cwd=cwd,
                env={**os.environ, "DOCKER_BUILDKIT": "0"},
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
            return done.stdout

        docker(f"tar -C {base} -c . | docker import - {BASE}")
        yield docker


@pytest.mark.slow
@pytest.mark.serial
@pytest.mark.system
@pytest.mark.usefixtures("package_index")
def test_the_image_is_built_and_serves_the_course(
    docker: Callable[..., str], tmp_path: Path
) -> None:
    context = copy_files(tracked_files(), tmp_path / "course")
    # The engine has no bridge.
    docker(BUILD.replace("docker build", "docker build --network=host"), cwd=context)
    start = START.replace("-it -p 127.0.0.1:8888:8888", "--network=none")
    said = docker(f"{start} bash -c 'id -un; .venv/bin/virtlab exercise 1; ls -d .git runs || :'")
    assert said.splitlines()[0] == "student"
    assert "a fresh copy: open work/01-what-is-virtualization/" in said
    # The volume keeps it.
    again = docker(f"{start} .venv/bin/virtlab exercise 1")
    assert "is yours already and stays as it is" in again
    doctor = docker(f"{start} .venv/bin/virtlab doctor")
    assert "container                docker" in doctor
    # README's way to have more of it live; the grader asks for the same.
    walls = ("seccomp", "apparmor", "systempaths")
    assert all(f"{name}=unconfined" in (ROOT / "README.md").read_text() for name in walls)
    opened = " ".join(f"--security-opt {name}=unconfined" for name in walls)
    opened = start.replace("--rm", f"--rm {opened}")
    assert re.search(r"yes namespaces", docker(f"{opened} .venv/bin/virtlab doctor"))
    assert "This host can grade." in docker(f"{opened} .venv/bin/autograder doctor || :")
    # What the image starts by itself.
    lab = docker(
        f"{start.replace('--rm', '-d')} | tee /dev/stderr | xargs -I ID sh -c "
        "'for try in $(seq 60); do docker logs ID 2>&1 | grep -m1 http://127.0.0.1 && break; "
        "sleep 1; done; docker rm -f ID >/dev/null'"
    )
    assert re.search(r"8888/lab/tree/notebooks/00-start-here\.ipynb\?token=\w+", lab)


@pytest.mark.slow
@pytest.mark.serial
@pytest.mark.system
@pytest.mark.usefixtures("package_index")
def test_the_dev_container_comes_up_with_its_own_client(
    docker: Callable[..., str], tmp_path: Path
) -> None:
    """By the program that VS Code and Codespaces call; only the editor itself is missing."""
    packages = installed(tmp_path, Path(__file__).with_name("devcontainer-package.json"))
    client = f"TMPDIR={tmp_path} {packages / '.bin' / 'devcontainer'}"  # it leaves files there
    workspace = copy_files(tracked_files(), tmp_path / "course")
    # The engine has no bridge, so what it builds and runs has this machine's network.
    here = settings()
    here["build"]["options"] = here["runArgs"] = ["--network=host"]
    (workspace / ".devcontainer" / "devcontainer.json").write_text(json.dumps(here))
    docker(f"chown -R 1000:1000 {workspace}")  # as where the user is not root
    at = f"--workspace-folder {workspace}"
    up = docker(f"{client} up {at} --buildkit never --skip-post-attach")
    container = json.loads(up.splitlines()[-1])
    try:
        assert container["outcome"] == "success"
        assert container["remoteUser"] == "student"
        doctor = docker(f"{client} exec {at} .venv/bin/virtlab doctor")
        assert "container                docker" in doctor
        # An editor leaves this running in a terminal.
        attach = (
            f"{here['postAttachCommand']} > /tmp/lab 2>&1 & "
            "for try in $(seq 60); do grep -m1 http://127.0.0.1 /tmp/lab && break; sleep 1; done"
        )
        lab = docker(f"{client} exec {at} bash -c {shlex.quote(attach)}")
        assert re.search(r"/lab/tree/notebooks/00-start-here\.ipynb\?token=\w+", lab)
    finally:
        docker(f"docker rm -f {container['containerId']}")
