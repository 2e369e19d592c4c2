"""From a key press on the client to the changed picture: where the time goes.

Assumptions: one update answers one input; the link carries nothing else; no step overlaps another.
Times are seconds, sizes bytes, bandwidth bits a second.
"""

from __future__ import annotations


def response_time(
    round_trip: float,
    update: int,
    bandwidth: float,
    server: float = 0.0,
    encode: float = 0.0,
    decode: float = 0.0,
) -> float:
    """Return the seconds from input to picture.

    Args:
        round_trip: of the network, for a small packet there and the update's first byte back.
        update: bytes of the encoded update; 0 or more.
        bandwidth: bits a second from server to client; above 0.
        server: seconds until the application has drawn.
        encode: seconds to find and encode what changed.
        decode: seconds to decode and show it.

    Raises:
        ValueError: if a number is out of range.
    """
    if bandwidth <= 0 or min(round_trip, update, server, encode, decode) < 0:
        raise ValueError("bandwidth is above 0, all else 0 or more")
    return round_trip + server + encode + 8 * update / bandwidth + decode
