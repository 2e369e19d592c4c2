"""The class report: what it counts, what it says, and that it changes nothing."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from math import sqrt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.batch import grade_class
from autograder.class_report import bars, class_report, discrimination, percent, write_report
from autograder.cli import main
from autograder.course import Course
from autograder.gradebook import Gradebook

# Exercises of `ps`: double (1 + 2 points), total (2), why (2, for a person).
SCORES = {
    "ann": {"double-check": 1, "double-hidden": 2, "total-check": 2, "why": 2},
    "bob": {"double-check": 1, "double-hidden": 2, "total-check": 0, "why": 1},
    "cyd": {"double-check": 1, "double-hidden": 0, "total-check": 2, "why": None},
    "dan": {"double-check": 1, "double-hidden": 2, "total-check": 2, "why": 1},
    "eve": {"double-check": 0, "double-hidden": 0, "total-check": 0, "why": 0},
}
NEGATIVE = "negative numbers double too"
SQUARES = "double(2) gave 4, 4 is right;\n multiply by 2"
HOSTILE = "<script>alert('x')</script>\u202e & \"q\" \x1b[31m {{ 7 * 7 }}"


class Page(HTMLParser):
    """The tags of a page, and its text by tag; fails where tags do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def grade_as(with_gradebook, submit, judged):
    """Have the grader write down these scores, and these errors of cells, by student."""

    def run(scores, errors=None, assignment="ps", unanswered=()):
        course = Course(with_gradebook)
        for student in scores:
            answers = {} if student in unanswered else {"double": "def double(x): return 1"}
            answers |= {"total": "def total(n): return 1", "why": "It is."}
            submit(student, answers, assignment=assignment)

        def judge(read, submissions, limits):
            for submission in submissions:
                result = judged(read, submission, scores[submission.student])
                document = result.notebooks[0].document
                for cell in document["cells"]:
                    id_ = cell["metadata"].get("nbgrader", {}).get("grade_id")
                    told = (errors or {}).get(submission.student, {}).get(id_)
                    if told:
                        name, text = told if isinstance(told, tuple) else ("AssertionError", told)
                        cell["outputs"] = [
                            {
                                "output_type": "error",
                                "ename": name,
                                "evalue": text,
                                "traceback": [text],
                            }
                        ]
                yield result

        read = course.assignment(assignment)
        rows = list(grade_class(course, read, judge, students=list(scores)))
        assert all(row.graded for row in rows), [row.state for row in rows]
        return course

    return run


def answer(course_folder: Path, name: str, hint: str, thought: str) -> None:
    path = course_folder / "answers" / "ps" / "double" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# expected: 0/3\n# hint: {hint}\n# misconception: {thought}\ndouble = 1\n")


def second_assignment(course_folder: Path, name: str) -> None:
    source = json.loads((course_folder / "source" / "ps" / "ps.ipynb").read_text())
    path = course_folder / "source" / name / f"{name}.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps(source))


def files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_statistics_by_hand(grade_as, submit, right):
    course = grade_as(SCORES, unanswered=["eve"])
    submit("fay", right)
    (report,), page = class_report(course, ["ps"])
    assert report.points == 7
    assert [(s.name, s.score, s.decided, s.open) for s in report.students] == [
        ("ann", 7, 7, 0), ("bob", 4, 7, 0), ("cyd", 3, 5, 2), ("dan", 6, 7, 0), ("eve", 0, 7, 0),
    ]  # fmt: skip
    assert report.median == 3 / 5
    assert report.mean == pytest.approx((1 + 4 / 7 + 3 / 5 + 6 / 7 + 0) / 5)
    assert report.waiting == 1
    assert report.not_graded == ["fay"]
    double, total, why = report.items
    assert (double.name, double.points, double.graded) == ("double", 3, 5)
    assert double.mean == pytest.approx(10 / 5)
    assert double.difficulty == pytest.approx(2 / 3)
    assert (double.full, double.empty, double.limit) == (3, 1, 0)
    # Scores 3 3 1 3 0, less their mean 2: 1 1 -1 1 -2. Rests 4/4 1/4 2/2 3/4 0/4, less their
    # mean 0.6: .4 -.35 .4 .15 -.6. Products: .4 - .35 - .4 + .15 + 1.2 = 1. Squares: 8 and .825.
    assert double.discrimination == pytest.approx(1 / sqrt(8 * 0.825))
    assert (total.graded, total.mean, total.full, total.empty) == (5, 1.2, 3, 0)
    assert (why.graded, why.mean, why.difficulty) == (4, 1.0, 0.5)
    assert why.discrimination is None, "four students are too few"
    assert why.remark.startswith("Too few students")
    assert "0.39" in page
    assert [bar.students for bar in report.bars] == [1, 0, 0, 0, 0, 1, 1, 0, 1, 1]


