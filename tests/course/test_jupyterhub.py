"""A class on JupyterHub: two students fetch and hand in, a teacher collects, grades, gives back.

The hub runs in namespaces of its own, with three users that exist only there: nothing of them is
left on the machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
import pytest
from nbgrader.api import Gradebook
from playwright.sync_api import Browser, Page

from .browsers import MINUTE, chromium, free_port, served
from .conftest import ROOT
from .npm import installed
from .small_course import write_assignment

pytestmark = [
    pytest.mark.browser,
    pytest.mark.system,
    pytest.mark.xdist_group("jupyterhub"),
]

DEPLOY = ROOT / "deploy" / "jupyterhub"
TOOLS = Path(sys.executable).parent
USERS = {"teacher": 64101, "ada": 64102, "grace": 64103}
PASSWORD = "a-test-password"
# A machine of the hub's own: users of its own, and what the users must reach is to be reached.
MACHINE = """
set -euo pipefail
for file in passwd group; do mount --bind "$1/etc/$file" "/etc/$file"; done
mkdir "$1/keep"
for pair in $HIDDEN; do
  top=${pair%%:*} inner=${pair##*:}
  mount --bind "$inner" "$1/keep"
  mount -t tmpfs -o mode=755 none "$top"
  mkdir -p "$inner"
  mount --move "$1/keep" "$inner"
done
shift
exec "$@"
"""
EXERCISE = ("virtlab", "exercise", "1")
CONFIG = """
load_subconfig({config!r})
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api_port}"
c.ConfigurableHTTPProxy.command = [{proxy!r}]
# The users have no passwords on this machine.
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = {password!r}
c.Authenticator.allowed_users = {users!r}
c.Spawner.environment |= {environment!r}
"""


@dataclass(frozen=True)
class Hub:
    """A hub that runs.

    Attributes:
        address: of its front door.
        homes: the folder of the users' homes.
        as_user: runs a command as one of the users, in the folder of the course.
    """

    address: str
    homes: Path
    as_user: Callable[..., subprocess.CompletedProcess[str]]

    def environment_of(self, name: str) -> dict[str, str]:
        """The variables of a student's server."""
        (server,) = (
            process
            for process in psutil.process_iter(["uids"])
            if process.info["uids"].real == USERS[name]
            and any("jupyterhub-singleuser" in word for word in process.cmdline())
        )
        return server.environ()


def hidden(*needed: Path) -> str:
    """What a stranger to this machine's root cannot reach, as pairs of a closed folder and it."""
    pairs = []
    for path in needed:
        closed = [parent for parent in path.parents if not parent.stat().st_mode & 0o001]
        if closed:
            pairs.append(f"{closed[-1]}:{path}")
    return " ".join(dict.fromkeys(pairs))


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    if os.geteuid() != 0:
        pytest.skip("needs root: a hub starts processes of other users")
    tried = subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], capture_output=True)
    if tried.returncode != 0:
        pytest.skip("no namespaces here for users of the hub's own")
    if not shutil.which(TOOLS / "jupyterhub"):
        pytest.skip("no jupyterhub here: make env-dev")
    with ExitStack() as stack:
        # Not pytest's own: nobody but root may enter that.
        base = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="virtlab-hub-")))
        base.chmod(0o755)
        proxy = installed(base, DEPLOY / "package.json") / ".bin" / "configurable-http-proxy"
        exchange, temporary = base / "exchange", base / "temporary"
        for folder in (exchange, temporary):
            folder.mkdir()
            folder.chmod(0o777)
        # Spares each of nbgrader's commands a grammar that jsonschema reads, for a second, unused.
        (base / "quicker").mkdir()
        (base / "quicker" / "rfc3987_syntax.py").write_text("raise ImportError\n")
        (base / "etc").mkdir()
        for file in ("passwd", "group"):
            shutil.copy(f"/etc/{file}", base / "etc")
        for name, number in USERS.items():
            home = base / "home" / name
            home.mkdir(parents=True)
            with (base / "etc/passwd").open("a") as passwd:
                passwd.write(f"{name}:x:{number}:{number}::{home}:/bin/bash\n")
            with (base / "etc/group").open("a") as group:
                group.write(f"{name}:x:{number}:\n")
        course = base / "home" / "teacher" / "course"
        write_assignment(course, (ROOT / "nbgrader_config.py").read_text())
        with (course / "nbgrader_config.py").open("a") as config:
            config.write(f"c.Exchange.root = {str(exchange)!r}\n")
        for name, number in USERS.items():
            home = base / "home" / name
            for path in (home, *home.rglob("*")):
                os.chown(path, number, number)
            home.chmod(0o700)

        ports = {"port": free_port(), "hub_port": free_port(), "api_port": free_port()}
        # The last processes of the machine are killed, and leave their temporary files.
        of_each_user = {"PYTHONPATH": str(base / "quicker"), "TMPDIR": str(temporary)}
        state = base / "hub"
        state.mkdir(mode=0o700)
        (state / "jupyterhub_config.py").write_text(
            CONFIG.format(
                config=str(DEPLOY / "jupyterhub_config.py"),
                proxy=str(proxy),
                password=PASSWORD,
                users=set(USERS),
                environment={"NBGRADER_EXCHANGE": str(exchange), **of_each_user},
                **ports,
            )
        )
        address = f"http://127.0.0.1:{ports['port']}"
        command = [
            *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
            *("bash", "-c", MACHINE, "machine", base),
            *(TOOLS / "jupyterhub", "-f", state / "jupyterhub_config.py"),
        ]
        environment = {"HIDDEN": hidden(Path(sys.base_prefix), ROOT), "PYTHONPATH": ""}
        stack.enter_context(served(command, f"{address}/hub/health", state, environment))
        (inside,) = (
            process.children()[0].pid
            for process in psutil.Process().children()
            if process.name() == "unshare"
        )

        def as_user(
            name: str, *arguments: str | Path, fails: bool = False
        ) -> subprocess.CompletedProcess[str]:
            home = base / "home" / name
            number = str(USERS[name])
            done = subprocess.run(
                [
                    *("nsenter", "--mount", "--pid", f"--target={inside}"),
                    *("setpriv", f"--reuid={number}", f"--regid={number}", "--clear-groups"),
                    *("env", "-i", f"HOME={home}", f"USER={name}", f"LOGNAME={name}"),
                    *(f"{variable}={value}" for variable, value in of_each_user.items()),
                    *(f"PATH={TOOLS}:/usr/bin:/bin", "LANG=C.UTF-8", "bash", "-c"),
                    *('cd "$HOME/course" 2>/dev/null || cd; exec "$@"', "as_user"),
                    *map(str, arguments),
                ],
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=120,
            )
            assert (done.returncode != 0) == fails, done.stdout + done.stderr
            return done

        yield Hub(address, base / "home", as_user)


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def log_in(hub: Hub, browser: Browser, name: str) -> Page:
    """A student's own browser, in JupyterLab's list of assignments."""
    page = browser.new_context(viewport={"width": 1300, "height": 1000}).new_page()
    page.set_default_timeout(MINUTE)
    page.goto(f"{hub.address}/hub/login")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/user/{name}/lab*")
    page.locator(".lm-MenuBar-itemLabel", has_text="Nbgrader").click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Assignment List", exact=True).click()
    return page


