"""Every operation against the emulator, on real sockets in virtual time."""

import uuid

import anyio
import pytest
from support.quick import each
from support.transport import emulated

from bentley_sync_async.emulator import FaultAction, FaultRule
from bentley_sync_async.errors import (
    APIError,
    AuthenticationError,
    ConflictError,
    ConnectionLostError,
    DecodeError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    UnprocessableError,
)
from bentley_sync_async.models import (
    AuthenticationType,
    ConnectorType,
    ExecutionResult,
    ExecutionState,
    SourceFileCreate,
)
from bentley_sync_async.transport.retry import RetryPolicy

ONCE = RetryPolicy(attempts=1)
ABSENT = str(uuid.UUID(int=7))


def new_file(emulator, kind=ConnectorType.MSTN):
    return SourceFileCreate(emulator.new_storage_file_id(), kind)


def deleted(emulator):
    """Return the id of a connection that is no more."""
    connection = emulator.add_connection()
    del emulator._store.connections[connection]
    return connection


async def first_file(api, connection):
    return await anext(aiter(api.storage_connections.source_files.list(connection)))


# Storage connections.


async def test_a_connection_is_created():
    async with emulated() as (emulator, api):
        imodel = emulator.new_imodel_id()
        files = [new_file(emulator), new_file(emulator, ConnectorType.IFC)]
        made = await api.storage_connections.create(imodel, files, display_name="Bridge \u2603")
        read = await api.storage_connections.get(made.id)

    assert (made, made.imodel_id, made.display_name) == (read, imodel, "Bridge \u2603")


async def test_a_created_connection_has_its_files():
    async with emulated() as (emulator, api):
        files = [new_file(emulator), new_file(emulator, ConnectorType.IFC)]
        made = await api.storage_connections.create(emulator.new_imodel_id(), iter(files))
        listed = [file async for file in api.storage_connections.source_files.list(made.id, prefer="representation")]

    assert [(file.storage_file_id, file.connector_type) for file in listed] == [
        (file.storage_file_id, file.connector_type) for file in files
    ]


@each("kind", AuthenticationType)
async def test_a_connection_works_as_whom_its_creator_says(kind):
    async with emulated() as (emulator, api):
        made = await api.storage_connections.create(
            emulator.new_imodel_id(), [new_file(emulator)], authentication_type=kind
        )

    assert made.authentication_type is kind


async def test_a_file_that_is_mapped_already_is_a_conflict():
    async with emulated() as (emulator, api):
        imodel, files = emulator.new_imodel_id(), [new_file(emulator)]
        await api.storage_connections.create(imodel, files)
        with pytest.raises(ConflictError) as caught:
            await api.storage_connections.create(imodel, files)

    assert caught.value.code == "FileMappingToTheIModelAlreadyExists"


async def test_an_invalid_imodel_is_named_by_its_detail():
    async with emulated() as (emulator, api):
        with pytest.raises(UnprocessableError) as caught:
            await api.storage_connections.create("no-guid", [new_file(emulator)])

    error = caught.value
    assert (error.code, [detail.target for detail in error.details]) == (
        "InvalidStorageConnectionRequest",
        ["imodelId"],
    )


async def test_all_mistakes_are_reported_at_once():
    async with emulated() as (_, api):
        with pytest.raises(UnprocessableError) as caught:
            await api.storage_connections.create("no-guid", [SourceFileCreate("no-file", "NoConnector")])

    assert {detail.target for detail in caught.value.details} == {"imodelId", "storageFileId", "connectorType"}


@each(
    ("imodel", "files"),
    [("", [SourceFileCreate("f", "MSTN")]), ("i", []), ("i", [SourceFileCreate("", "MSTN")]), ("a b", [])],
)
async def test_a_connection_that_cannot_be_is_not_even_asked_for(imodel, files):
    async with emulated() as (emulator, api):
        with pytest.raises(InvalidArgumentError):
            await api.storage_connections.create(imodel, files)

        assert emulator.requests == []


async def test_a_creation_whose_answer_was_lost_is_not_repeated():
    async with emulated() as (emulator, api):
        emulator.add_fault(FaultRule(action=FaultAction.RESET_BEFORE_HEADERS, method="POST", performed=True))
        with pytest.raises(ConnectionLostError) as caught:
            await api.storage_connections.create(emulator.new_imodel_id(), [new_file(emulator)])

        assert (len(emulator.requests), caught.value.sent) == (1, True)


