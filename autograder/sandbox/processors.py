"""Which processor a room and its examiner run on: the same one, and another than any other pair's.

They take turns, some hundred times a submission. On one processor a turn is a switch from one
process to the other; on two it is an interrupt to a processor that may have gone to sleep. On one,
`make bench-grading` sees a submission take a fifth less CPU time.

A pair holds its processor by an abstract Unix socket, which the kernel takes away from a process
that dies. Graders that know nothing of each other keep out of each other's way so.
"""

from __future__ import annotations

import errno
import os
import socket

NAME = "\0autograder-processor-{}"


class Processor:
    """A claim on one processor, from construction to `release`.

    Attributes:
        allowed: where to run: the claimed processor alone, or, when all are claimed by others,
            every one that this process may use.
    """

    def __init__(self) -> None:
        """Claim the first one that is free."""
        self.allowed = sorted(os.sched_getaffinity(0))
        self._claim: socket.socket | None = None
        for number in self.allowed:
            claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                claim.bind(NAME.format(number))
            except OSError as error:
                claim.close()
                if error.errno == errno.EADDRINUSE:
                    continue
                return
            self.allowed = [number]
            self._claim = claim
            return

    def release(self) -> None:
        """Let others have it."""
        if self._claim is not None:
            self._claim.close()
            self._claim = None
