"""Source files of manifest connections, the entries of manifests, and the plan of their tasks."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from attrs import define, frozen

from bentley_sync_async.emulator.synchronization.planning import DEFAULT_FILE, PlannedFile
from bentley_sync_async.emulator.synchronization.rules import FileRule, merged, use
from bentley_sync_async.models import ConnectorType, ExecutionResult

_UNMAPPED = FileRule(result=ExecutionResult.SUCCESS, retries=0, duration=(2, 20))


@define(kw_only=True)
class ManifestSourceFile:
    """A source file of a manifest connection.

    Attributes:
        id: The source file's id, a GUID.
        source_file_id: The file's id in manifests.
    """

    id: str
    source_file_id: str


@frozen(kw_only=True)
class ManifestEntry:
    """A file in the manifest of a run.

    Attributes:
        id: The file's id.
        name: The file's name.
        connector_type: The connector that reads the file.
        unmap: Whether the run removes the file's data from the iModel.
        references: Id and name of each file that it refers to.
    """

    id: str
    name: str
    connector_type: ConnectorType
    unmap: bool = False
    references: tuple[tuple[str, str], ...] = ()


def planned_entries(
    manifest: Iterable[ManifestEntry],
    declared: Iterable[ManifestSourceFile],
    *,
    file_rules: Sequence[FileRule],
    connection_id: str,
    nth: int,
    seed: str,
) -> list[PlannedFile]:
    """Return the files of a run: the entries of its manifest that its connection declares.

    Args:
        manifest: The entries.
        declared: The source files of the connection.
        file_rules: The rules that script tasks.
        connection_id: The connection.
        nth: Number of the run among those of the connection, counted from 1.
        seed: The seed of the values that the rules leave open.
    """
    ids = {file.source_file_id for file in declared}
    return [
        PlannedFile(
            storage_file_id=entry.id,
            connector_type=entry.connector_type,
            rule=_rule(entry, file_rules, connection_id, nth),
            rng=random.Random(f"{seed}/{entry.id}"),
            file_name=entry.name,
            references=entry.references,
        )
        for entry in manifest
        if entry.id in ids
    ]


def _rule(entry: ManifestEntry, file_rules: Sequence[FileRule], connection_id: str, nth: int) -> FileRule:
    rules = use(
        file_rules,
        connection_id=connection_id,
        connector_type=entry.connector_type,
        file_name=entry.name,
        storage_file_id=entry.id,
        nth=nth,
    )
    if entry.unmap and all(rule.result is None and rule.error is None for rule in rules):
        rules.append(_UNMAPPED)
    return merged(FileRule, [*rules, DEFAULT_FILE])
