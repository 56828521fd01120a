from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.quick import each
from support.runs import runs

from bentley_sync_async import (
    ConflictError,
    ConnectionLostError,
    DecodeError,
    ExecutionResult,
    ExecutionState,
    IModelBusyError,
    InvalidArgumentError,
    LocationError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    RunRef,
    RunVanishedError,
    ServerError,
    StorageJob,
    StorageRun,
    StorageTask,
    TaskError,
    TokenUnavailableError,
    UnprocessableError,
    WatchFailedError,
    WatchTimeoutError,
)
from bentley_sync_async.bulk import FailedFile, Outcome, OutcomeStatus
from bentley_sync_async.bulk.outcomes import failed_files, is_retryable, status_of_error, status_of_run
from bentley_sync_async.emulator.synchronization.catalogue import CATALOGUE
from bentley_sync_async.models import RunErrorDetails, TaskErrorCategory
from bentley_sync_async.wire.codec import decode, encode

Result = ExecutionResult
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
SIGNED = "https://storage.example/report?se=2026&sig=c2lnbmF0dXJl%3D"


def a_task(result: Result = Result.ERROR, error: TaskError | None = None, **others) -> StorageTask:
    return StorageTask(
        id="task", state=ExecutionState.COMPLETED, result=result, error=error, storage_file_id="file", **others
    )


def a_run(*tasks: StorageTask, result: Result = Result.ERROR, key: str | None = None) -> StorageRun:
    return StorageRun(
        id="run",
        state=ExecutionState.COMPLETED,
        result=result,
        error=RunErrorDetails(error_key=key) if key is not None else None,
        jobs=(StorageJob(id="job", tasks=tasks),),
    )


def error_of(key: str) -> TaskError:
    """A task's error as the catalogue has it."""
    entry = CATALOGUE[key]
    return TaskError(
        description_key=key, category=TaskErrorCategory(entry.category), can_user_fix=entry.can_user_fix, description=""
    )


# What a run and an error amount to.


@each(
    ("result", "status"),
    [
        (Result.SUCCESS, OutcomeStatus.SUCCEEDED),
        (Result.PARTIAL_SUCCESS, OutcomeStatus.PARTIAL_SUCCESS),
        (Result.SKIPPED, OutcomeStatus.SKIPPED),
        (Result.ERROR, OutcomeStatus.FAILED),
        (Result.CANCELED, OutcomeStatus.FAILED),
        (Result.TIMED_OUT, OutcomeStatus.FAILED),
        (Result.UNDETERMINED, OutcomeStatus.FAILED),
        (Result("Miraculous"), OutcomeStatus.FAILED),
    ],
)
def test_a_completed_run_amounts_to_its_result_and_an_unknown_one_to_a_failure(result, status):
    assert status_of_run(a_run(result=result)) == status


REQUEST = {"method": "POST", "url": "https://api.example/run"}
REF = RunRef(connection_id="connection", run_id="run")


@each(
    ("error", "status"),
    [
        (WatchTimeoutError("", ref=REF), OutcomeStatus.TIMED_OUT),
        (PermissionDeniedError(status=403, **REQUEST), OutcomeStatus.REFUSED),
        (NotFoundError(status=404, **REQUEST), OutcomeStatus.REFUSED),
        (UnprocessableError(status=422, **REQUEST), OutcomeStatus.REFUSED),
        (ConflictError(status=409, **REQUEST), OutcomeStatus.DETACHED),
        (InvalidArgumentError(""), OutcomeStatus.REFUSED),
        (RateLimitedError(status=429, **REQUEST), OutcomeStatus.DETACHED),
        (ServerError(status=503, **REQUEST), OutcomeStatus.DETACHED),
        (ConnectionLostError("", sent=True, **REQUEST), OutcomeStatus.DETACHED),
        (DecodeError(""), OutcomeStatus.DETACHED),
        (LocationError(""), OutcomeStatus.DETACHED),
        (TokenUnavailableError(""), OutcomeStatus.DETACHED),
        (WatchFailedError("", ref=REF), OutcomeStatus.DETACHED),
        (RunVanishedError("", ref=REF), OutcomeStatus.DETACHED),
        (IModelBusyError("", ref=REF), OutcomeStatus.DETACHED),
    ],
)
def test_an_error_is_a_refusal_only_if_the_service_will_not_have_it(error, status):
    assert status_of_error(error) == status


# Whether another run may help.


def test_no_error_that_a_user_must_fix_is_retried_except_another_user_pushing():
    fixable = [key for key, entry in CATALOGUE.items() if entry.can_user_fix]
    assert [key for key in fixable if is_retryable(a_run(a_task(error=error_of(key))))] == ["AnotherUserPushing"]


