"""Experiments of chapter 19: a desktop on the server, its picture on the client.

The live ones run a virtual display (Xvfb) with a program on it, an RFB server (x11vnc) and the
course's own client. They need no privilege, no network and no port.
"""

from __future__ import annotations

import base64
import io
import itertools
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from virtlab import host, leftovers
from virtlab.desktop import scripted
from virtlab.desktop.encodings import Encoding, Pixels
from virtlab.desktop.rfb import Client
from virtlab.experiments.display import HEIGHT, WIDTH, Desktop, desktop, relay, settle, whole
from virtlab.experiments.running import PROGRAMS, run_program
from virtlab.interrupts import uninterrupted
from virtlab.measure.rounds import measure_rows
from virtlab.models.remote_desktop import response_time
from virtlab.registry import CannotMeasure, experiment

CHAPTER = "19-desktop"
Row = dict[str, Any]
NAMES = {
    "raw": Encoding.RAW,
    "rre": Encoding.RRE,
    "hextile": Encoding.HEXTILE,
    "zlib": Encoding.ZLIB,
    "zrle": Encoding.ZRLE,
}
SCRIPTED = {**NAMES, "copyrect": Encoding.COPYRECT}
F1, F2, F3 = 0xFFBE, 0xFFBF, 0xFFC0
KEYS = {"typing": ord("a"), "scrolling": F1, "moving a window": F3, "film": F2}


def image(png: str) -> Image.Image:
    """Return the picture that a table holds as text."""
    return Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")


def picture_of(pixels: Pixels) -> Image.Image:
    """Return a screen's pixels as an image that a notebook shows."""
    channels = [pixels >> 16 & 255, pixels >> 8 & 255, pixels & 255]
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def _png(pixels: Pixels) -> str:
    target = io.BytesIO()
    picture_of(pixels).quantize(32).save(target, format="png", optimize=True)
    return base64.b64encode(target.getvalue()).decode()


# --- picture: what a client draws -----------------------------------------------------------------


@experiment(f"{CHAPTER}/picture", needs=[host.virtual_display], claims=["C070"])
def picture() -> pd.DataFrame:
    """Let a client fetch a display's whole picture over its one connection, in five encodings.

    Returns:
        One row an encoding: condition, width, height, bytes (of the update), same (each pixel is
        that of the display's own picture), differed_before (the same test before the client had
        asked: the control), png (the client's picture, in the first row).
    """
    rows: list[Row] = []
    with desktop() as shown:
        with shown.attach() as writer:
            writer.type("hello")
            _until(shown, "hello")
        for name, encoding in NAMES.items():
            with shown.attach() as client:
                differed = not shown.agrees(client)
                client.encodings([encoding])
                size = whole(shown, client)
                rows.append(
                    {
                        "condition": name,
                        "width": client.size[0],
                        "height": client.size[1],
                        "bytes": size,
                        "same": shown.agrees(client),
                        "differed_before": differed,
                        "png": "" if rows else _png(client.picture),
                    }
                )
    return pd.DataFrame(rows)


@experiment(f"{CHAPTER}/walled", needs=[host.virtual_display, host.namespaces], claims=["C070"])
def walled() -> pd.DataFrame:
    """Wall a client off from the display, all but its one connection, and see what it reaches.

    Behind the walls it has a network, mounts and IPC of its own, and the folders of the display are
    hidden. Before, the same program tries the same: the control.

    Returns:
        One row a setting: condition (`no walls` or `walls`), display, screen_file, cookie (whether
        each is reached), colours (in the picture that it drew; only behind the walls).
    """
    with desktop() as shown:
        told = run_program(
            "walled_viewer.py", shown.address, shown.folder, shown.door, packages=True
        )
        return pd.DataFrame(
            [
                {"condition": "no walls", **told["before"], "colours": None},
                {"condition": "walls", **told["behind"], "colours": told["colours"]},
            ]
        )


# --- updates: what crosses the wire ---------------------------------------------------------------


