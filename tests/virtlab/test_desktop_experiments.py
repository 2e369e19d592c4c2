"""The experiments of chapter 19, the protocol that they speak, and what they leave behind."""

from __future__ import annotations

import contextlib
import io
import re
import socket
import struct
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.virtlab.chapters import built_cell
from virtlab import figures, host, leftovers, registry
from virtlab.desktop import scripted
from virtlab.desktop.encodings import (
    PIXEL,
    Decoder,
    Encoder,
    Encoding,
    Pixels,
    ProtocolError,
    black,
)
from virtlab.desktop.rfb import Client, connected
from virtlab.experiments import c19_desktop as lab
from virtlab.experiments.display import desktop, relay

PIXELS = list(lab.NAMES.values())
real = pytest.mark.skipif(not host.virtual_display, reason=host.virtual_display.probe().why)


def pictures(colours: int) -> st.SearchStrategy[Pixels]:
    """Small pictures that span several hextile and ZRLE tiles, with few or many colours."""
    shapes = st.tuples(st.integers(1, 70), st.integers(1, 70))
    palette = st.integers(0, 0xFFFFFF) if colours > 200 else st.integers(0, colours - 1)
    return shapes.flatmap(lambda shape: arrays(PIXEL, shape, elements=palette, fill=palette))


# --- encodings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", PIXELS)
@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_what_is_encoded_is_decoded(encoding: Encoding, data: st.DataObject) -> None:
    encoder, decoder = Encoder(), Decoder()
    for _ in range(2):  # a deflate stream goes on from one rectangle to the next
        part = data.draw(pictures(data.draw(st.sampled_from([1, 2, 5, 1000]))))
        height, width = part.shape
        screen = black(height + 2, width + 3)
        content = io.BytesIO(encoder.rectangle(encoding, part))
        decoder.rectangle(encoding, (3, 2, width, height), screen, content.read)
        assert (screen[2:, 3:] == part).all()
        assert not screen[:2].any()
        assert not screen[:, :3].any()
        assert content.read() == b""


def test_zrle_tiles_of_every_kind_come_back() -> None:
    generator = np.random.default_rng(19)
    for colours in (1, 2, 3, 16, 100, 127, 128, 4000):
        palette = generator.integers(0, 1 << 24, colours).astype(PIXEL)
        for part in (
            palette[generator.integers(0, colours, (64, 64))],
            np.sort(palette[generator.integers(0, colours, (40, 64))]),
        ):
            screen = black(*part.shape)
            content = io.BytesIO(Encoder().rectangle(Encoding.ZRLE, part))
            place = (0, 0, part.shape[1], part.shape[0])
            Decoder().rectangle(Encoding.ZRLE, place, screen, content.read)
            assert (screen == part).all()


def packed_palette(colours: int, bits: int) -> tuple[bytes, Pixels]:
    """A ZRLE tile of packed places in a palette, which our own encoder never writes."""
    places = np.arange(5 * 3).reshape(3, 5) % colours
    palette = (np.arange(colours) * 0x010203).astype(PIXEL)
    rows = b""
    for row in places:
        digits = "".join(f"{place:0{bits}b}" for place in row)
        rows += int(digits.ljust(-(-len(digits) // 8) * 8, "0"), 2).to_bytes(
            -(-len(digits) // 8), "big"
        )
    body = b"".join(int(one).to_bytes(4, "little")[:3] for one in palette)
    return bytes([colours]) + body + rows, palette[places]


@pytest.mark.parametrize(("colours", "bits"), [(2, 1), (4, 2), (16, 4)])
def test_packed_palettes_of_zrle(colours: int, bits: int) -> None:
    tile, wanted = packed_palette(colours, bits)
    packed = zlib.compress(tile)
    content = io.BytesIO(struct.pack("!I", len(packed)) + packed)
    screen = black(3, 5)
    Decoder().rectangle(Encoding.ZRLE, (0, 0, 5, 3), screen, content.read)
    assert (screen == wanted).all()


def test_a_copy_may_overlap_itself() -> None:
    screen = np.arange(5, dtype=PIXEL).reshape(1, 5)
    Decoder().rectangle(Encoding.COPYRECT, (1, 0, 4, 1), screen, io.BytesIO(bytes(4)).read)
    assert screen.tolist() == [[0, 0, 1, 2, 3]]


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([*Encoding, 99]), st.binary(max_size=200), st.integers(0, 9))
def test_whatever_comes_it_is_drawn_or_refused(kind: int, content: bytes, width: int) -> None:
    wire = io.BytesIO(content)

    def read(count: int) -> bytes:
        found = wire.read(count)
        if len(found) < count:
            raise ProtocolError("the server hung up")
        return found

    with contextlib.suppress(ProtocolError):
        Decoder().rectangle(kind, (2, 1, width, 5), black(8, 8), read)


def test_a_small_message_cannot_become_a_huge_one() -> None:
    bomb = zlib.compress(bytes(1 << 24))
    content = io.BytesIO(struct.pack("!I", len(bomb)) + bomb)
    screen = black(4, 4)
    Decoder().rectangle(Encoding.ZLIB, (0, 0, 4, 4), screen, content.read)  # takes 64 bytes of it
    assert not screen.any()


# --- the client -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"HTTP/1.1 400 No", "no RFB server"),
        (b"RFB 003.008\n\x01\x02", "without a password"),
        (b"RFB 003.008\n\x01\x01\0\0\0\x01", "refused"),
        (b"RFB 003.008\n\x01\x01\0\0\0\0" + bytes(24), "is none"),
        (b"RFB 003.008\n", "hung up"),
    ],
)
def test_a_wrong_server_is_one_line(said: bytes, why: str) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(ProtocolError, match=why):
            Client(ours)


