"""Builds virtual networks in a network namespace of its own, and tries them out.

Run as `python -I networks.py SCENARIO SETTINGS`, SETTINGS being a JSON object; prints a JSON list
of rows. Every network namespace, cable and tunnel hangs on this process and ends with it.

Both ends of every conversation are sockets of this one process. So nobody has to be woken: a
packet that was sent has been through all cards and switches when `send` comes back.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[3]))

from virtlab.container import walls
from virtlab.machines.network import UDP, Ethernet, IPv4, LearningSwitch, decapsulate
from virtlab.resources.networks import BROADCAST, VXLAN_PORT, Place, cable

Row = dict[str, Any]
PORT = 7000
WAIT_S = 0.03
RED, BLUE = 100, 200  # the numbers of the tenants' networks
HOSTS = ("192.0.2.1", "192.0.2.2")
THROUGH, STOPPED = "got through", "stopped"


# --- building -------------------------------------------------------------------------------------


def tenant(name: str, address: str, host: Place, port: str, mtu: int = 1500) -> Place:
    """A tenant's machine, its card `eth0` cabled to a card of a host."""
    made = Place(name)
    cable(made, "eth0", host, port)
    made.address("eth0", address)
    made.set_mtu("eth0", mtu)
    return made


def two_hosts(underlay: Place | None = None) -> list[Place]:
    """Two hosts with a card `wire` each: one cable between them, or a port each of an underlay."""
    hosts = [Place("host 1"), Place("host 2")]
    if underlay is None:
        cable(hosts[0], "wire", hosts[1], "wire")
    else:
        underlay.add("switch", "bridge")
        for number, host in enumerate(hosts):
            cable(host, "wire", underlay, f"port{number}")
            underlay.plug(f"port{number}", "switch")
    for host, address in zip(hosts, HOSTS, strict=True):
        host.address("wire", address)
    return hosts


def overlay(hosts: list[Place], vni: int, mtu: int | None = 1450) -> None:
    """A virtual network: on each host a bridge and a VXLAN card that leads to the other host."""
    for host, own, other in zip(hosts, HOSTS, HOSTS[::-1], strict=True):
        host.tunnel(f"vx{vni}", vni, own, [other])
        host.add(f"br{vni}", "bridge")
        host.plug(f"vx{vni}", f"br{vni}")
        if mtu:
            host.set_mtu(f"vx{vni}", mtu)


# --- trying out -----------------------------------------------------------------------------------


def drained(one: socket.socket, wait_s: float = 0.0) -> list[bytes]:
    """All that has come to a socket, after a wait."""
    found: list[bytes] = []
    while select.select([one], [], [], wait_s if not found else 0.0)[0]:
        found.append(one.recv(65536))
    return found


def who_answers(line: socket.socket, address: str, servers: dict[str, socket.socket]) -> str:
    """Call an address; every server that hears it answers with its name."""
    question = f"{random.getrandbits(64):016x}".encode()
    try:
        line.sendto(question, (address, PORT))
    except OSError:
        return "nobody"
    deadline = time.monotonic() + WAIT_S
    while (left := deadline - time.monotonic()) > 0:
        for ready in select.select([line, *servers.values()], [], [], left)[0]:
            said, sender = ready.recvfrom(2048)
            if ready is line:
                return said.decode()
            name = next(name for name, server in servers.items() if server is ready)
            if said == question:
                ready.sendto(name.encode(), sender)
    return "nobody"


def in_rounds(
    conditions: Mapping[str, Callable[[], Iterable[Row]]], rounds: int, seed: int
) -> list[Row]:
    """Measure all conditions in every round, in shuffled order; a first round warms up."""
    shuffle = random.Random(seed).shuffle
    rows = []
    for number in range(-1, rounds):
        order = list(conditions)
        shuffle(order)
        for place, name in enumerate(order):
            for row in conditions[name]():
                if number >= 0:
                    rows.append({"round": number, "order": place, "condition": name, **row})
    names = list(conditions)
    return sorted(rows, key=lambda row: (row["round"], names.index(row["condition"])))


# --- two tenants ----------------------------------------------------------------------------------

TENANTS = {  # who → (address, network, on which of two hosts)
    "red 1": ("10.0.0.1", RED, 0),
    "red 2": ("10.0.0.2", RED, 1),
    "blue 1": ("10.0.0.1", BLUE, 0),
    "blue 3": ("10.0.0.3", BLUE, 1),
}


