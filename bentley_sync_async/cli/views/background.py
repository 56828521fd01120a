"""What the views of much work, a bulk and a publish, have in common."""

from __future__ import annotations

from typing import Protocol, Self, TypeVar

Event_contra = TypeVar("Event_contra", contravariant=True)
Progress_contra = TypeVar("Progress_contra", contravariant=True)


class BackgroundView(Protocol[Event_contra, Progress_contra]):
    """Shows a bulk or a publish."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Restore the screen; a view that prints lines has nothing to restore."""
        return

    def show(self, event: Event_contra) -> None:
        """Show an event."""
        ...

    def tick(self, progress: Progress_contra) -> None:
        """Show the progress; called about once a second, and at the end."""
        ...


class HasJSON(Protocol):
    """An event, a report, a plan or a budget."""

    def to_json(self) -> str:
        """Return it as one JSON object."""
        ...


class JSONView(BackgroundView[HasJSON, object]):
    """One JSON object an event, and nothing else."""

    def show(self, event: HasJSON) -> None:
        """Print the event."""
        print(event.to_json(), flush=True)  # a pipe sees it when it happens

    def tick(self, progress: object) -> None:
        """Print nothing: the events contain everything."""


def named_json(value: HasJSON) -> str:
    """Return a report, a plan or a budget as one line of JSON, with its name as `event`."""
    return f'{{"event":"{type(value).__name__}",{value.to_json()[1:]}'
