"""A recording comes back as it was saved, or says in one line what is wrong with it."""

import json

import pandas as pd
import pytest

from virtlab.measure.folders import NoDataFolder, data_folder, runs_folder
from virtlab.measure.recording import DamagedRecording, load, save

DATA = pd.DataFrame(
    {
        "round": [0, 0, 1],
        "condition": ["None", "NA", "qemu-tcg"],
        "ms": [0.25, 1.5, None],
        "works": [True, False, True],
    }
)
NOTES = {"command": "virtlab record x", "seed": 1, "host": {"kernel": "6.1 – test"}}


def test_a_recording_comes_back(tmp_path):
    path = save(DATA, NOTES, tmp_path / "01-x", "start")
    assert path == tmp_path / "01-x" / "start.csv"
    data, notes = load(tmp_path / "01-x", "start")
    pd.testing.assert_frame_equal(data, DATA)
    assert notes == NOTES
    assert sorted(file.name for file in path.parent.iterdir()) == ["start.csv", "start.json"]


def truncate(folder):
    path = folder / "start.csv"
    path.write_bytes(path.read_bytes()[:-5])


def change_one_number(folder):
    path = folder / "start.csv"
    path.write_text(path.read_text().replace("0.25", "0.26"))


def lose_the_table(folder):
    (folder / "start.csv").unlink()


def lose_the_notes(folder):
    (folder / "start.json").unlink()


def cut_the_notes(folder):
    path = folder / "start.json"
    path.write_text(path.read_text()[:40])


def forget_the_checksum(folder):
    (folder / "start.json").write_text(json.dumps({"provenance": {}}))


def list_for_notes(folder):
    (folder / "start.json").write_text("[1, 2]")


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (truncate, "start.csv"),
        (change_one_number, "start.csv"),
        (lose_the_table, "start.csv"),
        (lose_the_notes, "start.json"),
        (cut_the_notes, "start.json"),
        (forget_the_checksum, "start.json"),
        (list_for_notes, "start.json"),
    ],
)
def test_a_damaged_recording_is_one_line_that_names_the_file_and_the_remedy(tmp_path, harm, named):
    save(DATA, NOTES, tmp_path / "01-x", "start")
    harm(tmp_path / "01-x")
    with pytest.raises(DamagedRecording) as caught:
        load(tmp_path / "01-x", "start")
    message = str(caught.value)
    assert "\n" not in message
    assert named in message
    assert "virtlab record 01-x/start" in message


def test_what_cannot_be_written_keeps_the_older_recording(tmp_path, monkeypatch):
    save(DATA, NOTES, tmp_path, "start")
    before = (tmp_path / "start.csv").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(DamagedRecording, match="No space left on device"):
        save(DATA.head(1), NOTES, tmp_path, "start")
    monkeypatch.undo()
    assert (tmp_path / "start.csv").read_bytes() == before
    load(tmp_path, "start")


def test_folders_follow_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("VIRTLAB_DATA", str(tmp_path))
    assert data_folder() == tmp_path.resolve()
    monkeypatch.setenv("VIRTLAB_DATA", str(tmp_path / "none"))
    with pytest.raises(NoDataFolder, match="VIRTLAB_DATA names no folder"):
        data_folder()
    monkeypatch.setenv("VIRTLAB_RUNS", str(tmp_path / "new" / "runs"))
    assert runs_folder().is_dir()


def test_every_committed_recording_is_whole_and_small():
    recordings = sorted((data_folder() / "recordings").glob("*/*.json"))
    for notes_path in recordings:
        data, notes = load(notes_path.parent, notes_path.stem)
        assert len(data)
        assert notes["host"], notes_path
        assert notes["date"], notes_path
        assert notes["versions"], notes_path
        assert f"{notes_path.parent.name}/{notes_path.stem}" in notes["command"]
    total = sum(path.stat().st_size for path in data_folder().rglob("*") if path.is_file())
    assert total < 5_000_000
