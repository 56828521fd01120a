"""Rules that script runs and tasks: what they apply to, and what happens then.

The classes serve in process and, key by key, as the tables of a scenario file. What a rule leaves out, the next rule
that applies decides, and at last the seed.
"""

# ruff: noqa: RUF009 - the calls make attributes, as attrs.field does
from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, cast

import attrs
from attrs import define, field

from bentley_sync_async.emulator.fields import Span, checked, flag, integer, member, span, text
from bentley_sync_async.errors import ConfigurationError
from bentley_sync_async.models import (
    ConnectorType,
    ExecutionResult,
    ExecutionState,
    TaskErrorPhase,
    TaskErrorSystem,
)

from .catalogue import CATALOGUE
from .timeline import BEGINNINGS, StateSteps, check_transitions

_UNDETERMINED = ("Undetermined",)


def _catalogue_key() -> str | None:
    def listed(value: object) -> bool:
        return isinstance(value, str) and value in CATALOGUE

    return checked(cast("str | None", None), listed, "a key of the error catalogue, such as SourceFileCorrupted")


def _state_steps(*, then: ExecutionState) -> StateSteps | None:
    """Return an attribute that is a list of [state, seconds] which a final state can follow."""

    def convert(value: object, attribute: attrs.Attribute[Any]) -> StateSteps | None:
        if value is None:
            return None
        steps = tuple(_step(item, attribute.name) for item in _items(value, attribute.name))
        states = [state for state, _ in steps]
        first = [] if states[0] in BEGINNINGS else [ExecutionState.NOT_STARTED]
        try:
            check_transitions([*first, *states, then])
        except ConfigurationError as exc:
            raise ConfigurationError(f"{attribute.name}: {exc}") from None
        return steps

    return cast(
        "StateSteps | None", field(default=None, converter=cast("Any", attrs.Converter(convert, takes_field=True)))
    )


def _items(value: object, name: str) -> Sequence[object]:
    if isinstance(value, list | tuple) and value:
        return value
    raise ConfigurationError(f"{name} must be a list of [state, seconds], not {value!r}")


def _step(item: object, name: str) -> tuple[ExecutionState, float]:
    match item:
        case [str(state), int() | float() as seconds] if ExecutionState(state).known and seconds >= 0:
            return ExecutionState(state), float(seconds)
    known = ", ".join(ExecutionState)
    raise ConfigurationError(f"{name} must hold [state, seconds] with a state of {known}, not {item!r}")


@define(kw_only=True)
class RunRule:
    """Scripts runs as a whole.

    Attributes:
        connection_id: Applies to runs of this connection only.
        display_name: Applies to runs of connections with such a name; `*` and `?` stand for anything.
        imodel_id: Applies to runs on this iModel only.
        nth: Applies to the nth run of each connection only, counted from 1.
        times: Applies to so many runs and then no more.
        states: `[state, seconds]` pairs before the work begins, in place of `queued` and `waiting`.
        queued: Seconds in Queued.
        waiting: Seconds in WaitingToExecute, while a machine starts.
        preprocessing: Seconds in the phase Preprocessor, before the jobs appear.
        references: Seconds in the phase ReferenceFile, after the last task.
        finalizing: Seconds in Finalizing.
        parallel: How many tasks of a job are worked on at the same time.
        jobs: Whether there are jobs at all.
        result: The run's result, whatever its jobs' results are.
        error: Key of the run's error; without `result`, the result is Error then.
        used: To how many runs it has been applied.
    """

    connection_id: str | None = text(None)
    display_name: str | None = text(None)
    imodel_id: str | None = text(None)
    nth: int | None = integer(None, minimum=1)
    times: int | None = integer(None, minimum=1)
    states: StateSteps | None = _state_steps(then=ExecutionState.EXECUTING)
    queued: Span | None = span(None)
    waiting: Span | None = span(None)
    preprocessing: Span | None = span(None)
    references: Span | None = span(None)
    finalizing: Span | None = span(None)
    parallel: int | None = integer(None, minimum=1)
    jobs: bool | None = flag(None)
    result: ExecutionResult | None = member(ExecutionResult, but=_UNDETERMINED)
    error: str | None = _catalogue_key()
    used: int = field(default=0, init=False)

    def applies(self, *, connection_id: str, display_name: str, imodel_id: str, nth: int) -> bool:
        """Tell whether a run is one that this rule scripts."""
        return (
            self.connection_id in {None, connection_id}
            and (self.display_name is None or fnmatchcase(display_name, self.display_name))
            and (self.imodel_id is None or self.imodel_id.lower() == imodel_id.lower())
            and self.nth in {None, nth}
            and (self.times is None or self.used < self.times)
        )


