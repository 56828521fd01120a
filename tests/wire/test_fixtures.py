import json

import attrs
from support.pages import ERROR_PAGES, FIXTURES, payload
from support.quick import each

from bentley_sync_async import (
    AuthenticationType,
    ConnectorType,
    ExecutionResult,
    ExecutionState,
    SourceFileCreate,
    StorageConnection,
    StorageRun,
)
from bentley_sync_async.models import (
    AuthorizationInformation,
    ConnectionSummary,
    ManifestConnection,
    ManifestSourceFile,
    RunSummary,
)
from bentley_sync_async.models.configurations import Configuration
from bentley_sync_async.models.manifests import DocumentAttribute, ManifestFile
from bentley_sync_async.models.reports import DiagnosticReport
from bentley_sync_async.wire.codec import decode_one, decode_page, encode
from bentley_sync_async.wire.problems import api_error, decode_problem

ENTITIES = {
    "create-storage-connection/201": ("connection", StorageConnection),
    "update-storage-connection/200": ("connection", StorageConnection),
    "get-storage-connection/200": ("connection", StorageConnection),
    "get-storage-connection-run/200": ("run", StorageRun),
    "create-manifest-connection/201": ("connection", ManifestConnection),
    "update-manifest-connection/200": ("connection", ManifestConnection),
    "get-manifest-connection-run/200": ("run", StorageRun),
    "get-manifest-connection-sourcefile/200": ("sourceFile", ManifestSourceFile),
    "add-manifest-connection-sourcefile/201": ("sourceFile", ManifestSourceFile),
    "get-itwin-configuration/200": ("configuration", Configuration),
    "patch-imodel-configuration/200": ("configuration", Configuration),
    "get-authorization-information/200": ("authorizationInformation", AuthorizationInformation),
}
LISTS = {
    "get-storage-connection-runs/200": ("runs", RunSummary),
    "get-connections/200": ("connections", ConnectionSummary),
    "get-manifest-connection-runs/200": ("runs", RunSummary),
    "get-manifest-connection-sourcefiles/200": ("sourceFiles", ManifestSourceFile),
}
ATTRIBUTE = DocumentAttribute(
    class_name="ProjectwiseDynamic:PWDocumentLink",
    properties={"Revision": "R01", "Suitability": "S01", "CodeValue": "89c7f032-6dfb-4a0b-8511-983e2d18728a"},
)
MASTER = ManifestFile(
    id="f5b36238",
    name="Master.dgn",
    url="https://blob.net/Master.dgn",
    connector_type=ConnectorType.MSTN,
    document_attribute=ATTRIBUTE,
    children=[
        ManifestFile(
            id="a7c36238",
            action=None,
            parent_id="f5b36238",
            name="Reference.dgn",
            url="https://blob.net/Reference.dgn",
            connector_type="CIVIL",
            document_attribute=ATTRIBUTE,
        )
    ],
)
REQUESTS = {
    "create-manifest-connection/request": {
        "displayName": "30",
        "iModelId": "7dbd531d-6967-47b2-8945-a722a437ad7a",
        "authenticationType": AuthenticationType.USER,
        "sourceFiles": ({"sourceFileId": "t5bDFuN4qUa9ojVw1E5FGtldp8BgSbNCiJ2XMdiT-cA"},),
    },
    "add-manifest-connection-sourcefile/request": {"sourceFileId": "t5bDFuN4qUa9ojVw1E5FGtldp8BgSbNCiJ2XMdiT-cA"},
    "create-manifest-connection-run/request": {
        "documentAttributeSchemaUrl": "https://blob.net/documentAttributeSchema.json",
        "sourceFiles": (MASTER,),
    },
    "patch-imodel-configuration/request": {"clampZExtent": True},
    "create-storage-connection/request": {
        "displayName": "30",
        "iModelId": "7dbd531d-6967-47b2-8945-a722a437ad7a",
        "authenticationType": AuthenticationType.USER,
        "sourceFiles": (SourceFileCreate("t5bDFuN4qUa9ojVw1E5FGtldp8BgSbNCiJ2XMdiT-cA", ConnectorType.MSTN),),
    },
    "update-storage-connection/request": {"displayName": "30", "authenticationType": AuthenticationType.USER},
}
SECONDS = "2020-10-24T02:44:13.4109666Z"
MICROSECONDS = "2020-10-24T02:44:13.410966Z"
END_SECONDS = "2020-10-24T02:47:13.4109666Z"
END_MICROSECONDS = "2020-10-24T02:47:13.410966Z"


