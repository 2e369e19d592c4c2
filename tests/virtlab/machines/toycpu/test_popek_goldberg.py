import pytest

from virtlab.machines.toycpu import CLEAN, classify, offenders
from virtlab.machines.toycpu.isa import VARIANTS
from virtlab.machines.toycpu.popek_goldberg import hybrid_offenders
from virtlab.machines.toycpu.translator import SENSITIVE


def test_the_experiment_finds_the_sensitive_instructions() -> None:
    classes = classify(CLEAN)
    assert {name for name, c in classes.items() if c.sensitive} == SENSITIVE
    assert {name for name, c in classes.items() if c.privileged} == SENSITIVE


@pytest.mark.parametrize(
    ("name", "all_offenders", "for_a_hybrid"),
    [
        ("clean", [], []),
        ("reads mode", ["getm"], []),
        ("ignores timer", ["timer"], []),
        ("reads base", ["getr"], ["getr"]),
        ("drops mode", ["jmpu"], []),
    ],
)
def test_each_variant_has_its_offenders(
    name: str, all_offenders: list[str], for_a_hybrid: list[str]
) -> None:
    classes = classify(next(isa for isa in VARIANTS if isa.name == name))
    assert offenders(classes) == all_offenders
    assert hybrid_offenders(classes) == for_a_hybrid
