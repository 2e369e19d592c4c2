"""The 34 instructions of CHIP-8, in one table that decoder, assembler and machine share.

A pattern has four hexadecimal digits. In it x and y stand for registers, n for a digit, kk for a
byte and nnn for an address; the same names appear in the form, which is how it is written.
"""

from __future__ import annotations

from typing import NamedTuple

FORMS = {
    "00E0": "CLS",
    "00EE": "RET",
    "1nnn": "JP nnn",
    "2nnn": "CALL nnn",
    "3xkk": "SE Vx, kk",
    "4xkk": "SNE Vx, kk",
    "5xy0": "SE Vx, Vy",
    "6xkk": "LD Vx, kk",
    "7xkk": "ADD Vx, kk",
    "8xy0": "LD Vx, Vy",
    "8xy1": "OR Vx, Vy",
    "8xy2": "AND Vx, Vy",
    "8xy3": "XOR Vx, Vy",
    "8xy4": "ADD Vx, Vy",
    "8xy5": "SUB Vx, Vy",
    "8xy6": "SHR Vx, Vy",
    "8xy7": "SUBN Vx, Vy",
    "8xyE": "SHL Vx, Vy",
    "9xy0": "SNE Vx, Vy",
    "Annn": "LD I, nnn",
    "Bnnn": "JP V0, nnn",
    "Cxkk": "RND Vx, kk",
    "Dxyn": "DRW Vx, Vy, n",
    "Ex9E": "SKP Vx",
    "ExA1": "SKNP Vx",
    "Fx07": "LD Vx, DT",
    "Fx0A": "LD Vx, K",
    "Fx15": "LD DT, Vx",
    "Fx18": "LD ST, Vx",
    "Fx1E": "ADD I, Vx",
    "Fx29": "LD F, Vx",
    "Fx33": "LD B, Vx",
    "Fx55": "LD [I], Vx",
    "Fx65": "LD Vx, [I]",
}


class Instruction(NamedTuple):
    """A decoded instruction. Every field is cut out of the opcode, used by the form or not.

    Attributes:
        form: how it is written, as in ``FORMS``; None if the opcode is no instruction.
        x: second hexadecimal digit, a register.
        y: third digit, a register.
        n: last digit.
        kk: last byte.
        nnn: last three digits, an address.
    """

    form: str | None
    x: int
    y: int
    n: int
    kk: int
    nnn: int

    def __str__(self) -> str:
        """Return the instruction as assembly text; ValueError if the opcode is none."""
        if self.form is None:
            raise ValueError("this opcode is no instruction")
        values = {
            "Vx": f"V{self.x:X}",
            "Vy": f"V{self.y:X}",
            "nnn": f"0x{self.nnn:03X}",
            "kk": str(self.kk),
            "n": str(self.n),
        }
        name, _, operands = self.form.partition(" ")
        written = ", ".join(values.get(operand, operand) for operand in operands.split(", "))
        return f"{name} {written}".strip()


def decode(opcode: int) -> Instruction:
    """Decode an opcode of two bytes.

    Raises:
        ValueError: if it is not a number from 0 to 0xFFFF.
    """
    if not 0 <= opcode <= 0xFFFF:
        raise ValueError(f"an opcode has two bytes; {opcode:#x} has not")
    digits = f"{opcode:04X}"
    form = next((form for pattern, form in FORMS.items() if _matches(digits, pattern)), None)
    return Instruction(
        form, opcode >> 8 & 0xF, opcode >> 4 & 0xF, opcode & 0xF, opcode & 0xFF, opcode & 0xFFF
    )


def _matches(digits: str, pattern: str) -> bool:
    return all(p in ("x", "y", "n", "k", d) for d, p in zip(digits, pattern, strict=True))
