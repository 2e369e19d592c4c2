"""The experiments of chapter 15, and what they are made of."""

from __future__ import annotations

import dis
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.virtlab.chapters import built_cell
from virtlab import figures, host, registry
from virtlab.experiments import bytecode, languages
from virtlab.experiments import c15_language_level as lab
from virtlab.registry import Experiment, Measurement
from virtlab.runtimes import RUNTIMES, RuntimeFailed

CHAPTER = Path(__file__).parents[2] / "notebooks" / "15-language-level.md"


def need(*runtimes: str) -> None:
    for name in runtimes:
        if not (available := RUNTIMES[name].available()):
            pytest.skip(f"{name}: {available.why}")


# --- the managed programs are what their sources say ----------------------------------------------


def test_the_classes_are_their_sources(tmp_path: Path) -> None:
    javac = shutil.which("javac")
    if javac is None:
        pytest.skip("javac is not installed")
    version = subprocess.run([javac, "-version"], capture_output=True, text=True, check=True).stdout
    if not version.startswith("javac 17."):
        pytest.skip(f"made by javac 17, not {version.strip()}")
    sources = sorted(languages.MANAGED.glob("*.java"))
    options = ["-g:none", "--release", "8", "-nowarn", "-d", tmp_path]
    subprocess.run([javac, *options, *sources], check=True, capture_output=True)
    made = sorted(path.name for path in tmp_path.glob("*.class"))
    assert made == sorted(path.name for path in languages.MANAGED.glob("*.class"))
    for name in made:
        assert (tmp_path / name).read_bytes() == (languages.MANAGED / name).read_bytes(), name


def test_the_exe_is_its_source(tmp_path: Path) -> None:
    """The compiler puts the time (4 bytes) and a random identity (16 bytes) into what it makes."""
    if shutil.which("mcs") is None:
        pytest.skip("mcs is not installed")
    made = tmp_path / "Work.exe"
    subprocess.run(["mcs", f"-out:{made}", languages.MANAGED / "Work.cs"], check=True)
    ours, theirs = (languages.MANAGED / "Work.exe").read_bytes(), made.read_bytes()
    assert len(ours) == len(theirs)
    assert sum(a != b for a, b in zip(ours, theirs, strict=True)) <= 20


# --- bytecode -------------------------------------------------------------------------------------


def need_our_bytecode() -> None:
    if sys.version_info[:2] != bytecode.VERSION:
        pytest.skip("the interpreter knows the instructions of CPython 3.11")


@pytest.mark.parametrize("name", bytecode.EXAMPLES)
def test_our_interpreter_gives_what_cpython_gives(name: str) -> None:
    need_our_bytecode()
    function, arguments = bytecode.EXAMPLES[name]
    interpreter = bytecode.Interpreter()
    assert interpreter.call(function, *arguments) == function(*arguments)
    assert interpreter.executed > 100


@pytest.mark.parametrize("n", [1, 2, 3, 6, 7, 97])
def test_it_counts_steps_for_other_numbers(n: int) -> None:
    need_our_bytecode()
    assert bytecode.Interpreter().call(bytecode.steps, n) == bytecode.steps(n)


def test_what_it_does_not_know_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    need_our_bytecode()

    def sets(n: int) -> set[int]:
        return {n, 2}

    with pytest.raises(bytecode.UnknownInstructionError, match="no BUILD_SET in our"):
        bytecode.Interpreter().call(sets, 1)
    monkeypatch.setitem(bytecode.EXAMPLES, "sets", (sets, (1,)))
    with pytest.raises(registry.CannotMeasure, match="BUILD_SET"):
        lab.own_bytecode(rounds=1)


@pytest.mark.serial
def test_both_interpreters_agree_and_ours_is_slower() -> None:
    need_our_bytecode()
    data = lab.own_bytecode(rounds=3)
    assert data["same"].all()
    assert set(data["condition"]) == set(bytecode.EXAMPLES)
    median = data.groupby("condition")[["ours_us", "cpython_us"]].median()
    assert (median["ours_us"] > 5 * median["cpython_us"]).all()


# --- walls ----------------------------------------------------------------------------------------