def without_nulls(value):
    """What the fixture says once nulls are dropped; a microsecond is the finest instant there is."""
    match value:
        case dict():
            return {name: without_nulls(member) for name, member in value.items() if member is not None}
        case list():
            return [without_nulls(item) for item in value]
        case str():
            return {SECONDS: MICROSECONDS, END_SECONDS: END_MICROSECONDS}.get(value, value)
        case _:
            return value


@each("name", ENTITIES)
def test_an_entity_of_the_pages_is_encoded_again_as_it_was(name):
    key, cls = ENTITIES[name]
    entity = decode_one(payload(name), key, cls)
    assert json.loads(encode({key: entity})) == without_nulls(json.loads(payload(name)))


@each("name", LISTS)
def test_a_list_of_the_pages_is_encoded_again_as_it_was(name):
    key, cls = LISTS[name]
    page = decode_page(payload(name), key, cls)
    assert json.loads(encode({key: page.items, "_links": page.links})) == without_nulls(json.loads(payload(name)))


def test_the_list_of_reports_of_the_page_is_encoded_again_as_it_was():
    name = "get-diagnostic-reports/200"
    page = decode_page(payload(name), "reports", DiagnosticReport)
    assert json.loads(encode({"reports": page.items})) == json.loads(payload(name))


@each("name", REQUESTS)
def test_a_request_of_the_pages_is_what_its_values_encode_to(name):
    assert json.loads(encode(REQUESTS[name])) == json.loads(payload(name))


@each("name", ERROR_PAGES)
def test_an_error_of_the_pages_is_decoded_completely(name):
    assert problem_to_json(decode_problem(payload(name))) == without_empty_details(json.loads(payload(name)))


def problem_to_json(problem):
    members = {**attrs.asdict(problem), "details": [vars(detail) for detail in problem.details]}
    return without_nulls({"error": members})


def without_empty_details(body):
    body["error"].setdefault("details", [])
    return body


@each("name", ERROR_PAGES)
def test_every_word_of_an_error_of_the_pages_stands_in_the_text_of_its_exception(name):
    error = api_error(status=int(name[-3:]), headers={}, body=payload(name), method="GET", url="https://h/x")
    assert [word for word in _words(json.loads(payload(name))) if word not in str(error)] == []


def _words(value):
    match value:
        case dict():
            for member in value.values():
                yield from _words(member)
        case list():
            for item in value:
                yield from _words(item)
        case str():
            yield value


def test_every_fixture_is_read_by_one_of_these_tests():
    elsewhere = {"get-storage-connection-runs/schemas", "get-diagnostic-reports/200", "diagnostic-report/content"}
    read = {*ENTITIES, *LISTS, *REQUESTS, *ERROR_PAGES, *elsewhere}
    assert {f"{path.parent.name}/{path.stem}" for path in FIXTURES.glob("*-*/*.json")} == read


def test_the_run_of_the_pages_has_every_value_where_the_models_say():
    run = decode_one(payload("get-storage-connection-run/200"), "run", StorageRun)
    (job,) = run.jobs
    (task,) = job.tasks
    assert task.error is not None
    assert task.details is not None
    assert task.details.synchronization_report is not None
    assert (run.state, run.result, job.connector_type, task.error.bridge_exit_code) == (
        ExecutionState.COMPLETED,
        ExecutionResult.PARTIAL_SUCCESS,
        ConnectorType.DWG,
        4294967295,
    )
    assert task.details.synchronization_report.total_warnings_count == 20
