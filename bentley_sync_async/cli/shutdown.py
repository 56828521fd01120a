"""The ways to leave before the end: Ctrl-C, SIGTERM, and a reader of the output that goes away."""

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
    """SIGTERM came."""


DETACHING = (KeyboardInterrupt, TerminatedError, BrokenPipeError)
"""What is raised when somebody leaves; a connection that breaks is an error of the client's instead."""


async def until_terminated(work: Callable[[], Awaitable[T]]) -> T:
    """Return what comes of the work, which SIGTERM cancels.

    Raises:
        TerminatedError: SIGTERM came.
    """
    loop = asyncio.get_running_loop()
    with anyio.CancelScope() as scope:
        # Not on Windows, and in the main thread only; elsewhere SIGTERM does what it does by default.
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
        """Let the error pass that is being handled."""
        raise  # noqa: PLE0704 - rich calls this where it has caught the error


def code_of_leaving(left: BaseException) -> ExitCode:
    """Return what a way to leave amounts to, and see to it that the end of the process is quiet."""
    if isinstance(left, BrokenPipeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # what is still to be written is flushed at exit
        os.close(nowhere)
    return ExitCode.TERMINATED if isinstance(left, TerminatedError) else ExitCode.DETACHED


def say(text: str) -> None:
    """Tell people something that is no output."""
    print(text, file=sys.stderr)