def tenants() -> list[Row]:
    """Red 2 and blue 3 call three addresses, on three kinds of network."""
    rows = []
    for network in ("one switch for all", "a switch each", "an overlay each"):
        if network == "an overlay each":
            hosts = two_hosts()
            overlay(hosts, RED)
            overlay(hosts, BLUE)
        else:
            hosts = [Place("host")] * 2
            for vni in (RED, BLUE) if network == "a switch each" else (RED,):
                hosts[0].add(f"br{vni}", "bridge")
        places = {}
        for name, (address, vni, number) in TENANTS.items():
            host = hosts[number]
            port = name.replace(" ", "")
            places[name] = tenant(name, address, host, port, 1450)
            host.plug(port, f"br{RED if network == 'one switch for all' else vni}")
        servers = {name: place.udp(PORT) for name, place in places.items()}
        for caller in ("red 2", "blue 3"):
            row: Row = {"condition": f"{network}: {caller} calls"}
            for number in (1, 2, 3):
                name = who_answers(places[caller].udp(), f"10.0.0.{number}", servers)
                stranger = name != "nobody" and name.split()[0] != caller.split()[0]
                own = "itself" if name == caller else name
                row[f"at_{number}"] = f"stranger: {name}" if stranger else own
            rows.append(row)
        for place in places.values():
            place.close()
    return rows


# --- a switch -------------------------------------------------------------------------------------

A, B, C, D = (f"02:00:00:00:00:0{number}" for number in (1, 2, 3, 4))
AGEING_S = 0.5
# what happens, from, to, at which port; None: a wait until addresses are forgotten
FRAMES: list[tuple[str, str, str, int | None]] = [
    ("A at port 1 writes to B, whom nobody knows", A, B, 1),
    ("B at port 2 answers A", B, A, 2),
    ("A writes to B again", A, B, 1),
    ("A writes to everybody", A, BROADCAST, 1),
    ("D, also at port 1, writes to A", D, A, 1),
    ("A has moved to port 3 and writes to B", A, B, 3),
    ("B answers A", B, A, 2),
    ("a long silence, then A writes to B", A, B, None),
]


def switch() -> list[Row]:
    """Send the same frames into a bridge of the kernel and into our learning switch."""
    host, outside = Place("host"), Place("stations")
    host.add("br", "bridge")
    host.set_ageing("br", AGEING_S)
    taps = {}
    for port in (1, 2, 3):
        cable(outside, f"s{port}", host, f"p{port}")
        host.plug(f"p{port}", "br")
        taps[port] = outside.tap(f"s{port}")
    ours = LearningSwitch([1, 2, 3], ageing=AGEING_S)
    start = time.monotonic()
    rows = []
    for number, (what, source, destination, at) in enumerate(FRAMES):
        port = at or 3
        if at is None:
            time.sleep(4 * AGEING_S)
        text = f"frame {number}".encode()
        for tap in taps.values():
            drained(tap)
        taps[port].send(Ethernet(destination, source, 0x88B5, text.ljust(46)).build())
        seen = [
            other
            for other, tap in taps.items()
            if other != port and any(text in frame for frame in drained(tap, WAIT_S))
        ]
        told = ours.receive(source, destination, port, time.monotonic() - start)
        rows.append({"condition": what, "kernel": _ports(seen), "ours": _ports(told)})
    return rows


def _ports(numbers: list[int]) -> str:
    return " and ".join(str(number) for number in numbers) or "none"


# --- the VXLAN header -----------------------------------------------------------------------------


def header() -> list[Row]:
    """Send a frame through a real VXLAN card and take what is on the wire apart."""
    rows = []
    for vni in (1, RED, 0xABCDEF):
        hosts = two_hosts()
        overlay(hosts, vni)
        for host in hosts:
            host.set_checksums("wire", offloaded=False)
        inside = Place("tenant")
        cable(inside, "eth0", hosts[0], "port")
        hosts[0].plug("port", f"br{vni}")
        wire = hosts[1].tap("wire")
        text = f"network {vni}, here is {random.getrandbits(32):08x}".encode()
        sent = Ethernet(B, A, 0x88B5, text.ljust(46)).build()
        inside.tap("eth0").send(sent)
        frames = [frame for frame in drained(wire, WAIT_S) if text in frame]
        found_vni, inner = decapsulate(frames[0])  # checks every length and checksum on the way
        rows.append(
            {
                "condition": f"VNI {vni}",
                "wire": frames[0].hex(),
                "sent": sent.hex(),
                "found_vni": found_vni,
                "added": len(frames[0]) - len(sent),
                "same": inner == sent,
            }
        )
    return rows