def test_the_server_that_the_chapter_builds_serves_our_client(tmp_path: Path) -> None:
    names: dict[str, object] = {}
    exec(built_cell("19-desktop"), names)
    serve = names["serve"]
    assert callable(serve)
    picture = np.random.default_rng(1).integers(0, 1 << 24, (9, 7)).astype(PIXEL)
    keys: list[str] = []
    door = tmp_path / "rfb"
    with socket.socket(socket.AF_UNIX) as listener, io.BytesIO() as tap:
        listener.bind(str(door))
        listener.listen()

        def accept() -> None:
            with listener.accept()[0] as wire:
                serve(wire, picture, keys)

        server = threading.Thread(target=accept)
        server.start()
        with relay(door, tmp_path / "far", 0.001, tap):
            with Client(connected(tmp_path / "far")) as client:
                client.encodings([Encoding.RAW])
                client.request()
                update = client.update()
                client.type("ok")
            server.join(5)
        assert update is not None
        assert update.size == 16 + 4 * picture.size
        assert (client.picture == picture).all()
        assert keys == ["o", "k"]
        assert b"\x04\x01\0\0\0\0\0o" in tap.getvalue()


# --- what runs everywhere -------------------------------------------------------------------------


def test_the_scripted_desktop_in_every_encoding() -> None:
    data = lab.scripted_updates()
    size = data.set_index(["activity", "encoding"])["bytes"]
    assert data["same"].all()
    for activity in ("scrolling", "moving a window"):
        assert size[activity].idxmin() == "copyrect"
    assert size["film", "rre"] > size["film", "raw"]
    assert size["typing", "raw"] * 10 < size["film", "raw"]
    measured = registry.run(lab.scripted_updates)
    shown = figures.update_map(measured, "bytes", "bytes", "A copy is small")
    assert "copyrect" in str(shown)
    assert len(shown.png()) < figures.MOST_BYTES


def test_changed_tiles_are_cut_at_the_edge() -> None:
    before, after = black(5, 7), black(5, 7)
    after[4, 6] = 1
    assert scripted.changed(before, after, 4) == [(4, 4, 3, 1)]
    assert scripted.changed(before, before, 4) == []


def test_distance_decides_where_the_line_is_wide() -> None:
    data = lab.far().set_index(["mbit_per_s", "round_trip_ms"])["response_ms"]
    assert data[2, 1] / data[20, 1] > 2
    assert data[20, 200] / data[200, 200] < 1.2


def test_one_image_pays_with_many_desktops_of_one_kind() -> None:
    data = lab.patching().set_index(["condition", "desktops", "kinds"])
    for fleet, pays in {(10, 1): False, (1000, 1): True, (1000, 20): False}.items():
        one, many = data.loc[("one image a kind", *fleet)], data.loc[("N desktops", *fleet)]
        assert (one["work_hours"] < many["work_hours"]) is np.bool_(pays)
        assert (one["gib_sent"] < many["gib_sent"]) is np.bool_(fleet[0] > 10)
        assert one["bad_patch_reaches"] == many["bad_patch_reaches"]
        assert one["undo_hours"] * 10 < many["undo_hours"]


# --- the real desktop -----------------------------------------------------------------------------


def measured(experiment: registry.Experiment, **parameters: object) -> pd.DataFrame:
    try:
        return experiment(**parameters)
    except registry.CannotMeasure as error:
        pytest.skip(str(error))


