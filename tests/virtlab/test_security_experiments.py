"""The experiments of chapter 05, what they are made of, and what the chapter says about them."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tools import build
from virtlab import figures, host
from virtlab.container import capabilities
from virtlab.experiments import c05_security as lab
from virtlab.registry import Experiment, Measurement
from virtlab.runtimes import configured

ROOT = Path(__file__).parents[2]
CHAPTER = ROOT / "notebooks" / "05-security.md"
EXERCISES = ROOT / "source" / "05-security" / "05-security.md"


def need(*names: str) -> None:
    for name in names:
        if not (capability := host.probe(name)):
            pytest.skip(f"{capability.name}: {capability.why}")


# --- capabilities ---------------------------------------------------------------------------------


def test_capabilities_by_name_and_by_mask() -> None:
    assert capabilities.NUMBERS["NET_RAW"] == 13
    assert capabilities.NUMBERS["CHECKPOINT_RESTORE"] == 40
    assert capabilities.mask(["CHOWN", "KILL"]) == 0b100001
    assert capabilities.names(0b100001) == ["CHOWN", "KILL"]
    assert capabilities.names(1 << 63) == []
    assert capabilities.names(capabilities.mask(capabilities.NAMES)) == list(capabilities.NAMES)


def test_the_own_sets_are_read() -> None:
    assert capabilities.of_process("Eff") & ~capabilities.of_process("Prm") == 0
    with pytest.raises(OSError, match="CapNone"):
        capabilities.of_process("None")


def reference_solution() -> Any:
    """`capabilities_after` as the exercise's own solution has it."""
    notebook = build.from_text(EXERCISES.read_text(encoding="utf-8"))
    names = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in notebook.cells}
    space: dict[str, Any] = {}
    exec(names["capabilities_after"].source, space)
    return space["capabilities_after"]


@pytest.mark.system
def test_the_exercise_agrees_with_this_kernel() -> None:
    need("namespaces", "busybox")
    chance = random.Random(5)
    few = ["CHOWN", "KILL", "NET_RAW"]

    def some() -> list[str]:
        return [name for name in few if chance.random() < 0.5]

    cases: list[dict[str, Any]] = []
    for _ in range(150):
        permitted, inheritable = some(), some()
        process = {
            "permitted": permitted,
            "inheritable": inheritable,
            "bounding": some(),
            "ambient": [name for name in some() if name in permitted and name in inheritable],
            "root": chance.random() < 0.4,
            "no_new_privs": chance.random() < 0.4,
        }
        file = {"permitted": some(), "inheritable": some(), "effective": chance.random() < 0.5}
        cases.append({"process": process, "file": None if chance.random() < 0.3 else file})
    after = reference_solution()

    def sets(one: dict[str, Any]) -> dict[str, Any]:
        return {key: set(value) if isinstance(value, list) else value for key, value in one.items()}

    answers = lab.ask_the_kernel(cases)
    assert None in answers
    for case, answer in zip(cases, answers, strict=True):
        file = case["file"]
        computed = after(sets(case["process"]), None if file is None else sets(file))
        assert computed == (None if answer is None else sets(answer)), case


@pytest.mark.system
def test_powers_through_execve_as_the_chapter_tells() -> None:
    need("namespaces", "busybox")
    after = lab.execve().set_index("condition")["after"]
    assert after["plain process, plain file"] == "none"
    assert after["plain process, ping"] == "NET_RAW"
    assert after["the same, no_new_privs"] == "none"
    assert after["the same, NET_RAW not in the bounding set"] == "refused"


# --- attacks --------------------------------------------------------------------------------------


def test_a_victim_keeps_its_secrets_and_ends() -> None:
    with lab.victim() as target:
        assert target.is_alive()
        assert len({target.memory, target.service, target.text}) == 3
        pid, file = target.pid, target.file
        assert file.read_text().strip() == target.text
    assert not Path(f"/proc/{pid}").exists()
    assert not file.exists()


