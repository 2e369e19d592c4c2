"""machines and models are pure: they import with the operating system's modules blocked."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import virtlab.machines
import virtlab.models

PACKAGES = (virtlab.machines, virtlab.models)
BLOCKED = ("os", "socket", "subprocess", "mmap", "ctypes", "posix", "fcntl", "select")
# Pure parts of the standard library, as far as their users can tell (some import os themselves,
# so they are loaded before it is blocked). Nothing else may be imported.
ALLOWED = [
    "__future__",
    "abc",
    "bisect",
    "collections",
    "collections.abc",
    "copy",
    "dataclasses",
    "enum",
    "fractions",
    "functools",
    "hashlib",
    "heapq",
    "itertools",
    "math",
    "operator",
    "random",
    "re",
    "statistics",
    "struct",
    "textwrap",
    "types",
    "typing",
    "zlib",
]


def sources() -> list[Path]:
    return sorted(p for package in PACKAGES for p in Path(package.__path__[0]).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    name = ".".join(parts[len(parts) - 1 - parts[::-1].index("virtlab") :])
    return name.removesuffix(".__init__")


def test_every_module_imports_with_the_operating_system_blocked() -> None:
    program = "\n".join(
        [
            "import importlib, sys",
            *(f"import {name}" for name in ALLOWED),
            f"for name in {BLOCKED!r}: sys.modules[name] = None",
            f"for name in {[module_name(p) for p in sources()]!r}: importlib.import_module(name)",
            "assert 'numpy' not in sys.modules and 'simpy' not in sys.modules",
            "print('pure')",
        ]
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (run.stdout.strip(), run.stderr) == ("pure", "")


@pytest.mark.parametrize("path", sources(), ids=module_name)
def test_no_module_imports_the_operating_system_even_lazily(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name their module in full"
            names = [node.module or ""]
        for name in names:
            ours = name.startswith(("virtlab.machines", "virtlab.models"))
            assert ours or name in ALLOWED, f"{path.name} imports {name}"
