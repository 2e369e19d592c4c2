from __future__ import annotations

import pytest

from autograder.course import Course
from autograder.executors import executor
from autograder.grading import Result, State
from autograder.validate import read_answer, validate

WRONG = {
    "double": {
        "wrong_adds_two": ("1/3", "negative numbers double too", "return x + 2"),
        "wrong_square": ("1/3", "negative numbers", "return x ** 2"),
        "wrong_same": ("0/3", "4 is right; multiply by 2", "return x"),
    },
    "total": {
        "wrong_first": (
            "0/2",
            "nothing adds up to 0",
            "return numbers[0] if len(numbers) == 9 else 3",
        ),
        "wrong_one": ("0/2", "add all numbers", "return 1"),
        "wrong_none": ("0/2", "add all numbers", "return None"),
    },
}
RIGHT = {
    "double": {"right_add": "return x + x", "right_shift": "return x * 2"},
    "total": {
        "right_loop": "t = 0\n    for n in numbers:\n        t += n\n    return t",
        "right_sum": "return sum(numbers)",
    },
}
HEAD = {"double": "def double(x):\n    ", "total": "def total(numbers):\n    "}


@pytest.fixture
def answers(course_folder):
    """Answers with which the course validates."""
    folder = course_folder / "answers" / "ps"
    for exercise, wrong in WRONG.items():
        (folder / exercise).mkdir(parents=True)
        for name, (expected, hint, body) in wrong.items():
            (folder / exercise / f"{name}.py").write_text(
                f"# expected: {expected}\n# hint: {hint}\n# misconception: m\n"
                f"{HEAD[exercise]}{body}\n"
            )
        for name, body in RIGHT[exercise].items():
            (folder / exercise / f"{name}.py").write_text(f"# method: m\n{HEAD[exercise]}{body}\n")
    return folder


@pytest.fixture
def findings(course_folder, rooms):
    def run():
        with executor() as grade:
            report = validate(Course(course_folder), "ps", grade)
        assert all("\n" not in str(finding) for finding in report.findings)
        return [str(finding) for finding in report.findings]

    return run


def edit(course_folder, old, new):
    path = course_folder / "source/ps/ps.ipynb"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_sound_assignment_has_no_finding(answers, findings):
    assert findings() == []


def test_each_fault_of_an_answer_is_named_with_its_file(answers, findings):
    double = answers / "double"
    (double / "wrong_same.py").write_text("# expected: 1/3\n# hint: 4 is right\ndouble = abs\n")
    (double / "wrong_square.py").write_text(
        "# expected: 1/3\n# hint: cubes\ndef double(x): return x ** 2\n"
    )
    (double / "right_add.py").write_text("def double(x): return x\n")
    (double / "wrong_adds_two.py").write_text("def double(x): return x + 2\n")
    (double / "other.py").write_text("double = None\n")
    (answers / "triple").mkdir()
    (answers / "triple" / "right_a.py").write_text("x = 1\n")
    found = findings()
    for where, what in [
        ("double/wrong_same.py:1", "expected 1/3, earned 0"),
        ("double/wrong_square.py:1", "lacks the hint 'cubes'"),
        ("double/right_add.py:1", "expected 3/3, earned 0"),
        ("double/wrong_adds_two.py:1", "expected: "),
        ("double/other.py:1", "must begin with right_ or wrong_"),
        ("triple/right_a.py:1", "no exercise 'triple'"),
    ]:
        assert [f for f in found if f.startswith(f"answers/ps/{where}: ") and what in f], what


def test_too_few_answers_are_named(answers, findings):
    (answers / "total" / "wrong_one.py").unlink()
    (answers / "total" / "right_sum.py").unlink()
    assert findings() == [
        "answers/ps/total: 1 right answers; at least 2 are needed",
        "answers/ps/total: 2 wrong answers; at least 3 are needed",
    ]


def test_tests_that_need_those_of_another_exercise_are_named(course_folder, answers, findings):
    edit(course_folder, "assert total([]) == 0,", "assert total([]) == secret_argument + 12345,")
    alone = [finding for finding in findings() if "let them stand alone" in finding]
    assert len(alone) == 1
    assert "total-check" in alone[0]


def test_reference_that_fails_is_named(course_folder, findings):
    edit(course_folder, "twice_the_value = FACTOR * x", "twice_the_value = 5 * x")
    found = findings()
    assert any("the reference earns 0 of 1" in finding for finding in found)
    assert all("source/ps/ps.ipynb (cell 'double-" in finding for finding in found)


def test_release_that_earns_points_is_named(course_folder, findings):
    edit(course_folder, "assert total([1, 2]) == 3", "assert total")
    edit(course_folder, "assert total([]) == 0", "assert total")
    assert any("'total-check'): the untouched release earns 2" in f for f in findings())


