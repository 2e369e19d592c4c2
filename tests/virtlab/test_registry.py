"""The registry says where numbers come from, and never passes a recording off as live."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import pandas as pd
import pytest

from virtlab import registry
from virtlab.measure.recording import DamagedRecording
from virtlab.registry import CannotMeasure, RegistryError, experiment, run
from virtlab.runtimes.base import RuntimeFailed


@dataclass(frozen=True)
class Answer:
    name: str
    ok: bool
    why: str = ""
    remedy: str = ""

    def __bool__(self) -> bool:
        return self.ok


@pytest.fixture(autouse=True)
def house(tmp_path, monkeypatch) -> Iterator[None]:
    """An empty registry, an empty data folder, and a host with `legs` but no `wings`."""
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("VIRTLAB_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("VIRTLAB_SOURCE", raising=False)
    monkeypatch.setattr(registry, "EXPERIMENTS", {})
    answers = {
        "legs": Answer("legs", True),
        "wings": Answer("wings", False, "this host has none", "grow some"),
    }
    monkeypatch.setattr(registry, "host", SimpleNamespace(probe=answers.__getitem__))
    monkeypatch.setattr(registry, "load_all", lambda: dict(sorted(registry.EXPERIMENTS.items())))
    return


def ladder(times: dict[str, float], failed: dict[str, str] | None = None) -> pd.DataFrame:
    data = pd.DataFrame(
        [
            {"round": number, "condition": name, "value": time * (1 + number / 100)}
            for number in range(6)
            for name, time in times.items()
        ],
        columns=["round", "condition", "value"],
    )
    data.attrs["failed"] = failed or {}
    return data


def make(needs=("legs",), times=None, failed=None, simulated=False):
    @experiment("99-test/ladder", needs=needs, claims=["C001"], simulated=simulated)
    def measured(seed: int = 3, pace: float = 1.0) -> pd.DataFrame:
        """Climb a ladder.

        Slowly.
        """
        rungs = times or {"thread": 1.0, "vm": 100.0}
        return ladder({name: ms * pace for name, ms in rungs.items()}, failed)

    return measured


def test_what_the_host_can_is_live():
    m = run(make(), pace=2.0)
    assert (m.source, m.reason) == ("live", "")
    assert m.data["source"].eq("live").all()
    assert m.provenance["parameters"] == {"seed": 3, "pace": 2.0}
    assert m.provenance["seed"] == 3
    assert m.provenance["command"] == "virtlab record 99-test/ladder"


def test_what_the_host_cannot_is_recorded_and_says_why():
    make()
    registry.record()
    m = run(make(needs=("legs", "wings")))
    assert m.source == "recorded"
    assert m.reason == "wings: this host has none; grow some"
    assert m.data["source"].eq("recorded").all()
    assert m.data["reason"].eq(m.reason).all()


@pytest.mark.parametrize(
    "error", [RuntimeFailed("it\nhangs"), OSError("no room"), CannotMeasure("x")]
)
def test_what_fails_while_measuring_is_recorded(error):
    make()
    registry.record()

    @experiment("99-test/ladder")
    def dies() -> pd.DataFrame:
        raise error

    m = run(dies)
    assert m.source == "recorded"
    assert " ".join(str(error).split()) in m.reason


def test_recordings_can_be_forced(monkeypatch):
    exp = make()
    registry.record()
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    m = run(exp)
    assert (m.source, m.reason) == ("recorded", "VIRTLAB_SOURCE=recorded")


def test_a_part_of_a_recording_can_be_asked_for(monkeypatch):
    @experiment("99-test/ladder")
    def measured(only: tuple[str, ...] = ()) -> pd.DataFrame:
        return ladder({"thread": 1.0, "vm": 100.0})

    registry.record()
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    assert run(measured, only=("vm",)).data["condition"].unique().tolist() == ["vm"]


def test_a_recording_of_more_conditions_gives_those_of_the_default(monkeypatch):
    @experiment("99-test/ladder", recorded_with={"only": ("thread", "vm")})
    def measured(only: tuple[str, ...] = ("vm",)) -> pd.DataFrame:
        return ladder(dict.fromkeys(only, 1.0))

    registry.record()
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    assert run(measured).data["condition"].unique().tolist() == ["vm"]


def test_a_recording_made_with_other_parameters_says_so(monkeypatch):
    exp = make(failed={"vm9": "not here"}, times={"thread": 1.0})
    make(times={"vm9": 5.0})
    registry.record()
    assert run(exp, seed=8).reason == "vm9: not here"
    mixed = run(exp, pace=4.0)
    assert mixed.reason == "vm9: not here; recorded with pace=1.0"
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    assert run(exp, pace=4.0).reason == "VIRTLAB_SOURCE=recorded; recorded with pace=1.0"


def test_live_can_be_forced(monkeypatch):
    monkeypatch.setenv("VIRTLAB_SOURCE", "live")
    assert run(make()).source == "live"
    with pytest.raises(RegistryError, match="cannot be measured live: wings"):
        run(make(needs=("wings",)))


def test_a_wrong_source_is_named(monkeypatch):
    monkeypatch.setenv("VIRTLAB_SOURCE", "tape")
    with pytest.raises(RegistryError, match="VIRTLAB_SOURCE is 'tape'"):
        run(make())


def test_a_simulation_is_one_everywhere(monkeypatch):
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    m = run(make(needs=("wings",), simulated=True))
    assert m.source == "simulated"
    assert registry.record() == [], "a simulation is not recorded"


def test_no_recording_is_one_line():
    with pytest.raises(DamagedRecording) as caught:
        run(make(needs=("wings",)))
    assert "\n" not in str(caught.value)
    assert "virtlab record 99-test/ladder" in str(caught.value)


def test_conditions_keep_their_order_wherever_they_come_from():
    make(times={"thread": 2.0, "vm": 200.0, "moon": 3.0})
    registry.record()
    m = run(make(times={"thread": 1.0, "moon": 3.0, "sun": 4.0}, failed={"vm": "no /dev/kvm"}))
    assert m.data["condition"].unique().tolist() == ["thread", "vm", "moon", "sun"]


def test_rungs_that_fail_here_come_from_the_recording_and_say_so():
    make(times={"thread": 2.0, "vm": 200.0})
    registry.record()
    m = run(make(times={"thread": 1.0, "process": 3.0}, failed={"vm": "no /dev/kvm"}))
    assert m.source == "mixed"
    assert m.reason == "vm: no /dev/kvm"
    sources = m.data.groupby("condition")["source"].unique().map(list).to_dict()
    assert sources == {"process": ["live"], "thread": ["live"], "vm": ["recorded"]}
    assert m.data.loc[m.data["condition"] == "vm", "reason"].eq("no /dev/kvm").all()


def test_a_ratio_never_mixes_hosts():
    make(times={"thread": 2.0, "vm": 200.0})
    registry.record()
    m = run(make(times={"thread": 1.0, "process": 3.0}, failed={"vm": "no /dev/kvm"}))
    ratio, source = m.ratio("vm", "thread")
    assert source == "recorded"
    assert ratio.estimate == pytest.approx(100), "both from the recording, not 200 / 1"
    ratio, source = m.ratio("process", "thread")
    assert source == "live"
    assert ratio.estimate == pytest.approx(3)


def test_without_a_recording_the_live_rungs_stay_and_the_reason_tells():
    m = run(make(times={"thread": 1.0}, failed={"vm": "no /dev/kvm"}))
    assert m.source == "live"
    assert "vm: no /dev/kvm" in m.reason
    assert m.data["condition"].unique().tolist() == ["thread"]


def test_a_reason_that_many_share_is_told_once():
    make(times=dict.fromkeys("abcdef", 1.0))
    registry.record()
    failed = dict.fromkeys("abcd", "no group") | {"e": "no disk"}
    m = run(make(times={"f": 1.0}, failed=failed))
    assert m.reason == "a, b and 2 others: no group; e: no disk"


def test_a_recording_keeps_what_could_not_be_measured():
    make(failed={"vm9": "not installed"})
    (outcome,) = registry.record()
    assert outcome.path
    assert outcome.reason == "without vm9: not installed"


def test_what_cannot_be_recorded_here_keeps_the_older_recording():
    make()
    (first,) = registry.record()
    before = first.path.read_bytes()
    make(needs=("wings",))
    (second,) = registry.record()
    assert second.path is None
    assert "wings" in second.reason
    assert first.path.read_bytes() == before


def test_recording_by_chapter_and_name(tmp_path):
    make()
    told = []
    by_chapter = registry.record(["99-test"], tmp_path / "elsewhere", told.append)
    by_name = registry.record(["99-test/ladder"], tmp_path / "elsewhere")
    assert [outcome.id for outcome in by_chapter + by_name] == ["99-test/ladder"] * 2
    assert told == by_chapter
    assert (tmp_path / "elsewhere" / "99-test" / "ladder.csv").is_file()


def test_an_unknown_name_is_one_line_with_a_suggestion():
    make()
    with pytest.raises(
        RegistryError, match=r"named '99-test/lader'; did you mean 99-test/ladder\?"
    ):
        registry.record(["99-test/lader"])


def test_names_of_experiments_are_chapter_and_name():
    with pytest.raises(RegistryError, match="chapter/name"):
        experiment("nameless")


def test_an_experiment_describes_itself_and_can_be_called():
    exp = make()
    assert exp.describe == "Climb a ladder."
    assert exp.id == "99-test/ladder"
    assert len(exp(pace=1.0)) == 12


def test_a_chapter_without_experiments_is_named():
    with pytest.raises(RegistryError, match="no experiments for chapter '98-nowhere'"):
        registry.load("98-nowhere")


def test_the_course_has_its_experiments(monkeypatch):
    monkeypatch.undo()
    assert {"startup-ladder", "two-processes-one-address", "hostnames", "shared-core"} <= set(
        registry.load("01-what-is-virtualization")
    )
    everything = registry.load_all()
    assert "00-start-here/first-measurement" in everything
    assert list(everything) == sorted(everything)
    assert all(exp.describe for exp in everything.values())
