"""The verifier: proves before a program runs that it keeps the rules of the stack.

It executes every instruction once for each way to reach it, on types instead of values. Where two
ways meet, the stacks must have the same types; a local that differs counts as unset from there on.
So a verified program never underflows or overflows the stack, never mistakes a type, never reads an
unset local, and never leaves its code. The JVM's verifier works in this way (Lindholm and Yellin,
"The Java Virtual Machine Specification", 1996).
"""

from __future__ import annotations

from virtlab.machines.stackvm.bytecode import (
    LOCALS,
    STACK,
    BytecodeError,
    Instruction,
    instructions,
)

_Types = tuple[str, ...]
_State = tuple[_Types, _Types]  # the stack, top last; the locals, "" where unset


class VerifyError(Exception):
    """A program that may break the rules.

    Attributes:
        offset: of the instruction at fault.
    """

    def __init__(self, offset: int, problem: str) -> None:
        super().__init__(f"offset {offset}: {problem}")
        self.offset = offset


def verify(code: bytes) -> int:
    """Verify a program.

    Returns:
        The greatest number of values that are ever on the stack.

    Raises:
        VerifyError: for the first problem found.
    """
    try:
        program = instructions(code)
    except BytecodeError as error:
        raise VerifyError(len(code), str(error)) from None
    states: dict[int, _State] = {}
    todo: list[tuple[int, int, _State]] = [(0, 0, ((), ("",) * LOCALS))]
    while todo:
        source, pc, state = todo.pop()
        if pc not in program:
            raise VerifyError(source, f"goes on at {pc}, where no instruction begins")
        merged = _merge(pc, states[pc], state) if pc in states else state
        if states.get(pc) == merged:
            continue
        states[pc] = merged
        after = _execute(pc, program[pc], merged)
        todo += [(pc, successor, after) for successor in _successors(program[pc])]
    return max(len(stack) for stack, _ in states.values())


def _merge(pc: int, old: _State, new: _State) -> _State:
    if old[0] != new[0]:
        raise VerifyError(
            pc, f"reached with {_shown(old[0])} and with {_shown(new[0])} on the stack"
        )
    return old[0], tuple(a if a == b else "" for a, b in zip(old[1], new[1], strict=True))


def _successors(instruction: Instruction) -> list[int]:
    if instruction.name == "halt":
        return []
    if instruction.name == "jump":
        return [instruction.operand]
    if instruction.name == "jump_unless":
        return [instruction.operand, instruction.next]
    return [instruction.next]


def _execute(pc: int, instruction: Instruction, state: _State) -> _State:
    """Do to types what the machine does to values."""
    stack, local_types = state
    takes = instruction.operation.takes
    rest, taken = stack[: len(stack) - len(takes)], stack[len(stack) - len(takes) :]
    if len(stack) < len(takes):
        raise VerifyError(pc, f"'{instruction.name}' takes {len(takes)}, has {_shown(stack)}")
    for wanted, there in zip(takes, taken, strict=True):
        if wanted not in ("any", there):
            raise VerifyError(pc, f"'{instruction.name}' needs {wanted}, has {there}")
    if instruction.name in ("load", "store") and instruction.operand >= LOCALS:
        raise VerifyError(pc, f"there is no local {instruction.operand}")
    gives = instruction.operation.gives
    match instruction.name:
        case "dup":
            gives = (*taken, *taken)
        case "swap":
            gives = taken[::-1]
        case "load":
            gives = (local_types[instruction.operand],)
            if not gives[0]:
                raise VerifyError(pc, f"local {instruction.operand} may not be set")
        case "store":
            number = instruction.operand
            local_types = (*local_types[:number], *taken, *local_types[number + 1 :])
    if len(rest) + len(gives) > STACK:
        raise VerifyError(pc, f"more than {STACK} values on the stack")
    return rest + gives, local_types


def _shown(stack: _Types) -> str:
    return ", ".join(stack) or "nothing"
