"""Rules that script runs and tasks: which runs or tasks they apply to, and what happens in those.

The attributes are also the keys of a scenario file's tables. What a rule leaves out is decided by the next rule that
applies, and finally by the seed.
"""

# ruff: noqa: RUF009 - the calls make attributes, as attrs.field does
from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeVar, cast

import attrs
from attrs import define, field

from bentley_sync_async.emulator.fields import Seconds, checked, flag, integer, member, seconds, text
from bentley_sync_async.errors import ConfigurationError
from bentley_sync_async.models import (
    ConnectorType,
    ExecutionResult,
    ExecutionState,
    TaskErrorPhase,
    TaskErrorSystem,
)

from .catalogue import CATALOGUE
from .timeline import INITIAL_STATES, StateSteps, check_transitions

R = TypeVar("R", "RunRule", "FileRule")

_UNDETERMINED = ("Undetermined",)


def _catalogue_key() -> str | None:
    def listed(value: object) -> bool:
        return isinstance(value, str) and value in CATALOGUE

    return checked(cast("str | None", None), listed, "a key of the error catalogue, such as SourceFileCorrupted")


def _state_steps(*, then: ExecutionState) -> StateSteps | None:
    """Return an attribute that is a list of [state, seconds] pairs which the state `then` can follow."""

    def convert(value: object, attribute: attrs.Attribute[Any]) -> StateSteps | None:
        if value is None:
            return None
        steps = tuple(_step(item, attribute.name) for item in _items(value, attribute.name))
        states = [state for state, _ in steps]
        first = [] if states[0] in INITIAL_STATES else [ExecutionState.NOT_STARTED]
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
        case [str(state), int() | float() as duration] if ExecutionState(state).known and duration >= 0:
            return ExecutionState(state), float(duration)
    known = ", ".join(ExecutionState)
    raise ConfigurationError(f"{name} must hold [state, seconds] with a state of {known}, not {item!r}")


@define(kw_only=True)
class RunRule:
    """Scripts runs as a whole.

    Attributes:
        connection_id: Applies only to runs of this connection.
        display_name: Applies only to runs of connections with this name, in which `*` and `?` are wildcards.
        imodel_id: Applies only to runs on this iModel.
        nth: Applies only to the nth run of each connection, counted from 1.
        times: Applies to at most so many runs.
        states: `[state, seconds]` pairs before the work begins, in place of `queued` and `waiting`.
        queued: Seconds in Queued.
        waiting: Seconds in WaitingToExecute, while a machine starts.
        preprocessing: Seconds in the phase Preprocessor, before the jobs appear.
        references: Seconds in the phase ReferenceFile, after the last task.
        finalizing: Seconds in Finalizing.
        parallel: Number of tasks of a job that execute at the same time.
        jobs: Whether the run has jobs.
        result: The run's result, regardless of its jobs' results.
        error: Key of the run's error; without `result`, the result is Error.
        used: Number of runs that the rule was applied to.
    """

    connection_id: str | None = text(None)
    display_name: str | None = text(None)
    imodel_id: str | None = text(None)
    nth: int | None = integer(None, minimum=1)
    times: int | None = integer(None, minimum=1)
    states: StateSteps | None = _state_steps(then=ExecutionState.EXECUTING)
    queued: Seconds | None = seconds(None)
    waiting: Seconds | None = seconds(None)
    preprocessing: Seconds | None = seconds(None)
    references: Seconds | None = seconds(None)
    finalizing: Seconds | None = seconds(None)
    parallel: int | None = integer(None, minimum=1)
    jobs: bool | None = flag(None)
    result: ExecutionResult | None = member(ExecutionResult, exclude=_UNDETERMINED)
    error: str | None = _catalogue_key()
    used: int = field(default=0, init=False)

    def applies(self, *, connection_id: str, display_name: str, imodel_id: str, nth: int) -> bool:
        """Return whether the rule applies to a run."""
        return (
            self.connection_id in {None, connection_id}
            and (self.display_name is None or fnmatchcase(display_name, self.display_name))
            and (self.imodel_id is None or self.imodel_id.lower() == imodel_id.lower())
            and self.nth in {None, nth}
            and (self.times is None or self.used < self.times)
        )


@define(kw_only=True)
class FileRule:
    """Scripts tasks, each of which synchronizes one source file in one run.

    Attributes:
        connection_id: Applies only to files of this connection.
        connector_type: Applies only to files of this connector.
        file_name: Applies only to files with this name, in which `*` and `?` are wildcards.
        storage_file_id: Applies only to this file in Storage, or to the file with this id in manifests.
        nth: Applies only in the nth run of each connection, counted from 1.
        times: Applies to at most so many tasks.
        states: All `[state, seconds]` pairs before Completed, in place of `queued`, `duration` and the retries.
        queued: Seconds in Queued.
        duration: Seconds in Executing, the sum of all attempts.
        retries: Number of retries.
        retry_delay: Seconds in WaitingToRetry before each retry.
        result: The task's result.
        error: Key of the task's error; without `result`, the result is Error.
        bridge_exit_code: The connector's exit code in the error.
        system: The part of the service that reports the error.
        phase: The step at which the error occurs.
        total_errors_count: Errors in the report.
        total_warnings_count: Warnings in the report.
        total_other_issues_count: Other issues in the report.
        message: The report's message.
        used: Number of tasks that the rule was applied to.
    """

    connection_id: str | None = text(None)
    connector_type: ConnectorType | None = member(ConnectorType)
    file_name: str | None = text(None)
    storage_file_id: str | None = text(None)
    nth: int | None = integer(None, minimum=1)
    times: int | None = integer(None, minimum=1)
    states: StateSteps | None = _state_steps(then=ExecutionState.COMPLETED)
    queued: Seconds | None = seconds(None)
    duration: Seconds | None = seconds(None)
    retries: int | None = integer(None)
    retry_delay: Seconds | None = seconds(None)
    result: ExecutionResult | None = member(ExecutionResult, exclude=_UNDETERMINED)
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
        """Return whether the rule applies to a task."""
        return (
            self.connection_id in {None, connection_id}
            and self.connector_type in {None, connector_type}
            and (self.file_name is None or fnmatchcase(file_name, self.file_name))
            and self.storage_file_id in {None, storage_file_id}
            and self.nth in {None, nth}
            and (self.times is None or self.used < self.times)
        )


def merged(kind: type[R], rules: Iterable[R]) -> R:
    """Return a rule that takes each attribute from the first of the rules that sets it."""
    names = [attribute.name for attribute in attrs.fields(kind) if attribute.init]
    values: dict[str, Any] = {}
    for rule in rules:
        own = ((name, getattr(rule, name)) for name in names if name not in values)
        values |= {name: value for name, value in own if value is not None}
    return kind(**values)


def use(rules: Iterable[R], **subject: Any) -> list[R]:
    """Return the rules that apply to the subject, and count this use of them."""
    applicable = [rule for rule in rules if rule.applies(**subject)]
    for rule in applicable:
        rule.used += 1
    return applicable
