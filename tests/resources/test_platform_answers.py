"""Every operation of the neighbouring products: what it sends, and what becomes of each refusal and each odd body."""

import pytest
from support.neighbours.operations import PLATFORM, PLATFORM_REFUSALS
from support.quick import each
from support.transport import answer, lost, refusal, scripted

from bentley_sync_async.errors import (
    AuthenticationError,
    ConflictError,
    ConnectionLostError,
    DecodeError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    RateLimitedError,
    ServerError,
    UnprocessableError,
)
from bentley_sync_async.transport.messages import Response
from bentley_sync_async.transport.retry import RetryPolicy

ONCE = RetryPolicy(attempts=1)
CLASSES = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableError,
    429: RateLimitedError,
}
EVERYWHERE = [(401, "HeaderNotFound"), (403, "InsufficientPermissions"), (429, "TooManyRequests")]
WITH_BODY = [name for name, operation in PLATFORM.items() if operation.key is not None]
every_operation = pytest.mark.parametrize("name", PLATFORM)


async def failure(name, response, **options):
    """Return what an operation raises for an answer, and the transport."""
    transport, api = scripted(response, **options)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the callers look at it
        await PLATFORM[name].call(api)
    return caught.value, transport


@every_operation
async def test_every_operation_sends_what_its_page_says(name):
    _, transport = await failure(name, refusal(404))

    operation, (request,) = PLATFORM[name], transport.requests
    assert transport.lines == [f"{operation.method} {operation.url}"]
    assert transport.bodies == [operation.body]
    assert dict(request.headers) == {
        "Accept": f"application/vnd.bentley.itwin-platform.v{operation.version}+json",
        "Authorization": "Bearer token",
        **({"Content-Type": "application/json"} if operation.body is not None else {}),
        **({"Prefer": operation.prefer} if operation.prefer is not None else {}),
    }


@every_operation
async def test_a_documented_refusal_is_its_exception(name):
    for status, code in [*EVERYWHERE, *PLATFORM_REFUSALS[name]]:
        error, _ = await failure(name, refusal(status, code, "Some text."), retry=ONCE)

        assert type(error) is CLASSES[status]
        assert (error.status, error.code, error.message) == (status, code, "Some text.")
        assert (error.method, error.url) == (PLATFORM[name].method, PLATFORM[name].url)


@every_operation
async def test_a_refusal_without_an_error_object_keeps_its_status(name):
    for body in (b"", b"<html>Bad Gateway</html>", b'{"error":'):
        error, _ = await failure(name, Response(status=502, body=body), retry=ONCE)

        assert (type(error), error.status, error.code) == (ServerError, 502, None)


@each("name", [name for name in PLATFORM if PLATFORM[name].method in {"POST", "PATCH"}])
async def test_what_is_not_idempotent_is_not_repeated_when_its_answer_is_lost(name):
    error, transport = await failure(name, lost(PLATFORM[name].method))

    assert (type(error), len(transport.sent)) == (ConnectionLostError, 1)


@every_operation
async def test_a_status_that_the_operation_does_not_have_is_a_protocol_error(name):
    for status in {200, 201, 202, 204, 302} - {PLATFORM[name].status}:
        error, transport = await failure(name, Response(status=status, body=b"<html>Sign in to the network</html>"))

        assert type(error) is ProtocolError
        assert f"answered {status}, and the operation has {PLATFORM[name].status} only" in str(error)
        assert len(transport.sent) == 1


@each("name", WITH_BODY)
async def test_an_odd_body_is_a_decode_error_that_names_the_request(name):
    operation = PLATFORM[name]
    for body in (b"", b"<!DOCTYPE html><h1>Sign in</h1>", b'{"file": {"id"', b"\xff\xfe", b"[]", b"null", b'"text"'):
        error, transport = await failure(name, Response(status=operation.status, body=body))

        assert (type(error), error.source) == (DecodeError, f"{operation.method} {operation.url}")
        assert len(transport.sent) == 1


@each("name", WITH_BODY)
async def test_an_entity_or_a_list_of_the_wrong_kind_is_a_decode_error_that_names_its_path(name):
    operation = PLATFORM[name]
    for value in (None, "text", 7, {} if operation.many else []):
        error, _ = await failure(name, answer(operation.status, {operation.key: value}))

        expected = "expected an array" if operation.many else "expected an object"
        assert (type(error), error.path, error.problem) == (DecodeError, f"$.{operation.key}", expected)


@each("name", [name for name in WITH_BODY if PLATFORM[name].named])
async def test_an_entity_without_a_proper_id_is_a_decode_error_that_names_its_path(name):
    operation = PLATFORM[name]
    where = f"$.{operation.key}[1].id" if operation.many else f"$.{operation.key}.id"
    for entity, problem in (({"displayName": "x"}, "is missing"), ({"id": 7}, "expected a string")):
        value = [{"id": "1"}, entity] if operation.many else entity
        error, _ = await failure(name, answer(operation.status, {operation.key: value}))

        assert (error.path, error.problem) == (where, problem)


@each("name", [name for name in PLATFORM if PLATFORM[name].status == 204])
async def test_the_body_of_an_answer_without_content_does_not_matter(name):
    for odd in (answer(204), answer(204, []), Response(status=204, body=b"<html>")):
        _, api = scripted(odd)

        assert await PLATFORM[name].call(api) is None
