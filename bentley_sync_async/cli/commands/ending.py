"""How a command speaks and ends: texts that fit the terminal, and an exit code, whatever happens."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable

from bentley_sync_async import SynchronizationError
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.cli.exit_status import code_of_error
from bentley_sync_async.cli.formatting.fitted import fitted
from bentley_sync_async.cli.shutdown import SHUTDOWN_ERRORS, code_of_shutdown, print_message, run_to_end


def to_exit_code(work: Callable[[], Awaitable[ExitCode]]) -> ExitCode:
    """Do the work of a command; print an error, and return the exit code."""
    try:
        return run_to_end(work)
    except SHUTDOWN_ERRORS as error:
        return code_of_shutdown(error)
    except SynchronizationError as error:
        print_message(str(error))
        return code_of_error(error)


def say(text: str) -> None:
    """Print what the command has to say."""
    print(fitted(text, sys.stdout))


def remark(text: str) -> None:
    """Print what is worth knowing, and no output, to stderr."""
    print_message(text)
