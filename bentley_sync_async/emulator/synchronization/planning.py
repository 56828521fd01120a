"""Draws the plan of a run: what the rules say, and for the rest what is plausible, by the seed."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence

from attrs import frozen

from bentley_sync_async.emulator.fields import Span
from bentley_sync_async.models import (
    ConnectorType,
    ExecutionResult,
    JobPhase,
    SuggestedAction,
    SynchronizationReport,
    TaskErrorPhase,
    TaskErrorSystem,
)
from bentley_sync_async.models import ExecutionState as S

from .rules import FileRule, RunRule
from .timeline import Failure, JobPlan, RunPlan, TaskPlan, Track, derived_result

DEFAULT_RUN = RunRule(
    queued=(2, 20),
    waiting=(30, 240),
    preprocessing=(5, 30),
    references=(2, 30),
    finalizing=(2, 10),
    parallel=4,
    jobs=True,
)
DEFAULT_FILE = FileRule(queued=(1, 5), duration=(15, 180), retry_delay=(5, 30))

_PLAUSIBLE_ERRORS = ("SourceFileCorrupted", "protectedFile", "UnsupportedFile", "DuplicateDataFound", "OutOfMemory")
_MINUS_ONE = 4294967295  # as the service writes it
_ERROR_RESULTS = frozenset({ExecutionResult.ERROR, ExecutionResult.PARTIAL_SUCCESS})
_RUN_ERRORS = {ExecutionResult.ERROR: "AllJobsFailed", ExecutionResult.PARTIAL_SUCCESS: "SomeJobsFailed"}


@frozen(kw_only=True)
class Work:
    """One source file of a run, with all that is decided about it.

    Attributes:
        storage_file_id: The file in Storage.
        connector_type: Its connector.
        rule: What all rules together say.
        chance: What decides the rest.
    """

    storage_file_id: str
    connector_type: ConnectorType
    rule: FileRule
    chance: random.Random


@frozen(kw_only=True)
class Planner:
    """Makes plans.

    Attributes:
        new_id: Returns ids for jobs and tasks.
        error_rate: Probability that an unscripted task fails.
        retry_rate: Probability that an unscripted task is tried again.
    """

    new_id: Callable[[], str]
    error_rate: float
    retry_rate: float

    def plan(self, rule: RunRule, works: Sequence[Work], chance: random.Random) -> RunPlan:
        """Return what will happen in a run of these files."""
        lead_in = rule.states or _present((S.QUEUED, rule.queued), (S.WAITING_TO_EXECUTE, rule.waiting), chance=chance)
        lead = Track.starting(0.0, lead_in)
        jobs_at = lead.ended + _draw(rule.preprocessing, chance)
        references = _draw(rule.references, chance)
        jobs = self._jobs(works, jobs_at, references, rule.parallel or 1) if rule.jobs else ()
        finalizing = _draw(rule.finalizing, chance) if jobs else 0.0
        result, error = _outcome(rule, jobs)
        return RunPlan(
            track=_run_track(lead, max((job.track.ended for job in jobs), default=jobs_at), finalizing),
            phases=_phases(jobs, jobs_at),
            jobs_at=jobs_at,
            jobs=jobs,
            result=result,
            error=error,
        )

    def _jobs(self, works: Sequence[Work], begin: float, references: float, parallel: int) -> tuple[JobPlan, ...]:
        by_connector: dict[ConnectorType, list[Work]] = {}
        for work in works:
            by_connector.setdefault(work.connector_type, []).append(work)
        return tuple(self._job(kind, some, begin, references, parallel) for kind, some in by_connector.items())

    def _job(
        self, connector_type: ConnectorType, works: Sequence[Work], begin: float, references: float, parallel: int
    ) -> JobPlan:
        free_at = [begin] * parallel
        tasks = []
        for work in works:
            task = self._task(work, heapq.heappop(free_at))
            heapq.heappush(free_at, task.track.ended)
            tasks.append(task)
        starts = min(task.track.started for task in tasks)
        ends = max(task.track.ended for task in tasks) + references
        return JobPlan(
            id=self.new_id(),
            connector_type=connector_type,
            track=Track(((0.0, S.NOT_STARTED), (begin, S.QUEUED), (starts, S.EXECUTING), (ends, S.COMPLETED))),
            result=derived_result(task.result for task in tasks),
            tasks=tuple(tasks),
        )

    def _task(self, work: Work, begin: float) -> TaskPlan:
        rule, chance = work.rule, work.chance
        states = rule.states or self._tries(rule, chance)
        error_key = rule.error
        if rule.result is None and error_key is None and chance.random() < self.error_rate:
            error_key = chance.choice(_PLAUSIBLE_ERRORS)
        result = rule.result or (ExecutionResult.ERROR if error_key else ExecutionResult.SUCCESS)
        if error_key is None and result in _ERROR_RESULTS:
            error_key = "BridgingFailed"
        return TaskPlan(
            id=self.new_id(),
            storage_file_id=work.storage_file_id,
            track=Track.starting(begin, states),
            result=result,
            error=_failure(error_key, rule) if error_key else None,
            report=_report(rule, result, chance),
        )

    def _tries(self, rule: FileRule, chance: random.Random) -> list[tuple[S, float]]:
        retries = rule.retries
        if retries is None:
            retries = chance.choice((1, 1, 2)) if chance.random() < self.retry_rate else 0
        once = _draw(rule.duration, chance) / (retries + 1)
        states = [*_present((S.QUEUED, rule.queued), chance=chance), (S.EXECUTING, once)]
        for _ in range(retries):
            states += [(S.WAITING_TO_RETRY, _draw(rule.retry_delay, chance)), (S.EXECUTING, once)]
        return states


def _draw(span: Span | None, chance: random.Random) -> float:
    if not span:
        return 0.0
    return float(span) if isinstance(span, int | float) else chance.uniform(*span)


def _present(*states: tuple[S, Span | None], chance: random.Random) -> tuple[tuple[S, float], ...]:
    """Return the states that last at all."""
    drawn = ((state, _draw(span, chance)) for state, span in states)
    return tuple((state, lasts) for state, lasts in drawn if lasts > 0)


def _run_track(lead: Track, work_ends: float, finalizing: float) -> Track:
    # Instants, not durations: added up again, they could put the end of a run a tick before that of its last job.
    last = ((work_ends, S.FINALIZING),) if finalizing > 0 else ()
    return Track((*lead.steps[:-1], (lead.ended, S.EXECUTING), *last, (work_ends + finalizing, S.COMPLETED)))


def _phases(jobs: Sequence[JobPlan], jobs_at: float) -> tuple[tuple[float, JobPhase], ...]:
    if not jobs:
        return ((0.0, JobPhase.PREPROCESSOR),)
    last_task = max(task.track.ended for job in jobs for task in job.tasks)
    return ((0.0, JobPhase.PREPROCESSOR), (jobs_at, JobPhase.MASTER_FILE), (last_task, JobPhase.REFERENCE_FILE))


def _outcome(rule: RunRule, jobs: Sequence[JobPlan]) -> tuple[ExecutionResult, str | None]:
    scripted = rule.result or (ExecutionResult.ERROR if rule.error else None)
    result = scripted or derived_result(job.result for job in jobs)
    return result, rule.error or _RUN_ERRORS.get(result)


def _failure(key: str, rule: FileRule) -> Failure:
    return Failure(
        key=key,
        bridge_exit_code=_MINUS_ONE if rule.bridge_exit_code is None else rule.bridge_exit_code,
        system=rule.system or TaskErrorSystem.CONNECTOR,
        phase=rule.phase or TaskErrorPhase.FILE_FORMAT,
    )


def _report(rule: FileRule, result: ExecutionResult, chance: random.Random) -> SynchronizationReport | None:
    if result not in {ExecutionResult.SUCCESS, *_ERROR_RESULTS}:
        return None
    warned = chance.random() < 0.3  # noqa: PLR2004 - warnings are common
    drawn = chance.randrange(1, 30) if warned else 0
    failed = int(result in _ERROR_RESULTS)
    errors = failed if rule.total_errors_count is None else rule.total_errors_count
    warnings = drawn if rule.total_warnings_count is None else rule.total_warnings_count
    others = drawn // 5 if rule.total_other_issues_count is None else rule.total_other_issues_count
    worst = SuggestedAction.ERROR if errors else SuggestedAction.WARNING if warnings else SuggestedAction.INFO
    return SynchronizationReport(
        suggested_action=worst,
        message=rule.message or "",
        total_errors_count=errors,
        total_warnings_count=warnings,
        total_other_issues_count=others,
    )
