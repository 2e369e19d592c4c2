import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab.machines.toycpu import CLEAN, AssemblyError, assemble, disassemble
from virtlab.machines.toycpu.assembler import labels_of, listing

words = st.integers(0, 2**32 - 1)
instructions = st.builds(  # most of them legal, in one field or another not quite
    lambda operation, a, b, imm: operation.opcode << 24 | a << 20 | b << 16 | imm,
    st.sampled_from(CLEAN.operations),
    st.integers(0, 8),
    st.sampled_from([0, 0, 1, 7, 8]),
    st.sampled_from([0, 0, 1, 0x7FFF, 0x8000, 0xFFFF]),
)


@given(st.lists(st.one_of(words, instructions), max_size=20))
@settings(max_examples=100, deadline=None)
def test_disassembling_and_assembling_gives_the_same_words(program: list[int]) -> None:
    assert assemble(disassemble(program)) == program


def test_labels_directives_and_comments() -> None:
    source = """
    start: li r1, text  ; a comment, with 'quotes'
           li r2, ';'
    text:  .text "a;\\n"
           .space 2
           .word 1, -1, 'x', start
           .org 20
    end:   halt
    """
    program = assemble(source)
    assert labels_of(source) == {"start": 8, "text": 10, "end": 20}
    assert program[0] & 0xFFFF == 10
    assert program[1] & 0xFFFF == ord(";")
    assert program[2:11] == [97, 59, 10, 0, 0, 1, 0xFFFF_FFFF, 120, 8]
    assert len(program) == 13
    assert "halt" in listing(program).splitlines()[-1]


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("nop\nfrob r1", "line 2: there is no instruction 'frob'"),
        ("li r9, 1", "line 1: 'r9' is not a register"),
        ("li r1", "line 1: 'li' takes 2 operands, not 1"),
        ("li r1, 65536", "line 1: an operand of 'li r1, 65536' is out of range"),
        ("jmp nowhere", "line 1: 'nowhere' is neither a number nor a label"),
        ("a: nop\na: nop", "line 2: label 'a' is already defined"),
        (".org 3", "line 1: .org would go back by 5 words"),
        ('.text "open', "line 1: a quotation mark is not closed"),
        ("li r1 2", "line 1: cannot read the operands"),
    ],
)
def test_a_wrong_line_is_named(source: str, complaint: str) -> None:
    with pytest.raises(AssemblyError, match=complaint):
        assemble(source)
