"""Makes the student bundle: what a public course repository holds, as a folder and a zip file.

    tools/student.py [--to DIR] [--repository OWNER/NAME]

Notebooks, release, data, virtlab and the environment files; nothing of source/, answers/ or
autograder/. The bundle is refused if a solution or a hidden test stands anywhere in it.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.assignment import Assignment
from autograder.course import Course, CourseError
from autograder.release import automaton_of, find_leaks, secrets_of

ROOT = Path(__file__).resolve().parents[1]
NAME = "virtualization-course"
FOLDERS = ("notebooks", "release", "data", "virtlab")
FILES = (
    ".devcontainer/Dockerfile",
    ".devcontainer/devcontainer.json",
    ".dockerignore",
    "LICENSE",
    "LICENSE-text",
    "apt-full.txt",
    "apt.txt",
    "environment.yml",
    "requirements.txt",
    "tools/install-system.sh",
    "tools/setup-env.sh",
)
LEFT_OUT = (".ipynb_checkpoints", "__pycache__", "*.pyc", "*.part", "[0-9]*.md")
# For the public repository that holds the bundle; the last two are the student's own.
IGNORED = (".venv/", "__pycache__/", "*.egg-info/", ".ipynb_checkpoints/", "/runs/", "/work/")
# Where Binder starts the course; in place of the braces, the public repository.
BINDER = (
    "[![Open the course on Binder](https://mybinder.org/badge_logo.svg)]"
    "(https://mybinder.org/v2/gh/{}/HEAD?urlpath=lab/tree/notebooks/00-start-here.ipynb)"
)
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
# A zip file of the same bundle is the same bytes, whenever it is made.
ZIP_DATE = (1980, 1, 1, 0, 0, 0)


class BundleError(Exception):
    """Why no bundle was made, in one line."""


def assemble(root: Path, bundle: Path) -> None:
    """Copies what students get into an empty folder.

    Raises:
        BundleError: a part of the course is not there.
    """
    for name in FOLDERS:
        if not (root / name).is_dir():
            raise BundleError(f"{name}/ is missing: run make build")
        ignore = shutil.ignore_patterns(*LEFT_OUT)
        shutil.copytree(root / name, bundle / name, ignore=ignore)
    for name in FILES:
        (bundle / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, bundle / name)
    for path in (root / "tools" / "student-bundle").iterdir():
        shutil.copy2(path, bundle / path.name)
    project = (root / "pyproject.toml").read_text(encoding="utf-8")
    (bundle / "pyproject.toml").write_text(for_students(project), encoding="utf-8")
    (bundle / ".gitignore").write_text("".join(f"{name}\n" for name in IGNORED))


def add_badge(readme: Path, repository: str) -> None:
    """Puts the Binder badge of the public repository below the README's title."""
    title, _, text = readme.read_text(encoding="utf-8").partition("\n")
    readme.write_text(f"{title}\n\n{BINDER.format(repository)}\n{text}", encoding="utf-8")


def for_students(project: str) -> str:
    """pyproject.toml without the command of a package that the bundle does not have."""
    lines = project.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("autograder = "))


def check(root: Path, bundle: Path) -> None:
    """Refuses a bundle that gives away what it must not.

    Raises:
        BundleError: with the first place where a solution or a hidden test stands.
    """
    course = Course(root)
    assignments = [course.assignment(name) for name in course.assignments()]
    leaks = [
        f"{folder.name}/{leak}"
        for folder in sorted(path for path in bundle.iterdir() if path.is_dir())
        if folder.name != "virtlab"
        for leak in find_leaks(folder, assignments)
    ]
    leaks += copies(bundle / "virtlab", assignments)
    if leaks:
        more = f" (and {len(leaks) - 1} more)" if len(leaks) > 1 else ""
        raise BundleError(f"{leaks[0]}{more}; nothing was written: reword it there or in source/")


def copies(package: Path, assignments: Sequence[Assignment]) -> list[str]:
    """Where the package holds at least half of a solution or hidden test.

    The package and the solutions call the same functions, so a single line in both tells nothing.
    """
    secrets: dict[tuple[str, str], list[str]] = {}
    for assignment in assignments:
        for secret in secrets_of(assignment):
            secrets.setdefault((secret.kind, secret.cell), []).append(secret.text)
    found = []
    search = automaton_of((part, part) for parts in secrets.values() for part in parts)
    for path in package.rglob("*.py"):
        text = "".join(path.read_text(encoding="utf-8").split())
        held = {part for _, part in search.iter(text)}
        for (kind, cell), parts in secrets.items():
            if 2 * sum(part in held for part in parts) >= len(parts):
                found.append(f"{path.relative_to(package.parent)}: holds {kind} of cell '{cell}'")
    return found


def files_in(folder: Path) -> Iterator[Path]:
    """All files, in the same order on every machine."""
    yield from sorted(path for path in folder.rglob("*") if path.is_file())


def write_zip(bundle: Path, target: Path) -> None:
    """Packs the folder so that the same files give the same bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files_in(bundle):
            entry = zipfile.ZipInfo(str(Path(NAME) / path.relative_to(bundle)), ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if path.stat().st_mode & 0o100 else 0o644) << 16
            archive.writestr(entry, path.read_bytes())


def make(root: Path, to: Path, repository: str = "") -> Path:
    """Makes the folder and the zip file, in place of older ones.

    Args:
        root: the course's folder.
        to: where to.
        repository: the public repository (owner/name) that will hold the bundle, if known.

    Returns:
        The folder.

    Raises:
        BundleError: nothing was written then.
    """
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to, prefix=".student-") as scratch:
        made = Path(scratch) / NAME
        made.mkdir()
        assemble(root, made)
        if repository:
            add_badge(made / "README.md", repository)
        check(root, made)
        bundle = to / NAME
        shutil.rmtree(bundle, ignore_errors=True)
        made.rename(bundle)
    write_zip(bundle, to / f"{NAME}.zip")
    return bundle


def main(argv: Sequence[str] | None = None) -> int:
    """Makes the bundle and says where it is; 0 if it could, else 1."""
    parser = argparse.ArgumentParser(description="Makes the student bundle.")
    parser.add_argument("--root", type=Path, default=ROOT, help="the course's folder")
    parser.add_argument("--to", type=Path, help="where to (else build/ of the course)")
    parser.add_argument(
        "--repository",
        metavar="OWNER/NAME",
        default="",
        help="the public repository that will hold it, for the Binder badge",
    )
    options = parser.parse_args(argv)
    to = (options.to or options.root / "build").resolve()
    try:
        if options.repository and not REPOSITORY.fullmatch(options.repository):
            raise BundleError(f"{options.repository!r} is not OWNER/NAME of a repository")
        bundle = make(options.root.resolve(), to, options.repository)
    except (BundleError, CourseError, OSError) as error:
        print(f"make student: {error}", file=sys.stderr)
        return 1
    count = sum(1 for _ in files_in(bundle))
    print(f"{bundle}: {count} files, and {bundle.name}.zip beside it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
