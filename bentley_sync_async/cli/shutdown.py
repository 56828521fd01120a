"""Shutdown before the end: Ctrl-C, SIGTERM, and a reader of the output that goes away."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import anyio
from rich.console import Console

from .exit_codes import ExitCode

T = TypeVar("T")


class TerminatedError(Exception):
    """The process received SIGTERM."""


SHUTDOWN_ERRORS = (KeyboardInterrupt, TerminatedError, BrokenPipeError)
"""The exceptions of a shutdown; a broken connection to the service is a SynchronizationError instead."""


async def until_terminated(work: Callable[[], Awaitable[T]]) -> T:
    """Return the result of the work, which SIGTERM cancels.

    Raises:
        TerminatedError: The process received SIGTERM.
    """
    loop = asyncio.get_running_loop()
    with anyio.CancelScope() as scope:
        # Not on Windows, and in the main thread only; elsewhere SIGTERM has its default effect.
        with suppress(NotImplementedError, RuntimeError):
            loop.add_signal_handler(signal.SIGTERM, scope.cancel)
        try:
            return await work()
        finally:
            with suppress(NotImplementedError):
                loop.remove_signal_handler(signal.SIGTERM)
    raise TerminatedError


class Screen(Console):
    """A console that raises when its reader has gone away, where rich would exit with a code of its own."""

    def on_broken_pipe(self) -> None:
        """Raise the error that is being handled."""
        raise  # noqa: PLE0704 - rich calls this where it has caught the error


def code_of_shutdown(error: BaseException) -> ExitCode:
    """Return the exit code of a shutdown, and prevent further errors at the end of the process."""
    if isinstance(error, BrokenPipeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # buffered output is flushed at exit
        os.close(nowhere)
    return ExitCode.TERMINATED if isinstance(error, TerminatedError) else ExitCode.DETACHED


def print_message(text: str) -> None:
    """Print a message for people, which is no output, to stderr."""
    print(text, file=sys.stderr)
