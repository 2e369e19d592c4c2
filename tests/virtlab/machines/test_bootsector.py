"""The boot sector by hand: its shape, and each of its jumps."""

import pytest

from virtlab.machines.bootsector import SIGNATURE, SIZE, back, boot_sector, say, tiny_os


def test_a_sector_is_filled_up_and_signed() -> None:
    sector = boot_sector(b"\xf4")
    assert len(sector) == SIZE
    assert sector[:2] == b"\xf4\x00"
    assert sector.endswith(SIGNATURE)


def test_what_does_not_fit_is_refused() -> None:
    assert len(boot_sector(bytes(510))) == SIZE
    with pytest.raises(ValueError, match="510"):
        boot_sector(bytes(511))


def test_a_text_is_written_letter_by_letter() -> None:
    assert say("OK") == b"\xb0O\xee\xb0K\xee"


def test_a_jump_back_lands_at_the_beginning() -> None:
    for length in (1, 5, 100):
        opcode, displacement = back(0xEB, length)
        assert opcode == 0xEB
        assert length + 2 + displacement - 256 == 0


def test_the_tiny_system_uses_a_fraction_of_its_sector() -> None:
    sector = tiny_os()
    assert len(sector) == SIZE
    assert len(sector[:-2].rstrip(b"\0")) < 100
    # From the comparison with q it is five bytes to the goodbye.
    place = sector.index(b"\x3cq\x74") + 4
    assert sector[place + sector[place - 1] :].startswith(say("bye\n"))
