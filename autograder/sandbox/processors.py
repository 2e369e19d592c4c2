"""Which processor a room and its examiner run on: the same one, and another than any other pair's.

They take turns, a hundred times a submission and more. On one processor a turn is a switch from one
process to the other; on two it is an interrupt to a processor that may have gone to sleep. A
submission of 01 or 16 took a fifth less CPU time on one (two cores, a virtual machine, November
2026).

A pair holds its processor by an abstract Unix socket, which the kernel takes away from a process
that dies. Graders that know nothing of each other keep out of each other's way so. Graders in two
containers cannot see each other's sockets; but each asks first for the processor that it is on, and
the kernel spreads those that are busy.
"""

from __future__ import annotations

import errno
import os
import socket

from autograder.sandbox import linux

NAME = "\0autograder-processor-{}"


class Processor:
    """A claim on one processor, from construction to `release`.

    Attributes:
        allowed: where to run: the claimed processor alone, or, when all are claimed by others,
            every one that this process may use.
    """

    def __init__(self) -> None:
        """Claim the one that this process is on, or else the first that is free."""
        self.allowed = sorted(os.sched_getaffinity(0))
        self._claim: socket.socket | None = None
        here = linux.current_processor()
        for number in sorted(self.allowed, key=lambda number: number != here):
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
