"""The experiments on sharing show on this host what they are there to show, and leave nothing."""

import tempfile
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from virtlab import registry
from virtlab.leftovers import owned_name
from virtlab.measure import recording
from virtlab.measure.folders import data_folder
from virtlab.registry import CannotMeasure
from virtlab.resources.cgroups import NoCgroup, Tree

SHARING = registry.load("06-sharing")


@pytest.fixture(autouse=True)
def nothing_left():
    """Control groups, tenants and temporary folders are as before."""
    before = leftovers()
    yield
    assert leftovers() == before


def leftovers() -> set[str]:
    """What this process has made; others on the machine may be measuring, too."""
    tree = Tree.of_caller()
    folders = [*tree.own.values(), *([tree.unified[0]] if tree.unified else [])]
    folders.append(Path(tempfile.gettempdir()))
    made = {str(path) for folder in folders for path in folder.glob(f"{owned_name()}-*")}
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # a zombie has ended, too
            if "tenant.py" in str(child.cmdline()):
                made.add(f"process {child.pid}")
    return made


def measure(name: str, **parameters):
    """Measure live, or skip with the reason why this host cannot."""
    if why := SHARING[name].missing():
        pytest.skip(why)
    try:
        data = SHARING[name](**parameters)
    except (CannotMeasure, NoCgroup) as error:
        pytest.skip(str(error))
    if data.attrs["failed"]:
        pytest.skip(str(data.attrs["failed"]))
    return data


@pytest.mark.system
def test_shares_follow_the_weights_of_control_groups():
    def heavy_gets_four_times_as_much() -> bool:
        data = measure(
            "share-against-weight", patterns=((1, 4),), rounds=1, seconds=0.5, mechanism="cgroup"
        )
        assert data["mechanism"].eq("cgroup").all()
        assert data["share"].sum() == pytest.approx(1)
        light, heavy = data.set_index("weight")["share"][[1, 4]]
        return bool(2 < heavy / light < 8)

    assert any(heavy_gets_four_times_as_much() for _ in range(4))


def test_shares_follow_nice_where_there_are_no_control_groups():
    def heavy_gets_more() -> bool:
        data = SHARING["share-against-weight"](
            patterns=((1, 4),), rounds=1, seconds=0.5, mechanism="nice"
        )
        assert data["mechanism"].eq("nice").all()
        light, heavy = data.set_index("weight")["share"][[1, 4]]
        return bool(heavy > light)

    assert any(heavy_gets_more() for _ in range(4))


@pytest.mark.system
def test_a_cap_leaves_unused_what_a_weight_gives_away():
    """What else runs on the machine can only take from the tenants: the weights have some tries."""

    def weights_give_away() -> bool:
        data = measure("weights-and-caps", seconds=1.2)
        middle = data[(data["tenant"] == 1) & data["second"].between(0.5, 0.7)]
        used = middle.groupby("condition")["core_share"].median()
        assert used["caps"] < 0.7
        return bool(used["weights"] > used["caps"] + 0.1)

    assert any(weights_give_away() for _ in range(6))


@pytest.mark.system
def test_a_quota_throttles_and_no_cap_does_not():
    data = measure("throttling", caps=((0.1, 10),), seconds=0.6)
    throttled = data.groupby("condition")["throttled"].first()
    assert throttled["no cap"] == 0
    assert throttled["10 % of 10 ms"] > 0.2


@pytest.mark.system
def test_every_limit_binds_and_nothing_binds_without_it():
    data = measure("limits").set_index(["limit", "limited"])
    for name in data.index.get_level_values("limit").unique():
        with_it, without = data.loc[(name, True)], data.loc[(name, False)]
        assert with_it["got"] <= 1.5 * with_it["bound"], name
        if with_it["unit"] in ("MiB", "processes"):  # CPU and disk go to whoever else wants them
            assert with_it["got"] < without["got"], name
    assert data.loc[("memory limit", True), "outcome"] == "killed"
    assert data.loc[("memory limit", True), "events"] == 1
    assert data.loc[("memory limit, page cache", True), "outcome"] == "finished"
    assert data.loc[("process limit", True), "outcome"] == "refused"
    assert data.loc[("memory limit", False), "outcome"] == "finished"


@pytest.mark.system
def test_pages_are_shared_by_the_page_cache_and_by_ksm():
    data = measure("page-sharing", tenants=3, mib=4).set_index("condition")
    assert data["rss_mib"].min() > 11, "each tenant maps its 4 MiB"
    assert data.loc["own pages", "pss_mib"] > 11
    assert data.loc["one mapped file", "pss_mib"] < 6
    assert data.loc["merged by KSM", "pss_mib"] < 8


def test_promising_too_much_makes_tenants_wait():
    def wait_more() -> bool:
        data = SHARING["overcommit"](tenants=(1, 6), seconds=0.5).set_index("tenants")
        assert data["late"].between(0, 1).all()
        return bool(data.loc[6, "waited"] > data.loc[1, "waited"])

    assert any(wait_more() for _ in range(4))


@pytest.mark.system
def test_limits_protect_the_victim():
    def protected() -> bool:
        data = measure("noisy-neighbours", stressors=("cpu",), rounds=1, seconds=0.3)
        medians = data.groupby("condition")["response_ms"].median()
        return bool(medians["cpu"] > max(medians["alone"], medians["cpu, limited"]))

    assert any(protected() for _ in range(4))


def test_an_unknown_stressor_is_named():
    with pytest.raises((CannotMeasure, NoCgroup)) as caught:
        SHARING["noisy-neighbours"](stressors=("noise",), rounds=1)
    assert "\n" not in str(caught.value)


@pytest.mark.long
def test_spinning_for_a_lock_uses_cpu_time():
    def spins_more() -> bool:
        data = SHARING["lock-holder"](rounds=2, seconds=0.3)
        spun = data.groupby("condition")["spun"].mean()
        return bool(spun["spinning"] > spun["sleeping"])

    assert any(spins_more() for _ in range(4))


def test_every_experiment_of_the_chapter_is_recorded():
    folder = data_folder() / "recordings" / "06-sharing"
    for name in (name for name, one in SHARING.items() if not one.simulated):
        data, notes = recording.load(folder, name)
        assert len(data)
        assert notes["failed"] == {}, name
