"""Runs every operation with all loggers at DEBUG and all hooks, and searches all output for secrets."""

import logging
import pickle
import re
import sqlite3
import traceback
import warnings
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio.to_thread
import pytest
from attrs import evolve
from support.bulk import in_place
from support.hostile import CONNECTION, hostile_server, ok, run_body
from support.otel import Collected
from support.transport import http, reset, then

from bentley_sync_async import (
    AuthenticationType,
    ClientCredentials,
    ConnectorType,
    SourceFileCreate,
    SynchronizationClient,
    SynchronizationError,
)
from bentley_sync_async.bulk import OutcomeStatus
from bentley_sync_async.bulk.journal.base import JournalEntry
from bentley_sync_async.bulk.journal.sqlite import SQLiteJournal
from bentley_sync_async.config import from_env
from bentley_sync_async.emulator import Emulator, FaultAction, FaultRule
from bentley_sync_async.transport import LoggingHook, Record, Request, RequestRecord, Response, RetryRecord, Token
from bentley_sync_async.wire.codec import encode
from bentley_sync_async.wire.resume import unpack

CLIENT_SECRET = "planted-client-secret-7f3a/+=&"
JWT = "eyJhbGciOiJub25lIn0.eyJwbGFudGVkIjoidG9rZW4ifQ.cGxhbnRlZC1zaWduYXR1cmU"


