"""Packages of the npm registry, installed once for a run of the tests."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def installed(folder: Path, package_json: Path) -> Path:
    """Install what a package.json names into a folder, or skip with the reason.

    Returns:
        The folder's node_modules.
    """
    if not shutil.which("npm"):
        pytest.skip("no npm here: apt-get install npm")
    shutil.copy(package_json, folder / "package.json")
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        pytest.skip(f"npm installed nothing: {last}")
    return folder / "node_modules"
