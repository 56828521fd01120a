"""An awaitable that calls back at each suspension: to count them, or to cancel at one."""

from collections.abc import Awaitable, Callable, Generator
from typing import Any


class Counted:
    """Awaits something, and calls `suspended` before each suspension."""

    def __init__(self, awaitable: Awaitable[Any], suspended: Callable[[], None]) -> None:
        self._awaitable = awaitable
        self._suspended = suspended

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._awaitable.__await__()
        try:
            waiting_for = inner.send(None)
            while True:
                self._suspended()
                try:
                    yield waiting_for
                except BaseException as exc:  # noqa: BLE001 - whatever the loop throws goes in
                    waiting_for = inner.throw(exc)
                else:
                    waiting_for = inner.send(None)
        except StopIteration as done:
            return done.value