@pytest.mark.system
@pytest.mark.usefixtures("leaves_nothing")
def test_reading_past_the_end_stops_but_for_the_controls() -> None:
    need("jvm", "clr", "wasmtime")
    data = lab.past_the_end()
    assert data.attrs["failed"] == {}
    outcome = data.set_index("condition")["outcome"]
    assert set(outcome.index[outcome == lab.SHUT]) == {
        "CPython, a list",
        "JVM, an array",
        "CLR, an array",
        "wasm, its memory",
        "JVM, forged pointer",
    }
    assert outcome["CPython, ctypes (control)"] == lab.OPEN
    assert outcome["CPython, forged bytecode"] != lab.SHUT
    assert outcome["JVM, forged, no verifier (control)"] != lab.SHUT
    assert data.set_index("condition").loc["JVM, forged pointer", "by"] == "java.lang.VerifyError"


def test_one_byte_makes_the_pointer() -> None:
    original = (languages.MANAGED / "Forge.class").read_bytes()
    changed = lab.forged()
    assert sum(a != b for a, b in zip(original, changed, strict=True)) == 1


@pytest.mark.system
@pytest.mark.usefixtures("leaves_nothing")
def test_only_wasm_and_the_kernel_are_walls() -> None:
    need("jvm", "clr", "wasmtime", "namespaces")
    data = lab.walls()
    assert data.attrs["failed"] == {}
    table = data.set_index("condition")
    shut = ["wasm, nothing lent", lab.CONTAINER]
    assert (table.loc[shut, list(lab.ATTACKS)] == lab.SHUT).all(axis=None)
    assert (table.drop(index=shut)[list(lab.ATTACKS)] == lab.OPEN).all(axis=None)


def test_without_namespaces_the_container_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    no = host.Capability("namespaces", False, "not here")
    monkeypatch.setattr(type(RUNTIMES["namespaces"]), "available", lambda self: no)
    monkeypatch.setattr(lab, "_attack", lambda way, attack: lab.SHUT)
    data = lab.walls()
    assert data.attrs["failed"] == {lab.CONTAINER: "namespaces: not here"}
    assert len(data) == 6


def test_an_intruder_that_dies_by_itself_is_no_outcome() -> None:
    def dies(*words: Any) -> dict[str, Any]:
        return {"output": "", "errors": "Error: no such class\n", "status": 1}

    with pytest.raises(RuntimeFailed, match="memory: no such class"):
        lab._attack(dies, "memory")


@pytest.mark.system
def test_fuel_memory_and_stack_are_limited() -> None:
    need("wasmtime")
    rows = lab.limits(fuel=200_000, n=50)
    loops = rows[rows["condition"] == "an endless loop"]
    assert loops["outcome"].str.contains("fuel").all()
    assert (loops["used"] == loops["fuel"]).all()
    by_name = rows.set_index("condition")
    assert "stack" in by_name.loc["an endless recursion", "outcome"]
    assert by_name.loc["1000 more pages", "outcome"] == "-1"
    first, second = (by_name.loc[f"honest work, run {turn}"] for turn in (1, 2))
    assert (first["used"], first["outcome"]) == (second["used"], second["outcome"])
    assert 0 < first["used"] < first["fuel"]


# --- warming up -----------------------------------------------------------------------------------


@pytest.mark.system
@pytest.mark.serial
def test_a_jit_warms_up_and_an_interpreter_does_not() -> None:
    need("jvm", "clr", "wasmtime")
    data = lab.warm_up(rounds=2, times=60)
    assert data.attrs["failed"] == {}
    assert set(data["condition"]) == set(lab.RUNNERS)
    assert data["digest"].nunique() == 1
    assert (data["start_ms"] > 0).all()
    level = {
        name: min(sorted(lab.series(line))[30] for line in rows["series_us"])
        for name, rows in data.groupby("condition")
    }
    assert level["JVM"] < level["JVM, no JIT"] / 3
    assert level["wasm"] < level["wasm, no JIT"] / 3
    assert level["JVM"] < level["CPython"] / 5
    first = data[data["condition"] == "JVM"]["series_us"].map(lambda line: lab.series(line)[0])
    assert first.min() > 2 * level["JVM"]


def told(**series: list[float]) -> Measurement:
    rows = [
        (1, name, 10.0, 7, " ".join(f"{one:.1f}" for one in times), "live")
        for name, times in series.items()
    ]
    columns = ["round", "condition", "start_ms", "digest", "series_us", "source"]
    data = pd.DataFrame(rows, columns=columns)
    return Measurement(data, "live", "", {}, Experiment("15-x", "y", pd.DataFrame))