def room() -> list[Row]:
    """Send packets of several sizes through an overlay; count the pieces on the wire."""
    rows = []
    for limit in (1450, 1500):
        hosts = two_hosts()
        overlay(hosts, RED, limit)
        ends = [
            tenant(f"red {number}", f"10.0.0.{number}", host, "red")
            for number, host in enumerate(hosts, 1)
        ]
        for host in hosts:
            host.plug("red", f"br{RED}")
        servers = {"red 2": ends[1].udp(PORT)}
        who_answers(ends[0].udp(), "10.0.0.2", servers)
        wire, line = hosts[1].tap("wire"), ends[0].udp()
        for size in (1000, 1450, 1451, 1500):
            drained(wire)
            text = random.randbytes(size - 28)  # an IPv4 and a UDP header come before it
            line.sendto(text, ("10.0.0.2", PORT))
            there = text in drained(servers["red 2"], WAIT_S)
            rows.append(
                {
                    "condition": f"overlay of {limit}, packet of {size}",
                    "overlay_mtu": limit,
                    "packet_bytes": size,
                    "arrived": there,
                    "pieces": sum(len(frame) > 100 for frame in drained(wire)),  # no ARP: 92
                }
            )
    return rows


# --- forgery --------------------------------------------------------------------------------------


def forge() -> list[Row]:
    """Try to slip a packet into red's network; judged by red's own server."""
    attackers = {
        "red 1, a member (control)": ("member", RED, None),
        "blue, a tenant beside it": ("tenant", RED, None),
        "blue, with a VXLAN header of its own": ("tenant tunnel", RED, None),
        "underlay, a plain packet": ("plain", RED, None),
        "underlay, wrong network number": ("tunnel", 999, None),
        "underlay, right number": ("tunnel", RED, None),
        "underlay, right number, borrowed address": ("tunnel", RED, HOSTS[0]),
    }
    rows: list[Row] = [{"condition": name} for name in attackers]
    for defence in ("alone", "filtered"):
        underlay = Place("underlay")
        hosts = two_hosts(underlay)
        mallory = Place("mallory")
        cable(mallory, "eth0", underlay, "port9")
        underlay.plug("port9", "switch")
        mallory.address("eth0", "192.0.2.66")
        overlay(hosts, RED)
        overlay(hosts, BLUE)
        red1 = tenant("red 1", "10.0.0.1", hosts[0], "red1", 1450)
        red2 = tenant("red 2", "10.0.0.2", hosts[1], "red2", 1450)
        blue = tenant("blue 1", "10.0.0.1", hosts[0], "blue1", 1450)
        hosts[0].plug("red1", f"br{RED}")
        hosts[1].plug("red2", f"br{RED}")
        hosts[0].plug("blue1", f"br{BLUE}")
        if defence == "filtered":
            hosts[1].accept_tunnels_only_from(HOSTS[0])
        victim = red2.udp(PORT)
        for row, (how, vni, borrowed) in zip(rows, attackers.values(), strict=True):
            text = f"{how} {random.getrandbits(64):016x}".encode()
            forged = struct.pack("!II", 0x08000000, vni << 8) + packet_for_red_2(text)
            # A machine that is in no network can reach none: what an error says is an answer.
            with contextlib.suppress(OSError):
                if how == "member":
                    red1.udp().sendto(text, ("10.0.0.2", PORT))
                elif how == "tenant":
                    blue.udp().sendto(text, ("10.0.0.2", PORT))
                elif how == "tenant tunnel":
                    blue.route("10.0.0.2")
                    blue.udp().sendto(forged, (HOSTS[1], VXLAN_PORT))
                elif how == "plain":
                    mallory.route(HOSTS[1], "10.0.0.0/24")
                    mallory.udp().sendto(text, ("10.0.0.2", PORT))
                elif borrowed is None:
                    mallory.udp().sendto(forged, (HOSTS[1], VXLAN_PORT))
                else:
                    target = hosts[1].mac("wire")
                    mallory.tap("eth0").send(from_another(borrowed, target, forged))
            row[defence] = THROUGH if text in drained(victim, WAIT_S) else STOPPED
    return rows


def packet_for_red_2(text: bytes) -> bytes:
    """A frame for red 2's server, to every MAC address: the forger need not even know hers."""
    datagram = UDP(4000, PORT, text).build("10.0.0.1", "10.0.0.2")
    packet = IPv4("10.0.0.1", "10.0.0.2", 17, datagram).build()
    return Ethernet(BROADCAST, D, 0x0800, packet).build()


