"""A boot sector by hand: 512 bytes that a BIOS loads at 0x7c00 and enters in 16-bit mode.

Every piece is machine code for the 8086 and its successors, written as bytes. The port numbers are
those of the first serial port of a PC, and of QEMU's `isa-debug-exit`, which ends the machine.
"""

from __future__ import annotations

SIZE = 512
SIGNATURE = b"\x55\xaa"

CLI = b"\xfa"
HALT = b"\xf4"
SERIAL_PORT = b"\xba\xf8\x03"  # mov dx, 0x3f8
READ = b"\xec"  # in al, dx
WRITE = b"\xee"  # out dx, al
END = b"\xe6\xf4"  # out 0xf4, al


def say(text: str) -> bytes:
    """Return code that writes a text to the port in DX: for each byte, mov al and out."""
    return b"".join(b"\xb0" + bytes([letter]) + WRITE for letter in text.encode("ascii"))


def back(opcode: int, length: int) -> bytes:
    """Return a short jump back over `length` bytes of code, which end where the jump begins."""
    return bytes([opcode, 256 - length - 2])


def boot_sector(program: bytes) -> bytes:
    """Return a program filled up to a sector, with the two bytes that make it bootable.

    Raises:
        ValueError: if the program is too large.
    """
    room = SIZE - len(SIGNATURE)
    if len(program) > room:
        raise ValueError(f"a boot sector has room for {room} bytes, not {len(program)}")
    return program.ljust(room, b"\0") + SIGNATURE


def tiny_os() -> bytes:
    """Return the smallest operating system of chapter 04 as a boot sector.

    It greets, writes back each letter that is typed with its case swapped, and ends at a `q`.
    """
    status, data = b"\xb2\xfd", b"\xb2\xf8"  # mov dl, …: the port's status, its data
    poll = status + READ + b"\xa8\x01"  # test al, 1: has a letter come?
    wait = poll + back(0x74, len(poll))  # jz: not yet
    swap_case = b"\x34\x20"  # xor al, 0x20
    goodbye = say("bye\n") + END + HALT
    take = wait + data + READ + b"\x3c" + b"q" + b"\x74" + bytes([5])  # cmp al, 'q'; je goodbye
    serve = take + swap_case + WRITE
    loop = serve + back(0xEB, len(serve))
    return boot_sector(CLI + SERIAL_PORT + say("TINY OS\n") + loop + goodbye)