def test_point_biserial_is_what_the_textbook_says():
    """(mean rest of those who pass - of those who fail) / sd of the rest * sqrt(p * q)."""
    scores, rests = [1, 1, 1, 0, 0], [9, 8, 6, 7, 2]
    passed, failed, spread = 23 / 3, 9 / 2, sqrt(sum((r - 6.4) ** 2 for r in rests) / 5)
    by_hand = (passed - failed) / spread * sqrt(3 / 5 * 2 / 5)
    assert discrimination(scores, rests) == pytest.approx(by_hand)
    assert discrimination([2 * s for s in scores], rests) == pytest.approx(by_hand)
    assert discrimination([1 - s for s in scores], rests) == pytest.approx(-by_hand)
    assert discrimination([1] * 5, rests) is None
    assert discrimination(scores, [0.1 + 0.2, 0.3, 0.3, 0.3, 0.3]) is None
    assert discrimination(scores[:4], rests[:4]) is None


@given(st.lists(st.floats(0, 1.5), max_size=40))
def test_each_share_is_in_one_bar_that_lies_in_the_picture(shares):
    made = bars(shares)
    assert sum(bar.students for bar in made) == len(shares)
    for bar in made:
        assert 20 <= bar.x < bar.x + bar.width <= 620
        assert 30 <= bar.y <= 180
    assert bars([0.3])[3].students == 1, "30 % is in the tenth that begins with it"
    assert bars([1.0, 1.2])[9].students == 2


def test_messages_are_counted_and_the_thought_behind_them_is_named(grade_as, with_gradebook):
    answer(with_gradebook, "wrong_abs.py", NEGATIVE, "numbers are positive")
    answer(with_gradebook, "wrong_other.py", NEGATIVE, "negative numbers are <b>errors</b>")
    answer(with_gradebook, "wrong_square.py", "multiply by 2", "doubling is squaring")
    answer(with_gradebook, "wrong_short.py", "by 2", "a shorter hint is a worse guess")
    answer(with_gradebook, "wrong_empty.py", "", "says nothing")
    answer(with_gradebook, "right_one.py", NEGATIVE, "this one is right")
    errors = {
        "ann": {"double-check": SQUARES, "double-hidden": NEGATIVE},
        "bob": {"double-check": SQUARES.replace("4", "5", 1), "double-hidden": NEGATIVE},
        "cyd": {"double-hidden": NEGATIVE, "total-check": "nothing adds up to 0"},
        "dan": {"double": ("NameError", "an error of the student's own cell is no message")},
        "eve": {"double-hidden": NEGATIVE},
    }
    course = grade_as(SCORES, errors, unanswered=["eve"])
    (report,), page = class_report(course)
    assert [(w.exercise, w.students, w.thoughts) for w in report.wrong] == [
        ("double", 3, ("numbers are positive", "negative numbers are <b>errors</b>")),
        ("double", 2, ("doubling is squaring",)),
        ("total", 1, ()),
    ]
    assert report.wrong[1].message == "double(2) gave 4, 4 is right; multiply by 2"
    assert "negative numbers are &lt;b&gt;errors" in page
    assert "no message" not in page


def test_rare_messages_are_counted_and_left_out(grade_as):
    scores = {f"s{n}": {} for n in range(7)}
    errors = {f"s{n}": {"double-check": f"{n} is wrong " + "x" * 999} for n in range(7)}
    (report,), page = class_report(grade_as(scores, errors))
    assert len(report.wrong) == 5
    assert report.further == {"double": 2}
    assert "double has 2 rarer messages more" in page
    assert "x" * 301 not in page


def test_a_time_limit_counts_for_its_exercise_wherever_it_was_met(grade_as):
    text = "This cell met the limit of 30 s of time."
    errors = {
        "ann": {"double": ("Limit", text), "double-check": "double is missing"},
        "bob": {"double-check": ("Limit", text), "double-hidden": ("Limit", text)},
        "cyd": {"double-check": ("Limit", "This cell met the limit of output.")},
        "dan": {"total-check": ("AssertionError", text)},
    }
    (report,), _ = class_report(grade_as(SCORES, errors))
    assert {item.name: item.limit for item in report.items} == {"double": 2, "total": 0, "why": 0}


