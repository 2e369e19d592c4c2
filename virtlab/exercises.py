"""A student's own copies of the exercises: made from `release/`, never over older work."""

from __future__ import annotations

import os
import shutil
from itertools import count
from pathlib import Path

from virtlab.measure.folders import data_folder

# Git ignores this folder, and no update or bundle of the course has one.
WORK = "work"


class NoExercise(Exception):
    """There is no such exercise, or no place for a copy; the message is one line."""


def course_folder() -> Path:
    """Return the course's folder.

    Raises:
        NoDataFolder: if there is none.
    """
    return data_folder().parent


def work_folder(course: Path) -> Path:
    """Return where the copies are: VIRTLAB_WORK, or `work/` of the course."""
    named = os.environ.get("VIRTLAB_WORK")
    return Path(named) if named else course / WORK


def exercises(course: Path) -> dict[str, Path]:
    """Return the folder of each assignment that was released, by name and in order."""
    released = sorted(path.parent for path in course.glob("release/*/[0-9]*.ipynb"))
    return {folder.name: folder for folder in released}


def find(course: Path, wanted: str) -> Path:
    """Return the folder of the assignment with this number or name.

    Args:
        course: the course's folder.
        wanted: `3`, `03` or `03-containers`.

    Raises:
        NoExercise: if no assignment has it.
    """
    known = exercises(course)
    number = wanted.zfill(2)
    for name, folder in known.items():
        if wanted == name or number == name.partition("-")[0]:
            return folder
    if not known:
        raise NoExercise(f"no exercises in {course / 'release'}: is this the course's folder?")
    raise NoExercise(f"no exercise {wanted!r}; there are: {', '.join(known)}")


def fresh_copy(course: Path, wanted: str) -> Path:
    """Copy an assignment as it was released into the work folder, beside older copies.

    Args:
        course: the course's folder.
        wanted: its number or name.

    Returns:
        The new folder: `work/03-containers`, or `work/03-containers-2` if there is one already.

    Raises:
        NoExercise: if there is no such assignment.
        OSError: the copy could not be made; nothing of it is left then.
    """
    source = find(course, wanted)
    target = _new_folder(work_folder(course), source.name)
    try:
        # Without permissions: what is read-only in the course is the student's to change here.
        shutil.copytree(
            source,
            target,
            dirs_exist_ok=True,
            copy_function=shutil.copyfile,
            ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"),
        )
        target.chmod(0o755)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return target


def _new_folder(parent: Path, name: str) -> Path:
    """Make a folder that was not there; two callers at once get two folders."""
    parent.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise AssertionError("count never ends")