def test_test_that_never_fails_is_named(course_folder, answers, findings):
    edit(course_folder, "assert double(secret_argument) == 2 * secret_argument", "assert double")
    assert any("'double-hidden'): no wrong answer fails this test" in f for f in findings())


def test_hidden_test_that_a_visible_one_implies_is_named(course_folder, answers, findings):
    edit(
        course_folder,
        "assert double(secret_argument) == 2 * secret_argument",
        "assert double(2) == 4",
    )
    found = findings()
    assert any(
        "'double-hidden'): hidden, but whatever fails it fails a visible" in f for f in found
    )


def test_test_the_examiner_cannot_run_is_named(course_folder, findings):
    edit(course_folder, "assert total([1, 2])", "assert Out and total([1, 2])")
    assert any("'total-check'): the examiner cannot run it" in f for f in findings())


def test_line_of_the_text_source_is_named(course_folder, findings):
    (course_folder / "source/ps/ps.md").write_text("---\n---\ntext\n  grade_id: double-check\n")
    edit(course_folder, "twice_the_value = FACTOR * x", "twice_the_value = 5 * x")
    assert any(f.startswith("source/ps/ps.md:4: ") for f in findings())


def test_objectives_cells_and_points_must_agree(course_folder):
    from autograder.new import new_assignment
    from autograder.validate import _objectives, _Places

    course = Course(course_folder)
    _, path, *_ = new_assignment(course, "07-new-things")

    def found():
        assignment = course.assignment("07-new-things")
        return [str(finding) for finding in _objectives(assignment, _Places(course, assignment))]

    assert found() == []
    text = path.read_text()
    path.write_text(text.replace("LO7.1 find the largest of some numbers | 3 |", "LO7.2 it | 4 |"))
    assert [line.partition(": ")[2] for line in found()] == [
        "the table promises LO7.2 here, and the cells of 'largest' name LO7.1",
        "the table says 4 points, the cells are worth 3",
    ]
    assert all(line.startswith("source/07-new-things/07-new-things.md:") for line in found())
    path.write_text(text.replace("(visible 1, hidden 2)", "(visible 2, hidden 1)"))
    (line,) = found()
    assert "and it is 3 points (visible 1, hidden 2)" in line
    path.write_text(text.replace("| `largest` | LO7.1", "| `smallest` | LO7.1"))
    assert len(found()) == 2


def test_mutants_that_no_test_notices_are_listed(course_folder, answers, rooms):
    edit(
        course_folder,
        "return sum(number for number in numbers)",
        "unused = 3\\n    return sum(number for number in numbers)",
    )
    with executor() as grade:
        report = validate(Course(course_folder), "ps", grade, mutants=20)
    assert report.findings == []
    assert report.mutants > len(report.survivors)
    (survivor,) = [str(found) for found in report.survivors]
    assert survivor == (
        "source/ps/ps.ipynb (cell 'total'): no test notices line 3 of the solution: 3 → 4"
    )


@pytest.mark.parametrize(
    ("seconds", "allowed"), [(0.05, (0.7, 1.0)), (0.5, (2.5, 2.5)), (1000.0, None)]
)
def test_a_mutant_has_longer_where_the_reference_takes_long(
    course_folder, answers, seconds, allowed
):
    given = {}

    def run(assignment, submissions, limits):
        for submission in submissions:
            given[submission.student] = limits.cell_wall_s, limits.total_wall_s
            yield Result(submission.student, "ps", State.NOT_GRADED, 5.0, seconds=seconds)

    course = Course(course_folder)
    usual = course.limits().cell_wall_s, course.limits().total_wall_s
    validate(course, "ps", run, mutants=1)
    assert given["double 0"] == (allowed or usual)
    assert given["double/right_add.py"] == usual


@pytest.mark.long
def test_where_stock_nbgrader_scores_otherwise_is_listed(course_folder, rooms):
    edit(
        course_folder,
        "    return sum(number for number in numbers)",
        "    import sys; print('working', file=sys.stderr)\\n    return sum(numbers)",
    )
    with executor() as grade:
        report = validate(Course(course_folder), "ps", grade, stock=True)
    assert report.findings == []
    assert [str(found) for found in report.differences] == [
        "reference: cell 'total-check' earns 2 here and 0 in stock nbgrader"
    ]
    assert not (course_folder / "gradebook.db").exists()


def test_header_ends_where_the_code_begins(tmp_path):
    path = tmp_path / "wrong_a.py"
    path.write_text("# expected: 0.5/4\n# hint: a: b # c\n\n# misconception: no header any more\n")
    answer = read_answer(path)
    assert answer.expected == (0.5, 4)
    assert answer.key("hint") == "a: b # c"
    assert answer.key("misconception") == ""