@pytest.mark.system
@pytest.mark.serial
@pytest.mark.usefixtures("leaves_nothing")
def test_each_wall_stops_the_attack_that_it_is_there_for() -> None:
    need("namespaces", "busybox")
    rows = lab.prisoner().set_index("condition")
    assert (rows["own_process"] == "killed").all()
    attacks = rows[["kill", "file", "service", "memory"]].eq(lab.OPEN)
    assert attacks.loc["process"].all()
    assert not attacks.loc["container"].any()
    assert list(attacks.columns[attacks.loc["no mount wall"]]) == ["file"]
    assert list(attacks.columns[attacks.loc["no network wall"]]) == ["service"]
    assert list(attacks.columns[attacks.loc["no PID wall"]]) == ["kill"]
    for name in {"gVisor", "virtual machine"} & set(rows.index):
        assert not attacks.loc[name].any()
    if os.geteuid() == 0:  # else a user namespace is between them besides
        assert attacks.loc["no PID wall, all capabilities", "memory"]
    assert rows.loc["container", "processes"] == 1


@pytest.mark.system
def test_each_policy_refuses_what_the_others_grant() -> None:
    need("namespaces", "runc", "busybox")
    rows = lab.policies().set_index("condition")
    assert (rows.loc["no policy"] == "done").all()
    refused = {name: set(row.index[row != "done"]) for name, row in rows.iterrows()}
    assert refused["seccomp"] == {"namespace"}
    assert refused["no capabilities"] == {"hostname", "remount"}
    assert refused["read-only root"] == {"write"}
    assert refused["all three"] == {"hostname", "namespace", "write", "remount"}
    assert rows.loc["read-only root", "write"] == "Read-only file system"


@pytest.mark.system
@pytest.mark.usefixtures("leaves_nothing")
def test_each_option_opens_its_door() -> None:
    need("namespaces", "runc", "busybox")
    rows = lab.dangerous_options().set_index("condition")
    opened = {
        name: set(row.index[row == lab.OPEN])
        for name, row in rows[["kill", "service", "folder", "file"]].iterrows()
    }
    assert opened["default"] == set()
    assert opened["host pid"] == {"kill"}
    assert opened["host network"] == {"service"}
    assert opened["writable mount"] == {"folder"}
    assert opened["all capabilities"] == {"folder"}
    if os.geteuid() == 0:
        assert opened["host pid + all capabilities"] == {"kill", "folder", "file"}
    assert rows.loc["host pid", "processes"] > rows.loc["default", "processes"] == 1


