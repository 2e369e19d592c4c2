"""A toy CPU, and ways to run the same guest: bare, trapped, translated, paravirtual, compiled.

The machine follows the formal model of Popek and Goldberg (1974): memory, a mode bit, a program
counter and one relocation-bounds register. A word has 32 bits and memory is addressed by word.
"""

from virtlab.machines.toycpu.assembler import AssemblyError, assemble, disassemble
from virtlab.machines.toycpu.cpu import PSW, Machine
from virtlab.machines.toycpu.isa import CLEAN, Cause, Instruction, InUser, Isa, Mode, Trap
from virtlab.machines.toycpu.jit import CompiledMachine
from virtlab.machines.toycpu.paravirtual import ParavirtualMachine
from virtlab.machines.toycpu.popek_goldberg import classify, offenders
from virtlab.machines.toycpu.translator import TranslatedMachine, translate
from virtlab.machines.toycpu.vmm import VirtualMachine, take_turns

__all__ = [
    "CLEAN",
    "PSW",
    "AssemblyError",
    "Cause",
    "CompiledMachine",
    "InUser",
    "Instruction",
    "Isa",
    "Machine",
    "Mode",
    "ParavirtualMachine",
    "TranslatedMachine",
    "Trap",
    "VirtualMachine",
    "assemble",
    "classify",
    "disassemble",
    "offenders",
    "take_turns",
    "translate",
]