async def test_renaming_changes_the_name():
    async with emulated() as (emulator, api):
        connection = emulator.add_connection(display_name="old")
        await api.storage_connections.update(connection, display_name="new")

        assert (await api.storage_connections.get(connection)).display_name == "new"


@each("kind", AuthenticationType)
async def test_a_connection_that_is_renamed_works_as_whom_it_did(kind):
    async with emulated() as (emulator, api):
        connection = emulator.add_connection(authentication_type=kind)
        renamed = await api.storage_connections.update(connection, display_name="new")

    assert renamed.authentication_type is kind


async def test_a_connection_that_works_as_another_keeps_its_name():
    async with emulated() as (emulator, api):
        connection = emulator.add_connection(display_name="old", authentication_type=AuthenticationType.USER)
        changed = await api.storage_connections.update(connection, authentication_type=AuthenticationType.SERVICE)

    assert (changed.display_name, changed.authentication_type) == ("old", AuthenticationType.SERVICE)


async def test_an_update_of_one_value_reads_the_other_first():
    async with emulated() as (emulator, api):
        connection = emulator.add_connection()
        await api.storage_connections.update(connection, display_name="new")

        assert [request.method for request in emulator.requests] == ["GET", "PUT"]


async def test_an_update_of_both_values_reads_nothing():
    async with emulated() as (emulator, api):
        connection = emulator.add_connection()
        await api.storage_connections.update(
            connection, display_name="new", authentication_type=AuthenticationType.USER
        )

        assert [request.method for request in emulator.requests] == ["PUT"]


async def test_a_name_may_be_emptied():
    async with emulated() as (emulator, api):
        connection = emulator.add_connection(display_name="old")

        assert (await api.storage_connections.update(connection, display_name="")).display_name == ""


async def test_an_update_of_nothing_is_refused_here():
    async with emulated() as (emulator, api):
        with pytest.raises(InvalidArgumentError, match="Nothing to change"):
            await api.storage_connections.update(emulator.add_connection())

        assert emulator.requests == []


async def test_a_deleted_connection_is_not_found():
    async with emulated() as (emulator, api):
        connection = emulator.add_connection()
        await api.storage_connections.delete(connection)

        with pytest.raises(NotFoundError):
            await api.storage_connections.get(connection)


@each("action", [FaultAction.RESET_BEFORE_HEADERS, FaultAction.RESET_AFTER_HEADERS])
async def test_a_deletion_whose_answer_was_lost_has_succeeded(action):
    async with emulated() as (emulator, api):
        emulator.add_fault(FaultRule(action=action, method="DELETE", nth=1, performed=True))
        connection = emulator.add_connection()
        await api.storage_connections.delete(connection)

        with pytest.raises(NotFoundError):
            await api.storage_connections.get(connection)


@each("action", [FaultAction.RESET_BEFORE_HEADERS, FaultAction.RESET_AFTER_HEADERS])
async def test_a_removal_whose_answer_was_lost_has_succeeded(action):
    async with emulated() as (emulator, api):
        emulator.add_fault(FaultRule(action=action, method="DELETE", nth=1, performed=True))
        connection = emulator.add_connection()
        file = await first_file(api, connection)
        await api.storage_connections.source_files.remove(connection, file.id)

        assert [file async for file in api.storage_connections.source_files.list(connection)] == []


async def test_a_deletion_that_was_refused_by_the_rate_limit_first_is_an_error_if_nothing_is_found():
    async with emulated() as (emulator, api):
        emulator.add_fault(FaultRule(method="DELETE", nth=1, status=429, retry_after=1))

        with pytest.raises(NotFoundError):
            await api.storage_connections.delete(deleted(emulator))


async def test_a_running_connection_cannot_be_deleted():
    async with emulated() as (emulator, api):
        connection = emulator.add_connection()
        emulator.start_run(connection)
        with pytest.raises(ConflictError) as caught:
            await api.storage_connections.delete(connection)

    assert caught.value.code == "ConnectionAlreadyInUse"


# Source files.


async def test_a_file_is_added():
    async with emulated() as (emulator, api):
        connection, file = emulator.add_connection(), new_file(emulator, ConnectorType.IFC)
        added = await api.storage_connections.source_files.add(connection, file)
        read = await api.storage_connections.source_files.get(connection, added.id)

    assert (added, added.storage_file_id, added.connector_type) == (read, file.storage_file_id, ConnectorType.IFC)