@experiment(
    f"{CHAPTER}/updates",
    needs=[host.virtual_display],
    claims=["C070", "C071"],
    recorded_with={"rounds": 8},
)
def updates(
    encodings: Sequence[str] = tuple(NAMES), rounds: int = 2, seed: int = 1, progress: bool = False
) -> pd.DataFrame:
    """Type, scroll, move a window and play a film on a real desktop; count each update's bytes.

    Returns:
        One row a round, activity and encoding: condition, activity, encoding, bytes, rectangles,
        pixels (in these), delay_ms (from the key until the client's picture is the display's own).
    """
    with desktop() as shown, shown.attach() as client:
        client.request(incremental=False)
        client.update()

        def once(activity: str, encoding: str) -> list[Row]:
            client.encodings([NAMES[encoding]])
            seen = settle(shown, client, lambda: client.key(KEYS[activity]))
            row = {"activity": activity, "encoding": encoding, "bytes": seen.pop("size")}
            return [row | seen]

        conditions = {
            f"{activity}, {encoding}": partial(once, activity, encoding)
            for activity in KEYS
            for encoding in encodings
        }
        for activity in KEYS:  # the first of each pays for what is loaded once
            once(activity, "raw")
        return measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)


@experiment(f"{CHAPTER}/scripted", claims=["C070"])
def scripted_updates(tile: int = 16) -> pd.DataFrame:
    """Encode the same four activities on a desktop drawn by a script, and draw them at a client.

    Returns:
        One row an activity and encoding: condition, activity, encoding, bytes, rectangles, same
        (the client's picture is the server's afterwards).
    """
    rows = []
    for activity, (name, encoding) in itertools.product(scripted.ACTIVITIES, SCRIPTED.items()):
        happened = scripted.step(activity)
        message = scripted.tell(happened, encoding, tile)
        rows.append(
            {
                "condition": f"{activity}, {name}",
                "activity": activity,
                "encoding": name,
                "bytes": len(message),
                "rectangles": int.from_bytes(message[2:4], "big"),
                "same": scripted.drawn(happened.before, message) == happened.after.tobytes(),
            }
        )
    return pd.DataFrame(rows)


# --- clients: two of different size, and none -----------------------------------------------------

PHONE = (0, 20, 240, 120)  # the part of the screen that a small client asks for


@experiment(f"{CHAPTER}/clients", needs=[host.virtual_display], claims=["C071"])
def clients() -> pd.DataFrame:
    """Attach a large client and a small one, detach both, and attach again.

    The program is asked past the server what it knows: its process, its text, its clock. It moves
    its clock by itself, from just before both leave until just before the large one comes back.

    Returns:
        One row a step: condition, attached (clients), program (its process), text, clock (ticks),
        large_agrees, small_agrees (each client's picture is the display's, in what it asked for;
        None while it is not there), large_bytes, small_bytes (received in this step).
    """
    rows: list[Row] = []
    with desktop() as shown, ExitStack() as first:

        def look(step: str, large: Client | None, small: Client | None) -> None:
            got = [client.received if client else 0 for client in (large, small)]
            for client, part in ((large, None), (small, PHONE)):
                if client:
                    whole(shown, client, part)
            state = shown.ask()
            rows.append(
                {
                    "condition": step,
                    "attached": sum(client is not None for client in (large, small)),
                    "program": state["pid"],
                    "text": state["text"],
                    "clock": state["ticks"],
                    "large_agrees": shown.agrees(large) if large else None,
                    "small_agrees": shown.agrees(small, PHONE) if small else None,
                    "large_bytes": large.received - got[0] if large else 0,
                    "small_bytes": small.received - got[1] if small else 0,
                }
            )

        large = first.enter_context(_attached(shown))
        look("the large one attaches", large, None)
        small = first.enter_context(_attached(shown))
        look("the small one attaches", large, small)
        small.type("from the small one")
        _until(shown, "from the small one")
        look("the small one types", large, small)
        shown.ask("run")
        first.close()
        look("both leave", None, None)
        time.sleep(0.4)
        shown.ask("rest")
        look("nobody was there for a while", None, None)
        with _attached(shown) as again:
            look("the large one comes back", again, None)
    return pd.DataFrame(rows)


