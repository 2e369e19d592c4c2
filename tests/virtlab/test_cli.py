"""The command's output, its exit codes and its one-line errors."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from virtlab import cli
from virtlab.errors import RuntimeFailed
from virtlab.host import Capability
from virtlab.runtimes import RUNTIMES

ROOT = Path(__file__).resolve().parents[2]
FIELDS = {"runtime", "n", "median_ms", "p99_ms", "interval_ms", "source", "reason"}


@pytest.fixture(autouse=True)
def _own_runs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTLAB_RUNS", str(tmp_path / "runs"))


def virtlab(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = cli.main(arguments)
    shown = capsys.readouterr()
    return code, shown.out, shown.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "required: COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["startup", "--rounds", "0"], "'0' is not a whole number above 0"),
        (["startup", "--rounds", "many"], "'many' is not a whole number above 0"),
        (["startup", "--only", "teleport"], "no runtime is named 'teleport'; there are: thread"),
        (["startup", "--present", "some"], "'some' is not a whole number"),
        (["doctor", "--loud"], "unrecognized arguments: --loud"),
    ],
)
def test_wrong_arguments_are_one_line_and_code_2(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = virtlab(*arguments, capsys=capsys)
    assert code == 2
    assert out == ""
    assert told in err
    assert err.count("\n") == 1


def test_doctor_says_yes_or_no_of_everything(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = virtlab("doctor", capsys=capsys)
    assert code == 0
    lines = [line for line in out.splitlines() if line.startswith(("  yes ", "  no  "))]
    assert {line[6:].split("  ")[0] for line in lines} >= set(RUNTIMES)


def test_doctor_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = virtlab("doctor", "--json", capsys=capsys)
    told = json.loads(out)
    assert code == 0
    assert set(told) == {"facts", "capabilities", "runtimes"}
    for verdict in told["capabilities"] + told["runtimes"]:
        assert set(verdict) == {"name", "ok", "why", "remedy"}
    assert [runtime["name"] for runtime in told["runtimes"]] == list(RUNTIMES)


def test_startup_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = virtlab(
        "startup", "--json", "--rounds", "6", "--only", "posix_spawn,thread", capsys=capsys
    )
    assert code == 0
    rows = json.loads(out)
    assert [row["runtime"] for row in rows] == ["thread", "posix_spawn"]
    for row in rows:
        assert set(row) == FIELDS
        assert row["n"] == 6
        assert row["p99_ms"] is None
        low, high = row["interval_ms"]
        assert 0 < low <= row["median_ms"] <= high
        assert (row["source"], row["reason"]) == ("live", "")
    assert "Traceback" not in err


def test_startup_in_company(capsys: pytest.CaptureFixture[str]) -> None:
    company = ["--concurrency", "3", "--present", "2"]
    code, out, _ = virtlab(
        "startup", "--json", "--rounds", "2", "--only", "posix_spawn", *company, capsys=capsys
    )
    assert code == 0
    assert [(row["n"], row["source"]) for row in json.loads(out)] == [(2, "live")]


def test_startup_as_a_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = virtlab("startup", "--rounds", "2", "--only", "posix_spawn", capsys=capsys)
    assert code == 0
    assert "posix_spawn" in out
    assert "live" in out
    kept = sorted((tmp_path / "runs").iterdir())
    assert [path.name for path in kept] == ["startup.csv", "startup.json", "startup.png"]


def test_a_full_disk_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTLAB_RUNS", "/dev/null/runs")
    code, out, err = virtlab("startup", "--rounds", "2", "--only", "thread", capsys=capsys)
    assert code == 1
    assert "thread" in out
    assert "virtlab startup: Not a directory: /dev/null/runs" in err
    assert "Traceback" not in err


def test_a_recording_stands_in_and_is_not_kept_as_the_users_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    code, out, _ = virtlab("startup", "--only", "runc,qemu-tcg", capsys=capsys)
    assert code == 0
    assert out.count(" recorded\n") == 2
    assert not (tmp_path / "runs").exists()
    code, out, _ = virtlab("startup", "--json", "--only", "runc", capsys=capsys)
    assert [(row["runtime"], row["source"]) for row in json.loads(out)] == [("runc", "recorded")]


def test_an_engine_that_does_not_start_ends_only_its_own_rung(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def refuse() -> Iterator[str]:
        raise RuntimeFailed("docker: the engine did not start: no room")
        yield ""

    monkeypatch.setattr("virtlab.host.docker_engine", lambda: Capability("docker", False, "none"))
    monkeypatch.setattr("virtlab.host.find_tool", lambda name: f"/fake/{name}")
    monkeypatch.setattr("virtlab.runtimes.base.is_root", lambda: True)
    monkeypatch.setattr("virtlab.runtimes.docker.own_docker_engine", refuse)
    code, out, err = virtlab(
        "startup", "--json", "--rounds", "2", "--only", "thread,docker", capsys=capsys
    )
    assert code == 0
    sources = {row["runtime"]: row["source"] for row in json.loads(out)}
    assert sources == {"thread": "live", "docker": "recorded"}
    assert "virtlab: docker: the engine did not start: no room\n" in err


def test_a_wrong_source_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTLAB_SOURCE", "guessed")
    code, out, err = virtlab("startup", "--only", "thread", capsys=capsys)
    assert (code, out) == (1, "")
    assert "VIRTLAB_SOURCE is 'guessed'" in err


def test_p99_appears_with_200_samples(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = virtlab(
        "startup", "--json", "--rounds", "200", "--only", "thread", capsys=capsys
    )
    row = json.loads(out)[0]
    assert code == 0
    assert row["p99_ms"] >= row["median_ms"]


def test_nothing_to_clean(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("virtlab.leftovers.find", list)
    monkeypatch.setattr("virtlab.leftovers.clean", list)
    assert virtlab("clean", capsys=capsys) == (0, "nothing was left behind\n", "")


def test_what_stays_after_cleaning_is_code_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("virtlab.leftovers.find", lambda: ["mount /x"])
    monkeypatch.setattr("virtlab.leftovers.clean", lambda: ["mount /x"])
    code, _, err = virtlab("clean", capsys=capsys)
    assert code == 1
    assert err == "virtlab clean: could not remove: mount /x; try as root\n"


def test_an_interrupt_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr("virtlab.leftovers.clean", interrupt)
    assert virtlab("clean", capsys=capsys) == (130, "", "virtlab clean: interrupted\n")


def test_an_unknown_experiment_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = virtlab("record", "99-no-such-chapter", capsys=capsys)
    assert (code, out) == (1, "")
    assert "no experiment or chapter named '99-no-such-chapter'" in err
    assert err.count("\n") == 1


def test_importing_virtlab_brings_nothing_heavy() -> None:
    code = (
        "import sys, virtlab, virtlab.cli, virtlab.host, virtlab.runtimes\n"
        "print(*{'numpy', 'pandas', 'matplotlib', 'scipy', 'IPython', 'psutil'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == ""
