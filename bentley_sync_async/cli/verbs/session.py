"""What the work of a verb gets: the client, the look-up of names, and ways to ask and to answer."""

from __future__ import annotations

import signal
import sys
import webbrowser
from collections.abc import Awaitable, Callable, Sequence

from attrs import define, field, frozen

from bentley_sync_async import InvalidArgumentError, RunRef, SynchronizationClient
from bentley_sync_async.cli.formatting.fitted import fitted
from bentley_sync_async.cli.lookup import Kind, Lookup


@frozen
class Done:
    """Something was done that leaves no record.

    Attributes:
        text: What was done, for people, on stderr.
        ids: What it was done to, for scripts.
    """

    text: str
    ids: Sequence[str] = ()


@frozen
class Follow:
    """A run to follow to its end, as `bentley-sync attach` does.

    Attributes:
        ref: The run.
    """

    ref: RunRef


class DeclinedError(InvalidArgumentError):
    """Somebody was asked and said no, or could not be asked."""


def _asker() -> Callable[[str], str] | None:
    return _ask if sys.stdin.isatty() and sys.stderr.isatty() else None


def _ask(question: str) -> str:
    # The event loop's own handler would only note Ctrl-C, and input() would go on waiting.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        print(fitted(question.rstrip(), sys.stderr), end=" ", file=sys.stderr, flush=True)
        return sys.stdin.readline()
    finally:
        signal.signal(signal.SIGINT, handler)


@define(kw_only=True)
class Session:
    """One command at work.

    Attributes:
        client: The client.
        lookup: Finds ids by names.
        people: Whether a person reads the output: only then is it worth more requests.
        yes: Whether the question was answered before it was asked.
        web: Whether to open the page.
        ask: Asks a question and returns the answer; `None` where nobody can be asked.
    """

    client: SynchronizationClient
    lookup: Lookup
    people: bool = False
    yes: bool = False
    web: bool = False
    ask: Callable[[str], str] | None = field(factory=_asker)

    async def itwin(self, text: str | None = None) -> str:
        """Return the id of an iTwin, of the assumed one by default."""
        return await self.lookup.itwin(text)

    async def imodel(self, text: str | None = None) -> str:
        """Return the id of an iModel, of the assumed one by default."""
        return await self.lookup.imodel(text)

    async def connection(self, text: str, kind: Kind = "storage") -> str:
        """Return the id of a connection."""
        return await self.lookup.connection(text, kind)

    def confirm(self, what: str) -> None:
        """Ask whether something should be done; return if so.

        Raises:
            DeclinedError: The answer is no, or nobody is there to answer.
        """
        if self.yes:
            return
        if self.ask is None:
            raise DeclinedError(f"{what}? Nobody can be asked here: repeat the command with --yes. Nothing was done.")
        if self.ask(f"{what}? [y/N] ").strip().lower() not in {"y", "yes"}:
            raise DeclinedError("Nothing was done.")

    async def delete(
        self, what: str, one: str, call: Callable[[str], Awaitable[None]], *, done: str = "Deleted"
    ) -> Done:
        """Ask, delete, and return what was deleted.

        Args:
            what: What it is, for people, such as `the connection`.
            one: Its id.
            call: Deletes it.
            done: How that is called.
        """
        shown = self.lookup.name(one)
        self.confirm(f"{done.removesuffix('d')} {what} {shown}")
        await call(one)
        return Done(f"{done} {what} {shown}.", [one])

    def open_page(self, url: str | None) -> None:
        """Open a page in a browser if the command was asked to."""
        if self.web and url and url.startswith("https://"):
            webbrowser.open(url)
