"""Every operation: what it sends, and what becomes of each refusal and each odd body."""

import pytest
from attrs import frozen
from support.quick import each
from support.transport import answer, lost, refusal, scripted

from bentley_sync_async.errors import (
    AuthenticationError,
    ConflictError,
    ConnectionLostError,
    DecodeError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    ProblemDetail,
    ProtocolError,
    RateLimitedError,
    ServerError,
    UnprocessableError,
)
from bentley_sync_async.models import AuthenticationType, ConnectorType, SourceFileCreate
from bentley_sync_async.transport.messages import Response
from bentley_sync_async.transport.retry import RetryPolicy

BASE = "https://api.example/synchronization/imodels"
FILE = SourceFileCreate("f", ConnectorType.MSTN)


async def everything(listing):
    return [item async for item in listing]


@frozen
class Operation:
    method: str
    url: str
    call: object
    body: object = None
    key: str | None = None
    many: bool = False

    @property
    def status(self):
        return {"GET": 200, "POST": 201, "PUT": 200, "DELETE": 204}[self.method]


OPERATIONS = {
    "get-connections": Operation(
        "GET",
        f"{BASE}/connections?imodelId=i",
        lambda api: everything(api.connections.list("i")),
        key="connections",
        many=True,
    ),
    "get-storage-connections": Operation(
        "GET",
        f"{BASE}/storageconnections?imodelId=i",
        lambda api: everything(api.storage_connections.list("i")),
        key="connections",
        many=True,
    ),
    "create-storage-connection": Operation(
        "POST",
        f"{BASE}/storageconnections",
        lambda api: api.storage_connections.create("i", [FILE], display_name="n"),
        body={
            "displayName": "n",
            "iModelId": "i",
            "sourceFiles": [{"storageFileId": "f", "connectorType": "MSTN"}],
        },
        key="connection",
    ),
    "get-storage-connection": Operation(
        "GET", f"{BASE}/storageconnections/c", lambda api: api.storage_connections.get("c"), key="connection"
    ),
    "update-storage-connection": Operation(
        "PUT",
        f"{BASE}/storageconnections/c",
        lambda api: api.storage_connections.update(
            "c", display_name="n", authentication_type=AuthenticationType.SERVICE
        ),
        body={"displayName": "n", "authenticationType": "Service"},
        key="connection",
    ),
    "delete-storage-connection": Operation(
        "DELETE", f"{BASE}/storageconnections/c", lambda api: api.storage_connections.delete("c")
    ),
    "get-storage-connection-sourcefiles": Operation(
        "GET",
        f"{BASE}/storageconnections/c/sourcefiles",
        lambda api: everything(api.storage_connections.source_files.list("c")),
        key="sourceFiles",
        many=True,
    ),
    "add-storage-connection-sourcefile": Operation(
        "POST",
        f"{BASE}/storageconnections/c/sourcefiles",
        lambda api: api.storage_connections.source_files.add("c", FILE),
        body={"storageFileId": "f", "connectorType": "MSTN"},
        key="sourceFile",
    ),
    "get-storage-connection-sourcefile": Operation(
        "GET",
        f"{BASE}/storageconnections/c/sourcefiles/s",
        lambda api: api.storage_connections.source_files.get("c", "s"),
        key="sourceFile",
    ),
    "update-storage-connection-sourcefile": Operation(
        "PUT",
        f"{BASE}/storageconnections/c/sourcefiles/s",
        lambda api: api.storage_connections.source_files.update(
            "c", "s", storage_file_id="f", connector_type=ConnectorType.DWG
        ),
        body={"storageFileId": "f", "connectorType": "DWG"},
        key="sourceFile",
    ),
    "remove-storage-connection-sourcefile": Operation(
        "DELETE",
        f"{BASE}/storageconnections/c/sourcefiles/s",
        lambda api: api.storage_connections.source_files.remove("c", "s"),
    ),
    "run-storage-connection": Operation(
        "POST", f"{BASE}/storageconnections/c/run", lambda api: api.storage_connections.runs.trigger("c")
    ),
    "get-storage-connection-runs": Operation(
        "GET",
        f"{BASE}/storageconnections/c/runs",
        lambda api: everything(api.storage_connections.runs.list("c")),
        key="runs",
        many=True,
    ),
    "get-storage-connection-run": Operation(
        "GET",
        f"{BASE}/storageconnections/c/runs/r",
        lambda api: api.storage_connections.runs.get("c", "r"),
        key="run",
    ),
    "get-authorization-information": Operation(
        "GET",
        f"{BASE}/connections/authorizationinformation?redirectUrl=http%3A%2F%2Flocalhost%3A3301%2Fcallback",
        lambda api: api.authorization.get("http://localhost:3301/callback"),
        key="authorizationInformation",
    ),
    "get-manifest-connections": Operation(
        "GET",
        f"{BASE}/manifestconnections?imodelId=i",
        lambda api: everything(api.manifest_connections.list("i")),
        key="connections",
        many=True,
    ),
    "create-manifest-connection": Operation(
        "POST",
        f"{BASE}/manifestconnections",
        lambda api: api.manifest_connections.create("i", ["f"], display_name="n"),
        body={"displayName": "n", "iModelId": "i", "sourceFiles": [{"sourceFileId": "f"}]},
        key="connection",
    ),
    "get-manifest-connection": Operation(
        "GET", f"{BASE}/manifestconnections/c", lambda api: api.manifest_connections.get("c"), key="connection"
    ),
    "update-manifest-connection": Operation(
        "PUT",
        f"{BASE}/manifestconnections/c",
        lambda api: api.manifest_connections.update(
            "c", display_name="n", authentication_type=AuthenticationType.SERVICE
        ),
        body={"displayName": "n", "authenticationType": "Service"},
        key="connection",
    ),
    "delete-manifest-connection": Operation(
        "DELETE", f"{BASE}/manifestconnections/c", lambda api: api.manifest_connections.delete("c")
    ),
    "get-manifest-connection-sourcefiles": Operation(
        "GET",
        f"{BASE}/manifestconnections/c/sourcefiles",
        lambda api: everything(api.manifest_connections.source_files.list("c")),
        key="sourceFiles",
        many=True,
    ),
    "add-manifest-connection-sourcefile": Operation(
        "POST",
        f"{BASE}/manifestconnections/c/sourcefiles",
        lambda api: api.manifest_connections.source_files.add("c", "f"),
        body={"sourceFileId": "f"},
        key="sourceFile",
    ),
    "get-manifest-connection-sourcefile": Operation(
        "GET",
        f"{BASE}/manifestconnections/c/sourcefiles/s",
        lambda api: api.manifest_connections.source_files.get("c", "s"),
        key="sourceFile",
    ),
    "update-manifest-connection-sourcefile": Operation(
        "PUT",
        f"{BASE}/manifestconnections/c/sourcefiles/s",
        lambda api: api.manifest_connections.source_files.update("c", "s", "g"),
        body={"sourceFileId": "g"},
        key="sourceFile",
    ),
    "remove-manifest-connection-sourcefile": Operation(
        "DELETE",
        f"{BASE}/manifestconnections/c/sourcefiles/s",
        lambda api: api.manifest_connections.source_files.remove("c", "s"),
    ),
    "get-manifest-connection-runs": Operation(
        "GET",
        f"{BASE}/manifestconnections/c/runs",
        lambda api: everything(api.manifest_connections.runs.list("c")),
        key="runs",
        many=True,
    ),
    "get-manifest-connection-run": Operation(
        "GET",
        f"{BASE}/manifestconnections/c/runs/r",
        lambda api: api.manifest_connections.runs.get("c", "r"),
        key="run",
    ),
}
WITH_BODY = [name for name, operation in OPERATIONS.items() if operation.key is not None]
LISTS = [name for name, operation in OPERATIONS.items() if operation.many]
SINGLES = [name for name in WITH_BODY if name not in LISTS]


