"""Shutdown before the end: Ctrl-C, SIGTERM, and a reader of the output that goes away."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib import import_module
from typing import TypeVar

import anyio
from rich.console import Console

from .exit_codes import ExitCode
from .formatting.fitted import fitted

T = TypeVar("T")


class TerminatedError(Exception):
    """The process received SIGTERM."""


SHUTDOWN_ERRORS = (KeyboardInterrupt, TerminatedError, BrokenPipeError)
"""The exceptions of a shutdown; a broken connection to the service is a SynchronizationError instead."""


def run_to_end(work: Callable[[], Awaitable[T]]) -> T:
    """Run the work on an event loop of its own, which is uvloop's (on Windows winloop's) if that is installed.

    Raises:
        KeyboardInterrupt: Ctrl-C.
        TerminatedError: The process received SIGTERM.
    """
    options = {"loop_factory": _loop_factory()}
    return anyio.run(until_terminated, work, backend_options=options)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the event loop; `None` for asyncio's own."""
    try:
        module = import_module("winloop" if sys.platform == "win32" else "uvloop")
    except ImportError:  # of the extra `uvloop`
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = module.new_event_loop
    return factory


_NO_SIGNALS = (NotImplementedError, RuntimeError, ValueError)
"""What loops raise that cannot handle signals: those of Windows, of asyncio and uvloop in another thread."""


async def until_terminated(work: Callable[[], Awaitable[T]]) -> T:
    """Return the result of the work, which SIGTERM cancels.

    Raises:
        TerminatedError: The process received SIGTERM.
    """
    loop = asyncio.get_running_loop()
    with anyio.CancelScope() as scope:
        # Not on Windows, and in the main thread only; elsewhere SIGTERM has its default effect.
        with suppress(*_NO_SIGNALS):
            loop.add_signal_handler(signal.SIGTERM, scope.cancel)
        try:
            return await work()
        finally:
            with suppress(*_NO_SIGNALS):
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
    print(fitted(text, sys.stderr), file=sys.stderr)
