"""What is kept of connections and runs over a restart: everything but the rules and the accept windows."""

from __future__ import annotations

from attrs import define, field

from bentley_sync_async.models.configurations import SettingValue

from .store import Connection, Run, Store


@define(kw_only=True)
class SynchronizationState:
    """What is kept of connections and runs.

    Attributes:
        connections: The connections by id, the oldest first.
        runs: Every run ever created, the oldest first.
        unsettled: Ids of those runs whose changes were not added yet.
        number: The number of connections that were ever created.
        consent: Whether users have authorized the service.
        file_names: Names of files in Storage that nobody created, by id.
        configurations: The settings of iTwins, iModels and connections.
    """

    connections: dict[str, Connection] = field(factory=dict)
    runs: list[Run] = field(factory=list)
    unsettled: list[str] = field(factory=list)
    number: int = 0
    consent: bool = False
    file_names: dict[str, str] = field(factory=dict)
    configurations: dict[str, dict[str, SettingValue]] = field(factory=dict)


def kept(store: Store) -> SynchronizationState:
    """Return what is kept of a store."""
    return SynchronizationState(
        connections=store.connections,
        runs=store.runs,
        unsettled=[run.id for run, _ in store.unsettled.values()],
        number=store.number,
        consent=store.consent,
        file_names=store.file_names,
        configurations=store.configurations,
    )


def restore(store: Store, state: SynchronizationState) -> None:
    """Replace the content of a new store by what was kept."""
    store.connections, store.runs = state.connections, state.runs
    store.configurations = state.configurations
    store.number, store.consent = state.number, store.consent or state.consent
    store.file_names = state.file_names | store.file_names
    runs = {run.id: run for run in store.runs}
    for connection in store.connections.values():
        connection.runs = {run_id: runs[run_id] for run_id in connection.runs}
    for run in (runs[run_id] for run_id in state.unsettled):
        if run.connection_id in store.connections:
            store.unsettled[run.imodel_id.lower()] = run, store.connections[run.connection_id]
    store.reindex()
