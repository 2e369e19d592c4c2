"""What is known of a test cell before there is a submission."""

from __future__ import annotations

import pytest

from autograder.examiner.preparing import prepared_test


def refused(source: str) -> str:
    why = prepared_test(source, "<test 0>", frozenset())["refused"]
    assert isinstance(why, str)
    return why


@pytest.mark.parametrize("name", ["_", "__", "___", "In", "Out"])
@pytest.mark.parametrize(
    "reads",
    [
        "assert {} == 3",
        "assert [{} for turn in range(3)]",
        "assert (lambda: {})() == 3",
        "def helper():\n    return {}\nassert helper() == 3",
        "assert [turn for turn in {}]",
    ],
)
def test_what_reads_a_name_of_ipythons_is_refused(name: str, reads: str) -> None:
    assert refused(reads.format(name)) == f"a test cell cannot use IPython's {name}"


@pytest.mark.parametrize(
    "binds",
    [
        "for _ in range(3):\n    assert _ < 3",
        "assert [_ for _ in range(3)]",
        "rows = [[0 for _ in range(3)] for _ in range(3)]",
        "total = sum(1 for _ in range(3))",
        "assert (lambda _: _)(3) == 3",
        "def helper(pair):\n    _, last = pair\n    return last, _\nassert helper((1, 2))",
        "class Fake:\n    def read(self, _):\n        return _",
        "_, last = 1, 2\nassert _ == 1",
        "import gettext as _\nassert _",
    ],
)
def test_what_binds_such_a_name_itself_is_not(binds: str) -> None:
    assert refused(binds) == ""