def test_who_needs_help_and_why(grade_as, with_gradebook, submit, right):
    full = SCORES["ann"]
    second_assignment(with_gradebook, "qs")
    grade_as({"ann": full, "bob": full, "dan": full, "eve": {}, "gus": full})
    low = {"double-check": 1, "double-hidden": 2, "total-check": 0, "why": 0}
    course = grade_as({"ann": full, "bob": low, "dan": full, "eve": {}}, assignment="qs")
    submit("fay", right, assignment="qs")
    first, second = class_report(course)[0]
    assert first.name == "ps"
    assert [(h.student, h.reasons) for h in first.help] == [
        ("eve", ("0 of 7 points",)),
        ("fay", ("handed in nothing",)),
    ]
    # In ps the class's mean is 80 %, in qs (7 + 3 + 7 + 0) / 28 = 61 %: bob was 20 points above
    # it and is 18 below; eve was 80 below and is 61 below, so she is low and has not fallen.
    assert [(h.student, h.reasons) for h in second.help] == [
        ("eve", ("0 of 7 points",)),
        (
            "bob",
            (
                "3 of 7 points",
                "18 percentage points below the class's mean, "
                "after 20 percentage points above the class's mean in 1 earlier assignment",
            ),
        ),
        ("fay", ("handed in, and the gradebook has no score of it",)),
        ("gus", ("handed in nothing",)),
    ]
    (alone,), page = class_report(course, ["qs"])
    assert alone.help == second.help, "earlier assignments count though they are not reported"
    assert ">ps<" not in page
    assert "a share of the points below 50 %; a fall; no score at all" in page
    assert "stands 20 percentage points or more lower" in page


def test_who_is_still_above_the_mean_has_not_fallen(grade_as, with_gradebook):
    second_assignment(with_gradebook, "qs")
    poor, good = {"double-hidden": 2, "total-check": 2}, SCORES["dan"]
    grade_as({"ann": SCORES["ann"], "bob": poor, "cyd": poor, "dan": poor})
    course = grade_as({"ann": good, "bob": good, "cyd": poor, "dan": good}, assignment="qs")
    assert class_report(course, ["qs"])[0][0].help == []


def test_an_assignment_that_is_hard_for_all_names_nobody_as_fallen(grade_as, with_gradebook):
    second_assignment(with_gradebook, "qs")
    names = ["ann", "bob", "cyd"]
    grade_as(dict.fromkeys(names, SCORES["ann"]))
    half = {"double-check": 1, "double-hidden": 2, "why": 1}
    course = grade_as(dict.fromkeys(names, half), assignment="qs")
    assert class_report(course, ["qs"])[0][0].help == []


def test_hostile_names_and_messages_stay_text(grade_as, with_gradebook):
    name = "<img src=x onerror=alert(1)>&{{ 7 * 7 }}"
    answer(with_gradebook, "wrong_x.py", "alert", "<svg onload=alert(2)> {{ 7 * 7 }}")
    course = grade_as(
        {name: {"double-check": 1}, "bob": {}}, {name: {"double-check": HOSTILE, "why": HOSTILE}}
    )
    (with_gradebook / "submitted" / "mal\u202elory" / "ps").mkdir(parents=True)
    (report,), page = class_report(course)
    assert report.not_graded == ["mal\u202elory"]
    assert not re.search(r"<(script|img)|<svg onload|\x1b", page)
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "&lt;script&gt;" in page
    assert "{{ 7 * 7 }}" in page
    assert "49" not in page
    assert r"mal\u202elory" in page
    assert not any(key.startswith("on") for _, attrs in Page(page).tags for key in attrs)


def test_what_is_no_text_is_written_all_the_same(tmp_path):
    """JSON can hold half a character, and UTF-8 cannot."""
    write_report(tmp_path / "x.html", "<p>\ud800</p>")
    assert (tmp_path / "x.html").read_text(encoding="utf-8") == "<p>?</p>"


