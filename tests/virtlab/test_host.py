"""What the host says of itself is tried, complete, and comes with reasons and remedies."""

import errno
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from virtlab import host, probes
from virtlab.resources import cgroups

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", host.CAPABILITIES)
def test_every_answer_has_a_reason_and_every_no_a_remedy(name: str) -> None:
    capability = host.probe(name)
    assert capability.name == name
    assert capability.why
    assert "\n" not in capability.why + capability.remedy
    assert bool(capability) is capability.ok
    assert capability.ok or capability.remedy


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"no capability is named 'teleport'.*namespaces"):
        host.probe("teleport")


def test_tokens_are_lazy_names_of_capabilities() -> None:
    tokens = [value for value in vars(host).values() if isinstance(value, host.Need)]
    assert tokens
    for token in tokens:
        assert token in host.CAPABILITIES
        assert token.probe() == host.probe(token)
        assert bool(token) is host.probe(token).ok


def test_facts_are_plain_data_about_this_machine() -> None:
    facts = host.facts()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["kernel"] == os.uname().release
    assert facts["cores"] >= 1
    assert facts["memory_bytes"] > 2**26
    assert not facts["nested"] or facts["hypervisor"]


def test_a_missing_tool_is_a_no_with_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "find_tool", lambda name: None)
    answer = host.CAPABILITIES["runc"]()
    assert (answer.ok, answer.why, answer.remedy) == (
        False,
        "no runc here",
        "apt-get install runc",
    )


def test_a_broken_tool_is_a_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "runc"
    broken.write_text("not a program")
    broken.chmod(0o755)
    monkeypatch.setattr(host, "find_tool", lambda name: str(broken))
    answer = host.CAPABILITIES["runc"]()
    assert not answer
    assert "does not run" in answer.why


def test_a_tool_that_hangs_is_a_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = tmp_path / "runc"
    stuck.write_text("#!/bin/sh\nexec sleep 1000\n")
    stuck.chmod(0o755)
    monkeypatch.setattr(host, "find_tool", lambda name: str(stuck))
    monkeypatch.setattr(host, "_PATIENCE_S", 0.1)
    assert host.CAPABILITIES["runc"]().why == f"{stuck} does not run: no answer within 0.1 s"


def test_controllers_are_those_that_a_group_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def refuse(*controllers: str) -> Iterator[None]:
        if controllers == ("pids",):
            yield
            return
        raise cgroups.NoCgroup("/sys/fs/cgroup: it is read-only; run as root")

    monkeypatch.setattr(cgroups, "group", refuse)
    answer = host.CAPABILITIES["cgroup controllers"]()
    assert (answer.ok, answer.why) == (True, "pids")
    monkeypatch.setattr(cgroups, "CONTROLLERS", frozenset({"cpu"}))
    answer = host.CAPABILITIES["cgroup controllers"]()
    assert (answer.ok, answer.why) == (False, "/sys/fs/cgroup: it is read-only")
    assert "Delegate" in answer.remedy


def test_threads_that_ask_at_once_probe_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def slow() -> host.Capability:
        asked.append("once")
        time.sleep(0.05)
        return host.Capability("slow", True, "at last")

    monkeypatch.setitem(host.CAPABILITIES, "slow", slow)
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(host.probe, "slow") for _ in range(4)]
    assert all(answer.result() for answer in answers)
    assert asked == ["once"]


def test_a_loop_device_that_others_took_first_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Device(io.BytesIO):
        pass

    taken = [True, False]

    def ioctl(device: object, request: int, *_: object) -> int:
        if request == 0x4C00 and taken.pop(0):
            raise OSError(errno.EBUSY, "Device or resource busy")
        return 7

    monkeypatch.setattr(probes.fcntl, "ioctl", ioctl)
    monkeypatch.setattr("builtins.open", lambda *_, **__: Device())
    assert probes.loop_device() == "used /dev/loop7"
    taken[:] = [True] * 20
    with pytest.raises(OSError, match="others were quicker"):
        probes.loop_device()


def test_probes_that_do_not_run_make_every_kernel_answer_a_no(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(host, "_PROBES", Path("/nonexistent/probes.py"))
    host._tried_once.cache_clear()
    try:
        for name in ("namespaces", "kvm", "psi"):
            answer = host.CAPABILITIES[name]()
            assert not answer
            assert "the probes did not run" in answer.why
    finally:
        host._tried_once.cache_clear()


def test_an_attempt_that_dies_or_fails_is_a_no() -> None:
    def die() -> str:
        os._exit(3)

    def refuse() -> str:
        raise PermissionError(1, "Operation not permitted")

    assert probes.attempt(die) == (False, "the attempt died")
    assert probes.attempt(refuse) == (False, "not permitted")
    assert probes.attempt(lambda: "seen") == (True, "seen")


def test_probing_changes_nothing_here() -> None:
    def surroundings() -> list[str]:
        links = [str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in ("net", "mnt", "user")]
        devices = [str(path) for path in Path("/sys/class/net").iterdir()]
        return [*links, Path("/proc/self/mounts").read_text(), *sorted(devices)]

    before = surroundings()
    subprocess.run([sys.executable, "-I", "-S", probes.__file__], check=True, capture_output=True)
    assert surroundings() == before


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="CPUID is an x86 instruction")
def test_cpuid_names_the_same_vendor_as_the_kernel() -> None:
    _, ebx, ecx, edx = probes.cpuid(0)
    vendor = b"".join(word.to_bytes(4, "little") for word in (ebx, edx, ecx)).decode()
    assert vendor in Path("/proc/cpuinfo").read_text()


@pytest.mark.system
def test_an_ordinary_user_gets_answers_too() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    code = (
        "import json; from virtlab import host; host.facts();"
        "print(json.dumps({name: host.probe(name).ok for name in host.CAPABILITIES}))"
    )
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    python = "/usr/bin/python3"
    readable = subprocess.run([*become, "test", "-r", str(ROOT / "virtlab/host.py")], check=False)
    if readable.returncode != 0 or not Path(python).exists():
        pytest.skip("another user cannot read this folder, or has no python3")
    run = subprocess.run(
        [*become, python, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    answers = json.loads(run.stdout)
    assert set(answers) == set(host.CAPABILITIES)
    assert not answers["loop device"]
