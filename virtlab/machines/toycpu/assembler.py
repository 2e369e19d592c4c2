"""Assembler and disassembler of the toy CPU. ``assemble(disassemble(words)) == words``, always.

A line is ``label: mnemonic operand, operand ; comment``, each part optional. Operands are
registers ``r0`` to ``r7``, numbers (decimal or ``0x…``), characters ``'A'`` and labels.
Directives: ``.word v, …``, ``.text "characters"`` (one word each), ``.space n`` (zeros),
``.org address`` (fill up with zeros to there).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from virtlab.machines.toycpu.cpu import PROGRAM
from virtlab.machines.toycpu.isa import CLEAN, WORD_MASK, Instruction, Isa, Trap, encode

_LABEL = re.compile(r"\s*([A-Za-z_]\w*)\s*:")
_OPERAND = re.compile(r"""\s*('(?:\\.|[^'])'|"(?:\\.|[^"\\])*"|[^,\s]+)\s*(?:,|$)""")
_COMMENT = re.compile(r"""((?:'(?:\\.|[^'])'|"(?:\\.|[^"\\])*"|[^;'"])*)""")
_ESCAPES = {"\\n": "\n", "\\0": "\0", "\\\\": "\\", "\\'": "'", '\\"': '"'}


class AssemblyError(ValueError):
    """A line that cannot be assembled; the message names the line and says what is wrong."""


class _Statement(NamedTuple):
    line: int
    address: int
    name: str
    operands: list[str]


def assemble(source: str, isa: Isa = CLEAN, origin: int = PROGRAM) -> list[int]:
    """Translate assembly text into words.

    Args:
        source: the program.
        isa: whose mnemonics to use.
        origin: the address of the first word, from which labels count.

    Raises:
        AssemblyError: naming the line.
    """
    statements, labels = _place(source, origin)
    words: list[int] = []
    for statement in statements:
        try:
            words += _words(statement, labels, isa)
        except ValueError as error:
            raise AssemblyError(f"line {statement.line}: {error}") from None
    return words


def labels_of(source: str, origin: int = PROGRAM) -> dict[str, int]:
    """Return the address of every label in a program."""
    return _place(source, origin)[1]


def disassemble(words: Iterable[int], isa: Isa = CLEAN) -> str:
    """Translate words into one line of assembly each; a word that is no instruction is data."""
    return "\n".join(_line(word, isa) for word in words)


def listing(words: Sequence[int], isa: Isa = CLEAN, origin: int = PROGRAM) -> str:
    """Return address, word and instruction side by side, for reading."""
    rows = (f"{a:5d}  {w:08x}  {_line(w, isa)}" for a, w in enumerate(words, start=origin))
    return "\n".join(rows)


def _line(word: int, isa: Isa) -> str:
    try:
        return str(isa.decode(word))
    except Trap:
        return f".word {word:#x}"


def _place(source: str, origin: int) -> tuple[list[_Statement], dict[str, int]]:
    """First pass: cut the text into statements and find out at which address each one lies."""
    statements: list[_Statement] = []
    labels: dict[str, int] = {}
    address = origin
    for number, text in enumerate(source.splitlines(), start=1):
        try:
            rest = _without_comment(text)
            while label := _LABEL.match(rest):
                if label[1] in labels:
                    raise ValueError(f"label '{label[1]}' is already defined")
                labels[label[1]] = address
                rest = rest[label.end() :]
            name, _, tail = rest.strip().partition(" ")
            if name:
                statement = _Statement(number, address, name, _operands(tail))
                statements.append(statement)
                address += _length(statement)
        except ValueError as error:
            raise AssemblyError(f"line {number}: {error}") from None
    return statements, labels


def _without_comment(text: str) -> str:
    match = _COMMENT.match(text)
    end = match.end() if match else 0
    if end < len(text) and text[end] != ";":
        raise ValueError("a quotation mark is not closed")
    return text[:end]


def _operands(text: str) -> list[str]:
    operands = []
    while text.strip():
        match = _OPERAND.match(text)
        if not match:
            raise ValueError(f"cannot read the operands '{text.strip()}'; separate them by commas")
        operands.append(match[1])
        text = text[match.end() :]
    return operands


def _length(statement: _Statement) -> int:
    """How many words a statement takes."""
    operands = statement.operands
    if statement.name == ".word":
        return len(operands)
    if statement.name in (".space", ".org"):
        length = _number(_only(operands), {})
        length -= statement.address if statement.name == ".org" else 0
        if length < 0:
            raise ValueError(f"{statement.name} would go back by {-length} words")
        return length
    if statement.name == ".text":
        return len(_string(_only(operands)))
    return 1


def _words(statement: _Statement, labels: Mapping[str, int], isa: Isa) -> list[int]:
    """Second pass: the words of one statement, now that every label is known."""
    name, operands = statement.name, statement.operands
    if name == ".word":
        return [_number(operand, labels) & WORD_MASK for operand in operands]
    if name in (".space", ".org"):
        return [0] * _length(statement)
    if name == ".text":
        return [ord(character) for character in _string(_only(operands))]
    operation = isa.by_name.get(name)
    if operation is None:
        raise ValueError(f"there is no instruction '{name}'")
    if len(operands) != len(operation.fields):
        raise ValueError(f"'{name}' takes {len(operation.fields)} operands, not {len(operands)}")
    values = {"a": 0, "b": 0, "i": 0}
    for field, operand in zip(operation.fields, operands, strict=True):
        if field in "ab":
            values[field] = _register(operand)
        else:
            values["i"] = _number(operand, labels)
    return [encode(Instruction(operation, values["a"], values["b"], values["i"]))]


def _only(operands: list[str]) -> str:
    if len(operands) != 1:
        raise ValueError(f"this directive takes one operand, not {len(operands)}")
    return operands[0]


def _register(operand: str) -> int:
    if not re.fullmatch(r"r[0-7]", operand):
        raise ValueError(f"'{operand}' is not a register (r0 to r7)")
    return int(operand[1])


def _number(operand: str, labels: Mapping[str, int]) -> int:
    if operand.startswith("'"):
        return ord(_unescape(operand[1:-1]))
    if operand in labels:
        return labels[operand]
    try:
        return int(operand, 0)
    except ValueError:
        raise ValueError(f"'{operand}' is neither a number nor a label") from None


def _string(operand: str) -> str:
    if not operand.startswith('"'):
        raise ValueError(f"{operand} is not a text in quotation marks")
    return _unescape(operand[1:-1])


def _unescape(text: str) -> str:
    return re.sub(r"\\.", lambda match: _ESCAPES.get(match[0], match[0]), text)
