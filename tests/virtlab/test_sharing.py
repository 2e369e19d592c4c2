"""`virtlab sharing` tells and keeps what it measured."""

import json

import pytest

from virtlab import cli, registry, sharing
from virtlab.measure import recording
from virtlab.measure.recording import DamagedRecording
from virtlab.registry import RegistryError


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("VIRTLAB_RUNS", str(tmp_path))
    monkeypatch.delenv("VIRTLAB_SOURCE", raising=False)
    return tmp_path


def test_every_experiment_of_the_chapter_is_told(monkeypatch, runs):
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    told = list(sharing.measure())
    assert [rows[0]["experiment"] for rows in told] == list(sharing.SUMMARIES)
    for rows in told:
        assert all(row["source"] == "recorded" for row in rows)
        assert all(row["unit"] for row in rows)
        assert all(row["n"] > 0 for row in rows)
    assert list(runs.iterdir()) == [], "a recording is not the user's own run"


@pytest.mark.long
def test_what_is_live_is_kept(runs):
    (rows,) = sharing.measure(["lock-holder"])
    assert [row["condition"] for row in rows] == ["one tenant", "spinning", "sleeping"]
    assert {row["source"] for row in rows} == {"live"}
    data, notes = recording.load(runs / "06-sharing", "lock-holder")
    assert "source" not in data
    assert notes["command"] == "virtlab record 06-sharing/lock-holder"


def test_an_unknown_name_is_refused_before_anything_is_measured():
    with pytest.raises(RegistryError, match="no experiment on sharing is named 'shar'"):
        next(sharing.measure(["lock-holder", "shar"]))


def test_the_command_prints_a_table_or_json(monkeypatch, capsys):
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    assert cli.main(["sharing", "page-sharing"]) == 0
    assert "Not live here: VIRTLAB_SOURCE=recorded" in capsys.readouterr().out
    assert cli.main(["sharing", "page-sharing", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["condition"] for row in rows} >= {"own pages", "merged by KSM"}
    assert cli.main(["sharing", "nothing"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_damaged_recording_and_a_full_disk_end_only_their_own_experiment(monkeypatch, capsys):
    usual = registry.take

    def run(experiment, **parameters):
        if experiment.name == "page-sharing":
            raise DamagedRecording("page-sharing.csv: its checksum is another")
        return usual(experiment, **parameters)

    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    monkeypatch.setattr(registry, "take", run)
    assert cli.main(["sharing", "page-sharing", "limits"]) == 1
    out, err = capsys.readouterr()
    assert "CPU quota, limited" in out
    assert err == "virtlab sharing: page-sharing: page-sharing.csv: its checksum is another\n"


@pytest.mark.long
def test_what_cannot_be_kept_is_told_all_the_same(monkeypatch, capsys):
    def full(*_):
        raise DamagedRecording("lock-holder.csv: cannot be written (No space left on device)")

    monkeypatch.setattr(recording, "save", full)
    assert cli.main(["sharing", "lock-holder"]) == 1
    out, err = capsys.readouterr()
    assert "one tenant" in out
    assert "No space left on device" in err