async def test_a_file_is_added_once():
    async with emulated() as (emulator, api):
        connection, file = emulator.add_connection(), new_file(emulator)
        await api.storage_connections.source_files.add(connection, file)
        with pytest.raises(ConflictError) as caught:
            await api.storage_connections.source_files.add(connection, file)

    assert caught.value.code == "FileMappingToTheIModelAlreadyExists"


async def test_a_file_whose_id_cannot_be_is_not_even_sent():
    async with emulated() as (emulator, api):
        with pytest.raises(InvalidArgumentError, match="storage_file_id"):
            await api.storage_connections.source_files.add(emulator.add_connection(), SourceFileCreate("", "MSTN"))

        assert emulator.requests == []


async def test_a_file_that_gets_another_connector_stays_the_same_file():
    async with emulated() as (emulator, api):
        connection = emulator.add_connection()
        file = await first_file(api, connection)
        changed = await api.storage_connections.source_files.update(
            connection, file.id, connector_type=ConnectorType.CIVIL
        )

    assert (changed.id, changed.storage_file_id, changed.connector_type) == (
        file.id,
        file.storage_file_id,
        ConnectorType.CIVIL,
    )


async def test_a_file_that_is_replaced_keeps_its_connector():
    async with emulated() as (emulator, api):
        connection = emulator.add_connection(files=[("a.ifc", ConnectorType.IFC)])
        file, other = await first_file(api, connection), emulator.new_storage_file_id()
        changed = await api.storage_connections.source_files.update(connection, file.id, storage_file_id=other)

    assert (changed.storage_file_id, changed.connector_type) == (other, ConnectorType.IFC)


async def test_a_file_that_is_replaced_by_one_that_is_mapped_already_is_a_conflict():
    async with emulated() as (emulator, api):
        connection = emulator.add_connection(files=[("a.dgn", ConnectorType.MSTN), ("b.dgn", ConnectorType.MSTN)])
        one, other = [file async for file in api.storage_connections.source_files.list(connection)]
        with pytest.raises(ConflictError):
            await api.storage_connections.source_files.update(connection, one.id, storage_file_id=other.storage_file_id)


async def test_a_change_of_nothing_is_refused_here():
    async with emulated() as (emulator, api):
        with pytest.raises(InvalidArgumentError, match="Nothing to change"):
            await api.storage_connections.source_files.update(emulator.add_connection(), ABSENT)

        assert emulator.requests == []


@each("empty", [{"storage_file_id": ""}, {"storage_file_id": "a b"}])
async def test_a_replacement_that_cannot_be_is_refused_here(empty):
    async with emulated() as (emulator, api):
        connection = emulator.add_connection()
        with pytest.raises(InvalidArgumentError):
            await api.storage_connections.source_files.update(
                connection, ABSENT, connector_type=ConnectorType.IFC, **empty
            )

        assert emulator.requests == []


async def test_a_removed_file_is_not_found():
    async with emulated() as (emulator, api):
        connection = emulator.add_connection()
        file = await first_file(api, connection)
        await api.storage_connections.source_files.remove(connection, file.id)

        with pytest.raises(NotFoundError, match="StorageConnectionSourceFileNotFound"):
            await api.storage_connections.source_files.get(connection, file.id)


# Runs.


async def test_a_run_that_was_triggered_can_be_read():
    async with emulated() as (emulator, api):
        connection = emulator.add_connection()
        triggered = await api.storage_connections.runs.trigger(connection)
        run = await api.storage_connections.runs.get(connection, triggered.ref.run_id)

    assert (run.id, run.connection_id, run.completed) == (triggered.ref.run_id, connection, False)


async def test_a_run_that_has_ended_is_a_success():
    async with emulated(token_lifetime=1e9) as (emulator, api):
        connection = emulator.add_connection()
        triggered = await api.storage_connections.runs.trigger(connection)
        await anyio.sleep(24 * 3600)
        run = await api.storage_connections.runs.get(connection, triggered.ref.run_id)

    assert (run.state, run.result) == (ExecutionState.COMPLETED, ExecutionResult.SUCCESS)


