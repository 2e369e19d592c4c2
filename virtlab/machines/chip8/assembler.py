"""Assembler and disassembler for CHIP-8, enough for the ROMs of the course.

A line is ``label: MNEMONIC operand, operand ; comment``, each part optional, as ``FORMS`` writes
them. Operands are V0 to VF, I, DT, ST, K, F, B, [I], numbers (decimal, 0x…, 0b…) and labels.
``DB`` puts bytes into the program; code after an odd number of them is padded by one zero byte.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from virtlab.machines.chip8.instructions import FORMS, decode
from virtlab.machines.chip8.machine import START

_NAMES = {"I", "DT", "ST", "K", "F", "B", "[I]"}
_LIMITS = {"nnn": 0xFFF, "kk": 0xFF, "n": 0xF}


class AssemblyError(ValueError):
    """A line that cannot be assembled; the message names the line and says what is wrong."""


def assemble(source: str) -> bytes:
    """Translate assembly text into a ROM.

    Raises:
        AssemblyError: naming the line.
    """
    labels: dict[str, int] = {}
    statements: list[tuple[int, int, str, list[str]]] = []
    address = START
    for number, line in enumerate(source.splitlines(), start=1):
        text = line.partition(";")[0]
        while match := re.match(r"\s*([A-Za-z_]\w*)\s*:", text):
            text = text[match.end() :]
            address = _aligned(address, text)
            if match[1] in labels:
                raise AssemblyError(f"line {number}: label '{match[1]}' is already defined")
            labels[match[1]] = address
        if text.strip():
            name, _, tail = text.strip().partition(" ")
            operands = [operand.strip() for operand in tail.split(",")] if tail.strip() else []
            address = _aligned(address, text)
            statements.append((number, address, name.upper(), operands))
            address += len(operands) if name.upper() == "DB" else 2
    rom = bytearray()
    for number, at, name, operands in statements:
        rom += bytes(at - START - len(rom))
        try:
            rom += _encode(name, operands, labels)
        except ValueError as error:
            raise AssemblyError(f"line {number}: {error}") from None
    return bytes(rom)


def disassemble(rom: bytes) -> str:
    """Translate a ROM into assembly text, two bytes a line; what is no instruction is data."""
    lines = []
    for at in range(0, len(rom), 2):
        pair = rom[at : at + 2]
        instruction = decode(int.from_bytes(pair)) if len(pair) == 2 else None
        is_code = instruction is not None and instruction.form is not None
        data = "DB " + ", ".join(f"0x{byte:02X}" for byte in pair)
        lines.append(str(instruction) if is_code else data)
    return "\n".join(lines)


def _aligned(address: int, text: str) -> int:
    """Code begins at even addresses, by custom; data anywhere."""
    is_data = text.strip().upper().startswith("DB ")
    return address if is_data else address + address % 2


def _encode(name: str, operands: list[str], labels: Mapping[str, int]) -> bytes:
    if name == "DB":
        return bytes(_number(operand, labels, 0xFF) for operand in operands)
    for pattern, form in FORMS.items():
        form_name, _, tail = form.partition(" ")
        places = tail.split(", ") if tail else []
        if form_name == name and _fit(places, operands):
            return _fill(pattern, places, operands, labels)
    raise ValueError(f"there is no instruction '{name} {', '.join(operands)}'".rstrip())


def _fit(places: list[str], operands: list[str]) -> bool:
    """True if the operands are of the kinds that a form has places for."""
    if len(places) != len(operands):
        return False
    for place, operand in zip(places, operands, strict=True):
        operand = operand.upper()
        is_register = re.fullmatch("V[0-9A-F]", operand) is not None
        if place in ("Vx", "Vy"):
            fits = is_register
        elif place in _LIMITS:
            fits = not is_register and operand not in _NAMES
        else:
            fits = operand == place
        if not fits:
            return False
    return True


def _fill(pattern: str, places: list[str], operands: list[str], labels: Mapping[str, int]) -> bytes:
    for place, operand in zip(places, operands, strict=True):
        if place in ("Vx", "Vy"):
            pattern = pattern.replace(place[1], operand[1].upper())
        elif place in _LIMITS:
            value = _number(operand, labels, _LIMITS[place])
            pattern = pattern.replace(place, f"{value:0{len(place)}X}")
    return bytes.fromhex(pattern)


def _number(operand: str, labels: Mapping[str, int], most: int) -> int:
    try:
        value = labels[operand] if operand in labels else int(operand, 0)
    except ValueError:
        raise ValueError(f"'{operand}' is neither a number nor a label") from None
    if not 0 <= value <= most:
        raise ValueError(f"{operand} is not from 0 to {most}")
    return value
