"""What chapter 01 leans on: the table at its head, and the maker of its virtual machine."""

import pytest

from virtlab import registry

CHAPTER = "01-what-is-virtualization"


def test_the_overview_says_for_each_experiment_where_its_numbers_come_from(monkeypatch):
    monkeypatch.delenv("VIRTLAB_SOURCE", raising=False)
    table = registry.overview(CHAPTER).set_index("experiment")
    assert set(table.index) == set(registry.load(CHAPTER))
    for name, exp in registry.load(CHAPTER).items():
        assert table.loc[name, "why"] == exp.missing()
        assert table.loc[name, "source"] == ("recorded" if exp.missing() else "live")


def test_the_overview_knows_of_forced_recordings(monkeypatch):
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    assert set(registry.overview(CHAPTER)["source"]) == {"recorded"}


@pytest.mark.system
def test_the_maker_of_a_virtual_machine_is_a_process_of_the_host():
    maker = registry.load(CHAPTER)["maker-and-made"]
    if why := maker.missing():
        pytest.skip(why)
    row = maker().iloc[0]
    assert row["program"].startswith("qemu")
    assert row["threads"] > 1
    assert row["memory_mib"] > 1