async def test_a_reader_returns_the_snapshot_with_its_response():
    async with emulated() as (emulator, api):
        triggered = await api.storage_connections.runs.trigger(emulator.add_connection())
        run, response = await api.storage_connections.runs.reader(triggered.ref).read()

    assert (run.id, response.status, "date" in response.headers) == (triggered.ref.run_id, 200, True)


# Connections of all kinds and the consent of users.


async def test_the_connections_of_an_imodel_are_no_others():
    async with emulated() as (emulator, api):
        imodel = emulator.new_imodel_id()
        ours = [emulator.add_connection(imodel) for _ in range(2)]
        emulator.add_connection()
        listed = [connection.id async for connection in api.connections.list(imodel)]

    assert listed == ours


@each("consent", [True, False])
async def test_the_consent_of_the_user_is_returned(consent):
    async with emulated(consent=consent) as (_, api):
        assert (await api.authorization.get()).is_user_authorized is consent


async def test_the_consent_url_has_the_redirect_url():
    async with emulated() as (_, api):
        information = await api.authorization.get("http://localhost:3301/callback?a=b&c=d")

    assert information.links.authorization_url.href.endswith(
        "?redirect_url=http%3A%2F%2Flocalhost%3A3301%2Fcallback%3Fa%3Db%26c%3Dd"
    )


async def test_a_redirect_url_that_is_no_url_is_refused_by_the_service():
    async with emulated() as (_, api):
        with pytest.raises(UnprocessableError) as caught:
            await api.authorization.get("nonsense")

    error = caught.value
    assert (error.code, error.details[0].target) == ("InvalidAuthorizationInformationRequest", "redirectUrl")


# What every operation may meet.


def operations(emulator, api, connection, file_id=ABSENT, run_id=ABSENT):
    """Return every operation on a connection."""
    connections = api.storage_connections
    return {
        "get": lambda: connections.get(connection),
        "update": lambda: connections.update(connection, display_name="n", authentication_type=AuthenticationType.USER),
        "delete": lambda: connections.delete(connection),
        "list files": lambda: anext(aiter(connections.source_files.list(connection))),
        "add file": lambda: connections.source_files.add(connection, new_file(emulator)),
        "get file": lambda: connections.source_files.get(connection, file_id),
        "update file": lambda: connections.source_files.update(
            connection,
            file_id,
            storage_file_id=emulator.new_storage_file_id(),
            connector_type=ConnectorType.MSTN,
        ),
        "remove file": lambda: connections.source_files.remove(connection, file_id),
        "trigger": lambda: connections.runs.trigger(connection),
        "list runs": lambda: anext(aiter(connections.runs.list(connection))),
        "get run": lambda: connections.runs.get(connection, run_id),
    }


NAMES = list(operations(None, type("Api", (), {"storage_connections": None}), ""))


@each("name", NAMES)
async def test_a_connection_that_is_not_there_is_not_found(name):
    async with emulated() as (emulator, api):
        with pytest.raises(NotFoundError) as caught:
            await operations(emulator, api, deleted(emulator))[name]()

    assert caught.value.code == "StorageConnectionNotFound"


@each("name", NAMES)
async def test_an_invalid_connection_id_is_named_by_its_target(name):
    async with emulated() as (emulator, api):
        with pytest.raises(UnprocessableError) as caught:
            await operations(emulator, api, "nonsense")[name]()

    assert [detail.target for detail in caught.value.details] == ["connectionId"]


@each(
    ("name", "code"),
    [
        ("get file", "StorageConnectionSourceFileNotFound"),
        ("update file", "StorageConnectionSourceFileNotFound"),
        ("remove file", "StorageConnectionSourceFileNotFound"),
        ("get run", "ConnectionRunNotFound"),
    ],
)
async def test_a_part_of_a_connection_that_is_not_there_is_not_found(name, code):
    async with emulated() as (emulator, api):
        with pytest.raises(NotFoundError) as caught:
            await operations(emulator, api, emulator.add_connection())[name]()

    assert caught.value.code == code


@each(
    ("name", "target"),
    [
        ("get file", "sourceFileId"),
        ("update file", "sourceFileId"),
        ("remove file", "sourceFileId"),
        ("get run", "runId"),
    ],
)
async def test_an_invalid_id_of_a_part_is_named_by_its_target(name, target):
    async with emulated() as (emulator, api):
        with pytest.raises(UnprocessableError) as caught:
            await operations(emulator, api, emulator.add_connection(), "nonsense", "nonsense")[name]()

    assert [detail.target for detail in caught.value.details] == [target]


