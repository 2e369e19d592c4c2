"""What holds for the experiments of every chapter."""

from __future__ import annotations

import pytest

from virtlab import registry

RECORDED = [one for one in registry.load_all().values() if not one.simulated]


@pytest.mark.parametrize("one", RECORDED, ids=lambda one: one.id)
def test_every_experiment_has_a_recording(
    one: registry.Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    measured = registry.run(one)
    assert measured.source == "recorded"
    assert len(measured.data)
    assert "condition" in measured.data
