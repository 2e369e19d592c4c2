"""The compiled machine compiles, and notices when it must not use what it compiled.

That any program does the same on it is in test_equivalence.py.
"""

from virtlab.machines.toycpu import CompiledMachine, Machine, assemble, guests

LOOP = """
        li   r1, 30
        li   r2, 40
next:   ld   r3, r2, 0
        addi r3, 5
        st   r3, r2, 0
        addi r1, -1
        bne  r1, r0, next
        halt
"""


def run(source: str, threshold: int = 4, fuel: int = 100_000) -> CompiledMachine:
    machines = Machine(64), CompiledMachine(64, threshold=threshold)
    for machine in machines:
        machine.put(assemble(source))
        machine.power_on(fuel)
    assert machines[0].state() == machines[1].state()
    return machines[1]


def test_a_loop_is_compiled_once_and_then_hardly_interpreted() -> None:
    machine = run(LOOP)
    assert machine.memory[40] == 150
    assert len(machine.blocks) == 1
    assert machine.hits == 1  # the rest of the loop ran inside one call
    assert machine.interpreted < machine.retired / 3
    assert run(LOOP, threshold=1000).hits == 0


def test_fuel_ends_a_compiled_loop_in_its_middle() -> None:
    for fuel in range(60, 80):
        assert run(LOOP, fuel=fuel).retired == fuel


def test_a_timer_ends_a_compiled_loop_to_the_instruction() -> None:
    for ticks in range(40, 52):
        source = (
            f"li r1, on\n st r1, r0, 6\n li r1, {ticks}\n timer r1\nnext: addi r2, 1\n"
            "addi r3, 2\n addi r4, 3\n jmp next\non: halt"
        )
        assert run(source).hits > 0


def test_an_access_out_of_bounds_in_a_compiled_loop_points_at_its_instruction() -> None:
    walk = "li r1, on\n st r1, r0, 6\nnext: ld r3, r2, 0\n addi r2, 1\n jmp next\non: halt"
    machine = run(walk)
    assert machine.hits > 0
    assert [machine.memory[word] for word in (1, 4, 5)] == [10, 3, 64]


def test_a_loop_that_rewrites_itself_is_compiled_again() -> None:
    source = """
            li   r1, 40
            ld   r2, r0, patch
    next:   addi r3, 1
            addi r1, -1
            li   r4, 20
            bne  r1, r4, on
            st   r2, r0, next      ; from here on it adds 100
    on:     bne  r1, r0, next
            halt
    patch:  addi r3, 100
    """
    machine = run(source)
    assert machine.registers[3] == 20 * 1 + 20 * 100
    assert machine.hits > 1


def test_a_block_as_python() -> None:
    machine = CompiledMachine(256)
    machine.put(assemble(guests.COUNT_PRIMES))
    machine.power_on()
    sources = [block.source for block in machine.blocks.values()]
    assert any("continue" in source for source in sources)
    assert all(source.startswith("def block(machine, budget):") for source in sources)