@contextmanager
def _attached(shown: Desktop, door: Path | None = None) -> Iterator[Client]:
    with shown.attach(door) as client:
        client.encodings([Encoding.ZRLE])
        yield client


def _until(shown: Desktop, text: str) -> None:
    deadline = time.monotonic() + 5
    while not shown.ask()["text"].endswith(text):
        if time.monotonic() > deadline:
            raise CannotMeasure("the typed text did not arrive")
        time.sleep(0.05)


# --- distance: the client asks for each update ----------------------------------------------------


FILM = (WIDTH - 116, HEIGHT - 116, 96, 96)  # where the program shows it


@experiment(
    f"{CHAPTER}/distance",
    needs=[host.virtual_display],
    claims=["C071"],
    recorded_with={"seconds": 2.0},
)
def distance(
    round_trips_ms: Sequence[int] = (0, 40, 120),
    in_flight: Sequence[int] = (1, 2, 4),
    seconds: float = 0.4,
    letters: int = 3,
) -> pd.DataFrame:
    """Put a delay between client and server: count frames a second, and time single letters.

    A relay hands on each piece half a round trip later, without any limit to the bandwidth. A film
    is drawn at the server all the time. With one request in flight a client asks for the next
    frame when it has drawn one. With several it sends as many in each round trip, at a steady pace,
    and waits for none. (Without a delay there is no ahead.) A rate is that between the first and
    the last frame of the time.

    Returns:
        One row a delay and number of requests: condition (`1 in flight`, ...), round_trip_ms,
        in_flight, frames_per_s, letter_ms (median, from the key to the picture).
    """
    rows = []
    with desktop() as shown:
        for delay in round_trips_ms:
            door = shown.folder / f"relay-{delay}"
            with relay(shown.address, door, delay / 2e3):
                with _attached(shown, door) as client:
                    whole(shown, client)
                    times = [
                        settle(shown, client, lambda: client.key(KEYS["typing"]))["delay_ms"]
                        for _ in range(letters)
                    ]
                for most in in_flight if delay else in_flight[:1]:
                    with _attached(shown, door) as client:
                        rate = _play(shown, client, seconds, most, delay / 1e3)
                    rows.append(
                        {
                            "condition": f"{most} in flight",
                            "round_trip_ms": delay,
                            "in_flight": most,
                            "frames_per_s": rate,
                            "letter_ms": float(np.median(times)),
                        }
                    )
    return pd.DataFrame(rows)


def _play(
    shown: Desktop, client: Client, seconds: float, in_flight: int, round_trip_s: float
) -> float:
    """Let frames be drawn at the server all the time; return how many a second came."""
    over = threading.Event()

    def draw() -> None:
        while not over.is_set():
            shown.ask("film")
            time.sleep(0.005)

    painter = threading.Thread(target=draw)
    painter.start()
    try:
        client.request(part=FILM)
        client.update()  # from now on the film runs
        begin = time.perf_counter()
        # Two that meet at the server count as one, so those sent ahead keep a steady pace.
        pace = round_trip_s / in_flight if in_flight > 1 else math.inf
        due = begin
        frames: list[float] = []
        pixels = 0
        while (now := time.perf_counter()) < begin + round_trip_s + seconds:
            if now >= due:
                client.request(part=FILM)
                due += pace
                continue
            update = client.update(min(due - now, 0.5))
            if update is None:
                continue
            if in_flight == 1:
                client.request(part=FILM)
            pixels += sum(width * height for _, _, width, height in update.places)
            if pixels >= FILM[2] * FILM[3]:  # a frame may come in pieces
                pixels = 0
                if now >= begin + round_trip_s:
                    frames.append(time.perf_counter())
        if len(frames) < 2:
            raise CannotMeasure("the film stands still at the client")
        return (len(frames) - 1) / (frames[-1] - frames[0])
    finally:
        over.set()
        painter.join()