async def failed(name, *script, **options):
    """Return what an operation raises for its answers."""
    transport, api = scripted(*script, **options)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the callers look at it
        await OPERATIONS[name].call(api)
    return caught.value, transport


# What is sent.


@each("name", OPERATIONS)
async def test_every_operation_sends_its_method_to_its_path(name):
    _, transport = await failed(name, refusal(404))

    assert transport.lines == [f"{OPERATIONS[name].method} {OPERATIONS[name].url}"]


@each("name", OPERATIONS)
async def test_every_operation_sends_the_body_of_its_page(name):
    _, transport = await failed(name, refusal(404))

    assert transport.bodies == [OPERATIONS[name].body]


@each("name", OPERATIONS)
async def test_a_body_is_json_and_nothing_else_has_a_content_type(name):
    _, transport = await failed(name, refusal(404))

    expected = None if OPERATIONS[name].body is None else "application/json"
    assert transport.requests[0].headers.get("Content-Type") == expected


@each("name", OPERATIONS)
async def test_only_lists_have_a_preference(name):
    _, transport = await failed(name, refusal(404))

    assert transport.requests[0].headers.get("Prefer") == ("return=minimal" if OPERATIONS[name].many else None)


@each("name", OPERATIONS)
async def test_every_operation_accepts_the_platforms_media_type(name):
    _, transport = await failed(name, refusal(404))

    assert transport.requests[0].headers["Accept"] == "application/vnd.bentley.itwin-platform.v1+json"