@each("key", [key for key, entry in CATALOGUE.items() if entry.category == "network"])
@each("of_run", [True, False])
def test_every_network_error_of_the_catalogue_may_pass(key, of_run):
    assert is_retryable(a_run(key=key) if of_run else a_run(a_task(error=error_of(key))))


# facts.md, 7.2, and the texts of 7.3; the rest of the catalogue stays as it is.
PASSING = {
    "AffinityReportDownloadFailed",
    "AllFilesHaveFailed",
    "AnotherUserPushing",
    "BriefcaseCloseAndReopenFailed",
    "CloudJobNotFound",
    "CloudTaskNotFound",
    "ConnectionTimeout",
    "ExternalCommunicationError",
    "FailedToRetryTask",
    "LockError",
    "NetworkIssue",
    "NodeBecameUnusable",
    "RunSchedulingConflict",
    "SourceFileDownloadFailed",
    "TaskWasCancelled",
    "launchdarkly_init_failed",
}


@each("of_run", [True, False])
def test_of_the_whole_catalogue_these_keys_may_pass(of_run):
    runs_by_key = {key: a_run(key=key) if of_run else a_run(a_task(error=error_of(key))) for key in CATALOGUE}
    assert {key for key, run in runs_by_key.items() if is_retryable(run)} == PASSING


def test_an_unknown_network_error_may_pass():
    error = TaskError(description_key="CableBitten", category=TaskErrorCategory.NETWORK, can_user_fix=False)
    assert is_retryable(a_run(a_task(error=error)))


def test_a_network_error_that_a_user_must_fix_stays():
    error = TaskError(description_key="ProxyMissing", category=TaskErrorCategory.NETWORK, can_user_fix=True)
    assert not is_retryable(a_run(a_task(error=error)))


@each("fixable", [True, False, None])
def test_an_unknown_key_of_another_category_stays(fixable):
    error = TaskError(description_key="Gremlins", category=TaskErrorCategory("magic"), can_user_fix=fixable)
    assert not is_retryable(a_run(a_task(error=error)))


def test_an_unknown_result_without_a_cause_stays():
    assert not is_retryable(a_run(a_task(Result("Miraculous")), result=Result("Miraculous")))


@each("result", [Result.CANCELED, Result.TIMED_OUT])
def test_a_run_that_was_cut_short_without_a_cause_may_pass(result):
    assert is_retryable(a_run(result=result))


@each("result", [Result.CANCELED, Result.TIMED_OUT])
def test_a_file_that_was_cut_short_without_a_cause_may_pass(result):
    assert is_retryable(a_run(a_task(result), result=Result.PARTIAL_SUCCESS, key="SomeJobsFailed"))


def test_a_canceled_run_is_not_retried_if_a_user_must_fix_a_file():
    run = a_run(a_task(error=error_of("SourceFileNotFound")), result=Result.TIMED_OUT)
    assert not is_retryable(run)


def test_a_run_that_was_canceled_for_a_cause_of_its_own_stays():
    assert not is_retryable(a_run(result=Result.CANCELED, key="UserNotAuthenticated"))


def test_a_run_whose_files_must_all_be_corrected_was_not_just_too_long_in_a_queue():
    assert not is_retryable(a_run(a_task(error=error_of("SourceFileCorrupted")), key="AllFilesHaveFailed"))


def test_one_file_that_may_pass_is_worth_a_run_beside_others_that_do_not():
    tasks = [a_task(error=error_of("SourceFileNotFound")), a_task(error=error_of("NodeBecameUnusable"))]
    assert is_retryable(a_run(*tasks, result=Result.PARTIAL_SUCCESS))


@each("result", [Result.SUCCESS, Result.SKIPPED])
def test_a_run_that_went_well_is_not_run_again_whatever_errors_stand_beside_it(result):
    # The pages show an error beside the result Success.
    run = a_run(a_task(result, error=error_of("NetworkIssue")), result=result, key="NetworkIssue")
    assert not is_retryable(run)


def test_an_error_beside_a_file_that_went_well_is_no_cause():
    run = a_run(a_task(Result.SUCCESS, error=error_of("NetworkIssue")), result=Result.ERROR)
    assert not is_retryable(run)


@given(runs)
def test_whatever_the_service_says_there_is_an_answer(run):
    assert is_retryable(run) in {True, False}
    assert len(failed_files(run)) == len(run.failed_tasks)


# What is kept of a failure.


