"""JupyterHub for a class on one Linux machine: each student is a user of that machine.

    cd /srv/virtualization/deploy/jupyterhub
    ../../.venv/bin/jupyterhub -f jupyterhub_config.py     (as root)

Who may log in stands in two files beside this one, a name a line: `students.txt` and
`instructors.txt`.
"""

import os
import shutil
import sys
from pathlib import Path

c = get_config()  # noqa: F821  JupyterHub defines it

HERE = Path(__file__).resolve().parent
# Also where `jupyter` and nbgrader look for each other's programs.
TOOLS = Path(sys.executable).parent
PROXY = HERE / "node_modules" / ".bin" / "configurable-http-proxy"


def names(file: str) -> set[str]:
    """The names in one of the lists; none if there is no such list."""
    path = HERE / file
    lines = path.read_text().splitlines() if path.exists() else []
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


# On this machine only: put a web server with a certificate in front of it.
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.ConfigurableHTTPProxy.command = [str(PROXY) if PROXY.exists() else shutil.which(PROXY.name) or ""]

# The machine's own passwords, and a process of the student's own user.
c.JupyterHub.authenticator_class = "pam"
c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"
c.Authenticator.allowed_users = names("students.txt") | names("instructors.txt")

c.Spawner.cmd = [str(TOOLS / "jupyterhub-singleuser")]
c.Spawner.default_url = "/lab"


def in_home(folder: str):
    """For JupyterHub, which asks at each start: a folder in the home of whom it starts for."""
    return lambda spawner: str(Path(f"~{spawner.user.name}").expanduser() / folder)


c.Spawner.environment = {
    "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}",
    # For `nbgrader_config.py` beside this file, which names the course and the exchange.
    "JUPYTER_CONFIG_PATH": str(HERE),
    # The course belongs to root here; what a student makes goes home.
    "VIRTLAB_RUNS": in_home("runs"),
    "VIRTLAB_WORK": in_home("work"),
}
# The first start of a morning reads everything from the disk.
c.Spawner.http_timeout = 60