@experiment(f"{CHAPTER}/far", simulated=True, claims=["C071"])
def far(
    round_trips_ms: Sequence[float] = (1, 20, 80, 200),
    mbit_per_s: Sequence[float] = (2, 20, 200),
    update: int = 30_000,
    server_ms: float = 20.0,
) -> pd.DataFrame:
    """Compute the time of one update by distance and by bandwidth, for an update of 30,000 bytes.

    Returns:
        One row a pair: condition (the bandwidth), round_trip_ms, mbit_per_s, response_ms,
        updates_per_s (of a client that asks again when it has drawn).
    """
    rows = []
    for rate, delay in itertools.product(mbit_per_s, round_trips_ms):
        took = response_time(delay / 1e3, update, rate * 1e6, server=server_ms / 1e3)
        rows.append(
            {
                "condition": f"{rate:g} Mbit/s",
                "round_trip_ms": delay,
                "mbit_per_s": rate,
                "response_ms": 1e3 * took,
                "updates_per_s": 1 / took,
            }
        )
    return pd.DataFrame(rows)


# --- left: what stays on the client ---------------------------------------------------------------

SECRET = "the code is 4711"
STEPS = ("attach", "save", "detach", "wipe", "end")


@experiment(f"{CHAPTER}/left", needs=[host.virtual_display], claims=["C072"])
def left() -> pd.DataFrame:
    """Look for the picture of a secret in a client's memory and files, step by step.

    The secret is typed on the desktop. What is looked for is a row of pixels through its letters.
    One client behaves, another one saves a screenshot.

    Returns:
        One row a client and step: condition, client (`plain` or `screenshot`), step, in_memory
        (copies of the row of pixels; 0 if the process is no more), files, in_files (files that hold
        the row), on_the_server (the program still has the text).
    """
    rows: list[Row] = []
    with desktop() as shown:
        with shown.attach() as writer:
            writer.type(SECRET)
            _until(shown, SECRET)
        time.sleep(0.2)  # until it is drawn
        needle = shown.screen()[38:60, 14:140]
        busiest = int(np.argmax((np.diff(needle, axis=1) != 0).sum(axis=1)))
        pattern = needle[busiest].tobytes()
        for name in ("plain", "screenshot"):
            rows += _followed(shown, name, pattern)
    return pd.DataFrame(rows)


def _followed(shown: Desktop, name: str, pattern: bytes) -> Iterator[Row]:
    with leftovers.own_folder() as folder, _viewer(shown.address, folder) as viewer:
        assert viewer.stdin is not None
        for step in ("start", *STEPS):
            if step == "save" and name == "plain":
                continue
            if step == "end":
                viewer.stdin.close()
                viewer.wait(10)
            elif step != "start":
                _tell(viewer, step)
            if step == "attach":
                _until_there(viewer, pattern)
            files = [path for path in folder.rglob("*") if path.is_file()]
            yield {
                "condition": f"{name}, {step}",
                "client": name,
                "step": step,
                "in_memory": 0 if step == "end" else _copies(viewer.pid, pattern),
                "files": len(files),
                "in_files": sum(pattern in path.read_bytes() for path in files),
                "on_the_server": shown.ask()["text"].endswith(SECRET),
            }


def _tell(viewer: subprocess.Popen[str], word: str) -> None:
    assert viewer.stdin is not None
    assert viewer.stdout is not None
    viewer.stdin.write(f"{word}\n")
    viewer.stdin.flush()
    if viewer.stdout.readline().strip() != word:
        raise CannotMeasure("the viewer died")


