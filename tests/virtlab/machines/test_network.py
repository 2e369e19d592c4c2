import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab.machines.network import (
    OVERHEAD,
    UDP,
    Ethernet,
    Flow,
    IPv4,
    LearningSwitch,
    Nat,
    NatFullError,
    PacketError,
    Tunnel,
    TunnelEndPoint,
    decapsulate,
    encapsulate,
    inner_mtu,
)
from virtlab.machines.network.packets import BROADCAST, checksum

macs = st.binary(min_size=6, max_size=6).map(lambda b: b.hex(":"))
addresses = st.binary(min_size=4, max_size=4).map(lambda b: ".".join(map(str, b)))
ports = st.integers(0, 65535)
payloads = st.binary(max_size=100)
frames = st.builds(Ethernet, macs, macs, ports, payloads)
TUNNEL = Tunnel("02:00:00:00:00:01", "02:00:00:00:00:02", "192.0.2.1", "192.0.2.2")


@given(frames)
@settings(max_examples=50, deadline=None)
def test_frames_survive_building_and_parsing(frame: Ethernet) -> None:
    assert Ethernet.parse(frame.build()) == frame


@given(st.builds(IPv4, addresses, addresses, st.integers(0, 255), payloads, st.integers(0, 255)))
@settings(max_examples=50, deadline=None)
def test_packets_survive_building_and_parsing(packet: IPv4) -> None:
    data = packet.build()
    assert IPv4.parse(data) == packet
    assert IPv4.parse(data + b"padding") == packet
    assert checksum(data[:20]) == 0


@given(st.builds(UDP, ports, ports, payloads), addresses, addresses)
@settings(max_examples=50, deadline=None)
def test_datagrams_survive_building_and_parsing(datagram: UDP, a: str, b: str) -> None:
    assert UDP.parse(datagram.build(a, b), a, b) == datagram


def test_a_known_packet() -> None:
    # The worked example of many textbooks, whose checksum is b861.
    packet = IPv4("192.168.0.1", "192.168.0.199", 17, bytes(95))
    assert packet.build()[:20].hex() == "45000073000040004011b861c0a80001c0a800c7"


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_a_flipped_bit_in_header_or_datagram_is_noticed(data: st.DataObject) -> None:
    packet = IPv4("10.0.0.1", "10.0.0.2", 17, b"")
    built = bytearray(packet.build())
    bit = data.draw(st.integers(0, 8 * len(built) - 1))
    built[bit // 8] ^= 1 << bit % 8
    with pytest.raises(PacketError):
        IPv4.parse(bytes(built))
    datagram = bytearray(UDP(1, 2, b"hello").build("10.0.0.1", "10.0.0.2"))
    bit = data.draw(st.integers(0, 8 * len(datagram) - 1))
    datagram[bit // 8] ^= 1 << bit % 8
    with pytest.raises(PacketError):
        UDP.parse(bytes(datagram), "10.0.0.1", "10.0.0.2")


@given(st.one_of(payloads, frames.map(Ethernet.build)))
@settings(max_examples=50, deadline=None)
def test_noise_is_refused_and_never_misread(noise: bytes) -> None:
    with pytest.raises(PacketError):
        decapsulate(noise)


@pytest.mark.parametrize("address", ["10.0.0", "10.0.0.256", "10.0.0.-1", "a.b.c.d", "1.2.3.4.5"])
def test_wrong_addresses(address: str) -> None:
    with pytest.raises(PacketError, match="not an IPv4 address"):
        IPv4(address, "10.0.0.1", 17, b"").build()
    with pytest.raises(PacketError, match="not a MAC address"):
        Ethernet(address, BROADCAST, 1, b"").build()
    with pytest.raises(PacketError, match="out of range"):
        UDP(70000, 1, b"").build("10.0.0.1", "10.0.0.1")


@given(frames, st.integers(0, 2**24 - 1))
@settings(max_examples=50, deadline=None)
def test_a_tunnel_delivers_the_frame_and_its_network(frame: Ethernet, vni: int) -> None:
    wrapped = encapsulate(frame.build(), vni, TUNNEL)
    assert decapsulate(wrapped) == (vni, frame.build())
    assert len(wrapped) == len(frame.build()) + OVERHEAD
    assert Ethernet.parse(wrapped).destination == TUNNEL.destination_mac


def test_a_tunnel_costs_fifty_bytes_of_every_packet() -> None:
    assert (OVERHEAD, inner_mtu(1500), inner_mtu(1550)) == (50, 1450, 1500)
    largest = Ethernet(BROADCAST, TUNNEL.source_mac, 0x800, bytes(1450)).build()
    assert len(Ethernet.parse(encapsulate(largest, 1, TUNNEL)).payload) == 1500
    with pytest.raises(PacketError, match="1451 bytes of payload are more than the 1450"):
        encapsulate(largest + b"x", 1, TUNNEL)
    with pytest.raises(PacketError, match="VNI"):
        encapsulate(largest, 1 << 24, TUNNEL)


def test_two_tenants_may_own_the_same_address() -> None:
    frame = Ethernet(BROADCAST, TUNNEL.source_mac, 0x800, b"from 10.0.0.1").build()
    assert [decapsulate(encapsulate(frame, vni, TUNNEL))[0] for vni in (1, 2)] == [1, 2]
    end = TunnelEndPoint({1: ["x", "y"], 2: ["y"]})
    end.learn(1, "02:00:00:00:00:0A", "x")
    assert end.targets(1, "02:00:00:00:00:0a") == ["x"]
    assert end.targets(2, "02:00:00:00:00:0a") == ["y"]
    assert end.targets(1, BROADCAST) == ["x", "y"]
    assert end.targets(3, BROADCAST) == []


A, B, C = (f"02:00:00:00:00:0{n}" for n in "abc")


def test_a_switch_floods_learns_and_forgets() -> None:
    switch = LearningSwitch([1, 2, 3], ageing=300)
    assert switch.receive(A, B, 1, now=0) == [2, 3]
    assert switch.receive(B, A.upper(), 2, now=1) == [1]
    assert switch.receive(A, B, 1, now=2) == [2]
    assert switch.receive(C, B, 2, now=3) == []  # both lie behind port 2
    assert switch.receive(A, B, 3, now=4) == [2]
    assert switch.receive(B, A, 2, now=304) == [3]  # A has moved
    assert switch.receive(B, A, 2, now=305) == [1, 3]  # and is forgotten
    assert switch.receive(A, BROADCAST, 1, now=305) == [2, 3]
    assert switch.receive(BROADCAST, A, 2, now=305) == [1]
    assert switch.port_of(BROADCAST, now=305) is None
    with pytest.raises(ValueError, match="no port 9"):
        switch.receive(A, B, 9)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([A, B, C]),
            st.sampled_from([A, B, C, BROADCAST]),
            st.integers(1, 4),
            st.integers(0, 200),
        ),
        max_size=30,
    )
)
@settings(max_examples=100, deadline=None)
def test_a_frame_never_goes_back_and_always_gets_there(
    heard: list[tuple[str, str, int, int]],
) -> None:
    switch = LearningSwitch(range(1, 5))
    last: dict[str, tuple[int, int]] = {}
    now = 0
    for source, destination, port, pause in heard:
        now += pause
        out = switch.receive(source, destination, port, now)
        assert port not in out
        last[source] = port, now
        if destination in last and now - last[destination][1] <= 300:
            assert out == [p for p in [last[destination][0]] if p != port]
        else:
            assert out == [p for p in range(1, 5) if p != port]


