"""What every user's nbgrader must know: which course, and where work is handed in and out."""

import os

c = get_config()  # noqa: F821  nbgrader defines it

c.CourseDirectory.course_id = "virtualization"
# A folder that everyone may write to: mkdir -p /srv/nbgrader/exchange; chmod 777 it.
c.Exchange.root = os.environ.get("NBGRADER_EXCHANGE", "/srv/nbgrader/exchange")
