"""Makes the repository root an nbgrader course: `nbgrader`, Formgrader and `autograder` read it."""

from importlib.util import find_spec

c = get_config()  # noqa: F821  nbgrader defines it

c.CourseDirectory.course_id = "virtualization"
# The .md sources hold the solutions; notebooks are built from them (`make build`).
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.md",
    "*.pyc",
    "__pycache__",
    "feedback",
]
# What a place that nobody has answered says when it runs.
c.ClearSolutions.code_stub = {
    "python": "# YOUR CODE HERE\n"
    "raise NotImplementedError('no answer yet: write it in place of this')"
}
# Seconds that one cell may run, here and in `autograder grade`.
c.Execute.timeout = 30

# Where our packages are installed (a student's bundle has no autograder), `nbgrader autograde` and
# Formgrader grade through the two rooms, and feedback shows no hidden test.
if find_spec("autograder"):
    c.Autograde.sanitize_preprocessors = ["nbgrader.preprocessors.ClearOutput"]
    c.Autograde.autograde_preprocessors = [
        "autograder.nbgrader_plugin.GradeInTwoRooms",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.GenerateFeedback.preprocessors = [
        "nbgrader.preprocessors.GetGrades",
        "autograder.nbgrader_plugin.HideHiddenTests",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
# What students wrote must not run in the browser of who grades or reads it.
c.HTMLExporter.sanitize_html = True
