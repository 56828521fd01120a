"""What the emulator remembers: connections, their source files, their runs, and who has consented to what."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Mapping

from attrs import define, field, frozen

from bentley_sync_async.emulator.platform.clock import Clock
from bentley_sync_async.emulator.platform.ids import Ids
from bentley_sync_async.emulator.settings import Settings
from bentley_sync_async.models import AuthenticationType, ConnectorType, ExecutionResult, ExecutionState, RunRef

from .planning import DEFAULT_FILE, DEFAULT_RUN, Planner, Work
from .rules import FileRule, RunRule, merged_file_rule, merged_run_rule
from .timeline import RunPlan

_NO_CONSENT = RunRule(preprocessing=1, jobs=False, result=ExecutionResult.ERROR, error="UserNotAuthenticated")


@define(kw_only=True)
class SourceFile:
    """A file of a connection.

    Attributes:
        id: The source file's id, a GUID.
        storage_file_id: The file in Storage.
        connector_type: Its connector.
    """

    id: str
    storage_file_id: str
    connector_type: ConnectorType


@frozen(kw_only=True)
class Run:
    """A run, its future included.

    Attributes:
        id: The run's id, a GUID.
        connection_id: Its connection.
        imodel_id: The iModel that it occupies until it is completed.
        created: The clock's elapsed seconds when it was created.
        plan: What will happen.
    """

    id: str
    connection_id: str
    imodel_id: str
    created: float
    plan: RunPlan

    @property
    def ref(self) -> RunRef:
        """What names this run."""
        return RunRef(connection_id=self.connection_id, run_id=self.id)

    @property
    def path(self) -> str:
        """Where it is, below the platform's root."""
        return f"/synchronization/imodels/storageconnections/{self.connection_id}/runs/{self.id}"

    def state(self, elapsed: float) -> ExecutionState:
        """Return its state at a moment of the clock."""
        return self.plan.track.state(elapsed - self.created)

    def completed(self, elapsed: float) -> bool:
        """Tell whether it is over at a moment of the clock."""
        return self.state(elapsed) == ExecutionState.COMPLETED


@define(kw_only=True)
class Connection:
    """A connection of files to an iModel.

    Attributes:
        id: The connection's id.
        number: How many connections were made before it.
        imodel_id: Its iModel.
        display_name: Its name.
        authentication_type: As whom the service works.
        files: Its source files, by id.
        runs: Its runs, by id, the oldest first.
    """

    id: str
    number: int
    imodel_id: str
    display_name: str | None
    authentication_type: AuthenticationType
    files: dict[str, SourceFile] = field(factory=dict)
    runs: dict[str, Run] = field(factory=dict)

    @property
    def last_run(self) -> Run | None:
        """The latest run."""
        return next(reversed(self.runs.values()), None)


