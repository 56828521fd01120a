"""The hook that logs records, to the loggers request, retry, throttle, token and poll under `bentley_sync_async`.

A line has the fields of its record as extras, with `sync_` before their names.
"""

import logging

from attrs import fields

from bentley_sync_async.errors import APIError, SynchronizationError

from .hooks import PollRecord, Record, RequestRecord, RetryRecord, ThrottleRecord, TokenRecord

_LOGGERS: dict[type[Record], logging.Logger] = {
    kind: logging.getLogger(f"bentley_sync_async.{kind.__name__.removesuffix('Record').lower()}")
    for kind in (RequestRecord, RetryRecord, ThrottleRecord, TokenRecord, PollRecord)
}
_HIGHEST = {RequestRecord: logging.DEBUG, PollRecord: logging.DEBUG, RetryRecord: logging.INFO}


class LoggingHook:
    """Writes every record of a client to the standard library's logging; costs next to nothing if that is disabled."""

    def wants(self, kind: type[Record]) -> bool:
        """Return whether a record of that kind may be logged."""
        logger = _LOGGERS.get(kind)
        return logger is not None and logger.isEnabledFor(_HIGHEST.get(kind, logging.WARNING))

    def __call__(self, record: Record) -> None:
        """Write one line."""
        logger = _LOGGERS.get(type(record))
        if logger is None:
            return
        level = _level(record)
        if logger.isEnabledFor(level):
            extra = {f"sync_{field.name}": _plain(getattr(record, field.name)) for field in fields(type(record))}
            logger.log(level, _text(record), extra=extra)


_NOTICEABLE = 0.1  # seconds of waiting


def _level(record: Record) -> int:
    match record:
        case ThrottleRecord() | TokenRecord(error=SynchronizationError()):
            return logging.WARNING
        case RetryRecord():
            return logging.INFO
        case _:
            return logging.DEBUG


def _text(record: Record) -> str:
    match record:
        case RequestRecord():
            outcome = record.status if record.status is not None else type(record.error).__name__
            waited = f", after it waited for {record.waited:.1f} s" if record.waited >= _NOTICEABLE else ""
            return f"{record.method} {record.url}: {outcome} in {record.duration:.3f} s{waited}"
        case RetryRecord():
            what = f"{record.method} {record.url}: {_short(record.cause)}"
            return f"{what}; attempt {record.attempt + 1} in {record.delay:.1f} s"
        case ThrottleRecord():
            return f"All requests pause for {record.delay:.1f} s: {_short(record.cause)}"
        case TokenRecord(error=SynchronizationError() as error):
            return f"No token after {record.duration:.3f} s: {_short(error)}"
        case PollRecord():
            then = f"next poll in {record.delay:.1f} s" if record.delay is not None else "the last poll"
            return f"{record.ref}: {record.state}, {record.changes} events, {then}"
        case _:
            return f"A token came in {getattr(record, 'duration', 0.0):.3f} s"


def _short(error: SynchronizationError) -> str:
    answer = f" {error.status} {error.code}" if isinstance(error, APIError) else ""
    return f"{type(error).__name__}{answer}"


def _plain(value: object) -> object:
    """Return a value that any log formatter can show."""
    return value if value is None or isinstance(value, str | int | float) else str(value)