def test_options_change_the_bundle_and_nothing_else() -> None:
    config: dict[str, Any] = {
        "process": {},
        "root": {"path": "/r"},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {"namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "mount"}]},
    }
    configured.host_network(config)
    assert [one["type"] for one in config["linux"]["namespaces"]] == ["pid", "mount"]
    configured.share(Path("/f"), "/shared", writable=False)(config)
    assert config["mounts"][-1]["options"] == ["rbind", "ro"]
    configured.read_only_root(config)
    assert config["root"] == {"path": "/r", "readonly": True}
    configured.all_capabilities(config)
    have = capabilities.names(capabilities.of_process("Bnd"))
    assert config["process"]["capabilities"]["bounding"] == [f"CAP_{name}" for name in have]


# --- snapshots ------------------------------------------------------------------------------------


@pytest.mark.system
@pytest.mark.serial
@pytest.mark.usefixtures("leaves_nothing")
def test_a_copy_grows_with_the_disk_and_a_snapshot_does_not() -> None:
    need("qemu-img")
    data = lab.snapshot_cost(sizes=(1, 32), rounds=2)
    kib = data.groupby(["condition", "mib"])["kib"].median()
    assert kib["full copy", 32] >= 32 * 1024
    assert kib["snapshot", 32] == kib["snapshot", 1] < 1024
    assert (data[["secure_ms", "restore_ms"]] > 0).all(axis=None)


@pytest.mark.system
def test_a_snapshot_is_no_backup() -> None:
    need("qemu-img")
    rows = lab.snapshot_damage().set_index("condition").eq("restored")
    assert list(rows["snapshot"]) == [True, False, False, False]
    assert list(rows["copy_beside"]) == [True, True, True, False]
    assert rows["copy_elsewhere"].all()


@pytest.mark.serial
@pytest.mark.usefixtures("leaves_nothing")
def test_money_adds_up_where_it_should() -> None:
    data = lab.consistency(rounds=5)
    adds = data.groupby(["application", "way"])["adds_up"].mean()
    lost = data.groupby(["application", "way"])["lost"].max()
    assert adds["two files", "frozen"] < 1
    assert adds["journal", "frozen"] == adds["late journal", "frozen"] == 1
    assert (adds.xs("asked to rest", level="way") == 1).all()
    assert lost.xs("asked to rest", level="way").max() == 0
    assert lost["late journal", "frozen"] > 0


# --- recordings, figures, the chapter's own code --------------------------------------------------


def test_a_grid_says_what_went_through() -> None:
    data = pd.DataFrame(
        {
            "condition": ["open", "shut"],
            "seen": [7, 1],
            "kill": ["got through", "stopped"],
            "write": ["done", "Read-only file system"],
            "source": "live",
            "reason": "",
        }
    )
    m = Measurement(data, "live", "", {}, Experiment("05-x", "x", pd.DataFrame))
    shown = figures.grid(m, {"seen": "processes\nseen", "kill": "kill", "write": "write\nit"})
    assert shown.sentence == (
        "2 of 4 attempts went through. By row: open: kill, write it; shut: none."
    )
    assert list(shown.table.columns) == [
        "condition",
        "processes seen",
        "kill",
        "write it",
        "source",
    ]
    assert shown.png().startswith(b"\x89PNG")
    assert len(shown.png()) <= figures.MOST_BYTES


def test_what_a_kernel_says_of_its_cpu_is_sorted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    flaws = {
        "meltdown": "Not affected",
        "l1tf": "Mitigation: PTE Inversion",
        "spec_store_bypass": "Vulnerable",
        "itlb_multihit": "KVM: Mitigation: VMX disabled",
        "new": "Processor says nothing",
    }
    (tmp_path / "vulnerabilities").mkdir()
    for name, says in flaws.items():
        (tmp_path / "vulnerabilities" / name).write_text(f"{says}\n")
    (tmp_path / "smt").mkdir()
    (tmp_path / "smt" / "active").write_text("1\n")
    monkeypatch.setattr(lab, "_CPU", tmp_path)
    state = lab.cpu_flaws().set_index("condition")
    assert state["state"].to_dict() == {
        "itlb_multihit": "mitigated",
        "l1tf": "mitigated",
        "meltdown": "not affected",
        "new": "unknown",
        "spec_store_bypass": "vulnerable",
        "smt": lab.NO_FLAW,
    }
    assert state.loc["smt", "says"] == "sibling threads share cores"


@pytest.mark.system
def test_the_smallest_policy_of_the_chapter_stops_kill_and_no_other_door() -> None:
    need("seccomp")
    notebook = build.from_text(CHAPTER.read_text(encoding="utf-8"))
    at = next(
        place
        for place, cell in enumerate(notebook.cells)
        if "build-it" in cell.metadata.get("tags", [])
    )
    smallest = notebook.cells[at].source
    assert len([line for line in smallest.splitlines() if line.strip()]) <= 40
    following = [cell.source for cell in notebook.cells[at + 1 :] if cell.cell_type == "code"]
    run = subprocess.run(
        [sys.executable, "-c", "\n".join([smallest, *following[:2]])],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.stderr == ""
    alive = [line.rpartition(" ")[2] for line in run.stdout.splitlines()]
    assert alive == ["False", "True", "False", "True"]


def test_the_application_counts_what_it_told(tmp_path: Path) -> None:
    bank, truth = tmp_path / "bank", tmp_path / "truth"
    bank.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-I", str(lab.PROGRAMS / "teller.py"), "two files", bank, truth],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        assert process.stdout.readline() == "open\n"
        time.sleep(0.05)
        process.stdin.write("rest\n")
        process.stdin.flush()
        assert process.stdout.readline() == "resting\n"
        money, number = lab._count(bank)
        assert money == lab.MONEY
        assert number == int.from_bytes(truth.read_bytes(), "little") > 0
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def test_the_profile_is_in_the_form_that_runc_reads() -> None:
    assert json.loads(json.dumps(lab.PROFILE)) == lab.PROFILE
    assert {rule["action"] for rule in lab.PROFILE["syscalls"]} == {"SCMP_ACT_ERRNO"}