class Store:
    """Everything that lasts between two requests.

    Attributes:
        settings: The choices.
        clock: Its time.
        ids: Where new ids come from.
        connections: By id, the oldest first.
        runs: Every run ever created, the oldest first.
        run_rules: What scripts runs; the first rule wins.
        file_rules: What scripts tasks; the first rule wins.
        file_names: Names of files in Storage, by id.
        consent: Whether users have authorized the service.
        forbidden_imodels: iModels on which the caller may change nothing.
        observers: Who is told of every run that is created.
    """

    def __init__(
        self,
        settings: Settings,
        run_rules: Iterable[RunRule] = (),
        file_rules: Iterable[FileRule] = (),
        file_names: Mapping[str, str] | None = None,
    ) -> None:
        self.settings = settings
        self.clock: Clock | None = None
        self.ids = Ids(settings.seed)
        self.connections: dict[str, Connection] = {}
        self.runs: list[Run] = []
        self.run_rules = list(run_rules)
        self.file_rules = list(file_rules)
        self.file_names = dict(file_names or {})
        self.consent = settings.consent
        self.forbidden_imodels: set[str] = set()
        self.observers: list[Callable[[Run], None]] = []
        self._numbers = itertools.count()
        self._of_imodel: dict[str, dict[str, Connection]] = {}
        self._accepted: dict[str, float] = {}
        self._latest: dict[str, Run] = {}
        self._planner = Planner(new_id=self.ids.guid, error_rate=settings.error_rate, retry_rate=settings.retry_rate)

    def connect(
        self,
        imodel_id: str,
        files: Iterable[tuple[str, ConnectorType]],
        *,
        display_name: str | None,
        authentication_type: AuthenticationType,
    ) -> Connection:
        """Create a connection."""
        connection = Connection(
            id=self.ids.connection(imodel_id),
            number=next(self._numbers),
            imodel_id=imodel_id,
            display_name=display_name,
            authentication_type=authentication_type,
        )
        for storage_file_id, connector_type in files:
            self.attach(connection, storage_file_id, connector_type)
        self.connections[connection.id] = connection
        self._of_imodel.setdefault(imodel_id.lower(), {})[connection.id] = connection
        return connection

    def disconnect(self, connection: Connection) -> None:
        """Delete a connection."""
        del self.connections[connection.id]
        del self._of_imodel[connection.imodel_id.lower()][connection.id]

    def attach(self, connection: Connection, storage_file_id: str, connector_type: ConnectorType) -> SourceFile:
        """Add a file to a connection."""
        file = SourceFile(id=self.ids.guid(), storage_file_id=storage_file_id, connector_type=connector_type)
        connection.files[file.id] = file
        return file

    def connections_of(self, imodel_id: str) -> list[Connection]:
        """Return the connections of an iModel, the oldest first."""
        return list(self._of_imodel.get(imodel_id.lower(), {}).values())

    def mapped_files(self, imodel_id: str) -> set[str]:
        """Return the files in Storage that any connection maps to an iModel."""
        return {file.storage_file_id for one in self.connections_of(imodel_id) for file in one.files.values()}

    def active_run(self, imodel_id: str) -> Run | None:
        """Return the run that occupies an iModel."""
        run = self._latest.get(imodel_id.lower())
        return run if run is not None and not run.completed(self.elapsed()) else None

    def name_of(self, file: SourceFile) -> str:
        """Return the name of a file in Storage."""
        known = self.file_names.get(file.storage_file_id)
        return known or f"{file.storage_file_id[-6:]}.{_EXTENSIONS.get(file.connector_type, 'dat')}"

    def last_known_name(self, connection: Connection, file: SourceFile) -> str | None:
        """Return the name that the latest run of a file found; `None` before its first."""
        now = self.elapsed()
        tasks = (
            task
            for run in connection.runs.values()
            if run.completed(now)
            for job in run.plan.jobs
            for task in job.tasks
        )
        return self.name_of(file) if any(task.storage_file_id == file.storage_file_id for task in tasks) else None

    def start_run(self, connection: Connection) -> Run:
        """Create a run, with its whole future."""
        nth = len(connection.runs) + 1
        chance = f"{self.settings.seed}/{connection.number}/{nth}"
        works = [
            Work(
                storage_file_id=file.storage_file_id,
                connector_type=file.connector_type,
                rule=self._file_rule(connection, file, nth),
                chance=random.Random(f"{chance}/{number}"),
            )
            for number, file in enumerate(connection.files.values())
        ]
        run = Run(
            id=self.ids.guid(),
            connection_id=connection.id,
            imodel_id=connection.imodel_id,
            created=self.elapsed(),
            plan=self._planner.plan(self._run_rule(connection, nth), works, random.Random(chance)),
        )
        connection.runs[run.id] = run
        self.runs.append(run)
        self._latest[connection.imodel_id.lower()] = run
        for tell in self.observers:
            tell(run)
        return run

    @property
    def running_clock(self) -> Clock:
        """The clock, which goes while the emulator runs."""
        if self.clock is None:
            raise RuntimeError("The emulator is not running: enter it first, with `async with`.")
        return self.clock

    def accept(self, imodel_id: str) -> None:
        """Begin to accept a trigger on an iModel."""
        self._accepted[imodel_id.lower()] = self.elapsed()

    def accepting(self, imodel_id: str) -> bool:
        """Tell whether a trigger on an iModel is still being accepted."""
        since = self._accepted.get(imodel_id.lower())
        window = self.settings.accept_window * self.settings.speed
        return since is not None and self.elapsed() - since < window

    def elapsed(self) -> float:
        """Return the clock's elapsed seconds."""
        return self.running_clock.elapsed()

    def _run_rule(self, connection: Connection, nth: int) -> RunRule:
        applying = [
            rule
            for rule in self.run_rules
            if rule.applies(
                connection_id=connection.id,
                display_name=connection.display_name or "",
                imodel_id=connection.imodel_id,
                nth=nth,
            )
        ]
        for rule in applying:
            rule.used += 1
        if connection.authentication_type == AuthenticationType.USER and not self.consent:
            applying.insert(0, _NO_CONSENT)
        return merged_run_rule([*applying, DEFAULT_RUN])

    def _file_rule(self, connection: Connection, file: SourceFile, nth: int) -> FileRule:
        applying = [
            rule
            for rule in self.file_rules
            if rule.applies(
                connection_id=connection.id,
                connector_type=file.connector_type,
                file_name=self.name_of(file),
                storage_file_id=file.storage_file_id,
                nth=nth,
            )
        ]
        for rule in applying:
            rule.used += 1
        return merged_file_rule([*applying, DEFAULT_FILE])


_EXTENSIONS: Mapping[ConnectorType, str] = {
    ConnectorType.AUTOPLANT: "dwg",
    ConnectorType.CIVIL: "dgn",
    ConnectorType.CIVIL3D: "dwg",
    ConnectorType.DWG: "dwg",
    ConnectorType.GEOSPATIAL: "geojson",
    ConnectorType.IFC: "ifc",
    ConnectorType.MSTN: "dgn",
    ConnectorType.NWD: "nwd",
    ConnectorType.OBD: "dgn",
    ConnectorType.OPENTOWER: "otxml",
    ConnectorType.PROSTRUCTURES: "dgn",
    ConnectorType.REVIT: "rvt",
    ConnectorType.RVM: "rvm",
    ConnectorType.SPPID: "zip",
    ConnectorType.SPXREVIEW: "vue",
}
