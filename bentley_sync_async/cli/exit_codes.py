"""The exit codes and their meanings: one table, which the help and the README print."""

from __future__ import annotations

import enum
from typing import Self


class ExitCode(enum.IntEnum):
    """An exit code and its meaning.

    Attributes:
        meaning: What it means, in a few words.
    """

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Self:
        """Make a member of the table."""
        code = int.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code

    SUCCESS = 0, "the run succeeded, or had nothing to do"
    ERROR = 1, "the service or the connection to it failed; a run may go on"
    USAGE = 2, "wrong arguments or settings; nothing was sent"
    PARTIAL_SUCCESS = 3, "the run ended with PartialSuccess"
    FAILURE = 4, "the run ended with Error or any other result"
    TIMEOUT = 5, "--timeout ran out; the run goes on"
    AUTH = 6, "the credentials were refused or lack a permission"
    BUSY = 7, "--when-busy fail, and the iModel was busy"
    NOT_RUN = 8, "bulk, publish: a connection was refused, or its run could not be followed"
    FILES = 9, "a file to publish, the journal or the report file could not be used; a run may go on"
    DETACHED = 130, "Ctrl-C, or the reader of the output went away; the run goes on"
    TERMINATED = 143, "SIGTERM; the run goes on"


WORST = "A bulk exits with the code of its worst connection: 8, else 4, 5 or 3, in this order."
"""How the exit code of a bulk follows from its connections, for people."""

WORST_PUBLISH = "A publish exits with 9 if a file was refused or failed, else as a bulk of its runs: 8, 4, 5 or 3."
"""How the exit code of a publish follows from its files and runs, for people."""

EXIT_CODES_NOTE = "Exit codes: bentley-sync --help lists them."
"""Where a command whose help has no table says that there is one."""
