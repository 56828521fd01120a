"""What a command says on stderr while it works: requests if asked to, and why it waits if somebody looks."""

from __future__ import annotations

import sys
from typing import Literal

from bentley_sync_async import APIError, SynchronizationError
from bentley_sync_async.transport import Record, RequestRecord, RetryRecord, ThrottleRecord

Level = Literal["", "verbose", "debug"]


class TraceHook:
    """Prints records of the client; they hold no secret.

    Without a level it prints only what makes somebody at a terminal wait; `verbose` adds each request, `debug` prints
    all records.
    """

    def __init__(self, level: Level) -> None:
        """Make a hook of a level."""
        self._level = level
        self._watched = sys.stderr.isatty()

    def wants(self, kind: type[Record]) -> bool:
        """Return whether records of that kind may be printed."""
        return self._level == "debug" or kind in {RequestRecord, RetryRecord, ThrottleRecord}

    def __call__(self, record: Record) -> None:
        """Print the record, in one line."""
        if self._level == "debug":
            print(record, file=sys.stderr)
            return
        match record:
            case RequestRecord() if self._level:
                answer = record.status if record.status is not None else _short(record.error)
                text = f"{record.method} {record.url}: {answer}, {record.size:,} bytes in {record.duration:.3f} s"
            case RetryRecord() if self._level or self._watched:
                text = f"{_short(record.cause)}; attempt {record.attempt + 1} in {record.delay:.0f} s"
            case ThrottleRecord() if self._level or self._watched:
                text = f"{_short(record.cause)}; requests go on in {record.delay:.0f} s"
            case _:
                return
        print(text, file=sys.stderr)


def _short(error: SynchronizationError | None) -> str:
    answer = f" {error.status} {error.code or ''}".rstrip() if isinstance(error, APIError) else ""
    return f"{type(error).__name__}{answer}"