def from_another(source: str, target_mac: str, text: bytes) -> bytes:
    """A frame of the underlay with a borrowed sender's address."""
    datagram = UDP(55555, VXLAN_PORT, text).build(source, HOSTS[1])
    return Ethernet(target_mac, D, 0x0800, IPv4(source, HOSTS[1], 17, datagram).build()).build()


# --- NAT ------------------------------------------------------------------------------------------


def nat() -> list[Row]:
    """Two machines call out from equal ports through one public address; then outside calls in."""
    router, outside, stranger = Place("router"), Place("outside"), Place("stranger")
    router.add("br", "bridge")
    insiders = {}
    for number in (1, 2):
        insiders[number] = tenant(f"10.0.0.{number}", f"10.0.0.{number}", router, f"p{number}")
        router.plug(f"p{number}", "br")
        insiders[number].route("10.0.0.254")
    street = Place("street")
    street.add("switch", "bridge")
    for place, card, port in (
        (router, "out", "a"),
        (outside, "eth0", "b"),
        (stranger, "eth0", "c"),
    ):
        cable(place, card, street, port)
        street.plug(port, "switch")
    router.address("br", "10.0.0.254")
    router.address("out", "198.51.100.1")
    outside.address("eth0", "198.51.100.2")
    stranger.address("eth0", "198.51.100.3")
    router.forward()
    router.masquerade("out")
    server = outside.udp(PORT)
    lines = {number: place.udp(5000) for number, place in insiders.items()}
    rows: list[Row] = []
    seen = {}
    for number, line in lines.items():
        line.sendto(b"hello", ("198.51.100.2", PORT))
        if select.select([server], [], [], WAIT_S)[0]:
            seen[number] = server.recvfrom(100)[1]
        sender = "{}:{}".format(*seen[number]) if number in seen else "nobody"
        rows.append(_nat_row(f"10.0.0.{number}:5000 calls out", sender, number in seen))
    for number, line in lines.items():
        server.sendto(b"answer", seen[number])
        rows.append(
            _nat_row(
                f"the answer, to {seen[number][0]}:{seen[number][1]}",
                f"10.0.0.{number}:5000",
                b"answer" in drained(line, WAIT_S),
            )
        )
    caller = stranger.udp()
    caller.sendto(b"knock", seen[1])
    rows.append(
        _nat_row("a stranger, to the same port", "–", b"knock" in drained(lines[1], WAIT_S))
    )
    stranger.route("198.51.100.1", "10.0.0.0/24")
    caller.sendto(b"knock, knock", ("10.0.0.1", 5000))
    reached = b"knock, knock" in drained(lines[1], WAIT_S)
    rows.append(_nat_row("a stranger next door, to 10.0.0.1:5000 itself", "–", reached))
    return rows


def _nat_row(what: str, other: str, arrived: bool) -> Row:
    return {"condition": what, "seen_as": other, "outcome": THROUGH if arrived else STOPPED}


# --- what a hop costs -----------------------------------------------------------------------------

Ends = tuple[Place, Place, str]  # two machines, and the second one's address


def same_machine() -> Ends:
    """No wire at all."""
    one = Place("a")
    return one, one, "127.0.0.1"


def wire() -> Ends:
    """One virtual cable."""
    one, other = Place("a"), Place("b")
    cable(one, "eth0", other, "eth0")
    one.address("eth0", "10.0.0.1")
    other.address("eth0", "10.0.0.2")
    return one, other, "10.0.0.2"


def bridge() -> Ends:
    """Two cables and a switch."""
    host = Place("host")
    host.add("br", "bridge")
    ends = [tenant(name, address, host, name) for name, address in _PAIR.items()]
    for name in _PAIR:
        host.plug(name, "br")
    return ends[0], ends[1], "10.0.0.2"


_PAIR = {"a": "10.0.0.1", "b": "10.0.0.2"}


def router(translating: bool = False) -> Ends:
    """Two cables and a router between two networks; perhaps one that hides the first."""
    middle = Place("router")
    one = tenant("a", "10.0.0.1", middle, "a")
    other = tenant("b", "10.0.1.1", middle, "b")
    middle.address("a", "10.0.0.254")
    middle.address("b", "10.0.1.254")
    middle.forward()
    one.route("10.0.0.254")
    other.route("10.0.1.254")
    if translating:
        middle.masquerade("b")
    return one, other, "10.0.1.1"


