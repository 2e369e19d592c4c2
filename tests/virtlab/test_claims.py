"""The ledger keeps verdicts and predictions, and says whose they are."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from virtlab import claims
from virtlab.claims import LedgerError
from virtlab.registry import Experiment, Measurement


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("VIRTLAB_RUNS", str(tmp_path))
    return tmp_path


def measured(source: str) -> Measurement:
    import pandas as pd

    exp = Experiment("01-x", "ladder", pd.DataFrame)
    return Measurement(pd.DataFrame(), source, "", {}, exp)


def test_there_are_99_claims_each_with_a_chapter():
    assert len(claims.CLAIMS) == 99
    assert claims.CLAIMS["C005"].chapter == "01"
    assert {claim.kind for claim in claims.CLAIMS.values()} == {
        "measured",
        "computed",
        "simulated",
        "cited",
    }


def test_a_verdict_is_kept_and_a_later_one_replaces_it():
    claims.record("C005", "holds", "a VM took 20 times as long", measured("live"))
    claims.record("C005", "holds with conditions", "only with TCG", measured("live"))
    row = claims.report().set_index("id").loc["C005"]
    assert row["verdict"] == "holds with conditions"
    assert row["evidence"] == "only with TCG"
    assert bool(row["own"])


@pytest.mark.parametrize(
    ("source", "own"), [("live", True), ("recorded", False), ("mixed", False), ("simulated", False)]
)
def test_a_verdict_from_a_recording_is_not_the_students_own(source, own):
    entry = claims.record("C005", "holds", "seen", measured(source))
    assert entry.own is own
    assert entry.source == source
    assert entry.experiment == "01-x/ladder"
    assert ("not your machine's own" in repr(entry)) is (source in ("recorded", "mixed"))


def test_all_claims_are_reported_and_untouched_ones_say_not_yet():
    claims.record("C007", "holds", "ten products placed")
    report = claims.report()
    assert len(report) == 99
    assert report["verdict"].eq("not yet").sum() == 98
    assert report.set_index("id").loc["C007", "source"] == "computed"


@pytest.mark.parametrize(
    ("claim", "verdict", "message"),
    [
        ("C100", "holds", "no claim 'C100'"),
        ("C005", "hold", "did you mean 'holds'"),
        ("C068", "holds", "use 'cited'"),
    ],
)
def test_wrong_entries_are_refused_in_one_line(claim, verdict, message):
    with pytest.raises(LedgerError, match=message) as caught:
        claims.record(claim, verdict, "seen")
    assert "\n" not in str(caught.value)
    assert claims.report()["verdict"].eq("not yet").all()


def test_a_damaged_ledger_is_named_and_not_overwritten(runs):
    (runs / "ledger.json").write_text("{broken")
    with pytest.raises(LedgerError, match=r"ledger\.json: not the JSON of a ledger"):
        claims.record("C005", "holds", "seen", measured("live"))
    assert (runs / "ledger.json").read_text() == "{broken"


def test_predictions_are_kept():
    assert claims.predict("ladder", {"thread": 0.1}) == {"thread": 0.1}
    claims.predict("share", [1, 3])
    assert claims.prediction("ladder") == {"thread": 0.1}
    assert claims.prediction("nothing") is None


def test_a_prediction_is_plain_data():
    with pytest.raises(LedgerError, match="must be numbers"):
        claims.predict("ladder", {1, 2})


def test_files_are_readable_json(runs):
    claims.record("C005", "holds", "größer", measured("live"))
    assert json.loads((runs / "ledger.json").read_text())["C005"]["evidence"] == "größer"
    assert [path.name for path in runs.iterdir() if path.suffix] == ["ledger.json"]


def test_two_writers_lose_nothing():
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: claims.predict(f"guess {number}", number), range(40)))
    assert [claims.prediction(f"guess {number}") for number in range(40)] == list(range(40))