class Output(logging.Handler):
    """All output: log lines, records of hooks, spans, metrics, warnings, errors in every form, reprs, events."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []
        self.errors: list[BaseException] = []
        self.files: dict[str, int] = {}
        self.tokens: set[str] = set()  # of journals
        self.records = 0
        self.opentelemetry = Collected()

    def client(self, token, url: str) -> SynchronizationClient:
        """Return a client with hooks of every kind."""
        hooks = [LoggingHook(), self.opentelemetry.hook, self.add_record]
        return SynchronizationClient(token, base_url=url, hooks=hooks)

    def emit(self, record: logging.LogRecord) -> None:
        self.records += 1
        self.add(logging.Formatter("%(name)s %(message)s").format(record), vars(record))

    def add(self, *things: object) -> None:
        self.texts += [text for thing in things for text in (str(thing), repr(thing))]

    def add_record(self, record: Record) -> None:
        self.add(record)
        for error in (getattr(record, "error", None), getattr(record, "cause", None)):
            if error is not None:
                self.add_error(error)

    def add_error(self, error: BaseException) -> None:
        if error not in self.errors:  # a hook may have reported it already
            self.errors.append(error)
        self.add(error, vars(error), pickle.dumps(error).decode("latin-1"))
        self.texts += traceback.format_exception(error)
        for inner in (error.__cause__, error.__context__):
            if inner is not None and inner not in self.errors:
                self.errors.append(inner)
                self.add(inner, vars(inner))

    def add_resume_token(self, token: str) -> None:
        self.add(token, unpack(token))

    async def bulk(self, bulk, journal: Path) -> None:
        """Follow a bulk, and add the content of its journal during the bulk and after it."""
        try:
            async with bulk:
                async for event in bulk:
                    self.add(event, event.to_json(), bulk, bulk.progress)
                    self.add_files(journal)
        except SynchronizationError as error:
            self.add_error(error)
        self.add(bulk.report, bulk.report.to_json(), bulk.report.to_junit())
        self.add_files(journal)

    def add_files(self, journal: Path) -> None:
        """Add the bytes of a journal, and the content of its resume tokens."""
        with TemporaryDirectory() as folder:  # a copy, as the journal is locked
            for file in (journal, journal.with_name(f"{journal.name}-wal")):
                if file.exists():
                    self.files[file.suffix] = max(self.files.get(file.suffix, 0), file.stat().st_size)
                    data = file.read_bytes()
                    self.add(data.decode("latin-1"))
                    Path(folder, file.name).write_bytes(data)
            with closing(sqlite3.connect(Path(folder, journal.name))) as db:
                for (token,) in db.execute("SELECT token FROM items WHERE token IS NOT NULL"):
                    self.add_resume_token(token)
                    self.tokens.add(token)

    async def outcome(self, call: Awaitable[object]) -> None:
        try:
            self.add(await call)
        except SynchronizationError as error:
            self.add_error(error)

    async def follow(self, watcher) -> None:
        try:
            self.add_resume_token(watcher.resume_token())
            async for event in watcher:
                self.add(event, event.to_json(), watcher)
                self.add_resume_token(watcher.resume_token())
                if (cause := getattr(event, "cause", None)) is not None:
                    self.add_error(cause)
        except SynchronizationError as error:
            self.add_error(error)
            if (token := getattr(error, "resume_token", None)) is not None:
                self.add_resume_token(token)

    def leaks(self, secrets: set[str]) -> list[str]:
        sought = re.compile("|".join(re.escape(secret) for secret in secrets))
        return [text[:400] for text in self.texts if sought.search(text)]


@asynccontextmanager
async def all_output() -> AsyncGenerator[Output]:
    output, root = Output(), logging.getLogger()
    names = [name for name in logging.Logger.manager.loggerDict if name.startswith(("bentley", "aiohttp", "asyncio"))]
    loggers = [root, *map(logging.getLogger, names)]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    root.addHandler(output)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            yield output
        finally:
            root.removeHandler(output)
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
            output.add(*(warning.message for warning in warned), *output.opentelemetry.texts())


async def call_every_operation(output: Output, client: SynchronizationClient, emulator: Emulator) -> None:
    """Call every operation, with successful and failing answers."""
    storage = client.storage_connections
    imodel = emulator.new_imodel_id()
    file = SourceFileCreate(emulator.new_storage_file_id("a.dgn", imodel_id=imodel), ConnectorType.MSTN)
    other = SourceFileCreate(emulator.new_storage_file_id("b.dgn", imodel_id=imodel), ConnectorType.MSTN)
    made = await storage.create(imodel, [file], display_name="x", authentication_type=AuthenticationType.SERVICE)
    output.add(made, client, client.config, file)
    added = await storage.source_files.add(made.id, other)
    for id_ in (made.id, "unknown"):
        await output.outcome(storage.get(id_))
        await output.outcome(storage.update(id_, display_name="y"))
        await output.outcome(storage.source_files.get(id_, added.id))
        await output.outcome(storage.source_files.update(id_, added.id, connector_type=ConnectorType.DWG))
        await output.outcome(storage.source_files.remove(id_, added.id))
        await output.outcome(storage.runs.trigger(id_))
        await output.outcome(storage.runs.get(id_, "unknown"))
        for prefer in ("minimal", "representation"):
            await output.outcome(listed(storage.list(imodel, prefer=prefer)))
            await output.outcome(listed(client.connections.list(imodel, prefer=prefer)))
            await output.outcome(listed(storage.runs.list(id_, prefer=prefer)))
            await output.outcome(listed(storage.source_files.list(id_, prefer=prefer)))
    await output.outcome(client.authorization.get())
    await output.outcome(client.authorization.get("https://localhost/cb"))
    await output.follow(client.watch(made.id, timeout=100))
    await output.follow(client.watch(made.id, when_active="rerun"))
    await output.follow(client.watch("unknown"))
    await output.outcome(storage.delete(made.id))


async def listed(listing) -> list[object]:
    return [item async for item in listing]


FAULTS = [
    FaultRule(status=401, every=17, code="HeaderNotFound"),
    FaultRule(status=503, retry_after=3, every=7),
    FaultRule(status=500, every=11, body="<html>"),
    *(
        FaultRule(action=action, every=13 + n)
        for n, action in enumerate(FaultAction)
        if action not in {"status", "delay"}
    ),
]


def tokens_sent_to(emulator: Emulator) -> set[str]:
    """The tokens in requests to the emulator."""
    headers = (request.headers.get("authorization", "") for request in emulator.requests)
    return {header.removeprefix("Bearer ") for header in headers if header}


async def test_no_output_of_a_client_of_an_emulator_holds_a_token_or_the_client_secret():
    async with all_output() as output, Emulator(client_secret=CLIENT_SECRET, token_lifetime=120) as emulator:
        credentials = ClientCredentials(emulator.client_id, CLIENT_SECRET)
        async with output.client(credentials, emulator.url) as client:
            await call_every_operation(output, client, emulator)
            for rule in FAULTS:
                emulator.add_fault(evolve(rule))  # a copy, because rules count
            imodel_connection = emulator.add_connection()
            for _ in range(5):
                await output.follow(client.watch(imodel_connection))
            emulator.add_fault(FaultRule(path="/runs$", status=502, nth=1))
            await output.outcome(listed(client.storage_connections.runs.list(imodel_connection)))
        async with output.client(ClientCredentials("wrong", CLIENT_SECRET), emulator.url) as client:
            await output.follow(client.watch(imodel_connection))
        async with output.client(emulator.token(lifetime=1), emulator.url) as client:
            await output.follow(client.watch(imodel_connection))
        tokens = tokens_sent_to(emulator)
        output.add(credentials, emulator, *emulator.requests[-50:])
    output.add(*(Token(value=token) for token in tokens))
    assert len(tokens) > 3
    assert output.records > 0
    assert output.opentelemetry.spans
    assert len(output.opentelemetry.metrics) == 5
    assert len({type(error) for error in output.errors}) >= 6
    assert output.leaks(tokens | {CLIENT_SECRET}) == []


@pytest.mark.parametrize("operation", ["token", "trigger", "poll", "connection", "runs"])
async def test_secrets_in_answers_of_the_service_are_redacted(operation):
    quoted = f"Authorization: Bearer {JWT} client_secret={CLIENT_SECRET} {JWT}"
    forms = [
        encode({"error": {"code": f"c {JWT}", "message": quoted, "target": JWT, "details": [{"message": quoted}]}}),
        encode({"run": {"id": "r", "state": 5, "access_token": JWT}, "access_token": [JWT], "runs": JWT}),
        f"<html>{quoted}".encode(),
        f"{JWT}\r\n".encode(),
    ]
    async with all_output() as output:
        for status in ("200 OK", "400 No", "401 No", "422 No", "500 No", "302 Found"):
            for form in forms:
                async with hostile_server() as server:
                    server.set("token", ok({"access_token": JWT, "expires_in": 3600, "token_type": "Bearer"}))
                    server.set("trigger", http("202 Accepted"), *server.answers["trigger"])
                    header = {"Location": f"https://x/?sig={JWT}&access_token={JWT}"}
                    server.set(operation, then(http(status, form, **header)), reset, *server.answers[operation])
                    credentials = ClientCredentials("id", CLIENT_SECRET)
                    async with output.client(credentials, server.url) as client:
                        await output.follow(client.watch(CONNECTION, timeout=60))
                        await output.outcome(client.storage_connections.runs.trigger(CONNECTION))
                        await output.outcome(listed(client.storage_connections.runs.list(CONNECTION)))
    assert len(output.errors) > 5
    assert output.leaks({JWT, JWT[:40], CLIENT_SECRET}) == []


@pytest.fixture
def journal(tmp_path, monkeypatch):
    monkeypatch.setattr(anyio.to_thread, "run_sync", in_place)
    return tmp_path / "nightly.db"


async def test_no_event_report_or_journal_of_a_bulk_holds_a_token_or_the_client_secret(journal):
    async with all_output() as output, Emulator(client_secret=CLIENT_SECRET, token_lifetime=60) as emulator:
        for rule in FAULTS:
            emulator.add_fault(evolve(rule))  # a copy, because rules count
        imodel = emulator.new_imodel_id()
        ids = [emulator.add_connection(imodel), emulator.add_connection(), emulator.add_connection(), "unknown"]
        credentials = ClientCredentials(emulator.client_id, CLIENT_SECRET)
        async with output.client(credentials, emulator.url) as client:
            output.add(await client.run_many(ids, journal=journal).plan())
            await output.bulk(client.run_many(ids, imodel_ids=[imodel], journal=journal, timeout=4000), journal)
        async with output.client(ClientCredentials("wrong", CLIENT_SECRET), emulator.url) as client:
            await output.bulk(client.run_many(ids, journal=journal), journal)
        tokens = tokens_sent_to(emulator)
    assert len(tokens) > 3
    assert output.records > 0
    assert len(emulator.runs) == 3
    assert len({type(error) for error in output.errors}) >= 5
    assert output.files.keys() == {".db", ".db-wal"}
    assert output.tokens
    assert output.leaks(tokens | {CLIENT_SECRET}) == []


@pytest.mark.parametrize("operation", ["token", "trigger", "poll", "connection", "runs"])
async def test_secrets_in_answers_of_the_service_are_redacted_in_a_bulk(operation, journal):
    quoted = f"Authorization: Bearer {JWT} client_secret={CLIENT_SECRET} {JWT}"
    description = f"Bearer {JWT} {JWT}"  # from the API, which never receives the client's secret
    failure = {"errorKey": JWT, "description": description}
    task = {
        "id": "t",
        "state": "Completed",
        "result": "Error",
        "error": {"descriptionKey": JWT, "description": description},
    }
    job = {"id": "j", "state": "Completed", "result": "Error", "tasks": [{**task, "storageFileId": JWT}]}
    forms = [
        encode({"error": {"code": f"c {JWT}", "message": quoted, "target": JWT, "details": [{"message": quoted}]}}),
        encode(run_body(result="Error", error=failure, jobs=[job])),
        encode({"connection": {"id": JWT, "iModelId": JWT, "iTwinId": f"Bearer {JWT}"}}),
        f"<html>{quoted}".encode(),
    ]
    async with all_output() as output:
        for number, status in enumerate(("200 OK", "404 No", "422 No", "500 No")):
            for form in forms:
                async with hostile_server() as server:
                    server.set("token", ok({"access_token": JWT, "expires_in": 3600, "token_type": "Bearer"}))
                    server.set(operation, then(http(status, form)), reset, *server.answers[operation])
                    path = journal.with_name(f"{number}-{forms.index(form)}.db")
                    async with output.client(ClientCredentials("id", CLIENT_SECRET), server.url) as client:
                        await output.bulk(client.run_many([CONNECTION], journal=path, timeout=600), path)
    assert len(output.texts) > 100
    assert output.leaks({JWT, JWT[:40], CLIENT_SECRET}) == []


async def test_a_token_among_the_ids_of_a_bulk_is_refused_and_neither_sent_nor_shown_nor_stored(journal):
    ids = [JWT, CONNECTION, f"other-{JWT}"]
    async with all_output() as output, hostile_server() as server:
        async with output.client("issued-token", server.url) as client:
            bulk = client.run_many(ids, journal=journal)
            await output.bulk(bulk, journal)
        assert server.strays() == []
    assert [(outcome.status, outcome.good) for outcome in bulk.report.outcomes] == [
        (OutcomeStatus.SUCCEEDED, True),
        (OutcomeStatus.REFUSED, False),
        (OutcomeStatus.REFUSED, False),
    ]
    assert output.leaks({JWT}) == []


async def test_a_request_id_that_contains_a_token_is_redacted():
    async with all_output() as output, hostile_server() as server:
        server.set("poll", http("403 No", b"", X_Request_Id=f"Bearer {JWT}"))
        async with output.client(JWT, server.url) as client:
            await output.follow(client.watch(CONNECTION))
    assert len(output.errors) == 1
    assert output.leaks({JWT}) == []


PROSE = f"the secret {CLIENT_SECRET} is wrong"


@pytest.mark.parametrize(
    "answer",
    [
        ok({"error": "invalid_client", "error_description": PROSE}, "400 No"),
        ok({"error": "temporarily_unavailable", "error_description": PROSE}, "503 No"),
        ok({"error": PROSE}, "401 No"),
        http("400 No", PROSE.encode()),
        http("200 OK", PROSE.encode()),
        ok({"error": "invalid_client", "error_description": f"{'x' * 245} {PROSE}"}, "400 No"),
    ],
    ids=["a refusal", "unavailable", "the error itself", "not JSON", "not JSON in a 200", "the end of the shown text"],
)
async def test_a_client_secret_in_answers_of_the_issuer_is_redacted(answer):
    async with all_output() as output, hostile_server() as server:
        server.set("token", answer)
        async with output.client(ClientCredentials("id", CLIENT_SECRET), server.url) as client:
            await output.follow(client.watch(CONNECTION, timeout=60))
    assert output.errors
    assert output.leaks({CLIENT_SECRET[:10]}) == []


def test_no_repr_holds_a_token_or_the_client_secret():
    output = Output()
    token = Token(value=JWT)
    variables = {"BENTLEY_SYNC_CLIENT_ID": "id", "BENTLEY_SYNC_CLIENT_SECRET": CLIENT_SECRET, "BENTLEY_SYNC_TOKEN": JWT}
    headers = {"Authorization": f"Bearer {JWT}"}
    output.add(token, ClientCredentials("id", CLIENT_SECRET), from_env(variables), SynchronizationClient(JWT))
    output.add(SynchronizationClient(JWT).watch(CONNECTION), SynchronizationClient.from_env(variables))
    output.add(Request(method="POST", url="https://x/", headers=headers, body=CLIENT_SECRET.encode()))
    output.add(Response(status=200, headers=headers, body=encode(run_body(access_token=JWT))))
    assert len(output.texts) == 16
    assert output.leaks({JWT, CLIENT_SECRET}) == []


PLAIN = SynchronizationError("x")


@pytest.mark.parametrize(
    "form", ["log", "extra", "warning", "record", "span", "metric", "error", "cause", "resume token", "journal"]
)
async def test_the_search_finds_a_planted_secret(form, journal):
    from bentley_sync_async.wire.resume import pack

    async with all_output() as output:
        match form:
            case "log":
                logging.getLogger("bentley_sync_async.planted").debug("with %s", JWT)
            case "extra":
                logging.getLogger("aiohttp.planted").debug("with", extra={"planted": JWT})
            case "warning":
                warnings.warn(f"with {JWT}", stacklevel=1)
            case "record":
                output.add_record(RetryRecord(method="GET", url=JWT, cause=PLAIN, attempt=1, delay=0.0))
            case "span":
                output.opentelemetry.hook(
                    RequestRecord(
                        method="GET", url=f"https://x/{JWT}", status=200, error=None, duration=0.0, size=0, resends=0
                    )
                )
            case "metric":
                output.opentelemetry.hook(RetryRecord(method=JWT, url="", cause=PLAIN, attempt=1, delay=0.0))
            case "error":
                output.add_error(SynchronizationError(JWT))
            case "cause":
                error = SynchronizationError("x")
                error.__cause__ = ValueError(JWT)
                output.add_error(error)
            case "journal":
                async with SQLiteJournal(journal, origin="https://x") as opened:
                    await opened.begin(["a"])
                    await opened.record("a", JournalEntry(token=pack([JWT])))
                    output.add_files(journal)
            case _:
                output.add_resume_token(pack([JWT]))
    assert output.leaks({JWT, CLIENT_SECRET}) != []