# Refusals: the documented codes of the pages, and those of older pages.

EVERYWHERE = [
    (401, "HeaderNotFound"),
    (403, "InsufficientPermissions"),
    (429, "RateLimitExceeded"),
    (429, "TooManyRequests"),
]
DOCUMENTED = {
    "get-connections": [(422, "InvalidConnectionsRequest")],
    "get-storage-connections": [(422, "InvalidStorageConnectionsRequest")],
    "create-storage-connection": [
        (409, "FileMappingToTheIModelAlreadyExists"),
        (422, "InvalidStorageConnectionRequest"),
        (422, "MissingRequestBody"),
    ],
    "get-storage-connection": [
        (404, "StorageConnectionNotFound"),
        (404, "ConnectionNotFound"),
        (422, "InvalidStorageConnectionRequest"),
    ],
    "update-storage-connection": [(404, "StorageConnectionNotFound"), (422, "InvalidStorageConnectionRequest")],
    "delete-storage-connection": [
        (404, "StorageConnectionNotFound"),
        (409, "ConnectionAlreadyInUse"),
        (422, "InvalidStorageConnectionRequest"),
    ],
    "get-storage-connection-sourcefiles": [
        (404, "StorageConnectionNotFound"),
        (422, "InvalidStorageConnectionSourceFilesRequest"),
    ],
    "add-storage-connection-sourcefile": [
        (404, "StorageConnectionNotFound"),
        (409, "FileMappingToTheIModelAlreadyExists"),
        (422, "InvalidStorageConnectionSourceFileRequest"),
    ],
    "get-storage-connection-sourcefile": [
        (404, "StorageConnectionSourceFileNotFound"),
        (404, "ConnectionSourceFileNotFound"),
        (422, "InvalidStorageConnectionSourceFileRequest"),
    ],
    "update-storage-connection-sourcefile": [
        (404, "StorageConnectionSourceFileNotFound"),
        (409, "FileMappingToTheIModelAlreadyExists"),
        (422, "InvalidStorageConnectionSourceFileRequest"),
    ],
    "remove-storage-connection-sourcefile": [
        (404, "StorageConnectionSourceFileNotFound"),
        (422, "InvalidStorageConnectionSourceFileRequest"),
    ],
    "run-storage-connection": [
        (404, "StorageConnectionNotFound"),
        (409, "ConflictWithAnotherIModelRequest"),
        (409, "IModelAlreadyProcessingRequest"),
        (422, "InvalidStorageConnectionRunRequest"),
    ],
    "get-storage-connection-runs": [
        (404, "StorageConnectionNotFound"),
        (422, "InvalidStorageConnectionRunsRequest"),
    ],
    "get-storage-connection-run": [(404, "ConnectionRunNotFound"), (422, "InvalidStorageConnectionRunRequest")],
    "get-authorization-information": [(422, "InvalidAuthorizationInformationRequest")],
}
DOCUMENTED |= {  # the pages of manifest connections have the same errors, under their own names
    manifest: [(status, code.replace("Storage", "Manifest")) for status, code in DOCUMENTED[name]]
    for name in list(DOCUMENTED)
    if (manifest := name.replace("-storage-", "-manifest-")) in OPERATIONS and manifest != name
}
CLASSES = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableError,
    429: RateLimitedError,
}
REFUSALS = [(name, *refused) for name in OPERATIONS for refused in [*EVERYWHERE, *DOCUMENTED[name]]]
ONCE = RetryPolicy(attempts=1)