def press(page: Page, section: str, button: str, then: str) -> None:
    """Presses a button of the list and waits until the assignment has moved on."""
    page.locator(section).get_by_role("button", name=button, exact=True).click()
    page.locator(then).get_by_text("ps", exact=True).first.wait_for()


def test_two_students_and_their_teacher(hub: Hub, browser: Browser) -> None:
    as_teacher = lambda *words: hub.as_user("teacher", *words)  # noqa: E731
    as_teacher("autograder", "release", "ps")
    as_teacher("nbgrader", "release_assignment", "ps")

    answers = {"ada": "2 * x", "grace": "x * abs(x)"}
    for name, answer in answers.items():
        page = log_in(hub, browser, name)
        press(page, "#released_assignments_list", "Fetch", "#fetched_assignments_list")
        mine = hub.homes / name / "ps" / "ps.ipynb"
        assert mine.stat().st_uid == USERS[name]
        notebook = nbformat.read(mine, as_version=4)
        assert "-14" not in str(notebook)
        notebook.cells[0].source = f"def double(x):\n    return {answer}"
        nbformat.write(notebook, mine)
        press(page, "#fetched_assignments_list", "Submit", "#submitted_assignments_list")

    # A student's own copies and predictions go home: the course belongs to somebody else.
    of_ada = {"VIRTLAB_WORK": hub.homes / "ada/work", "VIRTLAB_RUNS": hub.homes / "ada/runs"}
    server = hub.environment_of("ada")
    assert {name: Path(server[name]) for name in of_ada} == of_ada
    copied = hub.as_user("ada", "env", f"VIRTLAB_WORK={of_ada['VIRTLAB_WORK']}", *EXERCISE)
    assert f"open {of_ada['VIRTLAB_WORK']}/01-" in copied.stdout

    # Neither sees the other's work, nor the teacher's course.
    for path in ("grace/ps/ps.ipynb", "teacher/course/source/ps/ps.ipynb"):
        refused = hub.as_user("ada", "cat", hub.homes / path, fails=True)
        assert "Permission denied" in refused.stderr

    as_teacher("nbgrader", "collect", "ps")
    as_teacher("autograder", "grade", "ps")
    with Gradebook(f"sqlite:///{hub.homes / 'teacher/course/gradebook.db'}") as book:
        scores = {name: book.find_submission("ps", name).score for name in answers}
    assert scores == {"ada": 3, "grace": 1}

    as_teacher("nbgrader", "release_feedback", "ps")
    for name, answer in answers.items():
        hub.as_user(
            name,
            "env",
            f"NBGRADER_EXCHANGE={hub.homes.parent / 'exchange'}",
            f"JUPYTER_CONFIG_PATH={DEPLOY}",
            "nbgrader",
            "fetch_feedback",
            "ps",
        )
        (page_of_mine,) = (hub.homes / name).rglob("ps/feedback/*/ps.html")
        assert answer in page_of_mine.read_text()
        assert "double(-7)" not in page_of_mine.read_text()