def test_processes_are_judged_and_added_up() -> None:
    m = told(quick=[50.0] * 21 + [5.0] * 79, even=[8.0] * 100, odd=[9.0, 2.0, 9.0] * 33)
    judged = lab.judged(m).set_index("condition")
    assert judged["kind"].to_dict() == {"quick": "warm-up", "even": "flat", "odd": "flat"}
    assert judged.loc["quick", "steady_from"] == 21
    totals = lab.totals(m).data.set_index(["condition", "repetitions"])["total_ms"]
    assert totals["quick", 10] == pytest.approx(10.5)
    assert totals["even", 40] == pytest.approx(10.32)


# --- the same bytes elsewhere ---------------------------------------------------------------------


@pytest.mark.system
def test_every_engine_computes_the_same() -> None:
    need("jvm", "clr", "wasmtime")
    data = lab.same_bytes()
    assert set(data.attrs["failed"]) <= {"Node"}
    assert data["digest"].nunique() == 1
    assert (data.groupby("file")["sha256"].nunique() == 1).all()
    assert set(data["file"]) == {"work.wasm", "Work.class", "Work.exe"}
    results = data["results"].iloc[0].split()
    assert results[1:6] == ["-2147483648", "-3", "-1", "2", "15"]


@pytest.mark.system
def test_what_is_newer_than_the_engine_is_refused() -> None:
    need("jvm", "wasmtime")
    rows = lab.newer().set_index("condition")
    assert rows.loc["wasm with 64-bit memory: Wasmtime", "outcome"] == "42"
    off = rows.loc["wasm with 64-bit memory: Wasmtime, feature off"]
    assert not off["works"]
    assert "refused" in off["outcome"]
    later = rows.loc["class file of a later Java: JVM", "outcome"]
    assert "UnsupportedClassVersionError" in later
    assert not rows.loc["translation for Pulley: Wasmtime for this CPU", "works"]
    assert rows.loc["class file of Java 8: JVM", "works"]


def test_a_missing_runtime_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "find_tool", lambda name: None)
    with pytest.raises(RuntimeFailed, match="no node here") as caught:
        languages.node("run:", module=b"")
    assert not isinstance(caught.value, languages.Refused)


def test_complaints_are_one_line() -> None:
    java = "Error: no main class\nCaused by: java.lang.VerifyError: Bad (at 3)\n  at x"
    assert languages.complaint({"errors": java, "status": 1}) == "java.lang.VerifyError: Bad"
    assert languages.complaint({"errors": "hm\nError: no\n", "status": 1}) == "no"
    assert languages.complaint({"errors": "", "status": -11}) == "killed by signal 11"
    assert languages.complaint({"errors": "", "status": 3}) == "it ended with status 3"
    assert languages.last_line("Invalid input\n\nCaused by:\n    0: a\n    1: b") == "b"
    assert languages.last_line("one thing") == "one thing"


# --- recordings, figures, the chapter's own code --------------------------------------------------


def test_the_figure_says_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    shown = figures.warm_up(registry.run(lab.warm_up), "Warm")
    assert set(shown.table["runtime"]) == set(lab.RUNNERS)
    counts = shown.table[["flat", "warm-up", "slowdown", "never"]].sum(axis=1)
    assert (counts == shown.table["processes"]).all()
    assert shown.png().startswith(b"\x89PNG")
    assert len(shown.png()) <= figures.MOST_BYTES


def test_a_figure_of_what_is_never_steady() -> None:
    shown = figures.warm_up(told(restless=([3.0] * 15 + [6.0] * 15) * 4), "Never")
    assert shown.table["never"].tolist() == [1]
    assert "unknown" in shown.sentence


def test_the_smallest_interpreter_of_the_chapter_works() -> None:
    need_our_bytecode()
    code = built_cell(lab.CHAPTER)
    names: dict[str, Any] = {"dis": dis}
    exec(code, names)
    assert names["interpret"](bytecode.steps, 27) == 111
    with pytest.raises(NotImplementedError, match="no BUILD_LIST here"):
        names["interpret"](bytecode.primes, 30)


def test_the_table_of_four_machines_is_true() -> None:
    """What stands in the chapter for WebAssembly and CPython is what their tools say."""
    text = CHAPTER.read_text(encoding="utf-8")
    block = re.search(r"```text\n(CPython .*?)```", text, re.DOTALL)
    assert block
    columns = [re.split(r" {2,}", line.strip()) for line in block[1].strip().splitlines()[1:]]
    assert [len(row) for row in columns] == [4] * 5
    need("wasmtime")
    body = " ".join(row[2].replace("x", "0") for row in columns)
    source = f'(module (func (export "f") (param i32) (result i32) {body}))'
    store, get = languages.instance(languages.engine(), languages.binary(source))
    assert get("f")(store, 7) == 22
