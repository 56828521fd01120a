"""All nouns by name, with the line that the help shows: the file of a noun is imported when the noun is used."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Final

from .noun import Noun, Verb

_NOUNS = "bentley_sync_async.cli.nouns"

NOUNS: Final[dict[str, tuple[str, str]]] = {
    "connection": ("connections", "Storage connections, and their source files."),
    "runs": ("runs", "The runs of a connection."),
    "report": ("reports", "What connectors found in the files of a run."),
    "config": ("configurations", "Settings of iTwins, iModels and connections."),
    "manifest": ("manifests", "Manifest connections, whose files come with each run."),
    "authorization": ("authorization", "Whether the service may work for the calling user."),
    "storage": ("platform.storage", "Files and folders in Storage."),
    "imodel": ("platform.imodels", "iModels, their changesets and named versions."),
    "itwin": ("platform.itwins", "iTwins."),
    "webhook": ("platform.webhooks", "Webhooks of the application."),
}
"""The module and the help of each noun, in the order of the help."""


def noun(name: str) -> Noun:
    """Return a noun; its file is imported."""
    found: Noun = import_module(f"{_NOUNS}.{NOUNS[name][0]}").NOUN
    return found


def all_verbs() -> Iterator[Verb]:
    """Return all verbs of all nouns."""
    for name in NOUNS:
        yield from noun(name).verbs
