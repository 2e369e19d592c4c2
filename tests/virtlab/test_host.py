"""What the host says of itself is tried, complete, and comes with reasons and remedies."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from virtlab import host, probes

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