def vxlan() -> Ends:
    """Each machine on a host of its own, with a bridge; an overlay between the hosts."""
    hosts = two_hosts()
    overlay(hosts, RED)
    ends = []
    for host, (name, address) in zip(hosts, _PAIR.items(), strict=True):
        ends.append(tenant(name, address, host, name, 1450))
        host.plug(name, f"br{RED}")
    return ends[0], ends[1], "10.0.0.2"


PATHS: dict[str, Callable[[], Ends]] = {
    "loopback": same_machine,
    "veth": wire,
    "bridge": bridge,
    "router": router,
    "router with NAT": lambda: router(translating=True),
    "VXLAN": vxlan,
}


def hops(
    rounds: int, seed: int, calls: int = 40, burst: int = 32, bytes_each: int = 64
) -> list[Row]:
    """Round trips and bursts of small packets over every path."""
    conditions = {}
    for name, make in PATHS.items():
        one, other, address = make()
        line, server = one.udp(), other.udp(PORT)
        line.connect((address, PORT))
        conditions[name] = _small(line, server, calls, burst, bytes(bytes_each))
    return in_rounds(conditions, rounds, seed)


def _small(
    line: socket.socket, server: socket.socket, calls: int, burst: int, text: bytes
) -> Callable[[], list[Row]]:
    def measure() -> list[Row]:
        times = []
        for _ in range(calls):
            begin = time.perf_counter_ns()
            line.send(text)
            said, sender = _received(server)
            server.sendto(said, sender)
            _received(line)
            times.append(time.perf_counter_ns() - begin)
        begin = time.perf_counter_ns()
        for _ in range(burst):
            line.send(text)
        sent = time.perf_counter_ns()
        arrived = len(drained(server))
        each = (sent - begin) / burst / 1000
        middle = sorted(times)[calls // 2] / 1000
        return [{"round_trip_us": middle, "send_us": each, "arrived": arrived / burst}]

    return measure


def _received(one: socket.socket) -> tuple[bytes, Any]:
    """What comes next; mostly it has come."""
    try:
        return one.recvfrom(65536)
    except BlockingIOError:
        if not select.select([one], [], [], 2.0)[0]:
            raise OSError("a packet was lost") from None
        return one.recvfrom(65536)


def bulk(rounds: int, seed: int, seconds: float = 0.15) -> list[Row]:
    """One TCP stream over three paths, with packets as large as the cards like, and real ones."""
    conditions = {}
    for name in ("veth", "bridge", "VXLAN"):
        for large in (True, False):
            Place.made.clear()
            one, other, address = PATHS[name]()
            if not large:
                for place in Place.made:
                    place.switch_offloads(False)
            what = f"{name}, {'offloaded' if large else 'real'} packets"
            conditions[what] = _stream(one, other, address, seconds)
    return in_rounds(conditions, rounds, seed)


def _stream(one: Place, other: Place, address: str, seconds: float) -> Callable[[], list[Row]]:
    def measure() -> list[Row]:
        before = other.received("eth0")
        taken, took = streamed([(one, other, address)], seconds)[0]
        packets, size = (b - a for a, b in zip(before, other.received("eth0"), strict=True))
        return [
            {
                "mib_per_s": taken / took / (1 << 20),
                "bytes_per_packet": size / max(packets, 1),
                "packets_per_s": packets / took,
            }
        ]

    return measure


def streamed(pairs: list[Ends], seconds: float) -> list[tuple[int, float]]:
    """Let TCP streams run at the same time; for each, the bytes that arrived and the seconds."""
    found: list[tuple[int, float]] = [(0, seconds)] * len(pairs)
    ready = threading.Barrier(len(pairs))

    def empty(number: int, line: socket.socket) -> None:
        room, total = bytearray(1 << 18), 0
        line.recv_into(room)  # it flows
        ready.wait(5)
        begin = time.perf_counter()
        while (took := time.perf_counter() - begin) < seconds:
            total += line.recv_into(room)
        found[number] = total, took

    with contextlib.ExitStack() as stack:
        threads = []
        for number, (one, other, address) in enumerate(pairs):
            door, line = stack.enter_context(other.tcp()), stack.enter_context(one.tcp())
            door.bind(("", 0))
            door.listen(1)
            line.connect((address, door.getsockname()[1]))
            taken = stack.enter_context(door.accept()[0])
            taken.settimeout(2.0)
            threads.append(threading.Thread(target=empty, args=(number, taken)))
            stack.callback(_end, _filler(line, taken, door))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return found


def _filler(line: socket.socket, *others: socket.socket) -> int:
    """Fork a sender, which ends when it is killed or nobody is left to read; return its pid.

    A process and not a thread, so that sender and receiver do not wait for one interpreter.
    """
    pid = os.fork()
    if pid == 0:
        try:
            for other in others:
                other.close()  # else it would be its own reader
            block = bytes(1 << 16)
            while True:
                line.sendall(block)
        finally:
            os._exit(0)
    return pid


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


# --- dividing the wire ----------------------------------------------------------------------------


def shares(rounds: int, seed: int, seconds: float = 0.3) -> list[Row]:
    """Two tenants send at once over one carrier: unlimited, limited together, and divided."""
    conditions = {}
    for rule in ("no rule", "40 for all", "30 and 10 of 40"):
        for senders in (("red", "blue"), ("red",), ("blue",)):
            if len(senders) == 1 and rule != "30 and 10 of 40":
                continue
            Place.made.clear()
            hosts = two_hosts()
            pairs = {}
            for name, vni in (("red", RED), ("blue", BLUE)):
                overlay(hosts, vni)
                ends = []
                for number, host in enumerate(hosts, 1):  # both tenants use the same addresses
                    ends.append(tenant(name, f"10.0.0.{number}", host, name, 1450))
                    host.plug(name, f"br{vni}")
                pairs[name] = (ends[0], ends[1], "10.0.0.2")
            for place in Place.made:
                place.switch_offloads(False)
            if rule == "40 for all":
                hosts[0].limit("wire", 40)
            elif rule == "30 and 10 of 40":
                hosts[0].share("wire", 40, {RED: 30, BLUE: 10})
            who = "both" if len(senders) == 2 else f"{senders[0]} alone"
            conditions[f"{rule}, {who}"] = _shared({name: pairs[name] for name in senders}, seconds)
    return in_rounds(conditions, rounds, seed)


def _shared(pairs: dict[str, Ends], seconds: float) -> Callable[[], list[Row]]:
    def measure() -> list[Row]:
        row: Row = {}
        results = streamed(list(pairs.values()), seconds)
        for name, (taken, took) in zip(pairs, results, strict=True):
            row[f"{name}_mbit_per_s"] = taken * 8 / took / 1e6
        return [row]

    return measure


# --- the Nth network ------------------------------------------------------------------------------


def growth(networks: int) -> list[Row]:
    """Add one virtual network after the other to two hosts; all use the same addresses."""
    hosts = two_hosts()
    rows: list[Row] = []
    servers: dict[str, socket.socket] = {}
    callers = {}
    for number in range(1, networks + 1):
        begin = time.perf_counter_ns()
        overlay(hosts, number)
        wired = time.perf_counter_ns()
        for host, address in zip(hosts, ("10.0.0.1", "10.0.0.2"), strict=True):
            place = tenant(f"{number}", address, host, f"t{number}", 1450)
            host.plug(f"t{number}", f"br{number}")
            if address == "10.0.0.1":
                servers[f"network {number}"] = place.udp(PORT)
            else:
                callers[f"network {number}"] = place.udp()
            place.close()  # its socket keeps it alive, and is one open file instead of several
        done = time.perf_counter_ns()
        answer = who_answers(callers[f"network {number}"], "10.0.0.1", servers)
        rows.append(
            {
                "condition": "one more virtual network",
                "networks": number,
                "network_ms": (wired - begin) / 1e6,
                "machines_ms": (done - wired) / 1e6,
                "ms": (done - begin) / 1e6,
                "first_answer_ms": (time.perf_counter_ns() - done) / 1e6,
                "right": answer == f"network {number}",
            }
        )
    for row in rows:  # and again, now that all of them are there
        name = f"network {row['networks']}"
        row["right"] = row["right"] and who_answers(callers[name], "10.0.0.1", servers) == name
    return rows


SCENARIOS: dict[str, Callable[..., list[Row]]] = {
    one.__name__: one
    for one in (tenants, switch, header, room, forge, nat, hops, bulk, shares, growth)
}


def main(scenario: str, settings: str) -> None:
    """Run one scenario and print its rows."""
    walls.put_up(["net"])
    print(json.dumps(SCENARIOS[scenario](**json.loads(settings))))


if __name__ == "__main__":
    main(*sys.argv[1:])