@real
@pytest.mark.system
def test_a_client_draws_what_is_on_the_display() -> None:
    data = measured(lab.picture)
    assert data["same"].all()
    assert data["differed_before"].all()
    assert lab.image(data["png"].iloc[0]).size == (480, 320)


@real
@pytest.mark.system
@pytest.mark.serial
def test_updates_are_small_where_little_changes() -> None:
    data = measured(lab.updates, rounds=1, encodings=["raw", "zrle"])
    size = data.groupby(["activity", "encoding"])["bytes"].median()
    assert size["typing", "raw"] * 5 < size["film", "raw"]
    assert size["scrolling", "zrle"] * 3 < size["scrolling", "raw"]
    assert size["film", "zrle"] * 3 > size["film", "raw"]


@real
@pytest.mark.system
def test_the_program_stays_while_clients_come_and_go() -> None:
    steps = measured(lab.clients).set_index("condition")
    assert steps["program"].nunique() == 1
    assert steps.loc["the large one comes back", "text"] == "from the small one"
    clock = steps["clock"]
    assert clock["nobody was there for a while"] > clock["both leave"]
    assert clock["the large one comes back"] == clock["nobody was there for a while"]
    assert steps[["large_agrees", "small_agrees"]].stack().all()


@real
@pytest.mark.system
@pytest.mark.serial
def test_a_frame_waits_for_its_request() -> None:
    data = measured(lab.distance, round_trips_ms=[100], in_flight=[1, 4], letters=1)
    frames = data.set_index("in_flight")["frames_per_s"]
    assert frames[1] < 10.5  # one a round trip
    assert frames[4] > 1.5 * frames[1]
    assert (data["letter_ms"] > 100).all()


@real
@pytest.mark.system
def test_a_picture_outlives_its_connection_but_not_its_process() -> None:
    at = measured(lab.left).set_index(["client", "step"])
    assert at.loc[("plain", "start"), "in_memory"] == 0
    assert at.loc[("plain", "detach"), "in_memory"] > 0
    assert at.loc[("plain", "end"), ["in_memory", "files"]].tolist() == [0, 0]
    assert at.loc[("screenshot", "end"), "in_files"] == 1


@real
@pytest.mark.system
def test_a_walled_client_reaches_the_picture_only() -> None:
    if not host.namespaces:
        pytest.skip(host.probe("namespaces").why)
    data = measured(lab.walled).set_index("condition")
    reached = ["display", "screen_file", "cookie"]
    assert data.loc["no walls", reached].all()
    assert not data.loc["walls", reached].any()
    assert data.loc["walls", "colours"] > 10


def environment_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_text(errors="replace")
    except OSError:
        return ""


@real
@pytest.mark.system
@pytest.mark.usefixtures("alone_with_leftovers")
def test_nothing_stays_behind_even_when_the_owner_is_killed() -> None:
    segments = Path("/proc/sysvipc/shm").read_text().count("\n")
    try:
        with desktop() as shown:
            folder, door = shown.folder, shown.door
            assert door.exists()
    except registry.CannotMeasure as error:
        pytest.skip(str(error))
    assert not folder.exists()
    assert not door.exists()
    code = (
        "from virtlab.experiments.display import desktop\n"
        "with desktop() as shown:\n"
        "    print(shown.folder, flush=True)\n"
        "    input()\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    left = owner.stdout.readline().strip()
    owner.kill()
    owner.communicate()
    mark = re.search(r"virtlab-(\d+-\d+-\d+)", left)
    assert mark
    ours = [pid for pid in leftovers._orphans() if mark.group(1) in environment_of(pid)]
    try:
        assert f"folder {left}" in leftovers.find()
        assert {"Xvfb", "x11vnc"} <= {leftovers._command(pid) for pid in ours}
    finally:  # as `clean` does, but only what this test started
        for pid in ours:
            leftovers._kill(pid)
        leftovers.remove_folder(Path(left))
    assert left not in "\n".join(leftovers.find())
    assert Path("/proc/sysvipc/shm").read_text().count("\n") <= segments


def test_without_a_display_the_overview_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    no = host.Capability("virtual display", False, "no Xvfb here", "apt-get install xvfb")
    monkeypatch.setitem(host.CAPABILITIES, "virtual display", lambda: no)
    host._probe.cache_clear()
    try:
        shown = registry.overview("19-desktop").set_index("experiment")
    finally:
        monkeypatch.undo()
        host._probe.cache_clear()
    assert set(shown.index[shown["source"] == "live"]) == {"scripted"}
    assert "no Xvfb here" in shown.loc["picture", "why"]
