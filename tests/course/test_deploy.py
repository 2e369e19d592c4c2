"""What deploy/README.md names is there."""

from __future__ import annotations

import re
import shlex

import pytest

from autograder import cli

from .conftest import ROOT

README = ROOT / "deploy" / "README.md"


def test_its_links_lead_somewhere() -> None:
    text = README.read_text()
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in headings}
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if link.startswith("#"):
            assert link[1:] in anchors
        elif not link.startswith("http"):
            assert (README.parent / link).exists(), link


def test_the_graders_commands_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    text = README.read_text()
    said = set(re.findall(r"`(?:\.venv/bin/)?autograder ([^`]+)`", text))
    assert len(said) > 5
    for command in said:
        name, *rest = shlex.split(command)
        with pytest.raises(SystemExit):
            cli.main([name, "--help"])
        shown = capsys.readouterr().out
        assert [word for word in rest if word.startswith("--") and word not in shown] == []


def test_the_proxy_is_pinned() -> None:
    text = (README.parent / "jupyterhub" / "package.json").read_text()
    assert re.search(r'"configurable-http-proxy": "\d+\.\d+\.\d+"', text)