@each(("name", "status", "code"), REFUSALS)
async def test_a_documented_refusal_is_its_exception(name, status, code):
    problem = {
        "code": code,
        "message": "Cannot perform operation.",
        "target": "something",
        "details": [{"code": "InvalidValue", "message": "Not valid.", "target": "$top"}],
    }
    error, _ = await failed(name, answer(status, {"error": problem}, x_correlation_id="id-1"), retry=ONCE)

    assert type(error) is CLASSES[status]
    assert (error.status, error.code, error.message, error.target, error.details, error.request_id) == (
        status,
        code,
        "Cannot perform operation.",
        "something",
        (ProblemDetail(code="InvalidValue", message="Not valid.", target="$top"),),
        "id-1",
    )


@each("name", OPERATIONS)
async def test_a_refusal_names_method_and_url(name):
    error, _ = await failed(name, refusal(422))

    assert (error.method, error.url) == (OPERATIONS[name].method, OPERATIONS[name].url)


@each("name", OPERATIONS)
@each(
    "body",
    [
        {"code": "TooManyRequests", "message": "More requests were received than the subscription rate-limit allows."},
        {"error": {"code": "TooManyRequests", "message": "More requests were received."}},
    ],
)
async def test_a_rate_limit_is_one_in_either_body_form(name, body):
    error, _ = await failed(name, answer(429, body, retry_after="12"), retry=ONCE)

    assert (type(error), error.code, error.retry_after) == (RateLimitedError, "TooManyRequests", 12.0)


@each("name", OPERATIONS)
async def test_the_older_form_of_a_401_is_a_refused_token_as_well(name):
    error, _ = await failed(name, answer(401, {"statusCode": 401, "message": "Access denied."}))

    assert (type(error), error.code, error.message) == (AuthenticationError, None, "Access denied.")


@each("name", OPERATIONS)
@each("body", [b"", b"<html>Bad Gateway</html>", b'{"error":'])
async def test_a_refusal_without_an_error_object_keeps_its_status(name, body):
    error, _ = await failed(name, Response(status=502, body=body), retry=ONCE)

    assert (type(error), error.status, error.code) == (ServerError, 502, None)


@each("name", [name for name in OPERATIONS if OPERATIONS[name].method == "POST"])
async def test_a_post_whose_answer_was_lost_is_not_repeated(name):
    error, transport = await failed(name, lost("POST"))

    assert (type(error), len(transport.sent)) == (ConnectionLostError, 1)


# Odd bodies.


@each("name", WITH_BODY)
@each(
    ("body", "problem"),
    [
        (b"", "the body is empty"),
        (b"<!DOCTYPE html><h1>Sign in</h1>", "the body is not JSON"),
        (b'{"connection": {"id"', "the body is not JSON"),
        (b"\xff\xfe", "the body is not JSON"),
        (b"[]", "expected an object"),
        (b"null", "expected an object"),
        (b'"text"', "expected an object"),
    ],
)
async def test_a_body_that_is_no_object_is_a_decode_error_that_names_the_request(name, body, problem):
    error, _ = await failed(name, Response(status=OPERATIONS[name].status, body=body))

    source = f"{OPERATIONS[name].method} {OPERATIONS[name].url}"
    assert type(error) is DecodeError
    assert (error.source, error.path, error.problem) == (source, "$", problem)


@each("name", SINGLES)
@each("value", [None, [], "text", 7])
async def test_an_entity_that_is_no_object_is_a_decode_error_that_names_its_path(name, value):
    operation = OPERATIONS[name]
    error, _ = await failed(name, answer(operation.status, {operation.key: value}))

    assert (type(error), error.path, error.problem) == (DecodeError, f"$.{operation.key}", "expected an object")


@each("name", LISTS)
@each("value", [None, {}, "text", 7])
async def test_a_list_that_is_no_array_is_a_decode_error_that_names_its_path(name, value):
    operation = OPERATIONS[name]
    error, _ = await failed(name, answer(operation.status, {operation.key: value}))

    assert (type(error), error.path, error.problem) == (DecodeError, f"$.{operation.key}", "expected an array")


@each("name", LISTS)
async def test_an_item_without_an_id_is_a_decode_error_that_names_its_place(name):
    operation = OPERATIONS[name]
    error, _ = await failed(name, answer(200, {operation.key: [{"id": "1"}, {"displayName": "x"}]}))

    assert error.path == f"$.{operation.key}[1].id"


