"""Experiments of chapter 18: many networks on one wire, what keeps them apart, what they cost."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from virtlab import host
from virtlab.experiments.running import run_program
from virtlab.registry import experiment

CHAPTER = "18-network"
THROUGH, STOPPED = "got through", "stopped"
PATHS = ("loopback", "veth", "bridge", "router", "router with NAT", "VXLAN")
STRANGERS = ("stranger: red 1", "stranger: red 2", "stranger: blue 1", "stranger: blue 3")


def _measured(scenario: str, **settings: Any) -> pd.DataFrame:
    """Play one scenario in a network namespace that ends with it."""
    return pd.DataFrame(run_program("networks.py", scenario, json.dumps(settings), packages=True))


@experiment(
    f"{CHAPTER}/tenants",
    needs=[host.veth, host.bridge, host.vxlan],
    claims=["C066", "C067", "C069"],
)
def tenants() -> pd.DataFrame:
    """Let two tenants own 10.0.0.1 on one host, and see who answers whom.

    Red owns 10.0.0.1 and 10.0.0.2, blue owns 10.0.0.1 and 10.0.0.3. On one switch for all (the
    positive control) strangers answer; on a switch each and on an overlay each none should.

    Returns:
        One row a caller on a kind of network: condition; at_1, at_2, at_3 (who answered at this
        address: a name, "stranger: " and a name, "itself" or "nobody").
    """
    return _measured("tenants")


@experiment(f"{CHAPTER}/switch", needs=[host.veth, host.bridge], claims=["C067"])
def switch() -> pd.DataFrame:
    """Send the same frames into the kernel's bridge and into the course's learning switch.

    Returns:
        One row a frame: condition (what happens), kernel, ours (the ports where it came out).
    """
    return _measured("switch")


@experiment(f"{CHAPTER}/header", needs=[host.veth, host.bridge, host.vxlan], claims=["C066"])
def header() -> pd.DataFrame:
    """Send a frame through the kernel's VXLAN card, and capture what is on the wire.

    Returns:
        One row a network number: condition, wire (the captured bytes, hexadecimal), sent (the
        tenant's frame, the same), found_vni and same (the number, and whether the inner frame is
        the sent one, as `virtlab.machines.network.decapsulate` finds them), added (bytes).
    """
    return _measured("header")


@experiment(f"{CHAPTER}/room", needs=[host.veth, host.bridge, host.vxlan], claims=["C069"])
def room() -> pd.DataFrame:
    """Send packets of several sizes through an overlay on a wire with an MTU of 1500.

    Returns:
        One row a packet: condition, overlay_mtu and packet_bytes (of the IP packet), arrived,
        pieces (frames on the wire).
    """
    return _measured("room")


@experiment(f"{CHAPTER}/forge", needs=[host.veth, host.bridge, host.vxlan], claims=["C069"])
def forge() -> pd.DataFrame:
    """Try to slip a packet into a tenant's network, as another tenant and from the underlay.

    Returns:
        One row an attempt: condition; alone (what became of it at an overlay as it is), filtered
        (where the host accepts tunnels from its peer's address only): "got through" or "stopped".
    """
    return _measured("forge")


@experiment(f"{CHAPTER}/nat", needs=[host.veth, host.bridge], claims=["C067"])
def nat() -> pd.DataFrame:
    """Hide two machines behind one public address, and let outside knock.

    Returns:
        One row a packet: condition, seen_as (the sender that the receiver saw, or the receiver
        that the router chose), outcome ("got through" or "stopped").
    """
    return _measured("nat")


@experiment(
    f"{CHAPTER}/hops",
    needs=[host.veth, host.bridge, host.vxlan],
    claims=["C068", "C069"],
    recorded_with={"rounds": 30},
)
def hops(rounds: int = 20, seed: int = 1) -> pd.DataFrame:
    """Time small packets over six paths, from a loopback card to an overlay.

    Both ends are sockets of one process, so that no time goes into waking anybody.

    Args:
        rounds: how often.
        seed: of the order.

    Returns:
        Columns round, order, condition, round_trip_us (the middle one of 40 calls with 64 bytes),
        send_us (each of 32 sends in a row), arrived (of those, the part that came).
    """
    return _measured("hops", rounds=rounds, seed=seed)


@experiment(
    f"{CHAPTER}/bulk",
    needs=[host.veth, host.bridge, host.vxlan],
    claims=["C069"],
    recorded_with={"rounds": 8},
)
def bulk(rounds: int = 3, seed: int = 1) -> pd.DataFrame:
    """Send one TCP stream over three paths, with offloads and without.

    Args:
        rounds: how often.
        seed: of the order.

    Returns:
        Columns round, order, condition, mib_per_s, bytes_per_packet (as the receiver's card counts
        them), packets_per_s.
    """
    return _measured("bulk", rounds=rounds, seed=seed)


@experiment(
    f"{CHAPTER}/shares",
    needs=[host.veth, host.bridge, host.vxlan],
    claims=["C069"],
    recorded_with={"rounds": 6},
)
def shares(rounds: int = 2, seed: int = 1) -> pd.DataFrame:
    """Let two tenants send at once over one wire: free, limited together (TBF), divided (HTB).

    Args:
        rounds: how often.
        seed: of the order.

    Returns:
        Columns round, order, condition, red_mbit_per_s, blue_mbit_per_s (missing for who is
        silent).
    """
    return _measured("shares", rounds=rounds, seed=seed)


@experiment(
    f"{CHAPTER}/growth",
    needs=[host.veth, host.bridge, host.vxlan],
    claims=["C066", "C068", "C069"],
    recorded_with={"networks": 150},
)
def growth(networks: int = 40) -> pd.DataFrame:
    """Add one virtual network after the other to two hosts with one wire; all use 10.0.0.1.

    Args:
        networks: how many.

    Returns:
        One row a network: condition (one for all), networks (with this one), network_ms (tunnels
        and bridges on both hosts), machines_ms (a machine on each), ms (both), first_answer_ms,
        right (10.0.0.1 was the network's own, when it was new and when all were there).
    """
    return _measured("growth", networks=networks)


def medians(data: pd.DataFrame, value: str) -> pd.Series:
    """The middle value of each condition, in the order of the table."""
    return data.groupby("condition", sort=False)[value].median()