def test_a_failed_file_has_the_key_the_words_and_the_article_of_its_error():
    error = TaskError(
        description_key="SourceFileNotFound",
        description="No such file.",
        kb_article_link="https://kb",
        can_user_fix=True,
    )
    assert failed_files(a_run(a_task(error=error))) == (
        FailedFile(
            storage_file_id="file",
            task_id="task",
            result=Result.ERROR,
            error_key="SourceFileNotFound",
            description="No such file.",
            can_user_fix=True,
            kb_article_link="https://kb",
        ),
    )


def test_an_error_without_key_and_description_has_its_code_and_message():
    (file,) = failed_files(a_run(a_task(error=TaskError(error_code="TAE_BRG_1000", message="Failed."))))
    assert (file.error_key, file.description) == ("TAE_BRG_1000", "Failed.")


def test_the_empty_article_link_of_the_service_is_none():
    (file,) = failed_files(a_run(a_task(error=TaskError(kb_article_link=""))))
    assert file.kb_article_link is None


def test_files_that_went_well_or_had_nothing_to_do_are_not_listed():
    assert failed_files(a_run(a_task(Result.SUCCESS), a_task(Result.SKIPPED), result=Result.ERROR)) == ()


@each("name", ["error_key", "reason"])
def test_an_outcome_holds_no_signature_of_a_url(name):
    outcome = Outcome(connection_id="c", status=OutcomeStatus.FAILED, **{name: f"could not read {SIGNED}"})
    assert "c2lnbmF0dXJl" not in repr(outcome)


@each("name", ["error_key", "description", "kb_article_link"])
def test_a_failed_file_holds_no_signature_of_a_url(name):
    assert "c2lnbmF0dXJl" not in repr(FailedFile(**{name: SIGNED}))


def test_a_text_of_a_megabyte_is_cut():
    reason = Outcome(connection_id="c", status=OutcomeStatus.FAILED, reason="x" * 1_000_000).reason
    assert reason == "x" * 2000 + "…"


def test_ten_thousand_outcomes_keep_no_copies_of_their_ids():
    connection_id = "".join(["a", "b"])
    assert Outcome(connection_id=connection_id, status=OutcomeStatus.REFUSED).connection_id is connection_id


def test_an_id_that_no_file_can_hold_is_written_out():
    assert Outcome(connection_id="a\udcff", status=OutcomeStatus.REFUSED).connection_id == "a\\udcff"


@each(
    ("began_at", "ended_at", "duration"),
    [
        (AT, AT + timedelta(seconds=90), 90.0),
        (AT, AT - timedelta(seconds=1), 0.0),
        (None, AT, None),
        (AT, None, None),
    ],
)
def test_the_duration_is_between_the_services_dates(began_at, ended_at, duration):
    outcome = Outcome(connection_id="c", status=OutcomeStatus.SUCCEEDED, began_at=began_at, ended_at=ended_at)
    assert outcome.duration == duration


@each("status", OutcomeStatus)
def test_only_success_and_nothing_to_do_are_good(status):
    good = {OutcomeStatus.SUCCEEDED, OutcomeStatus.SKIPPED}
    assert Outcome(connection_id="c", status=status).good == (status in good)


texts = st.none() | st.text(alphabet=st.characters(exclude_categories=())) | st.just("sig=" + "x" * 3000)
instants = st.none() | st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
files = st.builds(
    FailedFile,
    storage_file_id=texts,
    result=st.sampled_from([*Result, Result("Miraculous")]),
    error_key=texts,
    description=texts,
    can_user_fix=st.none() | st.booleans(),
    kb_article_link=texts,
)
outcomes = st.builds(
    Outcome,
    connection_id=texts.filter(lambda text: text is not None),  # what has none is not noted
    status=st.sampled_from(OutcomeStatus),
    imodel_id=texts,
    ref=st.none() | st.just(REF),
    result=st.none() | st.sampled_from([*Result, Result("Miraculous")]),
    error_key=texts,
    reason=texts,
    failed_files=st.lists(files, max_size=2).map(tuple),
    joined=st.booleans(),
    attempts=st.integers(0, 9),
    began_at=instants,
    ended_at=instants,
    waited=st.none() | st.floats(0, 1e6),
    requests=st.integers(0, 10**6),
)


@given(outcomes)
def test_a_journal_gives_an_outcome_back_as_it_was(outcome):
    assert decode(encode(outcome), Outcome) == outcome


@each("status", OutcomeStatus)
def test_the_status_that_a_journal_gives_back_is_the_member_itself(status):
    assert decode(encode(Outcome(connection_id="c", status=status)), Outcome).status is status
