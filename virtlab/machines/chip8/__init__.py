"""CHIP-8: a virtual machine of 1977 that was never hardware. Decoder, machine, assembler, ROMs."""

from virtlab.machines.chip8.assembler import AssemblyError, assemble, disassemble
from virtlab.machines.chip8.instructions import Instruction, decode
from virtlab.machines.chip8.machine import VIP, Chip8, Chip8Error, Quirks

__all__ = [
    "VIP",
    "AssemblyError",
    "Chip8",
    "Chip8Error",
    "Instruction",
    "Quirks",
    "assemble",
    "decode",
    "disassemble",
]
