"""Plans runs: takes what the rules specify, and draws plausible values for the rest from the seed."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence

from attrs import frozen

from bentley_sync_async.emulator.fields import Seconds
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
from .timeline import Failure, JobPlan, RunPlan, StateTimeline, TaskPlan, derived_result

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
_MINUS_ONE = 4294967295  # the service shows exit codes as unsigned numbers
_ERROR_RESULTS = frozenset({ExecutionResult.ERROR, ExecutionResult.PARTIAL_SUCCESS})
_RUN_ERRORS = {ExecutionResult.ERROR: "AllJobsFailed", ExecutionResult.PARTIAL_SUCCESS: "SomeJobsFailed"}


@frozen(kw_only=True)
class PlannedFile:
    """A source file for which a task is planned.

    Attributes:
        storage_file_id: The file in Storage; in a run of a manifest connection, the file's id in the manifest.
        connector_type: The connector that reads the file.
        rule: One rule, merged from all rules that apply.
        rng: The source of the random values that the rule leaves open.
        file_name: The file's name.
        references: Id and name of each file that the manifest says it refers to.
    """

    storage_file_id: str
    connector_type: ConnectorType
    rule: FileRule
    rng: random.Random
    file_name: str = ""
    references: tuple[tuple[str, str], ...] = ()


@frozen(kw_only=True)
class Planner:
    """Plans runs.

    Attributes:
        new_id: Function that returns ids for jobs and tasks.
        error_rate: Probability that an unscripted task fails.
        retry_rate: Probability that an unscripted task is retried.
    """

    new_id: Callable[[], str]
    error_rate: float
    retry_rate: float

    def plan(self, rule: RunRule, files: Sequence[PlannedFile], rng: random.Random) -> RunPlan:
        """Return the plan of a run of these files."""
        waiting_states = rule.states or _present((S.QUEUED, rule.queued), (S.WAITING_TO_EXECUTE, rule.waiting), rng=rng)
        lead = StateTimeline.starting(0.0, waiting_states)
        jobs_at = lead.ended + _draw(rule.preprocessing, rng)
        references = _draw(rule.references, rng)
        jobs = self._jobs(files, jobs_at, references, rule.parallel or 1) if rule.jobs else ()
        finalizing = _draw(rule.finalizing, rng) if jobs else 0.0
        result, error = _outcome(rule, jobs)
        return RunPlan(
            timeline=_run_timeline(lead, max((job.timeline.ended for job in jobs), default=jobs_at), finalizing),
            phases=_phases(jobs, jobs_at),
            jobs_at=jobs_at,
            jobs=jobs,
            result=result,
            error=error,
        )

    def _jobs(
        self, files: Sequence[PlannedFile], begin: float, references: float, parallel: int
    ) -> tuple[JobPlan, ...]:
        by_connector: dict[ConnectorType, list[PlannedFile]] = {}
        for file in files:
            by_connector.setdefault(file.connector_type, []).append(file)
        return tuple(self._job(kind, some, begin, references, parallel) for kind, some in by_connector.items())

    def _job(
        self,
        connector_type: ConnectorType,
        files: Sequence[PlannedFile],
        begin: float,
        references: float,
        parallel: int,
    ) -> JobPlan:
        free_at = [begin] * parallel
        tasks = []
        for file in files:
            task = self._task(file, heapq.heappop(free_at))
            heapq.heappush(free_at, task.timeline.ended)
            tasks.append(task)
        starts = min(task.timeline.started for task in tasks)
        ends = max(task.timeline.ended for task in tasks) + references
        return JobPlan(
            id=self.new_id(),
            connector_type=connector_type,
            timeline=StateTimeline(
                ((0.0, S.NOT_STARTED), (begin, S.QUEUED), (starts, S.EXECUTING), (ends, S.COMPLETED))
            ),
            result=derived_result(task.result for task in tasks),
            tasks=tuple(tasks),
        )

    def _task(self, file: PlannedFile, begin: float) -> TaskPlan:
        rule, rng = file.rule, file.rng
        states = rule.states or self._attempts(rule, rng)
        error_key = rule.error
        if rule.result is None and error_key is None and rng.random() < self.error_rate:
            error_key = rng.choice(_PLAUSIBLE_ERRORS)
        result = rule.result or (ExecutionResult.ERROR if error_key else ExecutionResult.SUCCESS)
        if error_key is None and result in _ERROR_RESULTS:
            error_key = "BridgingFailed"
        return TaskPlan(
            id=self.new_id(),
            storage_file_id=file.storage_file_id,
            timeline=StateTimeline.starting(begin, states),
            result=result,
            error=_failure(error_key, rule) if error_key else None,
            report=_report(rule, result, rng),
            file_name=file.file_name,
            references=file.references,
        )

    def _attempts(self, rule: FileRule, rng: random.Random) -> list[tuple[S, float]]:
        retries = rule.retries
        if retries is None:
            retries = rng.choice((1, 1, 2)) if rng.random() < self.retry_rate else 0
        once = _draw(rule.duration, rng) / (retries + 1)
        states = [*_present((S.QUEUED, rule.queued), rng=rng), (S.EXECUTING, once)]
        for _ in range(retries):
            states += [(S.WAITING_TO_RETRY, _draw(rule.retry_delay, rng)), (S.EXECUTING, once)]
        return states


def _draw(seconds: Seconds | None, rng: random.Random) -> float:
    if not seconds:
        return 0.0
    return float(seconds) if isinstance(seconds, int | float) else rng.uniform(*seconds)


def _present(*states: tuple[S, Seconds | None], rng: random.Random) -> tuple[tuple[S, float], ...]:
    """Return the states with a duration above zero."""
    drawn = ((state, _draw(seconds, rng)) for state, seconds in states)
    return tuple((state, duration) for state, duration in drawn if duration > 0)


def _run_timeline(lead: StateTimeline, work_ends: float, finalizing: float) -> StateTimeline:
    # Times, not durations: sums of durations could end the run a rounding error before its last job.
    last = ((work_ends, S.FINALIZING),) if finalizing > 0 else ()
    return StateTimeline((*lead.steps[:-1], (lead.ended, S.EXECUTING), *last, (work_ends + finalizing, S.COMPLETED)))


def _phases(jobs: Sequence[JobPlan], jobs_at: float) -> tuple[tuple[float, JobPhase], ...]:
    if not jobs:
        return ((0.0, JobPhase.PREPROCESSOR),)
    last_task = max(task.timeline.ended for job in jobs for task in job.tasks)
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


def _report(rule: FileRule, result: ExecutionResult, rng: random.Random) -> SynchronizationReport | None:
    if result not in {ExecutionResult.SUCCESS, *_ERROR_RESULTS}:
        return None
    warned = rng.random() < 0.3  # noqa: PLR2004 - the share of files with warnings
    drawn = rng.randrange(1, 30) if warned else 0
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
