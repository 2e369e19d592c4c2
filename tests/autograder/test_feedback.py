from __future__ import annotations

import base64
from html.parser import HTMLParser

import pytest

from autograder.course import Course
from autograder.feedback import MAX_PAGE, feedback_pages, shown_points
from autograder.grading import Result, State

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(50)).decode()
SCORES = {"double-check": 1.0, "double-hidden": 0.5, "why": None}


@pytest.fixture
def page(course_folder, submit, judged):
    course = Course(course_folder)
    assignment = course.assignment("ps")

    def make(answers=None, outputs=None, message="", student="ann"):
        submit(student, answers or {"double": "def double(x): return 2 * x"})
        submission = course.submission(student, "ps")
        result = judged(assignment, submission, SCORES, outputs, message)
        return feedback_pages(result)["ps"]

    return make


class Tags(HTMLParser):
    """Collects the tags, the URLs and the event handlers of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self.handlers = set(), [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def stream(text):
    return {"output_type": "stream", "name": "stdout", "text": text}


def display(**data):
    named = {name.replace("_", "/"): value for name, value in data.items()}
    return {"output_type": "display_data", "metadata": {}, "data": named}


def test_page_shows_points_by_exercise_and_what_was_seen(page):
    html = page(message="double(2) gave 5")
    assert "1.5 of 7 points" in html
    assert "double(2) gave 5" in html
    assert "double-hidden: 0.5 of 2 points" in html
    assert "a person will grade it" in html


def test_hidden_tests_never_show(page):
    html = page()
    assert "secret_argument" not in html
    assert "12345" not in html
    assert "total([])" not in html
    assert "total([1, 2])" in html


ATTACKS = [
    "<script>alert(1)</script>",
    "</pre><img src=x onerror=alert(1)>",
    "\x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07",
    "<!--",
    "{{ 7 * 7 }}{% include 'x' %}",
    "</title><svg onload=alert(1)>",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_of_a_student_becomes_markup(page, attack):
    plain = Tags(page())
    html = page(
        answers={"double": attack, "why": attack},
        outputs=[
            stream(attack),
            display(text_html=attack, text_plain=attack),
            {"output_type": "error", "ename": attack, "evalue": attack, "traceback": [attack]},
            {"output_type": "error", "ename": attack, "evalue": attack, "traceback": []},
            display(image_png=attack),
            display(**{"image_svg+xml": attack}),
            display(application_javascript=attack),
        ],
        message=attack,
    )
    tags = Tags(html)
    assert tags.tags == plain.tags
    assert tags.links == plain.links
    assert tags.handlers == []
    assert "49" not in html.split("<body>")[1].replace("Part", "")


def test_student_name_is_escaped(course_folder):
    result = Result("<b>x</b>", "ps", State.NOT_GRADED, 7, reason="it is <i>late</i>")
    (html,) = feedback_pages(result).values()
    assert {"b", "i"} & Tags(html).tags == set()
    assert "Not graded" in html


def test_png_is_shown_and_nothing_else_as_picture(page):
    html = page(outputs=[display(image_png=PNG)])
    assert f"data:image/png;base64,{PNG}" in html
    svg = base64.b64encode(b"<svg/>").decode()
    assert svg not in page(outputs=[display(image_png=svg)])


@pytest.mark.parametrize(
    "output",
    [
        stream("x" * 1_000_000),
        stream(["y" * 100_000] * 10),
        display(text_plain="z" * 1_000_000),
        {"output_type": "error", "ename": "E", "evalue": "", "traceback": ["t" * 10_000] * 100},
    ],
)
def test_long_output_is_cut(page, output):
    assert len(page(outputs=[output] * 100)) < MAX_PAGE + 200_000


@pytest.mark.parametrize(
    "output",
    [
        {},
        {"output_type": "stream"},
        {"output_type": "stream", "text": 7},
        {"output_type": "display_data", "data": 7},
        {"output_type": "display_data", "data": {"text/plain": {}}},
        {"output_type": "error", "traceback": 3},
        {"output_type": "error", "traceback": [3]},
    ],
)
def test_malformed_output_is_no_error(page, output):
    assert "<h1>" in page(outputs=[output])


def test_same_result_same_bytes(page):
    assert page(outputs=[stream("a")]) == page(outputs=[stream("a")])


def test_nothing_is_loaded_from_elsewhere(page):
    html = page()
    assert "default-src 'none'" in html
    assert "script" not in Tags(html).tags
    assert all(link.startswith("data:") for link in Tags(html).links)


@pytest.mark.parametrize(
    ("value", "shown"), [(2.0, "2"), (0.5, "0.5"), (4 / 3, "1.33"), (0.0, "0"), (10.0, "10")]
)
def test_points_are_shown_as_people_write_them(value, shown):
    assert shown_points(value) == shown
