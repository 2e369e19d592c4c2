"""A stack machine with a verifier, in the manner of the JVM: bytecode, machine, verifier."""

from virtlab.machines.stackvm.bytecode import BytecodeError, assemble, disassemble
from virtlab.machines.stackvm.machine import CrashError, Result, TrapError, run
from virtlab.machines.stackvm.verifier import VerifyError, verify

__all__ = [
    "BytecodeError",
    "CrashError",
    "Result",
    "TrapError",
    "VerifyError",
    "assemble",
    "disassemble",
    "run",
    "verify",
]