def _until_there(viewer: subprocess.Popen[str], pattern: bytes) -> None:
    """Let it refresh its picture until the pattern is there: a server's first answer may be old."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        _tell(viewer, "refresh")
        if _copies(viewer.pid, pattern):
            return
        time.sleep(0.1)
    raise CannotMeasure("the picture of the text did not reach the viewer")


@contextmanager
def _viewer(address: Path, folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = None
    try:
        with uninterrupted():
            process = subprocess.Popen(
                [sys.executable, "-I", str(PROGRAMS / "viewer.py"), str(address), str(folder)],
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={
                    **os.environ,
                    "OPENBLAS_NUM_THREADS": "1",
                    leftovers.OWNER_VARIABLE: leftovers.owner_mark(),
                },
            )
        assert process.stdout is not None
        process.stdout.readline()
        yield process
    finally:
        with uninterrupted():
            if process is not None:
                process.kill()
                process.wait()
                for stream in (process.stdin, process.stdout):
                    with suppress(OSError):
                        if stream is not None:
                            stream.close()


def _copies(pid: int, pattern: bytes) -> int:
    """Count a pattern in the writable memory of a process of this user.

    Raises:
        CannotMeasure: the kernel does not let us look.
    """
    found = 0
    try:
        maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            for line in maps:
                bounds, rights, *_ = line.split()
                if not rights.startswith("rw") or "[v" in line:
                    continue
                start, end = (int(bound, 16) for bound in bounds.split("-"))
                memory.seek(start)
                try:
                    found += memory.read(end - start).count(pattern)
                except OSError:
                    continue  # reserved, not there
    except OSError as error:
        raise CannotMeasure(f"the memory of another process: {error.strerror}") from None
    return found


# --- patching: one image or N desktops ------------------------------------------------------------

FLEETS = ((10, 1), (100, 1), (1000, 1), (1000, 20))


@experiment(f"{CHAPTER}/patching", simulated=True, claims=["C072"])
def patching(
    fleets: Sequence[tuple[int, int]] = FLEETS,
    used_a_day: float = 0.8,
    fails: float = 0.02,
    patch_gib: float = 0.5,
    image_gib: float = 20.0,
    hosts_for: int = 50,
) -> pd.DataFrame:
    """Compute what a patch costs on N desktops, and on one image for all desktops of a kind.

    Desktops of one kind have the same programs. Assumptions: a test takes two hours for each kind,
    either way. A patch fails on some of the desktops, and each of these takes a person half an
    hour; to open, patch and seal an image takes three quarters of an hour. A desktop takes the
    patch on the first day on which it is used; each day that happens with the same chance. A new
    image is there at the next log-in. It is copied whole to one server for every fifty desktops,
    and to one for each kind at least. A bad patch is one after which a desktop does not start; it
    is found at the end of the first day. Each desktop is then repaired by hand, in half an hour;
    an old image is put back in a quarter of an hour.

    Returns:
        One row a fleet and way: condition (the way), desktops, kinds, work_hours, gib_sent,
        days_to_99 (until 99 % of the desktops have the patch, or will start with it),
        bad_patch_reaches (desktops in use on the first day), undo_hours (of work, to take it back).
    """
    days = max(1, math.ceil(math.log(0.01) / math.log(1 - used_a_day)))
    rows = []
    for count, kinds in fleets:
        fleet = {"desktops": count, "kinds": kinds}
        hit = used_a_day * count
        rows += [
            {
                "condition": "N desktops",
                **fleet,
                "work_hours": 2 * kinds + 0.5 * fails * count,
                "gib_sent": patch_gib * count,
                "days_to_99": days,
                "bad_patch_reaches": hit,
                "undo_hours": 0.5 * hit,
            },
            {
                "condition": "one image a kind",
                **fleet,
                "work_hours": 2.75 * kinds,
                "gib_sent": image_gib * max(kinds, math.ceil(count / hosts_for)),
                "days_to_99": 1,
                "bad_patch_reaches": hit,
                "undo_hours": 0.25 * kinds,
            },
        ]
    return pd.DataFrame(rows)