@each("name", [name for name in SINGLES if name != "get-authorization-information"])
async def test_an_id_of_the_wrong_type_is_a_decode_error_that_names_its_path(name):
    operation = OPERATIONS[name]
    error, _ = await failed(name, answer(operation.status, {operation.key: {"id": 7}}))

    assert (error.path, error.problem, error.excerpt) == (f"$.{operation.key}.id", "expected a string", "7")


@each("name", WITH_BODY)
async def test_a_decode_error_says_all_that_in_its_text(name):
    operation = OPERATIONS[name]
    error, _ = await failed(name, answer(operation.status, {operation.key: 7}))

    assert f"{operation.method} {operation.url} at $.{operation.key}" in str(error)


@each("name", WITH_BODY)
async def test_an_answer_that_cannot_be_read_is_not_asked_for_again(name):
    _, transport = await failed(name, answer(OPERATIONS[name].status, []))

    assert len(transport.sent) == 1


@each("name", ["delete-storage-connection", "remove-storage-connection-sourcefile"])
@each("odd", [answer(204), answer(204, []), Response(status=204, body=b"<html>")])
async def test_the_body_of_a_removal_does_not_matter(name, odd):
    _, api = scripted(odd)

    assert await OPERATIONS[name].call(api) is None


@each("name", [name for name in OPERATIONS if name != "run-storage-connection"])
@each("status", [101, 200, 201, 202, 204, 206, 302])
async def test_a_status_that_the_operation_does_not_have_is_a_protocol_error(name, status):
    if status == OPERATIONS[name].status:
        return
    error, transport = await failed(name, Response(status=status, body=b"<html>Sign in to the network</html>"))

    assert type(error) is ProtocolError
    assert f"answered {status}, and the operation has {OPERATIONS[name].status} only" in str(error)
    assert len(transport.sent) == 1


# Updates: what the caller leaves out is read and sent again, as the service may take it for its default.

NOW = answer(200, {"connection": {"id": "c", "displayName": "old", "authenticationType": "Service"}})
FILE_NOW = answer(200, {"sourceFile": {"id": "s", "storageFileId": "old", "connectorType": "IFC"}})


@each(
    ("given", "sent"),
    [
        ({"display_name": "new"}, {"displayName": "new", "authenticationType": "Service"}),
        ({"display_name": ""}, {"displayName": "", "authenticationType": "Service"}),
        (
            {"authentication_type": AuthenticationType.USER},
            {"displayName": "old", "authenticationType": "User"},
        ),
    ],
)
async def test_an_update_of_a_connection_sends_both_values(given, sent):
    transport, api = scripted(NOW, NOW)

    await api.storage_connections.update("c", **given)

    assert transport.bodies == [None, sent]


async def test_an_update_of_a_connection_sends_nothing_if_the_service_does_not_say_what_to_keep():
    transport, api = scripted(answer(200, {"connection": {"id": "c"}}))

    with pytest.raises(InvalidArgumentError, match="give authentication_type as well"):
        await api.storage_connections.update("c", display_name="new")

    assert [request.method for request in transport.requests] == ["GET"]


async def test_an_update_of_a_file_sends_nothing_if_the_service_does_not_say_what_to_keep():
    transport, api = scripted(answer(200, {"sourceFile": {"id": "f"}}))

    with pytest.raises(InvalidArgumentError, match="give both"):
        await api.storage_connections.source_files.update("c", "f", connector_type=ConnectorType.IFC)

    assert [request.method for request in transport.requests] == ["GET"]


@each(
    ("given", "sent"),
    [
        ({"storage_file_id": "new"}, {"storageFileId": "new", "connectorType": "IFC"}),
        ({"connector_type": ConnectorType.DWG}, {"storageFileId": "old", "connectorType": "DWG"}),
    ],
)
async def test_an_update_of_a_file_sends_both_values(given, sent):
    transport, api = scripted(FILE_NOW, FILE_NOW)

    await api.storage_connections.source_files.update("c", "s", **given)

    assert transport.bodies == [None, sent]


@each("name", ["update", "source_files.update"])
async def test_nothing_is_written_if_the_reading_before_failed(name):
    transport, api = scripted(refusal(404))
    call = {
        "update": lambda: api.storage_connections.update("c", display_name="new"),
        "source_files.update": lambda: api.storage_connections.source_files.update("c", "s", storage_file_id="new"),
    }[name]

    with pytest.raises(NotFoundError):
        await call()

    assert [request.method for request in transport.requests] == ["GET"]