@each("name", ["trigger", "add file", "remove file"])
async def test_an_imodel_of_others_may_not_be_changed(name):
    async with emulated() as (emulator, api):
        imodel = emulator.new_imodel_id()
        emulator.forbidden_imodels.add(imodel)
        with pytest.raises(PermissionDeniedError) as caught:
            await operations(emulator, api, emulator.add_connection(imodel))[name]()

    assert caught.value.code == "InsufficientPermissions"


@each("name", NAMES)
@each("wrapped", [True, False])
async def test_a_token_that_is_good_no_more_is_refused_after_one_request(name, wrapped):
    async with emulated(wrapped_errors=wrapped) as (emulator, api):
        connection = emulator.add_connection()
        emulator.revoke_tokens()
        with pytest.raises(AuthenticationError) as caught:
            await operations(emulator, api, connection)[name]()

        assert (len(emulator.requests), caught.value.code) == (1, "HeaderNotFound" if wrapped else None)


@each("name", NAMES)
@each("code", ["RateLimitExceeded", "TooManyRequests"])
@each("wrapped", [True, False])
async def test_an_exhausted_quota_is_recognised_in_either_spelling(name, code, wrapped):
    async with emulated(per_minute=1, rate_limit_code=code, wrapped_errors=wrapped, retry=ONCE) as (emulator, api):
        connection = emulator.add_connection()
        await api.storage_connections.get(connection)
        with pytest.raises(RateLimitedError) as caught:
            await operations(emulator, api, connection)[name]()

    assert (caught.value.code, caught.value.retry_after) == (code, 60.0)


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_a_quota_that_is_used_up_is_waited_for(form):
    async with emulated(per_minute=1, retry_after=form) as (emulator, api):
        connection = emulator.add_connection()
        for _ in range(3):
            await api.storage_connections.get(connection)

        assert [request.time for request in emulator.requests if request.status == 200] == pytest.approx(
            [0.0, 60.0, 120.0], abs=1.5
        )


@each("action", [FaultAction.HTML_BODY, FaultAction.EMPTY_BODY])
async def test_a_page_in_place_of_a_connection_is_a_decode_error(action):
    async with emulated() as (emulator, api):
        emulator.add_fault(FaultRule(action=action))
        with pytest.raises(DecodeError, match="GET http"):
            await api.storage_connections.get(emulator.add_connection())


async def test_a_wrong_content_type_does_not_matter():
    async with emulated() as (emulator, api):
        emulator.add_fault(FaultRule(action=FaultAction.WRONG_CONTENT_TYPE))
        connection = emulator.add_connection()

        assert (await api.storage_connections.get(connection)).id == connection


@each("action", [FaultAction.RESET_BEFORE_HEADERS, FaultAction.RESET_AFTER_HEADERS, FaultAction.TRUNCATED_BODY])
async def test_a_read_survives_four_broken_answers(action):
    async with emulated() as (emulator, api):
        emulator.add_fault(FaultRule(action=action, last=4))
        connection = emulator.add_connection()

        assert (await api.storage_connections.get(connection)).id == connection
        assert len(emulator.requests) == 5


async def test_a_read_gives_up_after_five_broken_answers():
    async with emulated() as (emulator, api):
        emulator.add_fault(FaultRule(action=FaultAction.TRUNCATED_BODY))
        with pytest.raises(ConnectionLostError):
            await api.storage_connections.get(emulator.add_connection())

        assert len(emulator.requests) == 5


async def test_an_error_says_what_happened_to_which_id_and_what_to_do():
    async with emulated() as (emulator, api):
        connection = deleted(emulator)
        with pytest.raises(APIError) as caught:
            await api.storage_connections.get(connection)

    text = str(caught.value)
    assert [part in text for part in (connection, "404", "StorageConnectionNotFound", "Check the id")] == [True] * 4


@each("files", [["a file's id"], [None], [("f", ConnectorType.MSTN)]])
async def test_what_is_no_source_file_is_refused_here(files):
    async with emulated() as (emulator, api):
        with pytest.raises(InvalidArgumentError, match="SourceFileCreate"):
            await api.storage_connections.create(emulator.new_imodel_id(), files)

        assert emulator.requests == []