def test_page_stands_alone_and_can_be_read_aloud(grade_as):
    _, text = class_report(grade_as(SCORES, {"ann": {"double-check": NEGATIVE}}))
    page = Page(text)
    tags = [tag for tag, _ in page.tags]
    assert ("html", {"lang": "en"}) in page.tags
    assert tags.count("h1") == tags.count("main") == tags.count("header") == 1
    assert tags.count("title") == 1 + tags.count("svg")
    assert all("scope" in attrs for tag, attrs in page.tags if tag == "th")
    assert tags.count("figcaption") == tags.count("svg") == 1
    assert "prefers-color-scheme: dark" in text
    assert not {"script", "link", "img", "iframe"} & set(tags)
    assert "http" not in re.sub(r"http-equiv", "", text)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in page.tags:
        assert (attrs.get("href") or "#a1").removeprefix("#") in ids
        assert set((attrs.get("aria-labelledby") or "").split()) <= set(ids)


def test_nothing_is_changed_but_the_page(grade_as, with_gradebook, capsys):
    grade_as(SCORES)
    before = files(with_gradebook)
    assert main(["report", "--course", str(with_gradebook)]) == 0
    out = capsys.readouterr().out
    assert "ps: 5 graded, 1 to look at" in out
    assert "class-report.html" in out
    after = files(with_gradebook)
    assert after.pop("class-report.html").startswith(b"<!DOCTYPE html>")
    assert after == before
    elsewhere = with_gradebook / "a b.html"
    assert main(["report", "ps", "--course", str(with_gradebook), "--to", str(elsewhere)]) == 0
    assert elsewhere.read_bytes() == (with_gradebook / "class-report.html").read_bytes()


def test_lost_notebooks_cost_messages_only(grade_as, with_gradebook):
    course = grade_as(SCORES, {"ann": {"double-check": NEGATIVE}})
    path = with_gradebook / "autograded" / "ann" / "ps" / "ps.ipynb"
    path.chmod(0o644)
    path.write_text("{")
    (report,), page = class_report(course)
    assert (report.unread, report.wrong, report.graded) == (["ann"], [], 5)
    assert "Messages of 1 student are unknown" in page


def test_all_open_and_one_student(grade_as):
    grade_as({"ann": dict.fromkeys(SCORES["ann"])})
    (report,), page = class_report(grade_as({"ann": dict.fromkeys(SCORES["ann"])}))
    assert (report.mean, report.help, report.waiting) == (None, [], 1)
    assert "No score is decided yet." in page
    assert percent(None) == "–"


@pytest.mark.parametrize("made", [True, False])
def test_nothing_graded_is_one_line(course_folder, request, capsys, made):
    if made:
        request.getfixturevalue("with_gradebook")
        with Gradebook(Course(course_folder), Course(course_folder).assignment("ps")):
            pass
    before = files(course_folder)
    for names in ([], ["ps"]):
        assert main(["report", *names, "--course", str(course_folder)]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        (line,) = err.splitlines()
        assert "gradebook.db: " in line
        assert "run `autograder grade" in line
    assert files(course_folder) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["qs"], "source/qs: no assignment of that name"),
        (["--to", "gradebook.db"], "give a name that ends with .html"),
        (["--to", "nowhere/x.html"], "nowhere/x.html: No such file or directory"),
    ],
)
def test_what_cannot_be_written_is_one_line(
    grade_as, with_gradebook, monkeypatch, capsys, arguments, says
):
    grade_as({"ann": {}})
    monkeypatch.chdir(with_gradebook)
    before = files(with_gradebook)
    assert main(["report", *arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
    assert files(with_gradebook) == before


def test_a_gradebook_that_is_none_is_one_line(course_folder, capsys):
    (course_folder / "gradebook.db").write_text("not a database at all, whatever its name")
    assert main(["report", "--course", str(course_folder)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "not a gradebook" in line


@pytest.mark.long
@pytest.mark.usefixtures("rooms")
def test_what_the_grader_really_wrote_is_understood(with_gradebook, submit, right, capsys):
    config = with_gradebook / "nbgrader_config.py"
    config.write_text("c = get_config()\nc.Limits.cell_wall_s = 1\n")
    answer(with_gradebook, "wrong_abs.py", NEGATIVE, "numbers are positive")
    submit("ann", right)
    submit("bob", right | {"double": "def double(x):\n    return 2 * abs(x)"})
    submit("cyd", right | {"double": "def double(x):\n    while True: pass"})
    submit("dan")
    assert main(["grade", "ps", "--course", str(with_gradebook)]) == 0
    (report,), _ = class_report(Course(with_gradebook))
    double = report.items[0]
    assert (double.full, double.empty, double.limit) == (1, 1, 1)
    (named,) = [w for w in report.wrong if w.thoughts]
    assert (named.exercise, named.students, named.thoughts) == (
        "double", 1, ("numbers are positive",),
    )  # fmt: skip