def udp(source: str, source_port: int, destination: str, destination_port: int) -> Flow:
    return Flow("udp", source, source_port, destination, destination_port)


def test_a_nat_lets_answers_in_and_nothing_else() -> None:
    nat = Nat("203.0.113.1")
    out = nat.outbound(udp("10.0.0.5", 5000, "192.0.2.9", 53))
    assert out == udp("203.0.113.1", 5000, "192.0.2.9", 53)
    answer = udp("192.0.2.9", 53, "203.0.113.1", 5000)
    assert nat.inbound(answer) == udp("192.0.2.9", 53, "10.0.0.5", 5000)
    assert nat.inbound(answer._replace(source="192.0.2.8")) is None
    assert nat.inbound(answer._replace(source_port=54)) is None
    assert nat.inbound(answer._replace(protocol="tcp")) is None
    assert nat.inbound(answer._replace(destination="203.0.113.2")) is None


def test_a_nat_keeps_two_hosts_with_one_port_apart() -> None:
    nat = Nat("203.0.113.1", ports=range(5000, 5002))
    first = nat.outbound(udp("10.0.0.5", 5000, "192.0.2.9", 53))
    second = nat.outbound(udp("10.0.0.6", 5000, "192.0.2.9", 53))
    assert (first.source_port, second.source_port) == (5000, 5001)
    assert nat.outbound(udp("10.0.0.6", 5000, "192.0.2.7", 80)).source_port == 5001
    with pytest.raises(NatFullError, match="all 2 udp ports"):
        nat.outbound(udp("10.0.0.7", 1, "192.0.2.9", 53))
    assert len(nat) == 2


def test_a_mapping_ends_when_the_inside_falls_silent() -> None:
    nat = Nat("203.0.113.1", timeout=60)
    nat.outbound(udp("10.0.0.5", 5000, "192.0.2.9", 53), now=0)
    answer = udp("192.0.2.9", 53, "203.0.113.1", 5000)
    assert nat.inbound(answer, now=60) is not None
    assert nat.inbound(answer, now=61) is None
    assert len(nat) == 0


def test_a_forwarded_port_is_open_to_all_and_stays() -> None:
    nat = Nat("203.0.113.1", timeout=1)
    nat.forward("udp", 80, "10.0.0.5", 8080)
    asked = udp("198.51.100.1", 9, "203.0.113.1", 80)
    assert nat.inbound(asked, now=99) == udp("198.51.100.1", 9, "10.0.0.5", 8080)
    assert nat.outbound(udp("10.0.0.5", 8080, "198.51.100.1", 9)).source_port == 80
    with pytest.raises(ValueError, match="mapped already"):
        nat.forward("udp", 80, "10.0.0.6", 1)


@given(
    st.lists(
        st.tuples(
            st.integers(1, 3), st.integers(2000, 2003), st.integers(1, 2), st.integers(0, 90)
        ),
        max_size=25,
    )
)
@settings(max_examples=60, deadline=None)
def test_every_answer_finds_the_host_that_asked(asked: list[tuple[int, int, int, int]]) -> None:
    nat, now = Nat("203.0.113.1", ports=range(2000, 2020), timeout=100), 0
    for host, port, remote, pause in asked:
        now += pause
        sent = udp(f"10.0.0.{host}", port, f"192.0.2.{remote}", 53)
        seen = nat.outbound(sent, now)
        back = udp(seen.destination, 53, seen.source, seen.source_port)
        assert nat.inbound(back, now) == udp(sent.destination, 53, sent.source, port)