@define(kw_only=True)
class FileRule:
    """Scripts tasks, which are what happens to one source file in one run.

    Attributes:
        connection_id: Applies to files of this connection only.
        connector_type: Applies to files of this connector only.
        file_name: Applies to files with such a name; `*` and `?` stand for anything.
        storage_file_id: Applies to this file in Storage only.
        nth: Applies in the nth run of each connection only, counted from 1.
        times: Applies to so many tasks and then no more.
        states: All `[state, seconds]` pairs before Completed, in place of `queued`, `duration` and the retries.
        queued: Seconds in Queued.
        duration: Seconds in Executing, all tries together.
        retries: How often it is tried again.
        retry_delay: Seconds in WaitingToRetry, each time.
        result: The task's result.
        error: Key of the task's error; without `result`, the result is Error then.
        bridge_exit_code: The connector's exit code in the error.
        system: The part of the service that reports the error.
        phase: The step at which the error happens.
        total_errors_count: Errors in the report.
        total_warnings_count: Warnings in the report.
        total_other_issues_count: Other issues in the report.
        message: The report's message.
        used: To how many tasks it has been applied.
    """

    connection_id: str | None = text(None)
    connector_type: ConnectorType | None = member(ConnectorType)
    file_name: str | None = text(None)
    storage_file_id: str | None = text(None)
    nth: int | None = integer(None, minimum=1)
    times: int | None = integer(None, minimum=1)
    states: StateSteps | None = _state_steps(then=ExecutionState.COMPLETED)
    queued: Span | None = span(None)
    duration: Span | None = span(None)
    retries: int | None = integer(None)
    retry_delay: Span | None = span(None)
    result: ExecutionResult | None = member(ExecutionResult, but=_UNDETERMINED)
    error: str | None = _catalogue_key()
    bridge_exit_code: int | None = integer(None, minimum=None)
    system: TaskErrorSystem | None = member(TaskErrorSystem)
    phase: TaskErrorPhase | None = member(TaskErrorPhase)
    total_errors_count: int | None = integer(None)
    total_warnings_count: int | None = integer(None)
    total_other_issues_count: int | None = integer(None)
    message: str | None = text(None)
    used: int = field(default=0, init=False)

    def applies(
        self, *, connection_id: str, connector_type: ConnectorType, file_name: str, storage_file_id: str, nth: int
    ) -> bool:
        """Tell whether a task is one that this rule scripts."""
        return (
            self.connection_id in {None, connection_id}
            and self.connector_type in {None, connector_type}
            and (self.file_name is None or fnmatchcase(file_name, self.file_name))
            and self.storage_file_id in {None, storage_file_id}
            and self.nth in {None, nth}
            and (self.times is None or self.used < self.times)
        )


def merged_run_rule(rules: Iterable[RunRule]) -> RunRule:
    """Return one rule that says, of each thing, what the first rule says that says anything of it."""
    return RunRule(**_merged(rules, RunRule))


def merged_file_rule(rules: Iterable[FileRule]) -> FileRule:
    """Return one rule that says, of each thing, what the first rule says that says anything of it."""
    return FileRule(**_merged(rules, FileRule))


def _merged(rules: Iterable[RunRule] | Iterable[FileRule], kind: type[Any]) -> dict[str, Any]:
    names = [attribute.name for attribute in attrs.fields(kind) if attribute.init]
    merged: dict[str, Any] = {}
    for rule in rules:
        said = ((name, getattr(rule, name)) for name in names if name not in merged)
        merged |= {name: value for name, value in said if value is not None}
    return merged
